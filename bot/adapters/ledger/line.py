"""The runs that wait for their turn, in its order."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select

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

    async def length(self) -> int:
        """How many runs wait for their turn."""
        waiting = select(func.count()).select_from(runs).where(*_WAITING)
        async with self._database.read() as connection:
            return int(await connection.scalar(waiting) or 0)

    async def head(self, most: int) -> Sequence[str]:
        """Ids of those whose turn comes next."""
        since = func.coalesce(runs.c.resumed_at, runs.c.created_at)
        first = select(runs.c.id).where(*_WAITING).order_by(since, runs.c.id).limit(most)
        async with self._database.read() as connection:
            return (await connection.scalars(first)).all()

    async def say(self, run_id: str, effect: Effect, now: datetime) -> None:
        """Owe it, unless the run waits no more: what is said of it since then is newer."""
        # The row stays locked, so that nobody begins the run before the commit.
        waits = select(runs.c.id).where(runs.c.id == run_id, *_WAITING).with_for_update()
        async with self._database.write() as connection:
            if await connection.scalar(waits):
                await owe(connection, [effect], now)
