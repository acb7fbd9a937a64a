"""What is read from JSON is kept by nobody, and has the shape that was asked for."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from pydantic import BaseModel, TypeAdapter

from bot.core import typed_json


class Paid(BaseModel, strict=True, frozen=True):
    by: str
    at: datetime
    usd: Decimal
    parts: tuple[int, ...]


PAID = TypeAdapter(Paid)
TEXT = '{"by": "maya", "at": "2026-11-26T20:00:00Z", "usd": "0.042", "parts": [1, 2]}'


def test_a_string_that_is_read_twice_is_not_the_one_that_was_kept() -> None:
    """pydantic's own way hands out the same object, which lives as long as the process."""
    assert PAID.validate_json(TEXT, strict=False).by is PAID.validate_json(TEXT, strict=False).by
    assert typed_json.read(PAID, TEXT).by is not typed_json.read(PAID, TEXT).by
    assert typed_json.loads(TEXT)["by"] is not typed_json.loads(TEXT)["by"]


def test_what_json_has_no_word_for_is_read_from_what_it_has() -> None:
    when = datetime(2026, 11, 26, 20, tzinfo=UTC)
    paid = Paid(by="maya", at=when, usd=Decimal("0.042"), parts=(1, 2))
    assert typed_json.read(PAID, TEXT) == typed_json.read(PAID, PAID.dump_json(paid)) == paid


@pytest.mark.parametrize("text", ["", "{", b"\xff", "[]", '{"by": "maya"}'])
def test_what_is_no_json_or_of_another_shape_is_a_value_error(text: str | bytes) -> None:
    with pytest.raises(ValueError, match=r" at line |validation error"):
        typed_json.read(PAID, text)
