"""Deliveries that never arrived, until they do or GitHub forgets them."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.adapters.ledger.cursors import cursor, move_cursor
from bot.adapters.ledger.engine import Database
from bot.adapters.ledger.leases import fence
from bot.adapters.ledger.tables import missed
from bot.adapters.ledger.upsert import insert
from bot.core.ports import Lease, MissedDelivery, Sending

LOG = "deliveries"  # the cursor of GitHub's log


class SqlMissed:
    """The port `Missed` on a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read_to(self) -> datetime | None:
        """Up to when the log has been read; None if it never was."""
        async with self._database.read() as connection:
            return await cursor(connection, LOG)

    async def record(
        self,
        lease: Lease,
        arrived: Collection[str],
        lost: Sequence[Sending],
        now: datetime,
        *,
        anew: bool = False,
    ) -> None:
        """Keep what the log says up to now, in one transaction. Raises LeaseLost.

        `anew`: what was lost again since we asked for it is due at once, as if never asked for.
        """
        async with self._database.write() as connection:
            await fence(connection, lease, "log")
            known = set(await connection.scalars(select(missed.c.guid)))
            for guid in known.intersection(arrived):
                await connection.execute(delete(missed).where(missed.c.guid == guid))
            for sending in lost:
                await _keep(connection, sending, now, anew=anew)
            await move_cursor(connection, LOG, now)

    async def next_due(self, now: datetime) -> MissedDelivery | None:
        """The one that is to be asked for next."""
        due = select(missed).where(missed.c.due_at <= now)
        due = due.order_by(missed.c.due_at, missed.c.sending).limit(1)
        async with self._database.read() as connection:
            row = (await connection.execute(due)).one_or_none()
        return None if row is None else MissedDelivery(row.guid, row.sending, row.tries)

    async def asked(self, lease: Lease, guid: str, until: datetime) -> None:
        """GitHub was asked for it, and is not to be asked again before then. Raises LeaseLost."""
        again = update(missed).values(tries=missed.c.tries + 1, due_at=until)
        async with self._database.write() as connection:
            await fence(connection, lease, "log")
            await connection.execute(again.where(missed.c.guid == guid))

    async def forget(self, lease: Lease, guid: str) -> None:
        """GitHub cannot send it again. Raises LeaseLost."""
        async with self._database.write() as connection:
            await fence(connection, lease, "log")
            await connection.execute(delete(missed).where(missed.c.guid == guid))

    async def forget_before(self, lease: Lease, moment: datetime) -> None:
        """GitHub cannot send again what was noticed before then. Raises LeaseLost."""
        async with self._database.write() as connection:
            await fence(connection, lease, "log")
            await connection.execute(delete(missed).where(missed.c.noticed_at < moment))


async def _keep(
    connection: AsyncConnection, sending: Sending, now: datetime, *, anew: bool
) -> None:
    """What is known already keeps its time; the newest sending is the one to repeat."""
    row = insert(connection, missed).values(
        guid=sending.guid, sending=sending.id, noticed_at=now, due_at=now, tries=0
    )
    if anew:
        again = missed.c.guid == sending.guid, missed.c.sending < sending.id
        await connection.execute(update(missed).where(*again).values(due_at=now, tries=0))
    await connection.execute(
        row.on_conflict_do_update(index_elements=["guid"], set_={"sending": row.excluded.sending})
    )
