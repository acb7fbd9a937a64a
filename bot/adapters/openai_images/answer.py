"""A successful answer as it lies in the spool, and what it says.

The file is one line of ours, then the server's JSON as it came. What the headers said is in the
same file as the body, so that a crash keeps both or neither.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from bot.adapters.openai_images.skeleton import Span, read_skeleton
from bot.core.pricing import Usage

_WORD = re.compile(r"[A-Za-z0-9._-]{1,64}")
_MOST_TOKENS = 2**53


@dataclass(frozen=True, slots=True)
class Address:
    """Where a gateway lays the picture instead of sending it."""

    url: str


class NotFetched(Exception):  # noqa: N818  (for now)
    """Nothing came from the address of a picture, which may be there all the same."""


@dataclass(frozen=True, slots=True)
class Received:
    """What an answer says; `picture` is where its base64 stands, that text itself, or an address.

    A short text is at hand at once: only the long ones stay in the file.
    """

    picture: Span | str | Address
    usage: Usage | None
    size: str | None
    quality: str | None


def first_line(request_id: str | None) -> bytes:
    """Our line above the body."""
    return json.dumps({"request_id": request_id}).encode() + b"\n"


def read_request_id(path: Path) -> str | None:
    """What our line says; also of an answer that is of no use."""
    with path.open("rb") as file:
        said: dict[str, str | None] = json.loads(file.readline())
    return said["request_id"]


def read_answer(path: Path) -> Received:
    """Read what lies in the spool; raises ValueError if that is not an answer with a picture."""
    with path.open("rb") as file:
        body_at = len(file.readline())
    body, spans = read_skeleton(path, body_at)
    if not isinstance(body, Mapping):
        raise ValueError("not an object")  # noqa: TRY004  (of the server's JSON, not of ours)
    return Received(
        picture=_picture(body.get("data"), spans),
        usage=_usage(body.get("usage")),
        size=_word(body.get("size")),
        quality=_word(body.get("quality")),
    )


def open_text(answer: Path, picture: Span | str) -> tuple[BinaryIO, Span]:
    """The file that holds the picture's base64, to be closed by the caller, and where in it."""
    if isinstance(picture, Span):
        return answer.open("rb"), picture
    text = picture.encode()
    return BytesIO(text), Span(0, len(text))


def _picture(data: Any, spans: Mapping[int, Span]) -> Span | str | Address:
    """The first picture of the list; a field that is null counts as absent."""
    entries = data if isinstance(data, Sequence) and not isinstance(data, str) else ()
    for entry in (each for each in entries if isinstance(each, Mapping)):
        for field in ("b64_json", "url"):
            match entry.get(field):
                case int(place) if place in spans:
                    return spans[place]
                case str(text) if text:
                    remote = field == "url" and not text.startswith("data:")
                    return Address(text) if remote else text
    raise ValueError("no picture")


def _usage(value: Any) -> Usage | None:
    """The tokens that are billed, if the server tells them all."""
    if not isinstance(value, Mapping):
        return None
    details = value.get("input_tokens_details")
    parts = details if isinstance(details, Mapping) else {}
    text, image = _tokens(parts.get("text_tokens")), _tokens(parts.get("image_tokens"))
    output = _tokens(value.get("output_tokens"))
    if text is None or image is None or output is None:
        return None
    return Usage(text_tokens=text, image_tokens=image, output_tokens=output)


def _tokens(value: Any) -> int | None:
    right = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _MOST_TOKENS
    return value if right else None


def _word(value: Any) -> str | None:
    return value if isinstance(value, str) and _WORD.fullmatch(value) else None
