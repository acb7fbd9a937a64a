"""Ledgers as earlier versions have left them."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.adapters.ledger import migrations

FOLDER = str(Path(migrations.__file__).parent)


def made(connection: Connection, revision: str) -> None:
    """Make the tables of that revision."""
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", FOLDER.replace("%", "%%"))
    command.upgrade(config, revision)


async def insert(connection: AsyncConnection, table: str, **values: object) -> None:
    """Write one row as it stands in the table."""
    columns = ", ".join(f'"{name}"' for name in values)
    places = ", ".join(f":{name}" for name in values)
    await connection.execute(text(f"INSERT INTO {table} ({columns}) VALUES ({places})"), values)
