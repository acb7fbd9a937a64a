"""`variables` make many jobs of one: each `{{name}}` in its prompt goes over a list of texts.

A file gets the values as short labels: those that `output_path` names stand where it names them,
those that it leaves out are added to its end, so that no two images have one name.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from bot.core import paths, strict_json
from bot.core.batch import MOST_CHARACTERS
from bot.core.errors import Problem
from bot.core.parse.around import Place
from bot.core.said import said
from bot.core.strict_json import shown

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,59}")
# Wider than a name, so that {{my-animal}} is called wrong and not drawn as it stands.
_MENTION = re.compile(r"\{\{\s*([\w.-][\w .-]{0,59}?)\s*\}\}")
_MOST_NAMES = 100
_LONGEST_LABEL = 40
_LONGEST_PATH = 1_024  # what is longer is refused in any case, and not worth filling in


@dataclass(frozen=True, slots=True)
class Variables:
    """The lists of a batch, and what they make of its jobs."""

    values: Mapping[str, tuple[str, ...]]

    def count(self, entry: object) -> int:
        """How many jobs this one becomes."""
        return math.prod(len(self.values[name]) for name in self._used(entry))

    def expanded(self, entry: object) -> Iterator[object]:
        """The jobs that this one becomes; the last variable changes fastest."""
        names = self._used(entry)
        if not names or not isinstance(entry, Mapping) or self._length(entry) > MOST_CHARACTERS:
            yield entry
            return
        named = [list(zip(self.values[n], _labels(self.values[n]), strict=True)) for n in names]
        for picks in product(*named):
            values = {name: value for name, (value, _) in zip(names, picks, strict=True)}
            labels = {name: label for name, (_, label) in zip(names, picks, strict=True)}
            yield {**entry, **self._fields(entry, values, labels)}

    def problems(self, entry: object, place: Place) -> Iterator[Problem]:
        """What is wrong with the names that a job uses."""
        if not isinstance(entry, Mapping):
            return
        prompt, path = _mentioned(entry, "prompt"), _mentioned(entry, "output_path")
        for field, names in (("prompt", prompt), ("output_path", path)):
            if unknown := [name for name in names if name not in self.values]:
                yield self._unknown(place(field), unknown[0])
        if several := [n for n in path if n not in prompt and len(self.values.get(n, ())) > 1]:
            message = said(
                "the prompt does not use {name}: its images would be the same",
                name=_braced(several[0]),
            )
            yield Problem(place("output_path"), message, said("for more of one, use sample_count"))
        if self._used(entry) and (length := self._length(entry)) > MOST_CHARACTERS:
            message = said(
                "must have 1 to {most:,} characters with its variables", most=MOST_CHARACTERS
            )
            yield Problem(place("prompt"), message, said("it has up to {count:,}", count=length))

    def unused(self, entries: Sequence[object]) -> Iterator[str]:
        """A warning for each list that no job uses."""
        used = {name for entry in entries for name in self._used(entry)}
        return (
            said("{where} is used by no job", where=f"variables.{name}")
            for name in self.values
            if name not in used
        )

    def _used(self, entry: object) -> tuple[str, ...]:
        if not isinstance(entry, Mapping):
            return ()
        names = (*_mentioned(entry, "prompt"), *_mentioned(entry, "output_path"))
        return tuple(name for name in dict.fromkeys(names) if name in self.values)

    def _unknown(self, path: str, name: str) -> Problem:
        hint = strict_json.guess(name, self.values) if self.values else _EXAMPLE
        return Problem(path, said("{name} is none of the variables", name=_braced(name)), hint)

    def _length(self, entry: Mapping[str, Any]) -> int:
        """The longest that the prompt can become; it is counted before anything is filled in."""
        prompt = _text(entry, "prompt")
        longest = {name: max(map(len, self.values[name])) for name in self._used(entry)}
        return len(prompt) + sum(
            longest[found[1]] - len(found[0])
            for found in _MENTION.finditer(prompt)
            if found[1] in longest
        )

    def _fields(
        self, entry: Mapping[str, Any], values: Mapping[str, str], labels: Mapping[str, str]
    ) -> dict[str, str]:
        """What is different in each of the jobs."""
        path = _text(entry, "output_path")
        fields = {"prompt": _filled(_text(entry, "prompt"), values)}
        return fields | {"output_path": self._path(path, labels)} if path else fields

    def _path(self, template: str, labels: Mapping[str, str]) -> str:
        if len(template) > _LONGEST_PATH:
            return template
        there = _MENTION.findall(template)
        added = [
            label
            for name, label in labels.items()
            if name not in there and len(self.values[name]) > 1
        ]
        stem, ending = paths.parted(_filled(template, labels))
        return "-".join([stem, *added]) + ending


_EXAMPLE = said("declare it, such as {example}", example='"variables": {"animal": ["fox", "owl"]}')


def _braced(name: str) -> str:
    return "{{" + shown(name) + "}}"


def _mentioned(entry: Mapping[str, Any], field: str) -> tuple[str, ...]:
    """The names in a field, in the order of their first use."""
    return tuple(dict.fromkeys(_MENTION.findall(_text(entry, field))))


def _text(entry: Mapping[str, Any], field: str) -> str:
    value = entry.get(field)
    return value if isinstance(value, str) else ""


def _filled(template: str, values: Mapping[str, str]) -> str:
    """With the values in place of the names; what stands in a value is not looked at again."""
    return _MENTION.sub(lambda found: values.get(found[1], found[0]), template)


def _labels(values: Sequence[str]) -> tuple[str, ...]:
    """Values as parts of a file's name; their numbers where two would be the same."""
    short = tuple(paths.label(value, _LONGEST_LABEL) for value in values)
    if all(short) and len({paths.fold(label) for label in short}) == len(short):
        return short
    return tuple(str(number) for number in range(1, len(values) + 1))


# --- the lists --------------------------------------------------------------------------------


def read(data: object) -> tuple[Variables, list[Problem]]:
    """The lists in the data, and what is wrong with them; a wrong one is kept as one value."""
    if not isinstance(data, Mapping):
        return Variables({}), [Problem("variables", said("must be an object"))]
    if len(data) > _MOST_NAMES:
        message = said(
            "must have at most {most} names, not {count:,}", most=_MOST_NAMES, count=len(data)
        )
        return Variables({}), [Problem("variables", message)]
    faults = {name: list(_faults(name, values)) for name, values in data.items()}
    values = {str(name): ("?",) if faults[name] else tuple(values) for name, values in data.items()}
    return Variables(values), [problem for each in faults.values() for problem in each]


def _faults(name: object, values: object) -> Iterator[Problem]:
    path = strict_json.join("variables", str(name))
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        message = said("is no name: use up to 60 of A-Z, a-z, 0-9 and _, no digit first")
        yield Problem(path, message)
    if not isinstance(values, list):
        hint = said('write ["{text}"]', text=shown(values)) if isinstance(values, str) else ""
        yield Problem(path, said("must be a list of texts"), hint)
        return
    if not values:
        yield Problem(path, said("must have 1 value or more"))
    seen: set[str] = set()
    for index, value in enumerate(values):
        if not isinstance(value, str):
            yield Problem(f"{path}[{index}]", said("must be text"))
        elif value in seen:
            message = said(
                '"{value}" is given twice: its images would be paid for twice', value=shown(value)
            )
            yield Problem(f"{path}[{index}]", message)
        else:
            seen.add(value)
