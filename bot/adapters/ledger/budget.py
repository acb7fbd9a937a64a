"""Money that is spoken for: no budget ever holds more than its cap, however many ask at once."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from sqlalchemy import Row, case, func, literal, select, type_coerce, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.adapters.ledger.columns import Amount
from bot.adapters.ledger.tables import attempts, budgets, reservations
from bot.adapters.ledger.upsert import insert
from bot.core.attempts import AttemptState
from bot.core.errors import Reason, Refused
from bot.core.ports import Cap
from bot.core.pricing import Money
from bot.core.said import said


async def reserve(
    connection: AsyncConnection, run_id: str, amount: Money | None, caps: Sequence[Cap]
) -> None:
    """Set the amount aside for the run under every cap; raises Refused if one has no room.

    Nothing is set aside then, because the caller's transaction ends with the error.
    """
    for cap in sorted(caps, key=lambda cap: (cap.scope, cap.window)):  # one order: no deadlock
        if amount is None:
            raise Refused(
                Reason.PRICE,
                said(
                    "No price is known for this run, so the cap for {scope} cannot be kept."
                    " The operator can give it in GPTIMAGE_PRICES.",
                    scope=cap.name,
                ),
            )
        if not await _commit(connection, amount, cap):
            raise await _refusal(connection, amount, cap)
        await _hold(connection, run_id, amount, cap)


async def settle(connection: AsyncConnection, run_id: str) -> None:
    """Make each budget hold what the run has spent or may have spent, and no more.

    A run that was reopened may hold money in two windows of a scope; the newer one gives back
    first, since what was spent before it began is older.
    """
    total = await spent(connection, run_id)
    rows = await connection.execute(
        select(reservations)
        .where(reservations.c.run_id == run_id)
        .order_by(reservations.c.scope, reservations.c.window.desc())
    )
    for _, held in groupby(rows, key=lambda row: row.scope):
        await _give_back(connection, tuple(held), total)


async def left(connection: AsyncConnection, cap: Cap) -> Money:
    """What the cap still has room for; nothing where it was lowered below what is spoken for."""
    committed = await connection.scalar(
        select(budgets.c.committed).where(
            budgets.c.scope == cap.scope, budgets.c.window == cap.window
        )
    )
    return max(cap.limit - (committed or Money(0)), Money(0))


async def _commit(connection: AsyncConnection, amount: Money, cap: Cap) -> bool:
    """Count the amount in one budget, in one statement, if there is room for it."""
    if amount > cap.limit:
        return False
    fresh = insert(connection, budgets).values(scope=cap.scope, window=cap.window, committed=amount)
    together = type_coerce(budgets.c.committed + fresh.excluded.committed, Amount)
    counted = await connection.scalar(
        fresh.on_conflict_do_update(
            index_elements=["scope", "window"],
            set_={"committed": together},
            where=together <= cap.limit,
        ).returning(budgets.c.committed)
    )
    return counted is not None


async def _hold(connection: AsyncConnection, run_id: str, amount: Money, cap: Cap) -> None:
    fresh = insert(connection, reservations).values(
        run_id=run_id, scope=cap.scope, window=cap.window, held=amount
    )
    await connection.execute(
        fresh.on_conflict_do_update(
            index_elements=["run_id", "scope", "window"],
            set_={"held": reservations.c.held + fresh.excluded.held},
        )
    )


async def _refusal(connection: AsyncConnection, amount: Money, cap: Cap) -> Refused:
    return Refused(
        Reason.BUDGET,
        said(
            "This run could cost up to {amount}, and the cap for {scope} is {limit}, of which"
            " {left} is left.",
            amount=amount,
            scope=cap.name,
            limit=cap.limit,
            left=await left(connection, cap),
        ),
    )


async def spent(connection: AsyncConnection, run_id: str) -> Money:
    """What the run's calls have cost, and the most that those in doubt may have cost."""
    bill = case(
        (attempts.c.state == AttemptState.FAILED, None),
        (
            attempts.c.state == AttemptState.SUCCEEDED,
            func.coalesce(attempts.c.cost, attempts.c.amount),
        ),
        else_=attempts.c.amount,
    )
    found = await connection.scalar(select(func.sum(bill)).where(attempts.c.run_id == run_id))
    return found or Money(0)


async def _give_back(
    connection: AsyncConnection,
    newest_first: Sequence[Row[Any]],
    spent: Money,
) -> None:
    """Free what one scope holds beyond `spent`; a bill above the reservation is added instead."""
    surplus = sum((row.held for row in newest_first), Money(0)) - spent
    for row in newest_first:
        part = min(surplus, row.held)
        if part:
            await _change(connection, row, part)
        surplus -= part


async def _change(connection: AsyncConnection, row: Row[Any], freed: Money) -> None:
    await connection.execute(
        update(reservations)
        .where(
            reservations.c.run_id == row.run_id,
            reservations.c.scope == row.scope,
            reservations.c.window == row.window,
        )
        .values(held=reservations.c.held - literal(freed, Amount))
    )
    await connection.execute(
        update(budgets)
        .where(budgets.c.scope == row.scope, budgets.c.window == row.window)
        .values(committed=budgets.c.committed - literal(freed, Amount))
    )
