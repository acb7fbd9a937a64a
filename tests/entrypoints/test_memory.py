"""A process that keeps running holds no memory that it does not use."""

import asyncio
import sys
from pathlib import Path

import pytest

from bot.entrypoints import memory

_BLOCK, _BLOCKS = 64 * 1024, 1024  # smaller than what glibc maps on its own: 64 MB of its heap


def _resident() -> int:
    """Bytes of this process in memory."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.partition("VmRSS:")[2].split()[0])


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's heap")
async def test_what_lies_free_between_what_stays_is_given_back() -> None:
    blocks = [bytearray(b"x") * _BLOCK for _ in range(_BLOCKS)]
    full = _resident()
    staying = blocks[::64]
    blocks.clear()
    async with memory.tended(every=0), asyncio.timeout(30):
        while full - _resident() < _BLOCK * _BLOCKS / 2:
            await asyncio.sleep(0)
    assert len(staying) == _BLOCKS / 64
