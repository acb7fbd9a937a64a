"""The complaints of pydantic, in words that say where, what, and what to do."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, get_args

from annotated_types import Ge, Gt, Le, MaxLen, MinLen
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from bot.core import strict_json
from bot.core.batch import NOT_SHARED, BatchConfig, Job, RetryPolicy
from bot.core.errors import Problem
from bot.core.parse.around import Place
from bot.core.said import said
from bot.core.strict_json import shown

_HINTS = {
    "n": said("use {name}", name="sample_count"),
    "count": said("use {name}", name="sample_count"),
    "format": said("use {name}", name="output_format"),
}
# Where a field is at home that somebody put elsewhere.
_HOMES = {
    **dict.fromkeys(Job.model_fields, said("it belongs in a job, or in defaults")),
    **dict.fromkeys(NOT_SHARED, said("it belongs in a job")),
    **dict.fromkeys(RetryPolicy.model_fields, said("it belongs in retry_policy")),
    **dict.fromkeys(
        [*BatchConfig.model_fields, "defaults", "variables"],
        said("it belongs at the top of the batch"),
    ),
}
_WHOSE: Mapping[type[BaseModel], str] = {Job: said("a job"), RetryPolicy: "retry_policy"}
# Words of old files that are understood, but not offered.
_OLD_WORDS = {"moderation": {"medium", "high"}}
_READABLE = 10**15
_KINDS = {
    "string_type": said("must be text"),
    "string_unicode": said("holds half of a character (a lone surrogate)"),
    "bool_type": said("must be true or false"),
    "int_type": said("must be a whole number"),
    "int_from_float": said("must be a whole number"),
    "decimal_type": said("must be a number"),
    "is_instance_of": said("must be a number"),
    "finite_number": said("must be a usable number"),
    "model_type": said("must be an object"),
    "dict_type": said("must be an object"),
    "missing": said("is required"),
    "invalid_key": said("is no field: keys are text"),
}


def complaint(kind: type[BaseModel], fault: ErrorDetails, place: Place) -> Problem:
    """One complaint; `place` calls the outermost field as its author does."""
    loc, given = fault["loc"], fault["input"]
    owner, found = _owner(kind, loc)
    path = _path(place, loc)
    match fault["type"]:
        case "extra_forbidden":
            whose = _WHOSE.get(owner, said("this object"))
            return Problem(path, *unknown(whose, str(loc[-1]), sorted(owner.model_fields)))
        case "literal_error":
            old = _OLD_WORDS.get(str(loc[-1]), set())
            choices = _choices(found and found.annotation)
            return not_one_of(path, given, [word for word in choices if word not in old])
        case "tuple_type":
            hint = said('write ["{text}"]', text=shown(given)) if isinstance(given, str) else ""
            return Problem(path, said("must be a list"), hint)
        case known if known in _KINDS:
            return Problem(path, _KINDS[known])
        case other:
            letters = other.startswith("string")
            bounds = _bounds(found, letters=letters)
            return Problem(path, bounds or fault["msg"], _measured(given))


def unknown(whose: str, word: str, known: Sequence[str]) -> tuple[str, str]:
    """Message and hint for a field that does not exist."""
    hint = _HINTS.get(word) or _HOMES.get(word) or strict_json.guess(word, known)
    return said("is no field of {whose}", whose=whose), hint


def not_one_of(path: str, given: object, allowed: Sequence[str], whose: str = "") -> Problem:
    """The value is none of the allowed ones."""
    word = given if isinstance(given, str) else ""
    choice = said("must be one of {words}", words=", ".join(allowed))
    if whose:
        choice = said("{choice} for {whose}", choice=choice, whose=whose)
    if word:
        choice = said('"{word}" {choice}', word=shown(word), choice=choice)
    return Problem(path, choice, strict_json.guess(word, allowed))


def _owner(
    kind: type[BaseModel], loc: tuple[int | str, ...]
) -> tuple[type[BaseModel], FieldInfo | None]:
    """The model and the field that a location leads to."""
    found: FieldInfo | None = None
    for step in loc:
        if isinstance(step, str) and step in kind.model_fields:
            found = kind.model_fields[step]
            if isinstance(found.annotation, type) and issubclass(found.annotation, BaseModel):
                kind = found.annotation
    return kind, found


def _path(place: Place, loc: tuple[int | str, ...]) -> str:
    path = place(str(loc[0])) if loc else ""
    for step in loc[1:]:
        path = f"{path}[{step}]" if isinstance(step, int) else strict_json.join(path, step)
    return path


def _choices(annotation: Any) -> tuple[str, ...]:
    """The words of a Literal, wherever it stands inside the annotation."""
    if isinstance(annotation, str):
        return (annotation,)
    return tuple(word for part in get_args(annotation) for word in _choices(part))


def _bounds(found: FieldInfo | None, *, letters: bool) -> str:
    """`must be 1 to 10`, from the constraints of the field."""
    limits = {type(each): each for each in _constraints(found)}
    match [limits.get(kind) for kind in (Gt, Ge, Le, MinLen, MaxLen)]:
        case [_, Ge(least), Le(most), *_]:
            return said("must be {least:,} to {most:,}", least=least, most=most)
        case [Gt(below), _, Le(most), *_]:
            return said("must be above {below:,} and at most {most:,}", below=below, most=most)
        case [*_, MinLen(fewest), MaxLen(longest)]:
            return _length(fewest, longest, letters=letters)
        case _:
            return ""


def _length(fewest: int, longest: int, *, letters: bool) -> str:
    if letters:
        return said("must have {least:,} to {most:,} characters", least=fewest, most=longest)
    return said("must have {least:,} to {most:,} entries", least=fewest, most=longest)


def _constraints(part: Any) -> Iterator[object]:
    """Those of a field and of everything that its type is made of."""
    yield from getattr(part, "metadata", ())
    for inner in get_args(getattr(part, "annotation", part)):
        yield from _constraints(inner)


def _measured(given: object) -> str:
    match given:
        case str() | list() | tuple():
            return said("it has {count:,}", count=len(given))
        case int() | float() | Decimal() if -_READABLE < given < _READABLE:
            return said("it is {number}", number=given)
        case _:
            return ""
