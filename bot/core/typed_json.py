"""JSON of a known shape, read so that a long-lived process keeps nothing of it."""

from typing import Any, TypeVar

from pydantic import TypeAdapter
from pydantic_core import from_json

T = TypeVar("T")


def loads(text: str | bytes) -> Any:
    """What the text says; raises ValueError if it is not JSON.

    pydantic keeps up to 16,384 of the strings that it meets in JSON for as long as the process
    lives (docs.pydantic.dev, `cache_strings`). Here hardly one of them comes again, but for keys.
    """
    return from_json(text, cache_strings="keys")


def read(shape: TypeAdapter[T], text: str | bytes) -> T:
    """The text as that shape, whose numbers and times may be strings there; raises ValueError."""
    return shape.validate_python(loads(text), strict=False)
