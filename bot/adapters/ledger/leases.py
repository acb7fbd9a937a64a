"""Who may act on a subject: one row each, whose epoch only ever rises."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, func, literal, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.adapters.ledger.columns import Time
from bot.adapters.ledger.engine import Database
from bot.adapters.ledger.tables import leases
from bot.adapters.ledger.upsert import insert
from bot.core.errors import LeaseLost
from bot.core.ports import Lease
from bot.core.times import LONGEST

_PAST = datetime(1970, 1, 1, tzinfo=UTC)


class SqlLeases:
    """The port `Leases` on a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(self, subject: str, now: datetime, ttl: timedelta) -> Lease | None:
        """Take the subject, unless somebody holds it."""
        until = now + ttl
        async with self._database.write() as connection:
            epoch = await connection.scalar(
                insert(connection, leases)
                .values(subject=subject, epoch=1, until=until)
                .on_conflict_do_update(
                    index_elements=["subject"],
                    set_={"epoch": leases.c.epoch + 1, "until": until},
                    where=over(leases.c.until, now),
                )
                .returning(leases.c.epoch)
            )
        return None if epoch is None else Lease(subject, epoch, until)

    async def renew(self, lease: Lease, now: datetime, ttl: timedelta) -> Lease:
        """Hold on to it, even if it ran out and nobody has noticed. Raises LeaseLost."""
        until = now + ttl
        async with self._database.write_first() as connection:
            renewed = await connection.execute(
                update(leases).where(*_same(lease)).values(until=until)
            )
        if not renewed.rowcount:
            raise _lost(lease)
        return Lease(lease.subject, lease.epoch, until)

    async def release(self, lease: Lease) -> None:
        """Let it go at once; the epoch stays, so that late writes still meet it."""
        async with self._database.write() as connection:
            await connection.execute(update(leases).where(*_same(lease)).values(until=_PAST))

    async def free_at(self, subject: str) -> datetime:
        """When the subject may be claimed; in the past if it may be now."""
        held = select(leases.c.until).where(leases.c.subject == subject)
        async with self._database.read() as connection:
            return await connection.scalar(held) or _PAST

    def tie(self, lease: Lease) -> None:
        """Nothing: a database does not know who is alive."""

    def untie(self, lease: Lease) -> None:
        """Nothing either."""

    async def free_the_dead(self) -> None:
        """Nothing: it waits until their leases run out."""


async def fence(connection: AsyncConnection, lease: Lease, kind: str) -> str:
    """The id of what is leased, for a write in this transaction. Raises LeaseLost.

    The row stays locked until the commit, so nobody can claim the subject in between; shared,
    because the calls of one run are recorded side by side.
    """
    row = select(leases.c.epoch).where(*_same(lease)).with_for_update(read=True)
    if await connection.scalar(row) is None:
        raise _lost(lease)
    prefix, _, name = lease.subject.partition(":")
    if prefix != kind:
        raise ValueError(f"a lease on a {kind} is needed, and this is one on {lease.subject}")
    return name


def epoch(kind: str, name: ColumnElement[str]) -> ColumnElement[int]:
    """How often the subject of a row has been claimed, for a query; null if it never was."""
    claimed = select(leases.c.epoch).where(leases.c.subject == f"{kind}:" + name)
    return claimed.scalar_subquery()


def is_free(kind: str, name: ColumnElement[str], now: datetime) -> ColumnElement[bool]:
    """Whether nobody holds the subject of a row, as a condition of a query.

    A scalar subquery is looked up row by row; PostgreSQL would join an EXISTS, and read all leases.
    """
    until = select(leases.c.until).where(leases.c.subject == f"{kind}:" + name).scalar_subquery()
    return over(func.coalesce(until, literal(_PAST, Time)), now)


def over(time: ColumnElement[datetime], now: datetime) -> ColumnElement[bool]:
    """Whether the time is over, as a condition; what no clock can have meant is, too."""
    return (time <= literal(now, Time)) | (time > literal(now + LONGEST, Time))


def _same(lease: Lease) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return leases.c.subject == lease.subject, leases.c.epoch == lease.epoch


def _lost(lease: Lease) -> LeaseLost:
    return LeaseLost(f"somebody else holds {lease.subject} now")
