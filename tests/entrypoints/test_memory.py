"""A process that keeps running holds no memory that it does not use."""

import asyncio
import sys

import pytest

from bot.entrypoints import memory
from tests.crash.soak import resident

_BLOCK, _BLOCKS = 64, 1024  # kB; smaller than what glibc maps on its own: 64 MB of its heap


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's heap")
async def test_what_lies_free_between_what_stays_is_given_back() -> None:
    blocks = [bytearray(b"x") * (1024 * _BLOCK) for _ in range(_BLOCKS)]
    full = resident("self")
    staying = blocks[::64]
    blocks.clear()
    async with memory.tended(every=0), asyncio.timeout(30):
        while full - resident("self") < _BLOCK * _BLOCKS / 2:
            await asyncio.sleep(0)
    assert len(staying) == _BLOCKS / 64
