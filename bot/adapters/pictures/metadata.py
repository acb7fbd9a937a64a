"""What made a picture, written into its file and read back; the pixels stay as they came."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO

from pydantic import TypeAdapter, ValidationError

from bot.adapters.pictures import exif, jpeg, png, webp
from bot.adapters.pictures.formats import Format, PictureError, Piece, assemble, sniff
from bot.adapters.pictures.whole import whole
from bot.core.said import said

_KEYWORD = "gptimage"
_BEFORE, _AFTER = f'{{"{_KEYWORD}":', "}"
# What programs show under the picture; the whole prompt is in the record.
_DESCRIPTION = 1_000
_CUT = "..."  # ASCII: another sign would double the length of an English prompt in EXIF


class Level(StrEnum):
    """How much is told: the kind of picture; what a person asked for; all that is known."""

    MINIMAL = "minimal"
    STANDARD = "standard"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Metadata:
    """What is known of a picture; None where it is not told.

    `created` has a time zone, `cost_usd` is exact, `job` and `sample` count from 0 in the batch.
    """

    tool: str
    model: str
    created: datetime
    prompt: str | None = None
    size: str | None = None
    quality: str | None = None
    run_id: str | None = None
    version: str | None = None
    request_id: str | None = None
    cost_usd: Decimal | None = None
    job: int | None = None
    sample: int | None = None
    parameters: Mapping[str, str | int | tuple[str, ...]] | None = field(default=None, hash=False)

    def at(self, level: Level) -> "Metadata":
        """What a level tells of it."""
        untold: dict[str, Any] = dict.fromkeys(_ALL - _LEVELS[level])
        return replace(self, **untold)


_ALL = frozenset(each.name for each in fields(Metadata))
_MINIMAL = frozenset({"tool", "model", "created"})
_LEVELS: Mapping[Level, frozenset[str]] = {
    Level.MINIMAL: _MINIMAL,
    Level.STANDARD: _MINIMAL | {"prompt", "size", "quality", "run_id"},
    Level.FULL: _ALL,
}
_RECORD = TypeAdapter(Metadata)


def embed(source: Path, target: Path, metadata: Metadata, level: Level) -> None:
    """Write the picture with its metadata to `target`, whole or not at all.

    The same picture and metadata give the same bytes. A JPEG has room for 64 KB: a longer prompt
    is cut at its end. Raises PictureError if the source is no sound picture, and OSError.
    """
    told = metadata.at(level)
    with whole(target) as partial, source.open("rb") as file, partial.open("xb") as new:
        assemble(_pieces(file, told), file, new)


def read(path: Path) -> Metadata | None:
    """What `embed` wrote, or None; raises PictureError if it cannot be read, and OSError."""
    with path.open("rb") as file:
        text = _record_in(file)
    if text is None or not text.startswith(_BEFORE):
        return None
    try:
        return _RECORD.validate_json(text[len(_BEFORE) : -len(_AFTER)], strict=True)
    except (ValidationError, UnicodeEncodeError):
        raise PictureError(said("has damaged metadata")) from None


def _record_in(file: BinaryIO) -> str | None:
    match sniff(file):
        case Format.PNG:
            return next((text for keyword, text in png.texts(file) if keyword == _KEYWORD), None)
        case Format.JPEG:
            block = jpeg.exif(file)
        case Format.WEBP:
            block = webp.exif(file)
    return exif.comment(block) if block else None


def _record(metadata: Metadata) -> str:
    return _BEFORE + _RECORD.dump_json(metadata, exclude_none=True).decode() + _AFTER


def _pieces(file: BinaryIO, metadata: Metadata) -> Iterator[Piece]:
    match sniff(file):
        case Format.PNG:
            return png.with_texts(file, _texts(metadata))
        case Format.JPEG:
            return jpeg.with_exif(file, _fitting(metadata, jpeg.exif(file), jpeg.MOST_EXIF))
        case Format.WEBP:
            return webp.with_exif(file, _block(metadata, webp.exif(file)))


def _texts(metadata: Metadata) -> dict[str, str]:
    """The record, and what other programs look for (W3C PNG, section 11.3.3.1)."""
    known = {
        "Software": metadata.tool,
        "Creation Time": metadata.created.isoformat(),
        "Description": _description(metadata),
        _KEYWORD: _record(metadata),
    }
    return {keyword: text for keyword, text in known.items() if text}


def _block(metadata: Metadata, old: bytes | None) -> bytes:
    known = {
        exif.SOFTWARE: metadata.tool,
        exif.DATE_TIME: metadata.created.strftime("%Y:%m:%d %H:%M:%S"),
        exif.DESCRIPTION: _description(metadata),
    }
    texts = {tag: text for tag, text in known.items() if text}
    return exif.with_words(old, _record(metadata), texts)


def _description(metadata: Metadata) -> str:
    return (metadata.prompt or "")[:_DESCRIPTION]


def _fitting(metadata: Metadata, old: bytes | None, room: int) -> bytes:
    """The block, of a prompt that is cut where it would be too long otherwise."""
    whole_block = _block(metadata, old)
    if len(whole_block) <= room:
        return whole_block

    def cut(length: int) -> bytes:
        return _block(replace(metadata, prompt=(metadata.prompt or "")[:length] + _CUT), old)

    lengths = range(len(metadata.prompt or ""))
    fitting = bisect_right(lengths, room, key=lambda length: len(cut(length)))
    if not fitting:
        raise PictureError(said("has no room for more metadata"))
    return cut(fitting - 1)
