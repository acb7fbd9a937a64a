"""What people's comments have ordered of runs that are there: each comment orders once."""

from sqlalchemy import exists, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.adapters.ledger.inbox import settle_delivery
from bot.adapters.ledger.outbox import owe
from bot.adapters.ledger.tables import orders, runs
from bot.core.ports import Order


async def was_given(connection: AsyncConnection, order: Order) -> bool:
    """Whether an earlier order of the same comment was carried out; then this one is settled."""
    given = bool(await connection.scalar(select(exists().where(orders.c.id == order.id))))
    if given:
        await settle_delivery(connection, order.delivery, order.at)
    return given


async def record(connection: AsyncConnection, order: Order, run_id: str) -> None:
    """The order is carried out in this transaction: remember and settle it, and owe its answer."""
    await settle_delivery(connection, order.delivery, order.at)
    await connection.execute(insert(orders).values(id=order.id, run_id=run_id, ordered_at=order.at))
    await owe(connection, order.effects, order.at)


async def has_acted(connection: AsyncConnection, comment: str) -> bool:
    """Whether the comment has a run of its own, or has ordered something of one."""
    acted = or_(exists().where(runs.c.id == comment), exists().where(orders.c.id == comment))
    return bool(await connection.scalar(select(acted)))
