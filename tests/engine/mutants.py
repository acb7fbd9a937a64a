"""Ways to drive a run that lose money or images; the tests must find each of them out."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from bot.core.attempts import Attempt, AttemptState
from bot.core.errors import Failure
from bot.core.plan import ImageCall
from bot.core.ports import Answer, Lease, Runs, Settlement
from bot.core.pricing import Money
from bot.core.run import ItemState, ItemView, Run, RunView, Stop
from bot.engine.life import Life
from tests.engine.story import Ending
from tests.engine.world import RUN, Build, Parts, Ports, Process, Provider, World, life, ports


class Changed:
    """A port of which a mutant changes some methods."""

    def __init__(self, port: object) -> None:
        self._port: Any = port

    def __getattr__(self, name: str) -> Any:
        return getattr(self._port, name)


class RetriesOpenIntents(Changed):
    """Takes an intent without an outcome for a call that was never made."""

    async def begin(self, lease: Lease, now: datetime) -> Run:
        view = await self._port.get(RUN)
        for item in view.items:
            for attempt in item.attempts:
                if attempt.state is AttemptState.STARTED:
                    never_made = Settlement(failure=Failure.CONNECTION)
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


class OrdersAgain(Changed):
    """Takes doubt for the order of a person."""

    async def get(self, run_id: str) -> RunView | None:
        view: RunView | None = await self._port.get(run_id)
        return view and replace(view, items=tuple(map(_again, view.items)))


def _again(item: ItemView) -> ItemView:
    doubtful = item.state is ItemState.IN_DOUBT
    return replace(item, order=item.order + 1) if doubtful else item


class RecordsNoIntent(Changed):
    """Writes a call down when it has ended."""

    def __init__(self, port: Runs) -> None:
        super().__init__(port)
        self._intents: dict[tuple[int, int], tuple[int, Money | None, datetime]] = {}

    async def start(
        self, _: Lease, item: int, number: int, order: int, amount: Money | None, now: datetime
    ) -> None:
        self._intents[item, number] = order, amount, now

    async def settle(
        self, lease: Lease, item: int, number: int, outcome: Settlement, now: datetime
    ) -> Attempt:
        if intent := self._intents.pop((item, number), None):
            await self._port.start(lease, item, number, *intent)
        settled: Attempt = await self._port.settle(lease, item, number, outcome, now)
        return settled


class IgnoresTheEpoch(Changed):
    """Writes with whatever epoch is the newest, and does not mind who was there before."""

    def __init__(self, port: Runs, world: World) -> None:
        super().__init__(port)
        self._world = world

    async def start(
        self, lease: Lease, item: int, number: int, order: int, amount: Money | None, now: datetime
    ) -> Stop | None:
        tried = (await self._world.view()).items[item].attempts
        if number in {attempt.number for attempt in tried}:
            return None
        newest, intent = await self._newest(lease), (item, number, order, amount, now)
        refused: Stop | None = await self._port.start(newest, *intent)
        return refused

    async def settle(self, lease: Lease, *args: object) -> Attempt:
        settled: Attempt = await self._port.settle(await self._newest(lease), *args)
        return settled

    async def _newest(self, lease: Lease) -> Lease:
        epoch = lease.epoch
        while not await self._is_current(replace(lease, epoch=epoch)):
            epoch += 1
        return replace(lease, epoch=epoch)

    async def _is_current(self, lease: Lease) -> bool:
        runs = self._world.ledger.runs
        try:
            await runs.published(lease, (), None, "")
        except Exception:  # noqa: BLE001  (LeaseLost: the next epoch may be it)
            return False
        return True


class SpoolsLater(Provider):
    """Holds an answer in memory until somebody wants to publish it."""

    def __init__(self, sound: Provider) -> None:
        super().__init__(sound.server, sound.spool, sound.process)
        self._held: dict[str, ImageCall] = {}

    async def keep(self, call: ImageCall, key: str) -> Answer:
        self._held[key] = call
        return Answer(key, "image/png", 1, 1, 1)

    async def recall(self, key: str) -> Answer | None:
        if call := self._held.pop(key, None):
            return await super().keep(call, key)
        return await super().recall(key)


def _with_runs(change: Callable[[Any, World], object]) -> Build:
    def build(world: World, process: Process) -> Life:
        real = ports(world, process)
        runs: Any = change(real.ledger.runs, world)
        books = real.ledger
        ledger = Parts(books.leases, books.inbox, runs, books.line, books.outbox, books.offers)
        return life(world, process, replace(real, ledger=ledger))

    return build


def _spooling_later(world: World, process: Process) -> Life:
    real: Ports = ports(world, process)
    assert isinstance(real.provider, Provider)
    return life(world, process, replace(real, provider=SpoolsLater(real.provider)))


@dataclass(frozen=True)
class Mutant:
    """A life that is driven wrongly, a word of the complaint that it must meet, and after what."""

    build: Build
    complaint: str
    ending: Ending = Ending.DIES


MUTANTS = {
    "retries open intents": Mutant(_with_runs(lambda runs, _: RetriesOpenIntents(runs)), "paid 2"),
    "orders again by itself": Mutant(_with_runs(lambda runs, _: OrdersAgain(runs)), "paid 2"),
    "records no intent": Mutant(_with_runs(lambda runs, _: RecordsNoIntent(runs)), "paid 2"),
    "ignores the epoch": Mutant(_with_runs(IgnoresTheEpoch), "paid 2", Ending.FREEZES),
    "settles before it spools": Mutant(_spooling_later, "not published"),
}
