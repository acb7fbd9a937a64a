"""How fast images may be asked for."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from math import inf

_MINUTE = 60.0
_TRY_MORE = 600.0


class ImagePace:
    """Lets at most `per_minute` images through in any 60 seconds, in the order of asking.

    It is a bucket whose tokens return a minute after each was taken. One that refills evenly
    would let twice the limit through in its first minute. None means that no limit is known: then
    the server's refusals teach it. `now` counts seconds.
    """

    def __init__(
        self,
        per_minute: int | None,
        *,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        if per_minute is not None and per_minute < 1:
            raise ValueError(f"images per minute: {per_minute}")
        self._most = per_minute or inf
        self._learned = inf
        self._learned_at = now()
        self._taken: deque[float] = deque()
        self._refused: deque[float] = deque()
        self._resume_at = now()
        self._turn = asyncio.Lock()  # wakes its waiters in order
        self._now = now
        self._sleep = sleep

    async def acquire(self) -> None:
        """Wait for a place, and take it; being cancelled takes none."""
        async with self._turn:
            while (wait := self._free_at() - self._now()) > 0:
                await self._sleep(wait)
            self._taken.append(self._now())

    def slow_down(self, seconds: float) -> None:
        """The server refused a call: give no place for so many seconds, and learn its limit.

        What it did not refuse in the last minute is what it takes in one, or more if the wait that
        it asks for is shorter than that. A longer pause stays.
        """
        now = self._now()
        self._resume_at = max(self._resume_at, now + seconds)
        self._refused.append(now)
        self._forget(now)
        if self._taken:
            accepted = len(self._taken) - len(self._refused)
            self._learned = max(accepted, _MINUTE // max(seconds, 0.001), 1)
            self._learned_at = now

    @property
    def wait(self) -> float:
        """Seconds until the next place, while somebody waits for one; else 0."""
        return max(self._free_at() - self._now(), 0.0) if self._turn.locked() else 0.0

    @property
    def per_minute(self) -> float:
        """The limit that was set or learned; infinite while none is known."""
        return min(self._most, self._learned)

    def _free_at(self) -> float:
        now = self._now()
        self._forget(now)
        self._try_more(now)
        limit = self.per_minute
        if len(self._taken) < limit:
            return self._resume_at
        return max(self._resume_at, self._taken[-int(limit)] + _MINUTE)

    def _forget(self, now: float) -> None:
        for past in (self._taken, self._refused):
            while past and past[0] <= now - _MINUTE:
                past.popleft()

    def _try_more(self, now: float) -> None:
        """What was learned may have been another program's load: one more from time to time."""
        while now - self._learned_at >= _TRY_MORE:
            self._learned += 1
            self._learned_at += _TRY_MORE
