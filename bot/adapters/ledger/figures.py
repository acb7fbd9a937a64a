"""The ledger in numbers: what the bot's runs have come to, and what waits."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Select,
    func,
    literal,
    select,
    type_coerce,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.adapters.ledger import tally
from bot.adapters.ledger.columns import Amount, Time
from bot.adapters.ledger.cursors import cursor
from bot.adapters.ledger.engine import Database
from bot.adapters.ledger.missed import LOG
from bot.adapters.ledger.tables import (
    attempts,
    deliveries,
    effects,
    items,
    missed,
    runs,
    tallies,
)
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
            sums = await _sums(connection)
            waits = {row.kind: row for row in await connection.execute(_WAITING)}
            return Figures(
                items={state: sums[name] for state in ItemState if sums[name := f"items.{state}"]},
                paid=Money(sums[f"money.{AttemptState.SUCCEEDED}"]),
                in_doubt=Money(sums[f"money.{AttemptState.IN_DOUBT}"]),
                reserved=await connection.scalar(_RESERVED) or Money(0),
                waiting={kind: row.waiting for kind, row in waits.items()},
                caught_up=await cursor(connection, LOG),
                since={kind: row.since for kind, row in waits.items() if row.since},
            )


async def _sums(connection: AsyncConnection) -> Counter[str]:
    """What the runs that are over have added, and what there is of the others."""
    sums = Counter({row.name: row.value for row in await connection.execute(select(tallies))})
    others = select(runs.c.id).where(_OF_THREADS, runs.c.counted.is_(None))
    sums.update(
        await tally.of(connection, items.c.run_id.in_(others), attempts.c.run_id.in_(others))
    )
    return sums


_OF_THREADS = runs.c.thread.is_not(None)

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
