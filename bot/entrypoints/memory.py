"""The memory of a process that keeps running: what it gives back, and what it keeps."""

import ctypes
import gc
import sys
from contextlib import suppress

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


def keep() -> None:
    """Leave what is there at the start out of the collector's looks, which hold up every answer."""
    gc.collect()
    gc.freeze()
