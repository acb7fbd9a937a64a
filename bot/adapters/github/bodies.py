"""Files on their way to GitHub, a piece at a time: an archive of pictures is larger than a bot."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

_PIECE = 3 * 256 * 1024  # a multiple of three: so cut, base64 has no padding in between
_BEFORE, _AFTER = b'{"encoding":"base64","content":"', b'"}'


@dataclass(frozen=True, slots=True)
class Body:
    """The bytes of a request, read anew each time that it is sent."""

    length: int
    pieces: Callable[[], AsyncIterator[bytes]]


async def plain(file: Path) -> Body:
    """The file as it is."""
    stat = await asyncio.to_thread(file.stat)
    return Body(stat.st_size, lambda: _read(file))


async def blob(file: Path) -> Body:
    """The JSON in which the Git database takes a file.

    Source: https://docs.github.com/rest/git/blobs#create-a-blob
    """
    stat = await asyncio.to_thread(file.stat)
    encoded = 4 * ((stat.st_size + 2) // 3)
    return Body(len(_BEFORE) + encoded + len(_AFTER), lambda: _wrapped(file))


async def _read(file: Path) -> AsyncIterator[bytes]:
    opened = await asyncio.to_thread(file.open, "rb")
    with opened:
        while piece := await asyncio.to_thread(opened.read, _PIECE):
            yield piece


async def _wrapped(file: Path) -> AsyncIterator[bytes]:
    yield _BEFORE
    async for piece in _read(file):
        yield b64encode(piece)
    yield _AFTER
