"""Deliveries: kept before GitHub is thanked for them, settled with what they led to."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import case, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.adapters.ledger.engine import Database
from bot.adapters.ledger.group_commit import GroupCommit
from bot.adapters.ledger.leases import fence, is_free
from bot.adapters.ledger.outbox import owe
from bot.adapters.ledger.tables import deliveries
from bot.adapters.ledger.upsert import insert
from bot.core.ports import Delivery, Effect, Heard, Lease
from bot.core.run import Thread


class SqlInbox:
    """The port `Inbox` on a database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._arrivals = GroupCommit(self._keep, lambda _: None)

    async def receive(self, delivery: Delivery) -> bool:
        """Keep it, durably; False if the same command was received before."""
        return await self._arrivals.write(None, delivery)

    async def get(self, delivery_id: str) -> Delivery | None:
        """The delivery while it is unsettled; None once it is, or if it never came."""
        unsettled = select(deliveries).where(
            deliveries.c.id == delivery_id, deliveries.c.settled_at.is_(None)
        )
        async with self._database.read() as connection:
            row = (await connection.execute(unsettled)).one_or_none()
        if row is None:
            return None
        return Delivery(row.id, row.guid, row.event, row.received_at)

    async def settle(self, lease: Lease, now: datetime, effects: Sequence[Effect] = ()) -> None:
        """Mark it as answered, and owe the effects, in one transaction. Raises LeaseLost."""
        async with self._database.write() as connection:
            await settle_delivery(connection, lease, now)
            await owe(connection, effects, now)

    async def hear(self, delivery: Delivery, since: datetime) -> Heard:
        """Count it among the commands of its thread, once; says how many came since then."""
        place = _place(delivery.event.thread)
        by_bot = delivery.event.sender_type != "User"
        this = update(deliveries).where(deliveries.c.id == delivery.id)
        counted = select(func.count(), func.sum(case((deliveries.c.by_bot, 1), else_=0))).where(
            deliveries.c.heard_in == place, deliveries.c.received_at >= since
        )
        async with self._database.write() as connection:
            await connection.execute(this.values(heard_in=place, by_bot=by_bot))
            commands, by_bots = (await connection.execute(counted)).one()
        return Heard(commands, by_bots or 0)

    async def unsettled(self, now: datetime, limit: int = 100) -> Sequence[str]:
        """Ids without a live lease, oldest first."""
        free = (
            select(deliveries.c.id)
            .where(deliveries.c.settled_at.is_(None), is_free("delivery", deliveries.c.id, now))
            .order_by(deliveries.c.received_at)
            .limit(limit)
        )
        async with self._database.read() as connection:
            return (await connection.scalars(free)).all()

    async def _keep(self, _: None, arrived: Sequence[Delivery]) -> Sequence[bool]:
        """Keep all that arrived at the same time; of one command, the first counts as new."""
        first = {each.id: each for each in reversed(arrived)}
        rows = [_row(first[name]) for name in sorted(first)]  # one order: no deadlock
        async with self._database.write_first() as connection:
            statement = insert(connection, deliveries).on_conflict_do_nothing(index_elements=["id"])
            kept = await connection.scalars(statement.returning(deliveries.c.id), rows)
            new = set(kept)
        return [_first(new, each.id) for each in arrived]


def _row(delivery: Delivery) -> dict[str, object]:
    return {
        "id": delivery.id,
        "guid": delivery.guid,
        "event": delivery.event,
        "received_at": delivery.received_at,
    }


def _first(new: set[str], delivery: str) -> bool:
    """Whether it is new; who asks again hears that it is not."""
    if delivery not in new:
        return False
    new.discard(delivery)
    return True


def _place(thread: Thread) -> str:
    return f"{thread.installation}/{thread.repository_id}/{thread.issue}"


async def settle_delivery(connection: AsyncConnection, lease: Lease, now: datetime) -> None:
    """Mark the leased delivery as answered, in a transaction that answers it. Raises LeaseLost."""
    delivery = await fence(connection, lease, "delivery")
    await connection.execute(
        update(deliveries)
        .where(deliveries.c.id == delivery, deliveries.c.settled_at.is_(None))
        .values(settled_at=now)
    )
