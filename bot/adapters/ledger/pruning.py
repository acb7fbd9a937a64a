"""Old rows go. What keeps a comment from being answered twice stays, and so do the reports."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import (
    ColumnElement,
    Table,
    Text,
    delete,
    exists,
    func,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.adapters.ledger import tally
from bot.adapters.ledger.columns import Time
from bot.adapters.ledger.cursors import cursor, move_cursor
from bot.adapters.ledger.engine import Database
from bot.adapters.ledger.tables import (
    attempts,
    budgets,
    deliveries,
    effects,
    items,
    leases,
    offers,
    reservations,
    runs,
)
from bot.adapters.ledger.views import view_in
from bot.core.attempts import AttemptState
from bot.core.ports import EffectKind, Old
from bot.core.redact import BY_LOOK
from bot.core.report import report, to_json

_PRUNED = "pruned"  # the name of a cursor
_PART = 200  # rows of a kind that are looked for, and removed, at a time
_ALWAYS = "always"  # the window of a budget that is never over
_CLOCKS = timedelta(days=1)  # more than the clocks of two machines differ

# What is left of a row that only has to be there.
_NOTHING = literal("", Text)


class SqlPruning:
    """The port `Pruning` on a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def old(self, before: datetime, now: datetime, after: Old) -> Old:
        """What comes next after the last ids of `after`; empty at the end. Changes nothing."""
        answered = (deliveries.c.settled_at < before, deliveries.c.guid != "")
        shown = (
            effects.c.created_at < before,
            effects.c.due_at < before,
            effects.c.shown >= effects.c.version,
            effects.c.body != "",
            ~_is_of_a_whole_run(),
        )
        passed = (offers.c.created_at < before, or_(offers.c.run.is_(None), _is_pruned()))
        async with self._database.read() as connection:
            return Old(
                await _next(connection, runs, after.runs, *_are_old(before, now)),
                await _next(connection, deliveries, after.deliveries, *answered),
                await _next(connection, effects, after.effects, *shown),
                await _next(connection, offers, after.offers, *passed),
            )

    async def mark(self, names: Sequence[str], before: datetime, now: datetime) -> Sequence[str]:
        """Nobody can order anything of these runs any more; gives those that were still old."""
        async with self._database.write() as connection:
            marked = await connection.scalars(
                update(runs)
                .where(runs.c.id.in_(names), *_are_old(before, now))
                .values(pruned_at=func.coalesce(runs.c.pruned_at, literal(now, Time)))
                .returning(runs.c.id)
            )
            found = sorted(marked)
            for name in found:
                await _keep_report(connection, name)
                await tally.add(connection, name)
        return found

    async def remove(self, old: Old) -> None:
        """Remove what is not kept of marked runs, and of the others."""
        async with self._database.write() as connection:
            await _remove_runs(connection, old.runs)
            await connection.execute(delete(offers).where(offers.c.id.in_(old.offers)))
            await _empty(
                connection, deliveries, old.deliveries, guid="", event=_NOTHING, heard_in=None
            )
            reactions = effects.c.kind == EffectKind.REACTION  # the same one twice is one
            await connection.execute(
                delete(effects).where(effects.c.id.in_(old.effects), reactions)
            )
            await _empty(connection, effects, old.effects, body="")
            await _let_go(connection, "run", old.runs)
            await _let_go(connection, "delivery", old.deliveries)
            await _let_go(connection, "effect", old.effects)

    async def pruned_at(self) -> datetime | None:
        """When all that is old was last removed; None if it never was."""
        async with self._database.read() as connection:
            return await cursor(connection, _PRUNED)

    async def pruned(self, now: datetime) -> None:
        """All that is old was removed now."""
        async with self._database.write() as connection:
            await move_cursor(connection, _PRUNED, now)

    async def remove_budgets(self, now: datetime) -> int:
        """Remove budgets whose window is over and that no run holds money in."""
        held = exists().where(
            reservations.c.scope == budgets.c.scope, reservations.c.window == budgets.c.window
        )
        over = (budgets.c.window < _month(now), ~held)
        async with self._database.write() as connection:
            removed = await connection.execute(delete(budgets).where(*over))
        return removed.rowcount


def _month(now: datetime) -> str:
    """The month that is not over, on whichever machine; its days are greater than it as texts."""
    return f"{now - _CLOCKS:%Y-%m}"


def _are_old(before: datetime, now: datetime) -> tuple[ColumnElement[bool], ...]:
    """Whether runs are over and old, and have nothing that anybody may still ask for."""
    image = exists().where(
        attempts.c.run_id == items.c.run_id,
        attempts.c.item == items.c.item,
        attempts.c.state == AttemptState.SUCCEEDED,
    )
    unpublished = exists().where(
        items.c.run_id == runs.c.id, items.c.url.is_(None), items.c.path.is_(None), image
    )
    held = exists().where(
        reservations.c.run_id == runs.c.id,
        reservations.c.window >= _month(now),
        reservations.c.window != _ALWAYS,
    )
    left = or_(runs.c.pruned_at.is_(None), exists().where(items.c.run_id == runs.c.id))
    return runs.c.finished_at < before, left, ~unpublished, ~held


def _is_of_a_whole_run() -> ColumnElement[bool]:
    """Whether an effect is of a run that is not pruned; its id ends with the run's."""
    length = func.length(effects.c.id)
    name = func.substr(effects.c.id, length - _ID + 1)
    return exists().where(runs.c.id == name, runs.c.pruned_at.is_(None))


_ID = 10  # characters of the id of a run that a comment asked for


def _is_pruned() -> ColumnElement[bool]:
    return exists().where(runs.c.id == offers.c.run, runs.c.pruned_at.is_not(None))


async def _next(
    connection: AsyncConnection,
    table: Table,
    after: Sequence[str],
    *conditions: ColumnElement[bool],
) -> Sequence[str]:
    """In the order of the primary key, so that a look costs as much as it finds rows to pass."""
    last = after[-1] if after else ""
    chosen = select(table.c.id).where(table.c.id > last, *conditions)
    return (await connection.scalars(chosen.order_by(table.c.id).limit(_PART))).all()


async def _keep_report(connection: AsyncConnection, name: str) -> None:
    """A run that came from elsewhere has no report yet."""
    view = await view_in(connection, name)
    if view is None or view.run.finished_at is None or not view.items:
        return
    told = BY_LOOK(to_json(report(view, view.run.finished_at)))
    await connection.execute(
        update(runs).where(runs.c.id == name, runs.c.report.is_(None)).values(report=told)
    )


async def _remove_runs(connection: AsyncConnection, names: Sequence[str]) -> None:
    for table in (attempts, items, reservations):
        await connection.execute(delete(table).where(table.c.run_id.in_(names)))
    scopes = [f"run:{name}" for name in names]
    await connection.execute(delete(budgets).where(budgets.c.scope.in_(scopes)))


async def _empty(
    connection: AsyncConnection, table: Table, names: Sequence[str], **values: object
) -> None:
    await connection.execute(update(table).where(table.c.id.in_(names)).values(**values))


async def _let_go(connection: AsyncConnection, kind: str, names: Iterable[str]) -> None:
    subjects = [f"{kind}:{name}" for name in names]
    await connection.execute(delete(leases).where(leases.c.subject.in_(subjects)))
