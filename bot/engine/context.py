"""What the work at hand is about, for whoever writes a log line about it."""

from collections.abc import Mapping
from contextvars import ContextVar

from bot.core.run import Thread

_bound: ContextVar[Mapping[str, str | int]] = ContextVar("bound", default={})  # noqa: B039


def bind(**ids: str | int) -> None:
    """Name what this task, and those that it starts, work on from here."""
    _bound.set({**_bound.get(), **ids})


def bind_thread(thread: Thread | None) -> None:
    """Name where on GitHub it is; a run of the command line has no such place."""
    if thread:
        bind(installation=thread.installation, repository=thread.repository, issue=thread.issue)


def bound() -> Mapping[str, str | int]:
    """The names and ids of what this task works on."""
    return _bound.get()
