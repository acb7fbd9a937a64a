"""Ports of the ledger that are wrong in one way; the tests must find each of them out.

The engine's tests drive them through every step in one process, the crash tests in real ones.
"""

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import select

from bot.adapters.ledger.engine import Database
from bot.adapters.ledger.tables import leases
from bot.core.attempts import Attempt, AttemptState
from bot.core.errors import Failure
from bot.core.ports import Lease, Runs, Settlement
from bot.core.pricing import Money
from bot.core.run import ItemView, Run, RunView, Stop


class Changed:
    """A port of which a mutant changes some methods."""

    def __init__(self, port: object) -> None:
        self._port: Any = port

    def __getattr__(self, name: str) -> Any:
        return getattr(self._port, name)


def run_of(lease: Lease) -> str:
    return lease.subject.partition(":")[2]


class RetriesOpenIntents(Changed):
    """Takes an intent without an outcome for a call that was never made."""

    async def begin(self, lease: Lease, now: datetime) -> Run:
        view: RunView | None = await self._port.get(run_of(lease))
        never_made = Settlement(failure=Failure.CONNECTION)
        for item in view.items if view else ():
            for attempt in item.attempts:
                if attempt.state is AttemptState.STARTED:
                    await self._port.settle(lease, item.item.index, attempt.number, never_made, now)
        run: Run = await self._port.begin(lease, now)
        return run

    async def get(self, run_id: str) -> RunView | None:
        view: RunView | None = await self._port.get(run_id)
        return view and replace(view, items=tuple(map(_without_open_ones, view.items)))


def _without_open_ones(item: ItemView) -> ItemView:
    """So that the next call has a number of its own."""
    failed = (
        replace(a, state=AttemptState.FAILED, failure=Failure.CONNECTION)
        if a.state is AttemptState.STARTED
        else a
        for a in item.attempts
    )
    return replace(item, attempts=tuple(failed))


class RecordsNoIntent(Changed):
    """Writes a call down when it has ended."""

    def __init__(self, port: Runs) -> None:
        super().__init__(port)
        self._late: dict[tuple[str, int, int], tuple[int, Money | None, datetime]] = {}

    async def start(
        self, lease: Lease, item: int, number: int, order: int, amount: Money | None, now: datetime
    ) -> None:
        self._late[lease.subject, item, number] = order, amount, now

    async def settle(
        self, lease: Lease, item: int, number: int, outcome: Settlement, now: datetime
    ) -> Attempt:
        if intent := self._late.pop((lease.subject, item, number), None):
            await self._port.start(lease, item, number, *intent)
        settled: Attempt = await self._port.settle(lease, item, number, outcome, now)
        return settled


class IgnoresTheEpoch(Changed):
    """Writes with whatever epoch is the newest, and does not mind who was there before."""

    def __init__(self, port: Runs, database: Database) -> None:
        super().__init__(port)
        self._database = database

    async def start(
        self, lease: Lease, item: int, number: int, order: int, amount: Money | None, now: datetime
    ) -> Stop | None:
        view: RunView | None = await self._port.get(run_of(lease))
        tried = view.items[item].attempts if view else ()
        if number in {attempt.number for attempt in tried}:
            return None
        newest, intent = await self._newest(lease), (item, number, order, amount, now)
        refused: Stop | None = await self._port.start(newest, *intent)
        return refused

    async def settle(self, lease: Lease, *outcome: object) -> Attempt:
        settled: Attempt = await self._port.settle(await self._newest(lease), *outcome)
        return settled

    async def settled(self, lease: Lease) -> None:
        await self._port.settled(await self._newest(lease))

    async def published(self, lease: Lease, *where: object) -> None:
        await self._port.published(await self._newest(lease), *where)

    async def finish(self, lease: Lease, *words: object) -> None:
        await self._port.finish(await self._newest(lease), *words)

    async def _newest(self, lease: Lease) -> Lease:
        epoch = select(leases.c.epoch).where(leases.c.subject == lease.subject)
        async with self._database.read() as connection:
            newest = await connection.scalar(epoch)
        return replace(lease, epoch=newest or lease.epoch)
