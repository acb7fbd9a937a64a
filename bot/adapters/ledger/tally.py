"""Sums over the runs that are over, so that no figure needs a look at all that ever happened.

A run keeps what it has added, and takes exactly that back when it goes on.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    Text,
    and_,
    case,
    func,
    literal,
    literal_column,
    select,
    type_coerce,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.adapters.ledger.tables import attempts, items, runs, tallies
from bot.adapters.ledger.upsert import insert
from bot.core.attempts import AttemptState
from bot.core.run import ItemState

Tally = Mapping[str, int]
"""Images by state (`items.succeeded`) and micro-dollars by state of the call (`money.in_doubt`)."""


async def add(connection: AsyncConnection, run_id: str) -> None:
    """A run of a thread is over: count what became of it, in place of what was counted before."""
    run = await _counted(connection, run_id)
    if run is not None:
        new = await of(connection, items.c.run_id == run_id, attempts.c.run_id == run_id)
        await _change(connection, run_id, run, new)


async def take_back(connection: AsyncConnection, run_id: str) -> None:
    """A run that was over goes on."""
    if run := await _counted(connection, run_id):
        await _change(connection, run_id, run, None)


async def of(
    connection: AsyncConnection, of_items: ColumnElement[bool], of_attempts: ColumnElement[bool]
) -> Tally:
    """What there is of the items and attempts for which these hold."""
    found: dict[str, int] = {}
    for row in await connection.execute(_items(of_items)):
        found[f"items.{row.state}"] = row.items
    for row in await connection.execute(_money(of_attempts)):
        if row.amount:
            found[f"money.{row.state}"] = int(row.amount)
    return found


async def _counted(connection: AsyncConnection, run_id: str) -> Tally | None:
    """What the run has added so far; None for one of the command line."""
    asked = select(runs.c.counted).where(runs.c.id == run_id, runs.c.thread.is_not(None))
    row = (await connection.execute(asked)).one_or_none()
    return None if row is None else row.counted or {}


async def _change(connection: AsyncConnection, run_id: str, old: Tally, new: Tally | None) -> None:
    await connection.execute(update(runs).where(runs.c.id == run_id).values(counted=new))
    after = new or {}
    for name in sorted({*old, *after}):  # one order: no deadlock
        difference = after.get(name, 0) - old.get(name, 0)
        if difference:
            fresh = insert(connection, tallies).values(name=name, value=difference)
            together = tallies.c.value + fresh.excluded.value
            await connection.execute(
                fresh.on_conflict_do_update(index_elements=["name"], set_={"value": together})
            )


def _items(chosen: ColumnElement[bool]) -> Select[Any]:
    other = attempts.alias()
    telling = (
        select(other.c.number)
        .where(other.c.run_id == items.c.run_id, other.c.item == items.c.item)
        .order_by(case(_RANKS, value=other.c.state, else_=len(_RANKS)), other.c.number.desc())
        .limit(1)
    )
    tried = and_(
        attempts.c.run_id == items.c.run_id,
        attempts.c.item == items.c.item,
        attempts.c.number == telling.scalar_subquery(),
    )
    return (
        select(_STATE.label("state"), func.count().label("items"))
        .select_from(items.outerjoin(attempts, tried))
        .where(chosen)
        .group_by(literal_column("1"))
    )


# Which of its calls tells what became of an image, as `ItemView.state` says it.
_RANKS = {
    state: rank
    for rank, state in enumerate(
        (AttemptState.SUCCEEDED, AttemptState.STARTED, AttemptState.IN_DOUBT)
    )
}

# The words of attempts are those of items, too.
_STATE = case(
    (attempts.c.state.is_not(None), type_coerce(attempts.c.state, Text)),
    (items.c.cancelled, literal(ItemState.CANCELLED.value)),
    else_=literal(ItemState.RESERVED.value),
)


def _money(chosen: ColumnElement[bool]) -> Select[str, int]:
    bill = case(
        (
            attempts.c.state == AttemptState.SUCCEEDED,
            func.coalesce(attempts.c.cost, attempts.c.amount),
        ),
        else_=attempts.c.amount,
    )
    amount = type_coerce(func.sum(bill), BigInteger)
    state = type_coerce(attempts.c.state, Text)
    return (
        select(state.label("state"), amount.label("amount"))
        .where(chosen)
        .group_by(attempts.c.state)
    )
