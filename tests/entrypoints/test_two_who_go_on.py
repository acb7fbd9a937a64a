"""Two who go on with one run: what the other one has brought into doubt is not ordered again."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from bot.adapters.ledger import SqlLedger, open_ledger
from bot.core.batch import BatchConfig, Job
from bot.core.errors import Failure
from bot.core.plan import plan
from bot.core.ports import Settlement
from bot.core.pricing import BUILT_IN, Money, PriceBook
from bot.core.run import ItemState, Run, RunState, RunView
from bot.engine.drain import Drain
from bot.entrypoints.leading import Wish, go_on

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
BATCH = BatchConfig(jobs=(Job(prompt="a fox"),))
RUN = Run("r1", RunState.QUEUED, BATCH, NOW)
REFUSED = Settlement(failure=Failure.MODERATION)
DOUBT = Settlement(failure=Failure.TIMEOUT, in_doubt=True)


@dataclass
class Shared:
    """A `LocalLife` that calls for nothing itself; at each of its turns somebody else acts."""

    ledger: SqlLedger
    spool: Path
    turns: list[Callable[[], Awaitable[RunView]]] = field(default_factory=list)
    prices: PriceBook = BUILT_IN
    drain: Drain = field(default_factory=Drain)
    now: datetime = NOW

    async def view(self) -> RunView:
        view = await self.ledger.runs.get(RUN.id)
        assert view is not None
        return view

    async def execute(self, _: str, __: object) -> RunView:
        return await self.turns.pop(0)() if self.turns else await self.view()

    async def call(self, outcome: Settlement) -> None:
        """One call of somebody, to the end of the run."""
        self.now += timedelta(minutes=1)
        lease = await self.ledger.leases.claim("run:r1", self.now, timedelta(seconds=10))
        assert lease is not None
        item = (await self.view()).items[0]
        number = len(item.attempts) + 1
        runs = self.ledger.runs
        await runs.begin(lease, self.now)
        await runs.start(lease, 0, number, item.order, Money(6_000), self.now)
        await runs.settle(lease, 0, number, outcome, self.now)
        await runs.finish(lease, "{}", (), self.now)
        await self.ledger.leases.release(lease)

    async def colleague(self) -> None:
        """Somebody else orders the image again, and its call ends in doubt."""
        assert await self.ledger.runs.reopen(await self.view(), [0], Money(6_000), self.now)
        await self.call(DOUBT)


@pytest.fixture
async def shared(tmp_path: Path) -> AsyncIterator[Shared]:
    """A run whose only image was refused for free."""
    ledger = await open_ledger(tmp_path / "ledger.db")
    await ledger.runs.open(RUN, plan(BATCH, RUN.id))
    made = Shared(ledger, tmp_path / "spool")
    await made.call(REFUSED)
    yield made
    await ledger.close()


async def gone_on(shared: Shared, *, doubts: bool) -> RunView:
    run = replace(RUN, upper_bound=Money(20_000))
    outcome = await go_on(cast("Any", shared), run, Wish(quiet=True, doubts=doubts))
    return outcome.view


@pytest.mark.parametrize("doubts", [False, True])
async def test_what_came_into_doubt_while_this_one_waited_is_not_ordered(
    shared: Shared, doubts: bool
) -> None:
    async def waits() -> RunView:
        await shared.colleague()
        return await shared.view()

    shared.turns = [waits]
    (image,) = (await gone_on(shared, doubts=doubts)).items
    assert (image.order, image.state) == (2, ItemState.IN_DOUBT)


@pytest.mark.parametrize("doubts", [False, True])
async def test_what_came_into_doubt_just_before_the_order_is_not_ordered(
    shared: Shared, doubts: bool
) -> None:
    async def looks() -> RunView:
        view = await shared.view()
        await shared.colleague()
        return view

    shared.turns = [looks]
    (image,) = (await gone_on(shared, doubts=doubts)).items
    assert (image.order, image.state) == (2, ItemState.IN_DOUBT)


async def test_what_nobody_has_called_for_meanwhile_is_ordered(shared: Shared) -> None:
    (image,) = (await gone_on(shared, doubts=False)).items
    assert (image.order, image.state) == (2, ItemState.RESERVED)
