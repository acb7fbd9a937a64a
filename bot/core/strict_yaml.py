"""YAML as people write it by hand, read strictly: every fault with its line and column.

What readers of YAML disagree about (`no`, `010`, `1:30`, dates) has to be said plainly, and what
hides things (anchors, aliases, tags) is not understood.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

import yaml
from yaml.reader import ReaderError

from bot.core import strict_json
from bot.core.errors import BatchError, Problem
from bot.core.said import said
from bot.core.strict_json import shown

MOST_CHARACTERS = 250_000
"""The reader takes a second for so much; JSON is read a hundred times as fast."""

_DEEPEST = 20
_AROUND = 40  # letters that are shown on both sides of a mistake
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?", re.ASCII)
_OCTAL = re.compile(r"0o[0-7]+")  # of YAML 1.2; the reader knows 1.1
_VALUES: Mapping[str, object] = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_SWITCHES = {"yes": "true", "on": "true", "no": "false", "off": "false"}
_WRITTEN_OUT = said("write it out, or put the text into quotes")
_TOO_DEEP = Problem("", said("the YAML is nested too deeply"))


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in the text; the first line and column are 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Document:
    """The data in a text, what is wrong with it, and where each path of it stands."""

    data: object
    problems: tuple[Problem, ...]
    marks: Mapping[str, Mark]

    def located(self, problem: Problem) -> Problem:
        """The problem with its line: that of its path, or of what the path should be in."""
        mark = self._mark(problem)
        if mark is None:
            return problem
        where = said(
            "{where} (line {line}, column {column})",
            where=problem.path,
            line=mark.line,
            column=mark.column,
        )
        return replace(problem, path=where)

    def position(self, problem: Problem) -> tuple[int, int]:
        """By which problems stand in the order of the text; those of all of it come first."""
        mark = self._mark(problem)
        return (mark.line, mark.column) if mark else (0, 0)

    def _mark(self, problem: Problem) -> Mark | None:
        path = str(problem.path)
        while path and path not in self.marks:
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return self.marks[path] if path else None


def read(text: str) -> Document:
    """The data in the text; raises BatchError for text that is no YAML at all."""
    if len(text) > MOST_CHARACTERS:
        message = said("more than {most:,} characters of YAML", most=MOST_CHARACTERS)
        raise BatchError([Problem("", message, said("write so much as JSON"))])
    text = text.removeprefix("\ufeff")
    try:
        loader = yaml.SafeLoader(text)
    except ReaderError as error:
        mark = _mark_of(text, error.position)
        raise BatchError([_unreadable(mark, "", _UNSEEN)]) from None
    try:
        return _Reader(loader).document()
    except yaml.MarkedYAMLError as error:
        raise BatchError([_syntax(text, error)]) from None
    except (ValueError, OverflowError):  # of `"\UFFFFFFFF"`, which no letter has
        raise BatchError([_unreadable(_mark(loader.get_mark()), "", _NO_LETTER)]) from None


class _Reader:
    """One pass over the events of a text."""

    def __init__(self, loader: yaml.SafeLoader) -> None:
        self._loader = loader
        self._problems: list[Problem] = []
        self._marks: dict[str, Mark] = {}

    def document(self) -> Document:
        self._next()
        if isinstance(self._next(), yaml.StreamEndEvent):
            raise BatchError([_unreadable(Mark(1, 1), "", said("there is nothing in it"))])
        data = self._value(self._next(), "", 1)
        self._next()
        if not isinstance(end := self._next(), yaml.StreamEndEvent):
            hint = said("keep one document, without lines of ---")
            raise BatchError([_unreadable(_mark(end.start_mark), "", hint)])
        problems = (*self._problems, *strict_json.faults(data))
        return Document(data, problems, self._marks)

    def _value(self, event: yaml.Event, path: str, depth: int) -> object:
        if depth > _DEEPEST:
            raise BatchError([_TOO_DEEP])
        self._marks.setdefault(path, _mark(event.start_mark))
        self._refuse_what_hides(event, path)
        match event:
            case yaml.MappingStartEvent():
                return self._mapping(path, depth)
            case yaml.SequenceStartEvent():
                return self._sequence(path, depth)
            case yaml.ScalarEvent():
                return self._scalar(event, path)
            case _:
                return None

    def _mapping(self, path: str, depth: int) -> dict[str, object]:
        found: dict[str, object] = {}
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                self._fault(path, said("a key must be text"))
                self._value(event, path, depth + 1)
                self._value(self._next(), path, depth + 1)
                continue
            inner = strict_json.join(path, event.value)
            self._marks[inner] = _mark(event.start_mark)
            self._refuse_what_hides(event, inner)
            if event.value in found:
                self._fault(inner, said("this key is given more than once"))
            found[event.value] = self._value(self._next(), inner, depth + 1)
        return found

    def _sequence(self, path: str, depth: int) -> list[object]:
        found: list[object] = []
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            found.append(self._value(event, f"{path}[{len(found)}]", depth + 1))
        return found

    def _scalar(self, event: yaml.ScalarEvent, path: str) -> object:
        # in quotes, or a block
        return event.value if not event.implicit[0] else self._plain(event.value, path)

    def _plain(self, text: str, path: str) -> object:
        if number := _NUMBER.fullmatch(text):
            return strict_json.number(text, whole=not any(number.groups()))
        # what YAML 1.1 takes it for
        tag = self._loader.resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
        match tag.rpartition(":")[2]:
            case "str" if not _OCTAL.fullmatch(text):
                return text
            case "null":
                return None
            case "bool" if text in _VALUES:
                return _VALUES[text]
            case "float" if text.lower().endswith((".nan", ".inf")):
                return strict_json.Unusable(text)
            case _:
                self._fault(path, *_ambiguous(text))
                return text

    def _refuse_what_hides(self, event: yaml.Event, path: str) -> None:
        if isinstance(event, yaml.AliasEvent):
            self._fault(path, said("aliases (*name) are not understood"), _WRITTEN_OUT)
        elif getattr(event, "anchor", None) is not None:
            self._fault(path, said("anchors (&name) are not understood"), _WRITTEN_OUT)
        elif getattr(event, "tag", None) is not None:
            self._fault(path, said("tags (!name) are not understood"), _WRITTEN_OUT)

    def _next(self) -> yaml.Event:
        event: yaml.Event = self._loader.get_event()  # type: ignore[no-untyped-call]
        return event

    def _fault(self, path: str, message: str, hint: str = "") -> None:
        self._problems.append(Problem(path, message, hint))


def _ambiguous(text: str) -> tuple[str, str]:
    message = said("`{text}` means different things to different readers", text=shown(text))
    if meant := _SWITCHES.get(text.lower()):
        return message, said('write "{text}" for the text, or {value}', text=text, value=meant)
    return message, said('write "{text}" for the text, or a plain number', text=shown(text))


# --- text that is no YAML ---------------------------------------------------------------------

_NO_LETTER = said("there is no such character")
_UNSEEN = said("it holds a character that cannot be seen")

# What the reader says of a text that is no YAML, and what to do about it.
_HINTS = (
    ("\\t", said("indent with blanks, not with tabs")),
    ("mapping values are not allowed", said("put a text that holds a colon into quotes")),
    ("could not find expected ':'", said("a colon is missing before this place")),
    ("cannot start any token", said("put a text that begins with this character into quotes")),
    ("alphabetic or numeric", said("put a text that begins with this character into quotes")),
    ("end of stream", said("a text in quotes is not closed")),
    ("unknown escape character", said("a backslash inside a text is written twice")),
    ("expected ',' or", said("a comma, or a closing bracket, is missing before this place")),
    ("<block end>", said("the lines that belong together begin in the same column")),
    ("sequence entries are not allowed", said("begin the list on a line of its own")),
)


def _syntax(text: str, error: yaml.MarkedYAMLError) -> Problem:
    seen = error.problem_mark or error.context_mark
    mark = _mark(seen)
    line = text[: seen.index + _AROUND].split("\n")[mark.line - 1 :][:1] if seen else []
    around = shown("".join(line)[max(0, mark.column - 1 - _AROUND) :].strip(), 2 * _AROUND)
    said_of_it = str(error.problem)
    hint = next((hint for part, hint in _HINTS if part in said_of_it), "")
    return _unreadable(mark, around, hint)


def _unreadable(mark: Mark, around: str, hint: str) -> Problem:
    message = said(
        "the YAML cannot be read at line {line}, column {column}{found}",
        line=mark.line,
        column=mark.column,
        found=f": `{around}`" if around else "",
    )
    return Problem("", message, hint)


class _Seen(Protocol):
    """A place as the reader counts it, from 0."""

    line: int
    column: int


def _mark(seen: _Seen | None) -> Mark:
    return Mark(seen.line + 1, seen.column + 1) if seen else Mark(1, 1)


def _mark_of(text: str, position: int) -> Mark:
    before = text[:position]
    return Mark(before.count("\n") + 1, position - before.rfind("\n"))
