"""A run that is over goes on: a person orders of it again, or an answer comes late."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.adapters.ledger import budget, tally
from bot.adapters.ledger.columns import among
from bot.adapters.ledger.leases import epoch
from bot.adapters.ledger.tables import items, runs
from bot.core.ports import Order
from bot.core.pricing import Money
from bot.core.run import RunState, RunView


async def publish(connection: AsyncConnection, run_id: str) -> bool:
    """Take a run that is done back to its end, for an answer that came late; False if it is not."""
    return await _go_on(connection, run_id, {"state": RunState.PUBLISHING})


async def queue(
    connection: AsyncConnection, seen: RunView, now: datetime, order: Order | None
) -> bool:
    """Put a run that is done back into the line, for a person who saw it so; else False."""
    values = {
        "state": RunState.QUEUED,
        "stop": None,
        "resumed_at": now,
        "orderer": order.person if order else None,
        "claims": func.coalesce(epoch("run", runs.c.id), 0),
    }
    return await _go_on(connection, seen.run.id, values, *_is_as_seen(seen))


def _is_as_seen(seen: RunView) -> tuple[ColumnElement[bool], ...]:
    """Whether nothing was ordered of the run since, whatever the clock says, nor came in late."""
    ordered = select(func.sum(items.c.order)).where(items.c.run_id == runs.c.id).scalar_subquery()
    return (
        runs.c.finished_at == seen.run.finished_at,
        ordered == sum(item.order for item in seen.items),
    )


async def _go_on(
    connection: AsyncConnection,
    run_id: str,
    values: Mapping[str, object],
    *conditions: ColumnElement[bool],
) -> bool:
    taken = await connection.execute(
        update(runs)
        .where(runs.c.id == run_id, runs.c.finished_at.is_not(None), runs.c.pruned_at.is_(None))
        .where(*conditions)
        .values(finished_at=None, **values)
    )
    if taken.rowcount:
        await tally.take_back(connection, run_id)
    return bool(taken.rowcount)


async def order(
    connection: AsyncConnection, run_id: str, ordered: Sequence[int], amount: Money | None
) -> None:
    """Let each of these images be called for once more; the run may cost so much more."""
    if amount is not None:
        bound = await budget.spent(connection, run_id) + amount
        await connection.execute(update(runs).where(runs.c.id == run_id).values(upper_bound=bound))
    await connection.execute(
        update(items)
        .where(items.c.run_id == run_id, among(items.c.item, ordered))
        .values(order=items.c.order + 1, cancelled=False)
    )
