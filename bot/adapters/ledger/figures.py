"""The ledger in numbers: what the bot's runs have come to, and what waits."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Select,
    Text,
    and_,
    case,
    func,
    literal,
    literal_column,
    select,
    type_coerce,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.adapters.ledger.columns import Amount, Time
from bot.adapters.ledger.engine import Database
from bot.adapters.ledger.tables import attempts, cursors, deliveries, effects, items, missed, runs
from bot.core.attempts import AttemptState
from bot.core.pricing import Money
from bot.core.run import ItemState


@dataclass(frozen=True, slots=True)
class Figures:
    """All runs of threads, ever; `since` is when the oldest of what waits came, by its kind."""

    items: Mapping[ItemState, int]
    paid: Money
    in_doubt: Money
    reserved: Money  # the most that unfinished runs may cost
    waiting: Mapping[str, int]  # deliveries, runs, effects; `missed`: what GitHub could not deliver
    since: Mapping[str, datetime]
    caught_up: datetime | None = None  # GitHub's log of deliveries has been read up to then


class SqlFigures:
    """Counts what the other parts of the ledger have written."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self) -> Figures:
        """The numbers of one moment. Raises LedgerBusy."""
        async with self._database.read() as connection:
            money = {row.state: row.amount for row in await connection.execute(_MONEY)}
            waits = {row.kind: row for row in await connection.execute(_WAITING)}
            return Figures(
                items=await _items(connection),
                paid=money.get(AttemptState.SUCCEEDED) or Money(0),
                in_doubt=money.get(AttemptState.IN_DOUBT) or Money(0),
                reserved=await connection.scalar(_RESERVED) or Money(0),
                waiting={kind: row.waiting for kind, row in waits.items()},
                caught_up=await connection.scalar(_CAUGHT_UP),
                since={kind: row.since for kind, row in waits.items() if row.since},
            )


async def _items(connection: AsyncConnection) -> Mapping[ItemState, int]:
    rows = await connection.execute(_ITEMS)
    return {ItemState(row.state): row.items for row in rows}


_OF_THREADS = runs.c.thread.is_not(None)

_LAST = (
    select(attempts.c.run_id, attempts.c.item, func.max(attempts.c.number).label("number"))
    .group_by(attempts.c.run_id, attempts.c.item)
    .subquery()
)
# The words of attempts are those of items, too.
_STATE = case(
    (attempts.c.state.is_not(None), type_coerce(attempts.c.state, Text)),
    (items.c.cancelled, literal(ItemState.CANCELLED.value)),
    else_=literal(ItemState.RESERVED.value),
)
_ITEMS = (
    select(_STATE.label("state"), func.count().label("items"))
    .select_from(items.join(runs, runs.c.id == items.c.run_id))
    .outerjoin(_LAST, and_(_LAST.c.run_id == items.c.run_id, _LAST.c.item == items.c.item))
    .outerjoin(
        attempts,
        and_(
            attempts.c.run_id == _LAST.c.run_id,
            attempts.c.item == _LAST.c.item,
            attempts.c.number == _LAST.c.number,
        ),
    )
    .where(_OF_THREADS)
    .group_by(literal_column("1"))
)

_BILL = case(
    (
        attempts.c.state == AttemptState.SUCCEEDED,
        func.coalesce(attempts.c.cost, attempts.c.amount),
    ),
    else_=attempts.c.amount,
)
_MONEY = (
    select(attempts.c.state, type_coerce(func.sum(_BILL), Amount).label("amount"))
    .join(runs, runs.c.id == attempts.c.run_id)
    .where(_OF_THREADS)
    .group_by(attempts.c.state)
)
_RESERVED = select(type_coerce(func.sum(runs.c.upper_bound), Amount)).where(
    _OF_THREADS, runs.c.finished_at.is_(None)
)


def _open(
    kind: str, since: Column[Any], *conditions: ColumnElement[bool]
) -> Select[str, int, datetime]:
    """How many wait, and since when the first of them does."""
    oldest = type_coerce(func.min(since), Time).label("since")
    chosen = select(literal(kind).label("kind"), func.count().label("waiting"), oldest)
    return chosen.where(*conditions)


_WAITING = union_all(
    _open("deliveries", deliveries.c.received_at, deliveries.c.settled_at.is_(None)),
    _open("runs", runs.c.created_at, _OF_THREADS, runs.c.finished_at.is_(None)),
    _open("missed", missed.c.noticed_at),
    _open("effects", effects.c.created_at, effects.c.shown < effects.c.version),
)

_CAUGHT_UP = select(func.max(cursors.c.at, type_=Time))
