"""PNG: a signature and chunks, of which some hold text (W3C PNG, sections 5 and 11.3.3)."""

import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO

from bot.adapters.pictures.formats import PictureError, Piece, Span, end_of, read_exactly
from bot.core.catalog import Size
from bot.core.said import said

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_FRAME = 12  # length, kind and checksum around each chunk's data
_TEXT, _UNICODE = b"tEXt", b"iTXt"
_PIXELS = frozenset({b"IDAT", b"IEND"})
_UNCOMPRESSED = b"\0\0"
_LONGEST_TEXT = 1024 * 1024
_LONGEST_KEYWORD = 79


@dataclass(frozen=True, slots=True)
class Chunk:
    """A chunk of the kind, whose frame begins at `start`; `length` is that of its data."""

    kind: bytes
    start: int
    length: int

    @property
    def span(self) -> Span:
        """The whole chunk."""
        return Span(self.start, self.length + _FRAME)


def size(file: BinaryIO) -> Size:
    """Width and height, as the header claims them; raises PictureError."""
    first = next(_chunks(file))
    file.seek(first.start + 8)
    return Size(*struct.unpack(">II", read_exactly(file, 8)))


def texts(file: BinaryIO) -> Iterator[tuple[str, str]]:
    """The texts by keyword, without compressed ones; raises PictureError.

    Those of other programs may stand behind the pixels.
    """
    for chunk in _chunks(file, frozenset({b"IEND"})):
        if chunk.kind in {_TEXT, _UNICODE} and chunk.length <= _LONGEST_TEXT:
            keyword, _, rest = _data(file, chunk).partition(b"\0")
            if (text := _text(chunk.kind, rest)) is not None:
                yield keyword.decode("latin-1"), text


def with_texts(file: BinaryIO, new: Mapping[str, str]) -> Iterator[Piece]:
    """The file with these texts behind its header, in place of those with the same keywords.

    In front of the pixels they are found without reading these.
    """
    yield _SIGNATURE
    for chunk in _chunks(file):
        if chunk.kind in _PIXELS:
            yield Span(chunk.start, end_of(file) - chunk.start)
        elif _keyword(file, chunk) not in new:
            yield chunk.span
        if chunk.kind == b"IHDR":
            yield from (_chunk(keyword, text) for keyword, text in new.items())


def _chunks(file: BinaryIO, last: frozenset[bytes] = _PIXELS) -> Iterator[Chunk]:
    """The chunks as far as the first of these kinds: without pixels, if nobody asks for more."""
    start, kind = len(_SIGNATURE), b""
    while kind not in last:
        file.seek(start)
        length, kind = struct.unpack(">I4s", read_exactly(file, 8))
        if start == len(_SIGNATURE) and (kind, length) != (b"IHDR", 13):
            raise PictureError(said("has no PNG header"))
        yield Chunk(kind, start, length)
        start += length + _FRAME


def _keyword(file: BinaryIO, chunk: Chunk) -> str | None:
    if chunk.kind not in {_TEXT, _UNICODE, b"zTXt"}:
        return None
    file.seek(chunk.start + 8)
    head = file.read(min(chunk.length, _LONGEST_KEYWORD + 1))
    return head.partition(b"\0")[0].decode("latin-1")


def _data(file: BinaryIO, chunk: Chunk) -> bytes:
    file.seek(chunk.start + 8)
    data, checksum = read_exactly(file, chunk.length), read_exactly(file, 4)
    if zlib.crc32(chunk.kind + data) != int.from_bytes(checksum, "big"):
        raise PictureError(said("has a damaged text"))
    return data


def _text(kind: bytes, data: bytes) -> str | None:
    if kind == _TEXT:
        return data.decode("latin-1")
    if not data.startswith(_UNCOMPRESSED):
        return None
    _language, _, rest = data[2:].partition(b"\0")
    _keyword_in_it, _, text = rest.partition(b"\0")
    return text.decode("utf-8", "replace")


def _chunk(keyword: str, text: str) -> bytes:
    """Plain text where that is enough: more programs show it."""
    plain, name = text.replace("\0", ""), keyword.encode("latin-1") + b"\0"
    if plain.isascii():
        kind, data = _TEXT, name + plain.encode()
    else:
        kind, data = _UNICODE, name + _UNCOMPRESSED + b"\0\0" + plain.encode()
    return struct.pack(">I", len(data)) + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")
