"""Batches of one fox, as the tests of their fields write and read them."""

import json
from typing import Any

import pytest

from bot.core.batch import Job
from bot.core.errors import BatchError
from bot.core.parse import Around, ParsedBatch, parse_batch

FOX = {"prompt": "a red fox"}


def parse(data: object, **around: Any) -> ParsedBatch:
    return parse_batch(json.dumps(data), Around(**around))


def job(**fields: object) -> Job:
    return parse({"jobs": [FOX | fields]}).config.jobs[0]


def problems(data: object, **around: Any) -> list[str]:
    with pytest.raises(BatchError) as caught:
        parse(data, **around)
    return [str(problem) for problem in caught.value.problems]


def places(data: object, **around: Any) -> list[str]:
    with pytest.raises(BatchError) as caught:
        parse(data, **around)
    return [problem.path for problem in caught.value.problems]


def with_top(name: str, value: object) -> dict[str, object]:
    """A batch with one more value; a dot leads into an object."""
    outer, dot, inner = name.partition(".")
    return {"jobs": [FOX], outer: {inner: value} if dot else value}
