"""Ways to drive a run that lose money or images; the tests must find each of them out."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from bot.core.plan import ImageCall
from bot.core.ports import Answer
from bot.core.run import ItemState, ItemView, RunView
from bot.engine.life import Life
from tests.engine.story import Ending
from tests.engine.world import Build, Parts, Ports, Process, Provider, World, life, ports
from tests.faulty import Changed, IgnoresTheEpoch, RecordsNoIntent, RetriesOpenIntents


class OrdersAgain(Changed):
    """Takes doubt for the order of a person."""

    async def get(self, run_id: str) -> RunView | None:
        view: RunView | None = await self._port.get(run_id)
        return view and replace(view, items=tuple(map(_again, view.items)))


def _again(item: ItemView) -> ItemView:
    doubtful = item.state is ItemState.IN_DOUBT
    return replace(item, order=item.order + 1) if doubtful else item


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
    "ignores the epoch": Mutant(
        _with_runs(lambda runs, world: IgnoresTheEpoch(runs, world.ledger.database)),
        "paid 2",
        Ending.FREEZES,
    ),
    "settles before it spools": Mutant(_spooling_later, "not published"),
}
