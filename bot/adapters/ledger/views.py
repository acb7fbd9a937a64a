"""A run with its images and calls in a transaction: stored, and read as it stands there."""

from collections.abc import Sequence

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.adapters.ledger import upsert
from bot.adapters.ledger.rows import item_values, run_of, run_values, view_of
from bot.adapters.ledger.tables import attempts, items, runs
from bot.core.killpoints import Point, reach
from bot.core.plan import Item
from bot.core.run import Run, RunView


async def insert_run(connection: AsyncConnection, run: Run, wanted: Sequence[Item]) -> bool:
    """Store the run and its images; False if it is there already."""
    stored = await connection.scalar(
        upsert.insert(connection, runs)
        .values(**run_values(run))
        .on_conflict_do_nothing(index_elements=["id"])
        .returning(runs.c.id)
    )
    if stored is None:
        return False
    half = len(wanted) // 2
    for some in (wanted[:half], wanted[half:]):
        if some:
            await connection.execute(insert(items), [item_values(run.id, item) for item in some])
            reach(Point.ITEMS_STORED)
    return True


async def run_in(connection: AsyncConnection, run_id: str) -> Run:
    """The run as it stands in this transaction, without its images. Raises LookupError."""
    row = (await connection.execute(select(runs).where(runs.c.id == run_id))).one_or_none()
    if row is None:
        raise LookupError(f"there is no run {run_id}")
    return run_of(row)


async def view_in(connection: AsyncConnection, run_id: str) -> RunView | None:
    """The same with its images and their calls; None if there is no such run."""
    row = (await connection.execute(select(runs).where(runs.c.id == run_id))).one_or_none()
    if row is None:
        return None
    wanted = select(items).where(items.c.run_id == run_id).order_by(items.c.item)
    tried = select(attempts).where(attempts.c.run_id == run_id).order_by(attempts.c.number)
    return view_of(run_of(row), await connection.execute(wanted), await connection.execute(tried))
