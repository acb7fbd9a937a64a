"""The tables are those of this program: seen at one look, or made so."""

from importlib import import_module

from sqlalchemy import Column, Connection, MetaData, String, Table, insert, inspect, text

from bot.adapters.ledger import foreign
from bot.adapters.ledger.engine import Database
from bot.adapters.ledger.tables import metadata

HEAD = "0013"
"""The newest revision, known without Alembic: a ledger that is up to date must open fast."""

_MIGRATIONS = "bot.adapters.ledger.migrations"

# Any number will do that no other program locks: "gptimage" in ASCII.
_LOCK = int.from_bytes(b"gptimage")

# Where Alembic keeps the revision: https://alembic.sqlalchemy.org/en/latest/tutorial.html
_VERSION = Table(
    "alembic_version",
    MetaData(naming_convention={"pk": "%(table_name)s_pkc"}),
    Column("version_num", String(32), primary_key=True),
)


async def is_current(database: Database) -> bool:
    """Whether the tables are those of this program. Raises LedgerBusy."""
    async with database.read() as connection:
        return await connection.run_sync(revision) == HEAD


async def upgrade(database: Database) -> None:
    """Bring the tables up to date in one transaction. Raises LedgerBusy.

    Whoever comes second waits for the first, and finds nothing to do.
    """
    async with database.read() as connection:
        if await connection.run_sync(revision) is not None:
            import_module(_MIGRATIONS)  # before anything is locked
    async with database.write() as connection:
        await connection.run_sync(_upgrade)


def revision(connection: Connection) -> str | None:
    """The revision of the tables that are there; None if there are none."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return found


def _upgrade(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":  # a writer of SQLite is alone already
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    found = revision(connection)
    if found == HEAD:
        return
    if found is not None:
        import_module(_MIGRATIONS).run(connection)
        return
    if connection.dialect.name == "sqlite" and inspect(connection).get_table_names():
        # A file belongs to one program: the Node tool's history must not be written into.
        raise foreign.refusal(connection.engine.url.database)
    make(connection)


def make(connection: Connection) -> None:
    """Make the tables as they are now, in a database that has none: without their past."""
    for tables in (metadata, _VERSION.metadata):
        tables.create_all(connection, checkfirst=False)
    connection.execute(insert(_VERSION).values(version_num=HEAD))
