"""Read a batch, and name everything that is wrong with it at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bot.core import strict_json, strict_yaml
from bot.core.batch import BatchConfig
from bot.core.catalog import Size
from bot.core.errors import BatchError, Problem
from bot.core.parse.around import Around, BatchLimits
from bot.core.parse.reading import Reading
from bot.core.said import said

__all__ = ["Around", "BatchLimits", "ParsedBatch", "parse_batch", "parse_batch_data", "parse_yaml"]


@dataclass(frozen=True, slots=True)
class ParsedBatch:
    """A valid batch, and what its author should know of it.

    `sizes` are those of its reference images by their path, where somebody has looked at them.
    """

    config: BatchConfig
    warnings: tuple[str, ...]
    sizes: Mapping[str, Size] = field(default_factory=dict)


def parse_batch(text: str, around: Around | None = None, *, comments: bool = False) -> ParsedBatch:
    """The batch that the JSON text describes.

    Raises BatchError, and no other exception, with every wrong field at once. With `comments`,
    JSONC is understood.
    """
    data, faults = strict_json.read(text, comments=comments)
    return _parse(data, around or Around(), faults)


def parse_yaml(text: str, around: Around | None = None) -> ParsedBatch:
    """The batch that the YAML text describes. Raises BatchError, and no other exception."""
    document = strict_yaml.read(text)
    try:
        return _parse(document.data, around or Around(), document.problems)
    except BatchError as error:
        raise BatchError(map(document.located, error.problems)) from None


def parse_batch_data(data: object, around: Around | None = None) -> ParsedBatch:
    """The batch in data that is decoded already. Raises BatchError, and no other exception."""
    return _parse(data, around or Around(), tuple(strict_json.faults(data)))


def _parse(data: object, around: Around, faults: Sequence[Problem]) -> ParsedBatch:
    if not isinstance(data, Mapping):
        message = said("the batch must be an object such as {example}", example='{"jobs": [...]}')
        raise BatchError([Problem("", message)])
    reading = Reading(around)
    config = reading.batch(data)
    problems = _first_of_each_place([*faults, *reading.problems])
    if problems or config is None:
        raise BatchError(problems)
    return ParsedBatch(config, tuple(dict.fromkeys(reading.warnings)))


def _first_of_each_place(problems: Sequence[Problem]) -> list[Problem]:
    """What follows the first problem of a place is its echo."""
    first: dict[str, Problem] = {}
    for problem in problems:
        first.setdefault(problem.path or str(problem), problem)
    return list(first.values())
