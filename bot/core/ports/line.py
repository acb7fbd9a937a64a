"""Those who wait for their turn."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from bot.core.ports.outbox import Effect


class Line(Protocol):
    async def length(self, most: int) -> int:
        """How many runs wait for their turn, counted no further than `most`."""
        ...

    async def head(self, most: int) -> Sequence[str]:
        """Ids of those whose turn comes next."""
        ...

    async def say(self, run_id: str, effect: Effect, now: datetime) -> None:
        """Owe it, unless the run waits no more: what is said of it since then is newer."""
        ...
