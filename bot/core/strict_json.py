"""JSON as people write it by hand, read strictly: every fault with its place.

Python's own reader lets duplicate keys, NaN and lone surrogates pass; each of them has turned a
price into nonsense somewhere.
"""

import difflib
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import isfinite

from bot.core.errors import BatchError, Problem

_LONGEST_NUMBER = 30
_STRING = r'"(?:\\.|[^"\\])*"'
_COMMENT = re.compile(rf"({_STRING})|//[^\n]*|/\*.*?\*/", re.DOTALL)
_LAST_COMMA = re.compile(rf"({_STRING})|,(?=\s*[}}\]])", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Unusable:
    """Stands in the data for a number that is none."""

    text: str


class _Object(dict[str, object]):
    """A JSON object that remembers the keys that it was given more than once."""

    twice: tuple[str, ...] = ()


def read(text: str, *, comments: bool = False) -> tuple[object, tuple[Problem, ...]]:
    """The data in the text, and what is wrong with its keys, numbers and strings.

    With `comments`, `//`, `/* */` and a last comma are accepted (JSONC). Raises BatchError for
    text that is no JSON at all.
    """
    source = _without_comments(text) if comments else text
    try:
        data = json.loads(
            source,
            object_pairs_hook=_object,
            parse_constant=Unusable,
            parse_float=_float,
            parse_int=_int,
        )
    except json.JSONDecodeError as error:
        raise BatchError([_syntax(error)]) from None
    except RecursionError:
        raise BatchError([Problem("", "the JSON is nested too deeply")]) from None
    return data, tuple(_faults(data))


def guess(word: str, known: Iterable[str]) -> str:
    """`did you mean "quality"?`, if one of the known words is near."""
    near = difflib.get_close_matches(word.lower(), list(known), n=1, cutoff=0.6)
    return f'did you mean "{near[0]}"?' if near else ""


def _without_comments(text: str) -> str:
    plain = _COMMENT.sub(lambda m: m[1] or re.sub(r"[^\n]", " ", m[0]), text)
    return _LAST_COMMA.sub(lambda m: m[1] or " ", plain)


def _object(pairs: list[tuple[str, object]]) -> _Object:
    found = _Object(pairs)
    if len(found) < len(pairs):
        counted = Counter(key for key, _ in pairs)
        found.twice = tuple(key for key, times in counted.items() if times > 1)
    return found


def _float(text: str) -> float | Unusable:
    number = float(text)
    return number if isfinite(number) else Unusable(text)


def _int(text: str) -> int | Unusable:
    return int(text) if len(text) <= _LONGEST_NUMBER else Unusable(text)


def _faults(data: object) -> Iterator[Problem]:
    """Walk the data without recursion: it may be as deep as the reader allows."""
    left: list[tuple[str, object]] = [("", data)]
    while left:
        path, value = left.pop()
        match value:
            case Unusable(text):
                yield Problem(path, f"{text[:_LONGEST_NUMBER]} is not a usable number")
            case str():
                yield from _text_faults(path, value)
            case list():
                left.extend((f"{path}[{i}]", each) for i, each in enumerate(value))
            case Mapping():
                twice = value.twice if isinstance(value, _Object) else ()
                yield from (
                    Problem(join(path, key), "this key is given more than once") for key in twice
                )
                left.extend((join(path, str(key)), each) for key, each in value.items())
            case _:
                pass


def _text_faults(path: str, text: str) -> Iterator[Problem]:
    if "\0" in text:
        yield Problem(path, "it holds a NUL character")
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        yield Problem(path, "it holds half of a character (a lone surrogate)")


def join(path: str, key: str) -> str:
    """The path of a key: `jobs[0].size`. Keys that are no text are shown harmlessly."""
    name = key[:60].encode("utf-8", "replace").decode().replace("\0", "?")
    return f"{path}.{name}" if path else name


def _syntax(error: json.JSONDecodeError) -> Problem:
    lines = error.doc.splitlines() or [""]
    line = lines[min(error.lineno, len(lines)) - 1].strip()[:80]
    found = f": `{line}`" if line else ""
    message = f"the JSON cannot be read at line {error.lineno}, column {error.colno}{found}"
    return Problem("", message, _syntax_hint(error))


def _syntax_hint(error: json.JSONDecodeError) -> str:
    before, after = error.doc[: error.pos].rstrip(), error.doc[error.pos :].lstrip()
    if not error.doc.strip():
        return "there is nothing in it"
    if after[:1] == "," or (before.endswith(",") and after[:1] in {"]", "}"}):
        return "remove the comma after the last entry"
    if after.startswith("'"):
        return "use double quotes"
    if after.startswith(("//", "/*", "#")):
        return "comments are understood in a ```jsonc block only"
    if "Expecting ',' delimiter" in error.msg:
        return "a comma, or a closing bracket, is missing before this place"
    return error.msg[:1].lower() + error.msg[1:]
