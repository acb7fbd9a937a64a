"""WebP: chunks in a RIFF container (RFC 9649, section 2)."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from bot.adapters.pictures.formats import PictureError, Piece, Span, end_of, read_exactly
from bot.core.catalog import Size
from bot.core.said import said

_HEADER = 12
_EXTENDED, _LOSSY, _LOSSLESS, _EXIF = b"VP8X", b"VP8 ", b"VP8L", b"EXIF"
_HAS_EXIF, _HAS_ALPHA = 0x08, 0x10
_LONGEST_EXIF = 1024 * 1024
# Some programs keep the name that EXIF has in JPEG, though it does not belong here.
_JPEG_NAME = b"Exif\0\0"


@dataclass(frozen=True, slots=True)
class Chunk:
    """A chunk that begins at `start`; `length` is that of its data, without padding."""

    kind: bytes
    start: int
    length: int

    @property
    def span(self) -> Span:
        """The whole chunk; its data is padded to an even length."""
        return Span(self.start, 8 + self.length + self.length % 2)


@dataclass(frozen=True, slots=True)
class _Canvas:
    size: Size
    flags: int


def size(file: BinaryIO) -> Size:
    """Width and height of the canvas, as the header claims them; raises PictureError."""
    return _canvas(file).size


def exif(file: BinaryIO) -> bytes | None:
    """The EXIF block, if it has one; raises PictureError."""
    found = next((each for each in _chunks(file) if each.kind == _EXIF), None)
    if found is None:
        return None
    if found.length > _LONGEST_EXIF:
        raise PictureError(said("has more metadata than can be read"))
    return _data(file, found, found.length).removeprefix(_JPEG_NAME)


def with_exif(file: BinaryIO, block: bytes) -> Iterator[Piece]:
    """The file with this EXIF block in place of its own; raises PictureError.

    What is behind the container's end is left out.
    """
    canvas = _canvas(file)
    head = _extended(_Canvas(canvas.size, canvas.flags | _HAS_EXIF))
    tail = _EXIF + struct.pack("<I", len(block)) + block + b"\0" * (len(block) % 2)
    length = 4 + len(head) + sum(each.span.length for each in _kept(file)) + len(tail)
    yield b"RIFF" + struct.pack("<I", length) + b"WEBP" + head
    yield from (chunk.span for chunk in _kept(file))
    yield tail


def _kept(file: BinaryIO) -> Iterator[Chunk]:
    return (chunk for chunk in _chunks(file) if chunk.kind not in {_EXTENDED, _EXIF})


def _chunks(file: BinaryIO) -> Iterator[Chunk]:
    file.seek(4)
    (length,) = struct.unpack("<I", read_exactly(file, 4))
    start, end = _HEADER, length + 8
    if end > end_of(file):
        raise PictureError(said("ends too early"))
    while start < end:
        file.seek(start)
        kind, size_of_data = struct.unpack("<4sI", read_exactly(file, 8))
        chunk = Chunk(kind, start, size_of_data)
        start += chunk.span.length
        if start > end:
            raise PictureError(said("has a damaged WebP container"))
        yield chunk


def _canvas(file: BinaryIO) -> _Canvas:
    first = next(_chunks(file), None)
    match first and first.kind:
        case b"VP8X":
            return _extended_canvas(_head(file, first, 10))
        case b"VP8 ":
            return _lossy_canvas(_head(file, first, 10))
        case b"VP8L":
            return _lossless_canvas(_head(file, first, 5))
        case _:
            raise PictureError(said("has no WebP header"))


def _extended_canvas(data: bytes) -> _Canvas:
    width, height = (int.from_bytes(data[at : at + 3], "little") + 1 for at in (4, 7))
    return _Canvas(Size(width, height), data[0])


def _lossy_canvas(data: bytes) -> _Canvas:
    """A key frame's header (RFC 6386, section 9.1); the upper two bits of an edge are a scale."""
    if data[3:6] != b"\x9d\x01\x2a":
        raise PictureError(said("has no WebP header"))
    width, height = struct.unpack("<HH", data[6:10])
    return _Canvas(Size(width & 0x3FFF, height & 0x3FFF), 0)


def _lossless_canvas(data: bytes) -> _Canvas:
    """14 bits for each edge less one, and one for alpha (RFC 9649, section 3.4)."""
    bits = int.from_bytes(data[1:5], "little")
    if data[0] != 0x2F:
        raise PictureError(said("has no WebP header"))
    flags = _HAS_ALPHA if bits >> 28 & 1 else 0
    return _Canvas(Size((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1), flags)


def _extended(canvas: _Canvas) -> bytes:
    width, height = (
        (edge - 1).to_bytes(3, "little") for edge in (canvas.size.width, canvas.size.height)
    )
    return _EXTENDED + struct.pack("<II", 10, canvas.flags) + width + height


def _head(file: BinaryIO, chunk: Chunk | None, length: int) -> bytes:
    if chunk is None or chunk.length < length:
        raise PictureError(said("has no WebP header"))
    return _data(file, chunk, length)


def _data(file: BinaryIO, chunk: Chunk, length: int) -> bytes:
    file.seek(chunk.start + 8)
    return read_exactly(file, length)
