"""The tables are those of this program: seen at one look, or made so."""

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from bot.adapters.ledger.engine import Database

HEAD = "0001"
"""The newest revision, known without Alembic: a ledger that is up to date must open fast."""

# Any number will do that no other program locks: "gptimage" in ASCII.
_LOCK = int.from_bytes(b"gptimage")


async def upgrade(database: Database) -> None:
    """Bring the tables up to date, unless they are. Raises LedgerBusy."""
    async with database.read() as connection:
        if await connection.run_sync(revision) == HEAD:
            return
    async with database.write() as connection:
        await connection.run_sync(_upgrade)


def revision(connection: Connection) -> str | None:
    """The revision of the tables that are there; None if there are none."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return found


def _upgrade(connection: Connection) -> None:
    """Run the missing revisions in this transaction; whoever comes second finds nothing to do."""
    from alembic import command  # noqa: PLC0415  (its import costs more than opening a ledger)
    from alembic.config import Config  # noqa: PLC0415

    if connection.dialect.name == "postgresql":  # SQLite's transaction is alone already
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    command.upgrade(config, "head")
