"""When something is done, and how fast."""

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from bot.core.run import RunView

Clock = Callable[[], datetime]


class Task(StrEnum):
    INTAKE = "intake"
    RUN = "run"
    DELIVER = "deliver"


class Scheduler(Protocol):
    async def schedule(self, task: Task, subject: str) -> None:
        """See that the task is done, now or later, at least once; may be lost, never believed."""
        ...


class Pace(Protocol):
    """How fast images may be asked for; shared by everything that uses the same key."""

    async def acquire(self) -> None:
        """Wait for a place."""
        ...

    async def slow_down(self, seconds: float) -> None:
        """The server asked for a pause; never fails, and takes a second at most."""
        ...


Watch = Callable[[RunView], None]
"""Told what a run has come to, again and again, and at its end; must return at once."""
