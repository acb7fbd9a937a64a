"""What must come to stand on GitHub: the newest words, and how far they got."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.adapters.ledger.engine import Database
from bot.adapters.ledger.leases import fence, is_free, over
from bot.adapters.ledger.tables import effects
from bot.adapters.ledger.upsert import insert
from bot.core.ports import Effect, Lease, OwedEffect


class SqlOutbox:
    """The port `Outbox` on a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def say(self, effect: Effect, now: datetime, lease: Lease | None = None) -> None:
        """Owe it, in place of what was owed under the same id; equal words cost nothing.

        With the lease of the run it is about: raises LeaseLost.
        """
        async with self._database.write() as connection:
            if lease:
                await fence(connection, lease, "run")
            await owe(connection, [effect], now)

    async def get(self, effect_id: str, now: datetime) -> OwedEffect | None:
        """The effect, if it is due and what GitHub shows is older than what is owed."""
        owed = select(effects).where(
            effects.c.id == effect_id,
            effects.c.shown < effects.c.version,
            over(effects.c.due_at, now),
        )
        async with self._database.read() as connection:
            row = (await connection.execute(owed)).one_or_none()
        return None if row is None else _owed(row)

    async def remote(self, effect_id: str) -> int | None:
        """GitHub's id of what stands there, if it has been posted."""
        async with self._database.read() as connection:
            return await connection.scalar(
                select(effects.c.remote).where(effects.c.id == effect_id)
            )

    async def attempting(self, lease: Lease) -> None:
        """Record, before a post, that one may have happened. Raises LeaseLost."""
        await self._change(lease, attempted=True)

    async def delivered(self, lease: Lease, version: int, remote: int) -> None:
        """Record what GitHub shows now; words said meanwhile stay owed. Raises LeaseLost."""
        await self._change(lease, shown=version, remote=remote, tries=0, given_up=None)

    async def again(self, effect_id: str) -> int | None:
        """Owe the newest words once more; gives GitHub's id of what is known to stand there."""
        once_more = (
            update(effects)
            .where(effects.c.id == effect_id)
            .values(version=effects.c.version + 1)
            .returning(effects.c.remote)
        )
        async with self._database.write() as connection:
            stands: int | None = await connection.scalar(once_more)
            return stands

    async def postpone(self, lease: Lease, until: datetime, *, attempted: bool) -> None:
        """Not before that time: GitHub asked for a pause, or did not answer."""
        await self._change(lease, due_at=until, tries=effects.c.tries + 1, attempted=attempted)

    async def give_up(self, lease: Lease, version: int, why: str) -> None:
        """These words can never be delivered; new words under the id are tried again."""
        await self._change(lease, shown=version, given_up=why)

    async def owed(self, now: datetime, limit: int = 100) -> Sequence[str]:
        """Ids that are due and that nobody delivers now, oldest first."""
        due = (
            select(effects.c.id)
            .where(
                effects.c.shown < effects.c.version,
                over(effects.c.due_at, now),
                is_free("effect", effects.c.id, now),
            )
            .order_by(effects.c.due_at)
            .limit(limit)
        )
        async with self._database.read() as connection:
            return (await connection.scalars(due)).all()

    async def _change(self, lease: Lease, **values: object) -> None:
        async with self._database.write() as connection:
            effect = await fence(connection, lease, "effect")
            await connection.execute(update(effects).where(effects.c.id == effect).values(**values))


def _owed(row: Row[Any]) -> OwedEffect:
    return OwedEffect(
        Effect(row.id, row.kind, row.thread, row.body),
        version=row.version,
        created_at=row.created_at,
        attempted=row.attempted,
        remote=row.remote,
        tries=row.tries,
    )


async def owe(connection: AsyncConnection, said: Sequence[Effect], now: datetime) -> None:
    """Owe the effects, in a transaction that gives the reason for them."""
    for effect in sorted(said, key=lambda effect: effect.id):  # one order: no deadlock
        fresh = insert(connection, effects).values(
            id=effect.id,
            kind=effect.kind,
            thread=effect.thread,
            body=effect.body,
            version=1,
            shown=0,
            created_at=now,
            due_at=now,
            attempted=False,
            tries=0,
        )
        await connection.execute(
            fresh.on_conflict_do_update(
                index_elements=["id"],
                set_={"body": fresh.excluded.body, "version": effects.c.version + 1},
                where=effects.c.body != fresh.excluded.body,
            )
        )
