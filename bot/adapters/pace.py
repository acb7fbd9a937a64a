"""How fast images may be asked for."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable

_MINUTE = 60.0


class ImagePace:
    """Lets at most `per_minute` images through in any 60 seconds, in the order of asking.

    It is a bucket whose tokens return a minute after each was taken. One that refills evenly
    would let twice the limit through in its first minute. None means no limit; a pause that the
    server asked for is kept in any case. `now` counts seconds.
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
        self._taken: deque[float] = deque(maxlen=per_minute or 0)
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
        """Give no place for so many seconds; a longer pause stays."""
        self._resume_at = max(self._resume_at, self._now() + seconds)

    def _free_at(self) -> float:
        full = self._taken and len(self._taken) == self._taken.maxlen
        return max(self._resume_at, self._taken[0] + _MINUTE) if full else self._resume_at
