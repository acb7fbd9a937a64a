"""A large JSON text in little memory: its long strings stay in the file, the rest is parsed."""

import json
import mmap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Longer than any value that is read as a text, an address with a signature included.
LONG = 4096
# What remains of an honest answer is some hundred bytes.
_MOST_KEPT = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Span:
    """Where a string's characters stand in a file, without the quotes; `end` is excluded."""

    start: int
    end: int


def read_skeleton(path: Path, offset: int = 0) -> tuple[Any, Mapping[int, Span]]:
    """Parse the JSON text that begins at `offset`; a long string is the number of its first byte.

    The spans of the long strings come beside, by that number. Raises ValueError.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
        kept, spans = _take_out(text, offset)
    try:
        return json.loads(kept), spans
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _take_out(text: mmap.mmap, at: int) -> tuple[bytearray, dict[int, Span]]:
    kept, spans = bytearray(), dict[int, Span]()
    while (quote := text.find(b'"', at)) >= 0:
        _keep(kept, text, at, quote)
        at = _after_string(text, quote + 1)
        if at - quote > LONG:
            spans[quote + 1] = Span(quote + 1, at - 1)
            kept += b"%d" % (quote + 1)
        else:
            _keep(kept, text, quote, at)
    _keep(kept, text, at, len(text))
    return kept, spans


def _keep(kept: bytearray, text: mmap.mmap, start: int, end: int) -> None:
    if len(kept) + end - start > _MOST_KEPT:
        raise ValueError("too much besides long strings")
    kept += text[start:end]


def _after_string(text: mmap.mmap, start: int) -> int:
    """The place behind the quote that ends a string; quotes after a backslash do not."""
    at = start
    while (quote := text.find(b'"', at)) >= 0:
        first = quote
        while text[first - 1 : first] == b"\\":
            first -= 1
        if (quote - first) % 2 == 0:
            return quote + 1
        at = quote + 1
    raise ValueError("a string without an end")
