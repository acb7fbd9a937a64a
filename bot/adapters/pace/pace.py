"""Who waits for a place is served in the order of asking."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

from limits.aio.storage import MemoryStorage

from bot.adapters.pace.lessons import Remembered
from bot.adapters.pace.window import Window

Sleep = Callable[[float], Awaitable[object]]

# A clock may be set anew while somebody sleeps, and a pause may be long: look again by then.
_LONGEST_SLEEP = 60.0


class Places(Protocol):
    """Where places are taken: a window, or one that stands in for another."""

    @property
    def per_minute(self) -> float:
        """The limit that was set or learned; infinite while none is known."""
        ...

    async def take(self) -> float:
        """Take a place and give 0, or give the seconds until there may be one."""
        ...

    async def refused(self, seconds: float) -> None:
        """The server refused a call and asked for a pause."""
        ...


class ImagePace:
    """Lets no more images through than there are places, in the order of asking."""

    def __init__(self, places: Places, *, sleep: Sleep = asyncio.sleep) -> None:
        self._places = places
        self._sleep = sleep
        self._turn = asyncio.Lock()  # wakes its waiters in order
        self._free_at = 0.0

    async def acquire(self) -> None:
        """Wait for a place, and take it; being cancelled while waiting takes none."""
        async with self._turn:
            while (wait := await self._places.take()) > 0:
                self._free_at = time.time() + wait
                await self._sleep(min(wait, _LONGEST_SLEEP))

    async def slow_down(self, seconds: float) -> None:
        """The server refused a call: give no place for so many seconds, and learn its limit."""
        await self._places.refused(seconds)

    @property
    def wait(self) -> float:
        """Seconds until the next place, while somebody waits for one; else 0."""
        return max(self._free_at - time.time(), 0.0) if self._turn.locked() else 0.0

    @property
    def per_minute(self) -> float:
        """The limit that was set or learned; infinite while none is known."""
        return self._places.per_minute


def local_pace(per_minute: int | None, *, sleep: Sleep = asyncio.sleep) -> ImagePace:
    """The pace of this process alone; None means that the server's refusals teach the limit."""
    return ImagePace(Window(MemoryStorage(), Remembered(), per_minute), sleep=sleep)
