"""How far something that comes again and again has got, by its name."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.adapters.ledger.tables import cursors
from bot.adapters.ledger.upsert import insert


async def cursor(connection: AsyncConnection, name: str) -> datetime | None:
    """Up to when it is done; None if it never was."""
    at: datetime | None = await connection.scalar(
        select(cursors.c.at).where(cursors.c.name == name)
    )
    return at


async def move_cursor(connection: AsyncConnection, name: str, now: datetime) -> None:
    """From now on it is done up to now."""
    row = insert(connection, cursors).values(name=name, at=now)
    await connection.execute(
        row.on_conflict_do_update(index_elements=["name"], set_={"at": row.excluded.at})
    )
