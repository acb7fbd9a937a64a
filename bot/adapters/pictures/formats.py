"""The three formats of pictures, and the pieces that a new file is made of."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import BinaryIO, TypeAlias

from bot.core.errors import GptimageError
from bot.core.said import said

_PIECE = 1024 * 1024


class PictureError(GptimageError):
    """The file is no picture that can be used; the text says why, without the file's name."""


class Format(StrEnum):
    PNG = "png"
    JPEG = "jpeg"
    WEBP = "webp"

    @property
    def media_type(self) -> str:
        """As in `Content-Type`."""
        return f"image/{self}"


@dataclass(frozen=True, slots=True)
class Span:
    """A part of the source file, which is copied as it is."""

    start: int
    length: int


Piece: TypeAlias = bytes | Span


def sniff(file: BinaryIO) -> Format:
    """The format by content, whatever the name says; PictureError for any other."""
    file.seek(0)
    match file.read(12):
        case head if head.startswith(b"\x89PNG\r\n\x1a\n"):
            return Format.PNG
        case head if head.startswith(b"\xff\xd8\xff"):
            return Format.JPEG
        case head if head.startswith(b"RIFF") and head.endswith(b"WEBP"):
            return Format.WEBP
        case _:
            raise PictureError(said("is neither a PNG, a JPEG nor a WebP picture"))


def read_exactly(file: BinaryIO, length: int) -> bytes:
    """The next bytes, all of them; PictureError if the file has fewer."""
    data = file.read(length)
    if len(data) < length:
        raise PictureError(said("ends too early"))
    return data


def end_of(file: BinaryIO) -> int:
    """The file's length in bytes."""
    return file.seek(0, 2)


def assemble(pieces: Iterable[Piece], source: BinaryIO, target: BinaryIO) -> None:
    """Write the pieces one behind the other, in little memory."""
    for piece in pieces:
        match piece:
            case bytes():
                target.write(piece)
            case Span():
                _copy(piece, source, target)


def _copy(span: Span, source: BinaryIO, target: BinaryIO) -> None:
    """The pieces may be found while they are written, so the place is sought each time."""
    source.seek(span.start)
    lengths = (min(_PIECE, span.length - done) for done in range(0, span.length, _PIECE))
    target.writelines(read_exactly(source, length) for length in lengths)
