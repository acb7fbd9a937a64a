"""Runs: opened with their money set aside, and led through their states by whoever holds them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, bindparam, exists, func, literal, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.adapters.ledger import again, budget, orders, tally
from bot.adapters.ledger.attempts import Intent, Outcome, record
from bot.adapters.ledger.columns import MOST_AMONG, among
from bot.adapters.ledger.engine import Database
from bot.adapters.ledger.group_commit import GroupCommit
from bot.adapters.ledger.inbox import settle_delivery
from bot.adapters.ledger.leases import fence, is_free
from bot.adapters.ledger.offers import take
from bot.adapters.ledger.outbox import owe
from bot.adapters.ledger.tables import attempts, items, runs
from bot.adapters.ledger.views import insert_run, run_in, view_in
from bot.core.attempts import Attempt, AttemptState
from bot.core.batch import BatchConfig
from bot.core.errors import Failure, LeaseLost
from bot.core.plan import Item
from bot.core.ports import Cap, Effect, Lease, Order, Publication, Settlement
from bot.core.pricing import Money
from bot.core.run import Extra, Run, RunState, RunView, Stop, Thread, unsettled


class SqlRuns:
    """The port `Runs` on a database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._calls = GroupCommit(self._record, lambda lease: (lease.subject, lease.epoch))

    # --- for everybody ------------------------------------------------------------------------

    async def open(
        self,
        run: Run,
        items: Sequence[Item],
        caps: Sequence[Cap] = (),
        effects: Sequence[Effect] = (),
        *,
        delivery: Lease | None = None,
        offer: str | None = None,
    ) -> bool:
        """Store run, items, reservations and effects and settle the delivery, all or nothing.

        False if the run exists already (then only the delivery is settled). Raises Refused when
        a cap has no room for the run's upper bound, OfferTaken when another run was made of the
        offer, and LeaseLost.
        """
        async with self._database.write() as connection:
            if delivery:
                await settle_delivery(connection, delivery, run.created_at)
            if not await insert_run(connection, run, items):
                return False
            if offer:
                await take(connection, offer, run.id)
            await budget.reserve(connection, run.id, run.upper_bound, caps)
            await owe(connection, effects, run.created_at)
        return True

    async def get(self, run_id: str) -> RunView | None:
        """The run with its items and attempts, all of one moment."""
        async with self._database.read() as connection:
            return await view_in(connection, run_id)

    async def has_acted(self, comment: str) -> bool:
        """Whether the comment of this id has a run of its own, or has ordered something of one."""
        async with self._database.read() as connection:
            return await orders.has_acted(connection, comment)

    async def newest(self, thread: Thread) -> str | None:
        """The id of the newest run below the issue or pull request of the thread."""
        newest = (
            select(runs.c.id)
            .where(runs.c.place == thread.place)
            .order_by(runs.c.created_at.desc(), runs.c.id)
            .limit(1)
        )
        async with self._database.read() as connection:
            return await connection.scalar(newest)

    async def request_stop(
        self,
        run_id: str,
        stop: Stop,
        order: Order | None = None,
        faults: Sequence[str] = (),
        *,
        lease: Lease | None = None,
    ) -> bool:
        """Ask a run to start nothing more; False if nothing is left to start.

        An order is settled with it, and carried out once. With a lease: raises LeaseLost.
        """
        async with self._database.write() as connection:
            if lease:
                await fence(connection, lease, "run")
            if order and await orders.was_given(connection, order):
                return True
            if not await _ask_to_stop(connection, run_id, stop, faults):
                return False
            if order:
                await orders.record(connection, order, run_id)
        return True

    async def stop_requested(self, run_id: str) -> Stop | None:
        """Why the run should start nothing more, if so."""
        async with self._database.read() as connection:
            return await connection.scalar(select(runs.c.stop).where(runs.c.id == run_id))

    async def reopen(
        self,
        seen: RunView,
        items: Sequence[int],
        amount: Money | None,
        now: datetime,
        caps: Sequence[Cap] = (),
        order: Order | None = None,
    ) -> bool:
        """A person orders these items again: each gets a new order, the run is queued again.

        Its upper bound becomes what it has spent and `amount`. False unless it is done, and as it
        was seen. Raises Refused as `open` does. An order is settled with it, and carried out once.
        """
        run_id = seen.run.id
        async with self._database.write() as connection:
            if order and await orders.was_given(connection, order):
                return True
            if not await again.queue(connection, seen, now, order):
                return False
            await budget.reserve(connection, run_id, amount, caps)
            await again.order(connection, run_id, items, amount)
            if order:
                await orders.record(connection, order, run_id)
        return True

    async def resume(self, run: Run, now: datetime) -> bool:
        """A person goes on with the run of this id, within the limits of this batch.

        False if there is no such run, or while somebody holds it.
        """
        limits = {name: getattr(run, name) for name in _LIMITS}
        async with self._database.write() as connection:
            resumed = await connection.execute(
                update(runs)
                .where(runs.c.id == run.id, is_free("run", runs.c.id, now))
                .where(runs.c.pruned_at.is_(None))
                .values(**limits, resumed_at=now, stop=None)
            )
        return bool(resumed.rowcount)

    async def unfinished(self, now: datetime, limit: int = 100) -> Sequence[str]:
        """Ids of runs that are not done and that nobody holds, oldest first."""
        free = (
            select(runs.c.id)
            .where(runs.c.finished_at.is_(None), is_free("run", runs.c.id, now))
            .order_by(runs.c.created_at)
            .limit(limit)
        )
        async with self._database.read() as connection:
            return (await connection.scalars(free)).all()

    async def ended_in_doubt(self, run_ids: Sequence[str]) -> Sequence[str]:
        """Those of the runs that are done, and of which a call was given up without an outcome."""
        given_up = exists().where(
            attempts.c.run_id == runs.c.id, attempts.c.failure == Failure.LOST
        )
        done = select(runs.c.id).where(runs.c.finished_at.is_not(None), given_up)
        found: list[str] = []
        async with self._database.read() as connection:
            for first in range(0, len(run_ids), MOST_AMONG):
                these = among(runs.c.id, run_ids[first : first + MOST_AMONG])
                found += await connection.scalars(done.where(these))
        return found

    async def batches(self) -> Sequence[BatchConfig]:
        """What the runs want that are not done."""
        wanted = select(runs.c.batch).where(runs.c.finished_at.is_(None))
        async with self._database.read() as connection:
            return (await connection.scalars(wanted)).all()

    async def left(self, caps: Sequence[Cap]) -> Sequence[Money]:
        """What each cap still has room for, in their order; never below nothing."""
        async with self._database.read() as connection:
            return [await budget.left(connection, cap) for cap in caps]

    # --- for whoever holds the run ------------------------------------------------------------

    async def begin(self, lease: Lease, now: datetime) -> Run:
        """The run is being worked on: queued becomes running; anything later stays."""
        async with self._database.write() as connection:
            run_id = await fence(connection, lease, "run")
            await connection.execute(
                update(runs)
                .where(runs.c.id == run_id, runs.c.state == RunState.QUEUED)
                .values(state=RunState.RUNNING, started_at=_unless_set(runs.c.started_at, now))
            )
            return await run_in(connection, run_id)

    async def start(
        self, lease: Lease, item: int, number: int, order: int, amount: Money | None, now: datetime
    ) -> Stop | None:
        """Record the intent of one paid call, durably. Raises LeaseLost, before any money.

        Once a stop is stored nothing is recorded any more: it is the answer, and nobody may call.
        """
        intent = Attempt(number, order, AttemptState.STARTED, now, amount=amount)
        recorded = await self._calls.write(lease, Intent(item, intent))
        return recorded if isinstance(recorded, Stop) else None

    async def settle(
        self, lease: Lease, item: int, number: int, outcome: Settlement, now: datetime
    ) -> Attempt:
        """Record how the call ended; follows TRANSITIONS. Raises LeaseLost.

        A run that is done is publishing again, so that recovery finds what came late.
        """
        recorded = await self._calls.write(lease, Outcome(item, number, outcome, now))
        if isinstance(recorded, Stop):
            raise TypeError("a stop refuses intents alone")
        return recorded

    async def _record(
        self, lease: Lease, writes: Sequence[Intent | Outcome]
    ) -> Sequence[Attempt | Stop]:
        outcomes = [write for write in writes if isinstance(write, Outcome)]
        async with self._database.write() as connection:
            run_id = await fence(connection, lease, "run")
            stop = await _stop(connection, run_id) if len(outcomes) < len(writes) else None
            recorded = iter(await record(connection, run_id, outcomes if stop else writes))
            after = [
                stop if stop and isinstance(write, Intent) else next(recorded) for write in writes
            ]
            late = bool(outcomes)
            if late and await again.publish(connection, run_id):  # its money is settled already
                await budget.settle(connection, run_id)
        return after

    async def settled(self, lease: Lease) -> None:
        """Nothing more will be called: what was not called to its end is cancelled."""
        async with self._database.write() as connection:
            run_id = await fence(connection, lease, "run")
            await _unless_ordered_again(connection, run_id)
            if view := await view_in(connection, run_id):
                await _cancel(connection, run_id, [item.item.index for item in unsettled(view)])
            await connection.execute(
                update(runs)
                .where(runs.c.id == run_id, runs.c.finished_at.is_(None))
                .values(state=RunState.PUBLISHING)
            )

    async def published(
        self,
        lease: Lease,
        files: Sequence[Publication],
        page_url: str | None,
        note: str,
        extras: Sequence[Extra] = (),
    ) -> None:
        """Record where the files went; what is not said again stays."""
        async with self._database.write() as connection:
            run_id = await fence(connection, lease, "run")
            before = await run_in(connection, run_id)
            known = {extra.name: extra for extra in (*before.extras, *extras)}
            said = {
                "page_url": page_url or before.page_url,
                "note": note or before.note,
                "extras": tuple(known.values()),
            }
            await connection.execute(update(runs).where(runs.c.id == run_id).values(said))
            await _place(connection, run_id, files)

    async def finish(
        self, lease: Lease, report: str, effects: Sequence[Effect], now: datetime
    ) -> None:
        """Store the report and the last word, and settle the reservations, in one transaction.

        What is in doubt stays reserved until its window ends.
        """
        async with self._database.write() as connection:
            run_id = await fence(connection, lease, "run")
            await _unless_ordered_again(connection, run_id)
            await connection.execute(
                update(runs)
                .where(runs.c.id == run_id)
                .values(state=RunState.DONE, finished_at=now, report=report)
            )
            await tally.add(connection, run_id)
            await budget.settle(connection, run_id)
            await owe(connection, effects, now)


# What a batch says of its run, besides the images themselves.
_LIMITS = ("batch", "warnings", "expected", "upper_bound")

# What is known of an image when it is published.
_PLACE = ("url", "path", "thumbnail")


# --- rows in a transaction --------------------------------------------------------------------


async def _unless_ordered_again(connection: AsyncConnection, run_id: str) -> None:
    """Raise LeaseLost where a run that was done waits again: what was ordered is to be made."""
    waits = (runs.c.state == RunState.QUEUED, runs.c.resumed_at.is_not(None))
    locked = select(runs.c.id).where(runs.c.id == run_id, *waits).with_for_update()
    if await connection.scalar(locked):
        raise LeaseLost(f"run {run_id} was ordered again")


async def _ask_to_stop(
    connection: AsyncConnection, run_id: str, stop: Stop, faults: Sequence[str]
) -> bool:
    about = {"faults": tuple(faults)} if faults else {}
    startable = runs.c.state.in_([RunState.QUEUED, RunState.RUNNING])
    asked = await connection.execute(
        update(runs)
        .where(runs.c.id == run_id, startable)
        .values(stop=_unless_set(runs.c.stop, stop), **about)
    )
    return bool(asked.rowcount)


async def _stop(connection: AsyncConnection, run_id: str) -> Stop | None:
    """Why no call may begin any more; whoever stores that waits for this transaction's end.

    A stop for the budget is about the next call: it counts those with that are about to begin.
    """
    locked = select(runs.c.stop).where(runs.c.id == run_id).with_for_update(read=True)
    stop = await connection.scalar(locked)
    return None if stop is Stop.BUDGET else stop


def _unless_set(column: Column[Any], value: object) -> ColumnElement[Any]:
    """What the column holds; the value if it holds nothing."""
    return func.coalesce(column, literal(value, column.type))


async def _cancel(connection: AsyncConnection, run_id: str, left_over: Sequence[int]) -> None:
    await connection.execute(
        update(items)
        .where(items.c.run_id == run_id, among(items.c.item, left_over))
        .values(cancelled=True)
    )


async def _place(connection: AsyncConnection, run_id: str, files: Sequence[Publication]) -> None:
    if not files:
        return
    where = items.c.run_id == run_id, items.c.item == bindparam("at")
    await connection.execute(
        update(items).where(*where).values({name: bindparam(name) for name in _PLACE}),
        [{"at": file.item} | {name: getattr(file, name) for name in _PLACE} for file in files],
    )
