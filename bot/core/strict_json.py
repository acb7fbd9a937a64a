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
from bot.core.said import said

_LONGEST_NUMBER = 30
_AROUND = 40  # letters that are shown on both sides of a mistake
_DEEPEST = 20  # a batch has four levels
_SURROGATE = re.compile("[\ud800-\udfff]")
# A string, or a comment, that is not closed goes to the end: looking for its end again from every
# later place would let one comment on GitHub keep a worker busy for a minute.
_STRING = r'"(?:\\.|[^"\\])*+"?'
_COMMENT = re.compile(rf"({_STRING}|/\*(?:(?!\*/).)*+\Z)|//[^\n]*|/\*.*?\*/", re.DOTALL)
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
    text = text.removeprefix("\ufeff")  # some editors leave a byte order mark
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
        raise BatchError([_TOO_DEEP]) from None
    return data, tuple(faults(data))


def guess(word: str, known: Iterable[str]) -> str:
    """`did you mean "quality"?`, if one of the known words is near."""
    near = difflib.get_close_matches(word[:40].lower(), list(known), n=1, cutoff=0.6)
    return said('did you mean "{word}"?', word=near[0]) if near else ""


def _without_comments(text: str) -> str:
    plain = _COMMENT.sub(lambda m: m[1] or re.sub(r"[^\n]", " ", m[0]), text)
    return _LAST_COMMA.sub(lambda m: m[1] or " ", plain)


def _object(pairs: list[tuple[str, object]]) -> _Object:
    found = _Object(pairs)
    if len(found) < len(pairs):
        counted = Counter(key for key, _ in pairs)
        found.twice = tuple(key for key, times in counted.items() if times > 1)
    return found


def number(text: str, *, whole: bool) -> float | Unusable:
    """The number in the text, if a program can count with it."""
    return _int(text) if whole else _float(text)


def _float(text: str) -> float | Unusable:
    value = float(text)
    return value if isfinite(value) else Unusable(text)


def _int(text: str) -> int | Unusable:
    return int(text) if len(text) <= _LONGEST_NUMBER else Unusable(text)


def faults(data: object) -> Iterator[Problem]:
    """What no batch may hold, wherever it stands in the data."""
    level: list[tuple[str, object]] = [("", data)]
    for _ in range(_DEEPEST):
        for path, value in level:
            yield from _value_faults(path, value)
        level = [inner for path, value in level for inner in _inside(path, value)]
    if level:
        yield _TOO_DEEP


_TOO_DEEP = Problem("", said("the JSON is nested too deeply"))


def _inside(path: str, value: object) -> Iterator[tuple[str, object]]:
    match value:
        case list():
            yield from ((f"{path}[{index}]", each) for index, each in enumerate(value))
        case Mapping():
            yield from ((join(path, str(key)), each) for key, each in value.items())
        case _:
            pass


def _value_faults(path: str, value: object) -> Iterator[Problem]:
    match value:
        case Unusable(text):
            yield Problem(path, _not_usable(text[:_LONGEST_NUMBER]))
        case float() if not isfinite(value):
            yield Problem(path, _not_usable(str(value)))
        case int() if abs(value) >= 10**_LONGEST_NUMBER:
            message = said(
                "a number of more than {most} digits is not usable", most=_LONGEST_NUMBER
            )
            yield Problem(path, message)
        case str():
            yield from _text_faults(path, value)
        case _Object():
            for key in value.twice:
                yield Problem(join(path, key), said("this key is given more than once"))
        case _:
            pass


def _not_usable(number: str) -> str:
    return said("{number} is not a usable number", number=number)


def _text_faults(path: str, text: str) -> Iterator[Problem]:
    if "\0" in text:
        yield Problem(path, said("it holds a NUL character"))
    if _SURROGATE.search(text):
        yield Problem(path, said("it holds half of a character (a lone surrogate)"))


def join(path: str, key: str) -> str:
    """The path of a key: `jobs[0].size`."""
    return f"{path}.{shown(key, 60)}" if path else shown(key, 60)


def shown(text: str, most: int = 40) -> str:
    """The beginning of a text, harmless wherever it is printed."""
    return "".join(letter if letter.isprintable() else "?" for letter in text[:most])


def _syntax(error: json.JSONDecodeError) -> Problem:
    line, at = error.doc.split("\n")[error.lineno - 1], error.colno - 1
    around = shown(line[max(0, at - _AROUND) : at + _AROUND].strip(), 2 * _AROUND)
    message = said(
        "the JSON cannot be read at line {line}, column {column}{found}",
        line=error.lineno,
        column=error.colno,
        found=f": `{around}`" if around else "",
    )
    return Problem("", message, _syntax_hint(error))


def _syntax_hint(error: json.JSONDecodeError) -> str:
    before, after = error.doc[: error.pos].rstrip(), error.doc[error.pos :].lstrip()
    if not error.doc.strip():
        return said("there is nothing in it")
    if after[:1] == "," or (before.endswith(",") and after[:1] in {"]", "}"}):
        return said("remove the comma after the last entry")
    if after.startswith("'"):
        return said("use double quotes")
    if after.startswith(("//", "/*", "#")):
        return said("comments are understood in a ```jsonc block only")
    if "Expecting ',' delimiter" in error.msg:
        return said("a comma, or a closing bracket, is missing before this place")
    return _READERS_WORDS.get(error.msg) or error.msg[:1].lower() + error.msg[1:]


# What else Python's reader says of a text that is no JSON.
_READERS_WORDS = {
    "Expecting value": said("a value is missing at this place"),
    "Expecting ':' delimiter": said("a colon is missing before this place"),
    "Expecting property name enclosed in double quotes": said(
        "a key in double quotes is missing at this place"
    ),
    "Unterminated string starting at": said("the text that begins here is not closed"),
    "Invalid control character at": said("write line breaks and tabs inside a text as \\n and \\t"),
    "Invalid \\escape": said("a backslash inside a text is written twice"),
    "Extra data": said("there is more behind the end of the batch"),
}
