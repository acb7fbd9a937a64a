"""How the house's values stand in a column and are asked for, alike on SQLite and PostgreSQL."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter
from sqlalchemy import BigInteger, Column, ColumnElement, Dialect, Text
from sqlalchemy.types import TypeDecorator

from bot.core import typed_json
from bot.core.pricing import Money
from bot.core.said import restored, stored

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)

# PostgreSQL takes 32,767 values with one statement, SQLite about as many.
MOST_AMONG = 512

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)


class Time(TypeDecorator[datetime]):
    """A moment as microseconds since 1970: sorts, compares and loses nothing anywhere."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        del dialect
        return None if value is None else (value - _EPOCH) // _TICK

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        del dialect
        return None if value is None else _EPOCH + value * _TICK


class Amount(TypeDecorator[Money]):
    """Money as integer micro-dollars."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Money | None, dialect: Dialect) -> int | None:
        del dialect
        return None if value is None else value.micros

    def process_result_value(self, value: int | None, dialect: Dialect) -> Money | None:
        del dialect
        return None if value is None else Money(int(value))


class Word(TypeDecorator[E], Generic[E]):
    """A member of an enumeration as its word."""

    impl = Text
    cache_ok = True

    def __init__(self, words: type[E]) -> None:
        super().__init__()
        self.words = words

    def process_bind_param(self, value: E | None, dialect: Dialect) -> str | None:
        del dialect
        return None if value is None else value.value

    def process_result_value(self, value: str | None, dialect: Dialect) -> E | None:
        del dialect
        return None if value is None else self.words(value)


class Sentence(TypeDecorator[str]):
    """A sentence with its parts, so that it can be said in another language later."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        del dialect
        return None if value is None else stored(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        del dialect
        return None if value is None else restored(value)


class Sentences(TypeDecorator[tuple[str, ...]]):
    """Several of them, as a list of texts in JSON."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: tuple[str, ...] | None, dialect: Dialect) -> str | None:
        del dialect
        return None if value is None else json.dumps([*map(stored, value)], ensure_ascii=False)

    def process_result_value(self, value: str | None, dialect: Dialect) -> tuple[str, ...] | None:
        del dialect
        return None if value is None else tuple(map(restored, json.loads(value)))


class Json(TypeDecorator[T], Generic[T]):
    """A dataclass or model as JSON text, so that an open run survives a change of its planner."""

    impl = Text
    cache_ok = True

    def __init__(self, of: type[T]) -> None:
        super().__init__()
        self.of = of

    @cached_property
    def _adapter(self) -> TypeAdapter[T]:
        return TypeAdapter(self.of)

    def process_bind_param(self, value: T | None, dialect: Dialect) -> str | None:
        del dialect
        return None if value is None else self._adapter.dump_json(value).decode()

    def process_result_value(self, value: Any, dialect: Dialect) -> T | None:
        del dialect
        if value is None:
            return None
        # Not strictly: JSON has no word for a Decimal, and all was checked when it came in.
        return typed_json.read(self._adapter, value)


def among(column: Column[T], values: Sequence[T]) -> ColumnElement[bool]:
    """Whether the column holds one of the values, asked with few statements that differ.

    Each connection keeps the last hundred of them prepared, and one with a hundred values takes
    20 kB. So the last value fills them up to the next power of two.
    """
    known = list(values)
    full = 1 << (len(known) - 1).bit_length() if known else 0
    return column.in_(known + known[-1:] * (full - len(known)))
