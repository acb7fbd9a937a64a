"""The runs that wait for their turn, in its order."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, Row, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.adapters.ledger.engine import Database
from bot.adapters.ledger.outbox import owe
from bot.adapters.ledger.tables import runs
from bot.core.ports import Effect
from bot.core.run import RunState

_WAITING = (runs.c.finished_at.is_(None), runs.c.state == RunState.QUEUED)


class SqlLine:
    """The port `Line` on a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def length(self, most: int) -> int:
        """How many runs wait for their turn, counted no further than `most`."""
        # The order makes the databases walk along the index of the line.
        line = select(runs.c.id).where(*_WAITING).order_by(runs.c.resumed_at).limit(most)
        waiting = select(func.count()).select_from(line.subquery())
        async with self._database.read() as connection:
            return int(await connection.scalar(waiting) or 0)

    async def head(self, most: int) -> Sequence[str]:
        """Ids of those whose turn comes next."""
        kinds = (
            (runs.c.resumed_at.is_(None), runs.c.created_at),
            (runs.c.resumed_at.is_not(None), runs.c.resumed_at),
        )
        async with self._database.read() as connection:
            first = [row for kind in kinds for row in await _first(connection, most, *kind)]
        return [row.id for row in sorted(first, key=lambda row: (row.since, row.id))[:most]]

    async def say(self, run_id: str, effect: Effect, now: datetime) -> None:
        """Owe it, unless the run waits no more: what is said of it since then is newer."""
        # The row stays locked, so that nobody begins the run before the commit.
        waits = select(runs.c.id).where(runs.c.id == run_id, *_WAITING).with_for_update()
        async with self._database.write() as connection:
            if await connection.scalar(waits):
                await owe(connection, [effect], now)


async def _first(
    connection: AsyncConnection, most: int, kind: ColumnElement[bool], since: Column[Any]
) -> Sequence[Row[str, Any]]:
    """In the order of their index, so that a long line costs no more than a short one."""
    line = select(runs.c.id, since.label("since")).where(*_WAITING, kind)
    line = line.order_by(since, runs.c.created_at, runs.c.id).limit(most)
    return (await connection.execute(line)).all()
