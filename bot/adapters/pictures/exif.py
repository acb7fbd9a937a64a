"""EXIF: a small TIFF file within a picture (TIFF 6.0, section 2; CIPA DC-008, section 4.6).

Its directories point to their values by place. So new directories are written behind what is
there, and everything else stays where it is: cameras' own notes survive.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass

from bot.adapters.pictures.formats import PictureError
from bot.core.said import said

DESCRIPTION, SOFTWARE, DATE_TIME = 0x010E, 0x0131, 0x0132
_DETAILS, _VERSION, _COMMENT = 0x8769, 0x9000, 0x9286
_ASCII, _LONG, _UNDEFINED = 2, 4, 7
_EMPTY = struct.pack("<2sHIHI", b"II", 42, 8, 0, 0)
_PLAIN_CODE, _UNICODE_CODE = b"ASCII\0\0\0", b"UNICODE\0"
_ORDERS = {b"II": "<", b"MM": ">"}
_INLINE = 4


@dataclass(frozen=True, slots=True)
class _Directory:
    """Raw entries by tag (type, count, value or its place), and where the next one is."""

    entries: dict[int, bytes]
    next: int = 0


def comment(block: bytes) -> str | None:
    """The user's comment, if there is one that can be read; raises PictureError."""
    order = _order(block)
    entry = _details(block, order).entries.get(_COMMENT)
    if entry is None:
        return None
    _kind, count, place = struct.unpack(f"{order}HII", entry)
    code, text = block[place : place + 8], block[place + 8 : place + count]
    match code:
        case b"ASCII\0\0\0":
            return text.decode("ascii", "replace")
        case b"UNICODE\0":
            return text.decode(_utf16(order), "replace")
        case _:
            return None


def text(block: bytes, tag: int) -> str | None:
    """The text under a tag, if there is one; raises PictureError."""
    order = _order(block)
    entry = _root(block, order).entries.get(tag)
    if entry is None:
        return None
    kind, count, place = struct.unpack(f"{order}HII", entry)
    if kind != _ASCII or count <= _INLINE:
        return None
    # Strictly ASCII, but UTF-8 is what programs write and show.
    return block[place : place + count].rstrip(b"\0").decode("utf-8", "replace")


def with_words(old: bytes | None, texts: Mapping[int, str], words: str | None) -> bytes:
    """The block (a new one for None) with texts by their tag, and with a user's comment.

    The texts stand first: some readers look at the beginning only.
    """
    given = old or _EMPTY
    order = _order(given)
    root = _root(given, order)
    block = _Writer(given, order)
    for tag, each in texts.items():
        root.entries[tag] = block.entry(_ASCII, each.replace("\0", "").encode() + b"\0")
    if words is not None:
        details = _details(given, order)
        details.entries.setdefault(_VERSION, block.entry(_UNDEFINED, b"0232"))
        details.entries[_COMMENT] = block.entry(_UNDEFINED, _coded(words, order))
        root.entries[_DETAILS] = block.pointer(block.directory(details))
    return block.finished(block.directory(root))


class _Writer:
    """A block that grows at its end."""

    def __init__(self, block: bytes, order: str) -> None:
        self._block = bytearray(block)
        self._order = order

    def entry(self, kind: int, data: bytes) -> bytes:
        """A directory's entry for these bytes."""
        value = (
            data.ljust(_INLINE, b"\0")
            if len(data) <= _INLINE
            else self._pack("I", self._append(data))
        )
        return self._pack("HI", kind, len(data)) + value

    def pointer(self, place: int) -> bytes:
        """A directory's entry that points to another directory."""
        return self._pack("HII", _LONG, 1, place)

    def directory(self, directory: _Directory) -> int:
        """Write a directory, its tags in rising order; gives its place."""
        entries = sorted(directory.entries.items())
        rows = b"".join(self._pack("H", tag) + entry for tag, entry in entries)
        return self._append(self._pack("H", len(entries)) + rows + self._pack("I", directory.next))

    def finished(self, root: int) -> bytes:
        """The block, with its first directory there."""
        return bytes(self._block[:4]) + self._pack("I", root) + bytes(self._block[8:])

    def _append(self, data: bytes) -> int:
        self._block += b"\0" * (len(self._block) % 2)  # places are even
        place = len(self._block)
        self._block += data
        return place

    def _pack(self, layout: str, *values: int) -> bytes:
        return struct.pack(self._order + layout, *values)


def _order(block: bytes) -> str:
    order = _ORDERS.get(block[:2])
    if (
        order is None
        or len(block) < len(_EMPTY)
        or struct.unpack_from(f"{order}H", block, 2) != (42,)
    ):
        raise PictureError(said("has damaged metadata"))
    return order


def _root(block: bytes, order: str) -> _Directory:
    return _directory(block, order, *struct.unpack_from(f"{order}I", block, 4))


def _details(block: bytes, order: str) -> _Directory:
    entry = _root(block, order).entries.get(_DETAILS)
    if entry is None:
        return _Directory({})
    return _directory(block, order, *struct.unpack_from(f"{order}I", entry, 6))


def _directory(block: bytes, order: str, place: int) -> _Directory:
    try:
        (count,) = struct.unpack_from(f"{order}H", block, place)
        rows = [struct.unpack_from(f"{order}H10s", block, place + 2 + 12 * n) for n in range(count)]
        (following,) = struct.unpack_from(f"{order}I", block, place + 2 + 12 * count)
    except struct.error:
        raise PictureError(said("has damaged metadata")) from None
    return _Directory(dict(rows), following)


def _coded(words: str, order: str) -> bytes:
    if words.isascii():
        return _PLAIN_CODE + words.encode()
    return _UNICODE_CODE + words.encode(_utf16(order))


def _utf16(order: str) -> str:
    return "utf-16-le" if order == "<" else "utf-16-be"
