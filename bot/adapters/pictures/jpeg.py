"""JPEG: segments behind markers (ITU T.81, annex B), of which one holds EXIF (CIPA DC-008)."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from bot.adapters.pictures.formats import PictureError, Piece, Span, end_of, read_exactly
from bot.core.catalog import Size
from bot.core.said import said

_START = b"\xff\xd8"
_EXIF = b"Exif\0\0"
_APP0, _APP1, _SOS, _EOI = 0xE0, 0xE1, 0xDA, 0xD9
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
MOST_EXIF = 0xFFFF - 2 - len(_EXIF)
"""Bytes that fit in the one segment that EXIF may have."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A marker at `start`; `length` is that of the data behind its four bytes."""

    marker: int
    start: int
    length: int

    @property
    def span(self) -> Span:
        """The whole segment."""
        return Span(self.start, self.length + 4)


def size(file: BinaryIO) -> Size:
    """Width and height, as the frame's header claims them; raises PictureError."""
    for segment in _segments(file):
        if segment.marker in _FRAMES:
            _precision, height, width = struct.unpack(">BHH", _data(file, segment, 5))
            return Size(width, height)
    raise PictureError(said("has no JPEG header"))


def exif(file: BinaryIO) -> bytes | None:
    """The EXIF block, if it has one; raises PictureError."""
    found = next((each for each in _segments(file) if _holds_exif(file, each)), None)
    return _data(file, found, found.length)[len(_EXIF) :] if found else None


def with_exif(file: BinaryIO, block: bytes) -> Iterator[Piece]:
    """The file with this EXIF block in place of its own; at most MOST_EXIF bytes.

    Both JFIF and EXIF want to be first; JFIF is let have it, as most programs do.
    """
    yield _START
    missing = struct.pack(">BBH", 0xFF, _APP1, len(_EXIF) + len(block) + 2) + _EXIF + block
    for segment in _segments(file):
        if missing and segment.marker != _APP0:
            yield missing
            missing = b""
        if segment.marker in {_SOS, _EOI}:
            yield Span(segment.start, end_of(file) - segment.start)
        elif not _holds_exif(file, segment):
            yield segment.span


def _segments(file: BinaryIO) -> Iterator[Segment]:
    """The segments as far as the first one of pixels."""
    place, marker = len(_START), 0
    while marker not in {_SOS, _EOI}:
        start, marker = _marker(file, place)
        length = 0 if marker == _EOI else int.from_bytes(read_exactly(file, 2), "big") - 2
        if length < 0:
            raise PictureError(said("has a damaged JPEG header"))
        yield Segment(marker, start, length)
        place = start + 4 + length


def _marker(file: BinaryIO, place: int) -> tuple[int, int]:
    """Where a marker begins, and its code; any number of FF may fill the space before it."""
    file.seek(place)
    if read_exactly(file, 1) != b"\xff":
        raise PictureError(said("has a damaged JPEG header"))
    code = read_exactly(file, 1)
    while code == b"\xff":
        code = read_exactly(file, 1)
    return file.tell() - 2, code[0]


def _holds_exif(file: BinaryIO, segment: Segment) -> bool:
    if segment.marker != _APP1 or segment.length < len(_EXIF):
        return False
    return _data(file, segment, len(_EXIF)) == _EXIF


def _data(file: BinaryIO, segment: Segment, length: int) -> bytes:
    file.seek(segment.start + 4)
    return read_exactly(file, length)
