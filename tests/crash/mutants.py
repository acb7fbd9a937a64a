"""Servers that are wrong in one way: the driver must find out each of them.

Their faults are in ledgers that a server is built with; the product has no part in it. The door
`tests.crash.mutants:serve` serves with the one that CRASH_MUTANT names.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from bot.adapters.ledger import SqlLedger
from bot.adapters.ledger.leases import SqlLeases
from bot.adapters.ledger.outbox import SqlOutbox
from bot.adapters.ledger.runs import SqlRuns
from bot.adapters.ledger.tables import leases
from bot.core.attempts import Attempt, AttemptState
from bot.core.errors import Failure
from bot.core.ports import Lease, OwedEffect, Settlement
from bot.core.pricing import Money
from bot.core.run import ItemView, Run, RunView
from bot.entrypoints import credentials, server, settings
from bot.entrypoints.settings import Settings
from bot.entrypoints.wiring.common import books

DOOR = "tests.crash.mutants:serve"


# --- an intent without an outcome is taken for a call that was never made -----------------------


class _RetriesOpenIntents(SqlRuns):
    async def begin(self, lease: Lease, now: datetime) -> Run:
        view = await super().get(lease.subject.partition(":")[2])
        never_made = Settlement(failure=Failure.CONNECTION)
        for item in view.items if view else ():
            for attempt in item.attempts:
                if attempt.state is AttemptState.STARTED:
                    await self.settle(lease, item.item.index, attempt.number, never_made, now)
        return await super().begin(lease, now)

    async def get(self, run_id: str) -> RunView | None:
        view = await super().get(run_id)
        return view and replace(view, items=tuple(map(_without_open_ones, view.items)))


def _without_open_ones(item: ItemView) -> ItemView:
    failed = (
        replace(a, state=AttemptState.FAILED, failure=Failure.CONNECTION)
        if a.state is AttemptState.STARTED
        else a
        for a in item.attempts
    )
    return replace(item, attempts=tuple(failed))


# --- a call is written down when it has ended ---------------------------------------------------


class _RecordsNoIntent(SqlRuns):
    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._late: dict[tuple[str, int, int], tuple[int, Money | None, datetime]] = {}

    async def start(
        self, lease: Lease, item: int, number: int, order: int, amount: Money | None, now: datetime
    ) -> None:
        self._late[lease.subject, item, number] = order, amount, now

    async def settle(
        self, lease: Lease, item: int, number: int, outcome: Settlement, now: datetime
    ) -> Attempt:
        if intent := self._late.pop((lease.subject, item, number), None):
            await super().start(lease, item, number, *intent)
        return await super().settle(lease, item, number, outcome, now)


# --- nobody looks for a comment that may stand there --------------------------------------------


class _KnowsNoMarker(SqlOutbox):
    async def get(self, effect_id: str, now: datetime) -> OwedEffect | None:
        owed = await super().get(effect_id, now)
        return owed and replace(owed, attempted=False)


# --- whoever was there first writes as if nobody had come after ---------------------------------


class _IgnoresTheEpoch(SqlRuns):
    async def _newest(self, lease: Lease) -> Lease:
        epoch = select(leases.c.epoch).where(leases.c.subject == lease.subject)
        async with self._database.read() as connection:
            newest = await connection.scalar(epoch)
        return replace(lease, epoch=newest or lease.epoch)

    async def start(
        self, lease: Lease, item: int, number: int, order: int, amount: Money | None, now: datetime
    ) -> None:
        view = await self.get(lease.subject.partition(":")[2])
        tried = view.items[item].attempts if view else ()
        if number not in {attempt.number for attempt in tried}:
            newest = await self._newest(lease)
            await super().start(newest, item, number, order, amount, now)

    async def settle(
        self, lease: Lease, item: int, number: int, outcome: Settlement, now: datetime
    ) -> Attempt:
        return await super().settle(await self._newest(lease), item, number, outcome, now)

    async def settled(self, lease: Lease) -> None:
        await super().settled(await self._newest(lease))

    async def published(
        self, lease: Lease, files: Any, page_url: str | None, note: str, extras: Any = ()
    ) -> None:
        await super().published(await self._newest(lease), files, page_url, note, extras)

    async def finish(self, lease: Lease, report: str, effects: Any, now: datetime) -> None:
        await super().finish(await self._newest(lease), report, effects, now)


class _RenewsWhatIsLost(SqlLeases):
    async def renew(self, lease: Lease, now: datetime, ttl: timedelta) -> Lease:
        return replace(lease, until=now + ttl)


# --- the door -----------------------------------------------------------------------------------


def _faulty(ledger: SqlLedger, name: str) -> SqlLedger:
    database = ledger.database
    match name:
        case "retries open intents":
            return replace(ledger, runs=_RetriesOpenIntents(database))
        case "records no intent":
            return replace(ledger, runs=_RecordsNoIntent(database))
        case "knows no marker":
            return replace(ledger, outbox=_KnowsNoMarker(database))
        case "ignores the epoch":
            runs, held = _IgnoresTheEpoch(database), _RenewsWhatIsLost(database)
            return replace(ledger, runs=runs, leases=held)
        case _:
            raise ValueError(name)


def serve() -> None:
    """`gptimage serve`, with a ledger that is wrong in the way of CRASH_MUTANT."""
    name = os.environ["CRASH_MUTANT"]

    @asynccontextmanager
    async def opening(env: Settings) -> AsyncIterator[SqlLedger]:
        async with books(env) as sound:
            yield _faulty(sound, name)

    env = settings.for_server(credentials.filled(settings.read()), web_only=False)
    server.serve(env, with_worker=True, opening=opening)
