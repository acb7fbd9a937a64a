"""Estimates that were answered: kept exactly as they were, and run once at most."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.adapters.ledger.engine import Database
from bot.adapters.ledger.inbox import settle_delivery
from bot.adapters.ledger.outbox import owe
from bot.adapters.ledger.tables import offers
from bot.adapters.ledger.upsert import insert
from bot.core.errors import OfferTaken
from bot.core.ports import Effect, Lease
from bot.core.run import Offer

_COLUMNS = tuple(column.name for column in offers.columns)


class SqlOffers:
    """The port `Offers` on a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(
        self, offer: Offer, effects: Sequence[Effect], *, delivery: Lease, now: datetime
    ) -> None:
        """Store it, owe the effects and settle the delivery, in one transaction.

        One of the same id stays as it is. Raises LeaseLost.
        """
        async with self._database.write() as connection:
            await settle_delivery(connection, delivery, now)
            values = {name: getattr(offer, name) for name in _COLUMNS}
            stored = insert(connection, offers).values(**values)
            await connection.execute(stored.on_conflict_do_nothing(index_elements=["id"]))
            await owe(connection, effects, now)

    async def get(self, offer_id: str) -> Offer | None:
        """The offer, and the run that was made of it, if there is one."""
        async with self._database.read() as connection:
            found = await connection.execute(select(offers).where(offers.c.id == offer_id))
            row = found.one_or_none()
        return None if row is None else _offer(row)


async def take(connection: AsyncConnection, offer_id: str, run_id: str) -> None:
    """Let the run be the only one of its offer; raises OfferTaken if another one is."""
    taken = await connection.execute(
        update(offers).where(offers.c.id == offer_id, offers.c.run.is_(None)).values(run=run_id)
    )
    if not taken.rowcount:
        raise OfferTaken(offer_id)


def _offer(row: Row[Any]) -> Offer:
    return Offer(**{name: getattr(row, name) for name in _COLUMNS})
