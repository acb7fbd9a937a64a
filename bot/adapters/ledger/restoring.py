"""A run that another machine led, as the thread tells of it: put into a ledger of this one."""

from collections.abc import Sequence

from sqlalchemy import insert, update

from bot.adapters.ledger.engine import Database
from bot.adapters.ledger.history import keep
from bot.adapters.ledger.offers import take
from bot.adapters.ledger.outbox import owe
from bot.adapters.ledger.tables import effects, orders
from bot.core.ports import Effect
from bot.core.run import RunView


class SqlRestoring:
    """Stores what stands in threads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def restore(
        self, view: RunView, shown: Effect, remote: int, given: Sequence[str] = ()
    ) -> bool:
        """Store the run, the comment that shows it, and the comments that have ordered of it.

        False if the run is there already; then nothing is changed.
        """
        now = view.run.created_at
        async with self._database.write() as connection:
            if not await keep(connection, view):
                return False
            for order in given:
                values = {"id": order, "run_id": view.run.id, "ordered_at": now}
                await connection.execute(insert(orders).values(values))
            await owe(connection, [shown], now)
            await connection.execute(
                update(effects)
                .where(effects.c.id == shown.id)
                .values(shown=effects.c.version, remote=remote, attempted=True)
            )
        return True

    async def keep(self, view: RunView) -> None:
        """Store the run of a job that had no thread; nothing happens if it is there."""
        async with self._database.write() as connection:
            await keep(connection, view)

    async def stands(self, said: Sequence[Effect]) -> None:
        """These effects stand in the thread already: nobody owes them."""
        shown = [effect.id for effect in said]
        async with self._database.write() as connection:
            await connection.execute(
                update(effects).where(effects.c.id.in_(shown)).values(shown=effects.c.version)
            )

    async def take(self, offer: str, run: str) -> None:
        """The offer has this run. Raises OfferTaken if it has another one."""
        async with self._database.write() as connection:
            await take(connection, offer, run)
