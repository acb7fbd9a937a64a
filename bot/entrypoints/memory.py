"""The memory of a process that keeps running: what it gives back, and what it keeps."""

import ctypes
import sys
from contextlib import suppress

# Source: glibc's malloc.h, mallopt(3).
_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8
_ARENAS = 2
_LARGE = 256 * 1024


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
