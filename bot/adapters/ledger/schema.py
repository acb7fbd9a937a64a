"""The tables are those of this program: seen at one look, or made so."""

from importlib import import_module
from types import ModuleType

from sqlalchemy import Connection, inspect, text

from bot.adapters.ledger import foreign
from bot.adapters.ledger.engine import Database

HEAD = "0013"
"""The newest revision, known without Alembic: a ledger that is up to date must open fast."""

# Any number will do that no other program locks: "gptimage" in ASCII.
_LOCK = int.from_bytes(b"gptimage")


async def is_current(database: Database) -> bool:
    """Whether the tables are those of this program. Raises LedgerBusy."""
    async with database.read() as connection:
        return await connection.run_sync(revision) == HEAD


async def upgrade(database: Database) -> None:
    """Bring the tables up to date in one transaction. Raises LedgerBusy.

    Whoever comes second waits for the first, and finds nothing to do.
    """
    migrations = import_module("bot.adapters.ledger.migrations")  # before anything is locked
    async with database.write() as connection:
        await connection.run_sync(_upgrade, migrations)


def revision(connection: Connection) -> str | None:
    """The revision of the tables that are there; None if there are none."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return found


def _upgrade(connection: Connection, migrations: ModuleType) -> None:
    if connection.dialect.name == "postgresql":  # a writer of SQLite is alone already
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    elif revision(connection) is None and inspect(connection).get_table_names():
        # A file belongs to one program: the Node tool's history must not be written into.
        raise foreign.refusal(connection.engine.url.database)
    migrations.run(connection)
