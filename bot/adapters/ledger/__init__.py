"""The ledger on SQLite or PostgreSQL: one implementation, the truth of the house."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sqlalchemy import text

from bot.adapters.ledger import schema
from bot.adapters.ledger.engine import Database, connect
from bot.adapters.ledger.figures import SqlFigures
from bot.adapters.ledger.history import SqlHistory
from bot.adapters.ledger.inbox import SqlInbox
from bot.adapters.ledger.leases import SqlLeases
from bot.adapters.ledger.line import SqlLine
from bot.adapters.ledger.missed import SqlMissed
from bot.adapters.ledger.offers import SqlOffers
from bot.adapters.ledger.outbox import SqlOutbox
from bot.adapters.ledger.pruning import SqlPruning
from bot.adapters.ledger.restoring import SqlRestoring
from bot.adapters.ledger.runs import SqlRuns
from bot.core.ports import Leases

# GitHub waits ten seconds for the answer to a delivery; whoever asks here waits no longer than
# this for a lock, and says "later" in good time.
PATIENCE = timedelta(seconds=2)
# Nobody waits for a program that starts, and many of them may start at once.
_UPGRADE_PATIENCE = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class SqlLedger:
    """The port `Ledger` on a database; every method commits before it returns."""

    leases: Leases
    inbox: SqlInbox
    runs: SqlRuns
    line: SqlLine
    outbox: SqlOutbox
    offers: SqlOffers
    missed: SqlMissed
    history: SqlHistory
    figures: SqlFigures
    restoring: SqlRestoring
    pruning: SqlPruning
    database: Database

    async def ping(self) -> None:
        """Reach the database. Raises LedgerBusy."""
        async with self.database.read() as connection:
            await connection.execute(text("SELECT 1"))

    async def close(self) -> None:
        """Close the connections; what was recorded stays."""
        await self.database.close()


async def open_ledger(url: str | Path, *, patience: timedelta = PATIENCE) -> SqlLedger:
    """The ledger at a path or a postgresql:// URL, made or brought up to date if it must be.

    Raises LedgerBusy, and SettingsError for a URL that cannot be a ledger.
    """
    database = connect(url, patience)
    try:
        current = await schema.is_current(database)
    except BaseException:
        await database.close()
        raise
    if not current:
        # Before another look at the file: whoever opens and closes it beside a connection takes
        # SQLite's locks away, and the next process that leaves removes the log under our hands.
        await database.close()
        await _upgrade(url)
        database = connect(url, patience)
    return SqlLedger(
        SqlLeases(database),
        SqlInbox(database),
        SqlRuns(database),
        SqlLine(database),
        SqlOutbox(database),
        SqlOffers(database),
        SqlMissed(database),
        SqlHistory(database),
        SqlFigures(database),
        SqlRestoring(database),
        SqlPruning(database),
        database,
    )


async def is_ready(url: str | Path) -> bool:
    """Whether a ledger is there with tables of this version; changes and makes nothing.

    Raises LedgerBusy, and SettingsError for a URL that cannot be a ledger.
    """
    if isinstance(url, Path) and not url.exists():  # noqa: ASYNC240  (one look)
        return False
    database = connect(url, PATIENCE)
    try:
        return await schema.is_current(database)
    finally:
        await database.close()


async def _upgrade(url: str | Path) -> None:
    database = connect(url, _UPGRADE_PATIENCE)
    try:
        await schema.upgrade(database)
    finally:
        await database.close()
