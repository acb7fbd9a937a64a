"""The places of any sixty seconds: `limits` counts them, and refusals teach how many there are."""

import time
from math import inf

from limits.aio.storage import MovingWindowSupport, Storage

from bot.adapters.pace.lessons import Lessons

_MINUTE = 60
_MANY = 10_000  # stands for a limit that is not known: so many calls are remembered
# A server that asks for more is asked again after it; who would wait longer had a wrong clock.
_LONGEST_PAUSE = 4200.0
_LEAST = 0.001  # seconds to wait for a place that is free in this very moment


class Window:
    """At most `per_minute` places in any 60 seconds, and no more than the server is known to take.

    A place returns a minute after it was taken. A bucket that refills evenly would let twice the
    limit through in its first minute. None means that no limit is known: then the server's
    refusals teach it.
    """

    def __init__(
        self, storage: Storage, lessons: Lessons, per_minute: int | None, *, name: str = "images"
    ) -> None:
        if per_minute is not None and per_minute < 1:
            raise ValueError(f"images per minute: {per_minute}")
        if not isinstance(storage, MovingWindowSupport):
            raise TypeError(f"{type(storage).__name__} has no moving window")
        self._storage = storage
        self._lessons = lessons
        self._most = per_minute or inf
        self._limit = self._most
        self._taken, self._refused = f"{name}:taken", f"{name}:refused"

    @property
    def per_minute(self) -> float:
        """The limit that was set or learned, when somebody last asked."""
        return self._limit

    async def take(self) -> float:
        """Take a place and give 0, or give the seconds until there may be one."""
        lesson, now = await self._lessons.read(), time.time()
        self._limit = min(self._most, lesson.limit_at(now))
        if 0 < lesson.resume_at - now <= _LONGEST_PAUSE:
            return lesson.resume_at - now
        places = int(min(self._limit, _MANY))
        if await self._storage.acquire_entry(self._taken, places, _MINUTE):
            return 0.0
        oldest, _ = await self._storage.get_moving_window(self._taken, places, _MINUTE)
        wait = oldest + _MINUTE - time.time()
        if wait > 2 * _MINUTE:  # taken in a time to come: the clock was set back since
            await self._storage.clear(self._taken)
            wait = 0.0
        return max(wait, _LEAST)

    async def note(self) -> None:
        """Count a place that was taken elsewhere."""
        await self._storage.acquire_entry(self._taken, _MANY, _MINUTE)

    async def refused(self, seconds: float) -> None:
        """The server refused a call: give no place for so many seconds, and learn its limit.

        What it did not refuse in the last minute is what it takes in one, or more if the wait that
        it asks for is shorter than that. A longer pause stays.
        """
        now = time.time()
        await self._lessons.pause(now + seconds)
        await self._storage.acquire_entry(self._refused, _MANY, _MINUTE)
        if taken := await self._count(self._taken):
            accepted = taken - await self._count(self._refused)
            self._limit = max(accepted, _MINUTE // max(seconds, 0.001), 1)
            await self._lessons.learn(self._limit, now)

    async def _count(self, key: str) -> int:
        """How many there were in the last minute."""
        _, count = await self._storage.get_moving_window(key, _MANY, _MINUTE)
        return count
