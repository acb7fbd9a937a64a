"""What the server's refusals have taught, for one process or for all that use the same key."""

from dataclasses import dataclass, replace
from math import inf
from typing import Protocol

# What was learned may have been another program's load: one more from time to time.
_TRY_MORE = 600.0


@dataclass(frozen=True, slots=True)
class Lesson:
    """Until when the server wants peace, and how many images a minute it took; Unix times."""

    resume_at: float = 0.0
    per_minute: float = inf
    learned_at: float = 0.0

    def limit_at(self, now: float) -> float:
        """What may be tried by now."""
        return self.per_minute + max(now - self.learned_at, 0) // _TRY_MORE


class Lessons(Protocol):
    async def read(self) -> Lesson:
        """All that was learned."""
        ...

    async def pause(self, until: float) -> None:
        """Give no place before that time; a longer pause stays."""
        ...

    async def learn(self, per_minute: float, now: float) -> None:
        """The server took so many in the minute before `now`."""
        ...


class Remembered:
    """The lessons of this process."""

    def __init__(self) -> None:
        self._lesson = Lesson()

    async def read(self) -> Lesson:
        """All that was learned."""
        return self._lesson

    async def pause(self, until: float) -> None:
        """Give no place before that time; a longer pause stays."""
        self._lesson = replace(self._lesson, resume_at=max(until, self._lesson.resume_at))

    async def learn(self, per_minute: float, now: float) -> None:
        """The server took so many in the minute before `now`."""
        self._lesson = replace(self._lesson, per_minute=per_minute, learned_at=now)
