"""What made a picture, written into its file and read back; the pixels stay as they came.

The record is the JSON of the Node tool `openai-gpt-image-batch`: each reads what the other wrote.
"""

import hashlib
import json
import re
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

_KEYWORD = "openai_gpt_image_metadata"
_MARK = "openai_gpt_image_uuid"  # no record is without it
_SOFTWARE = "gptimage"
# What programs show under the picture; the whole prompt is in the record.
_DESCRIPTION = 1_000
_CUT = "..."
_OURS = re.compile(r"([0-9a-f]{10})-[0-9a-f]{10}")


class Level(StrEnum):
    """How much is told: which picture it is; what kind of picture; all that is known.

    People share pictures, so only the last one tells the prompt.
    """

    MINIMAL = "minimal"
    STANDARD = "standard"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Metadata:
    """What is known of a picture; None where it is not told. The Node tool's fields come first.

    `created_at` has a time zone, `cost_usd` is exact, `job` and `sample` count from 0 in the batch.
    """

    openai_gpt_image_uuid: str
    params_hash: str
    tool_name: str | None = None
    model: str | None = None
    created_at: datetime | None = None
    size: str | None = None
    quality: str | None = None
    prompt: str | None = None
    parameters: Mapping[str, Any] | None = field(default=None, hash=False)
    run_id: str | None = None
    job: int | None = None
    sample: int | None = None
    request_id: str | None = None
    cost_usd: Decimal | None = None
    version: str | None = None

    def at(self, level: Level) -> "Metadata":
        """What a level tells of it."""
        untold: dict[str, Any] = dict.fromkeys(_ALL - _LEVELS[level])
        return replace(self, **untold)

    @property
    def history_uuid(self) -> str | None:
        """The run in the history that made it; None if another program did."""
        ours = _OURS.fullmatch(self.openai_gpt_image_uuid)
        return ours and ours[1]

    def as_json(self) -> dict[str, Any]:
        """The record, without what is not told."""
        data: dict[str, Any] = _RECORD.dump_python(self, mode="json", exclude_none=True)
        return data


_ALL = frozenset(each.name for each in fields(Metadata))
_MINIMAL = frozenset({_MARK, "params_hash"})
_LEVELS: Mapping[Level, frozenset[str]] = {
    Level.MINIMAL: _MINIMAL,
    Level.STANDARD: _MINIMAL | {"tool_name", "model", "created_at", "size", "quality"},
    Level.FULL: _ALL,
}
_RECORD = TypeAdapter(Metadata)


def params_hash(parameters: Mapping[str, Any]) -> str:
    """SHA-256 of the parameters in JSON: sorted, without blanks, in UTF-8."""
    text = json.dumps(parameters, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def embed(source: Path, target: Path, metadata: Metadata, level: Level) -> None:
    """Write the picture with its metadata to `target`, whole or not at all.

    The same picture and metadata give the same bytes. A JPEG has room for 64 KB: a longer prompt
    is cut at its end. Raises PictureError if the source is no sound picture, and OSError.
    """
    told = metadata.at(level)
    with whole(target) as partial, source.open("rb") as file, partial.open("xb") as new:
        assemble(_pieces(file, told), file, new)


def read(path: Path) -> Metadata | None:
    """What `embed` or the Node tool wrote, or None; raises PictureError for a bad file, OSError."""
    with path.open("rb") as file:
        text = next((text for text in _texts_in(file) if f'"{_MARK}"' in text), None)
    if text is None:
        return None
    try:
        return _RECORD.validate_json(text, strict=True)
    except (ValidationError, UnicodeEncodeError):
        raise PictureError(said("has damaged metadata")) from None


def _texts_in(file: BinaryIO) -> Iterator[str]:
    """Where a record may be; of two, the one that tells more comes first."""
    match sniff(file):
        case Format.PNG:
            yield from (text for keyword, text in png.texts(file) if keyword == _KEYWORD)
            return
        case Format.JPEG:
            block = jpeg.exif(file)
        case Format.WEBP:
            block = webp.exif(file)
    for text in (exif.comment(block), exif.text(block, exif.DESCRIPTION)) if block else ():
        yield text or ""


def _record(metadata: Metadata) -> str:
    """In ASCII, so that every container takes it and every reader understands it."""
    return json.dumps(metadata.as_json(), ensure_ascii=True, separators=(",", ":"))


def _flat_record(metadata: Metadata) -> str:
    """Without any other brace: in EXIF, the Node tool looks for a pair with none between."""
    inside = _record(metadata)[1:-1]
    return "{" + inside.replace("{", "\\u007b").replace("}", "\\u007d") + "}"


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
    known = {_KEYWORD: _record(metadata)}
    if metadata.created_at:
        known |= {"Software": _SOFTWARE, "Creation Time": metadata.created_at.isoformat()}
    if metadata.prompt:
        known |= {"Description": metadata.prompt[:_DESCRIPTION]}
    return known


def _block(metadata: Metadata, old: bytes | None) -> bytes:
    """The description has what is short, as in the Node tool; a comment has all there is."""
    short = metadata.at(Level.STANDARD)
    texts = {exif.DESCRIPTION: _flat_record(short)}
    if metadata.created_at:
        at = metadata.created_at.strftime("%Y:%m:%d %H:%M:%S")
        texts |= {exif.SOFTWARE: _SOFTWARE, exif.DATE_TIME: at}
    return exif.with_words(old, texts, _record(metadata) if metadata != short else None)


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
