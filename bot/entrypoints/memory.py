"""The memory of a process that keeps running: what it gives back, and when."""

import asyncio
import ctypes
import gc
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

# Source: glibc's malloc.h, mallopt(3).
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
_ARENAS = 2
# More than the 256 KiB that asyncio sets aside for each read of a socket.
_LARGE = 512 * 1024
_LEFT_AT_TOP = 1024 * 1024


def give_back() -> None:
    """Let glibc return the memory of pictures to the system; elsewhere nothing happens.

    By default each thread gets an arena, up to eight for a core, and each keeps the most that it
    ever needed. Large blocks would go the same way once the first of them has been freed.
    """
    if sys.platform != "linux":
        return
    with suppress(OSError, AttributeError):  # musl has no such call, and no such need
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_ARENA_MAX, _ARENAS)
        mallopt(_M_MMAP_THRESHOLD, _LARGE)
        mallopt(_M_TRIM_THRESHOLD, _LEFT_AT_TOP)


@asynccontextmanager
async def tended(every: float = 5.0) -> AsyncIterator[None]:
    """Keep the process small for the block: what lies free is given back every so many seconds.

    What is there at the start stays out of the collector's looks, which hold up every answer.
    """
    gc.collect()
    gc.freeze()
    giving = asyncio.create_task(_give_back_again_and_again(every))
    try:
        yield
    finally:
        giving.cancel()
        await asyncio.wait([giving])


async def _give_back_again_and_again(every: float) -> None:
    # Of its own accord glibc returns only what lies free at the end of its heap: behind one small
    # block that stays, each busy moment leaves some pages, and the process grows though it holds
    # no more. This takes about a millisecond.
    with suppress(OSError, AttributeError):
        trim = ctypes.CDLL(None).malloc_trim
        while True:
            trim(0)
            await asyncio.sleep(every)
