"""The ledger in numbers, as /metrics shows them; runs of the command line are not counted."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import text

from bot.adapters.ledger import SqlLedger
from bot.core.errors import Failure
from bot.core.plan import plan
from bot.core.ports import Effect, EffectKind, Lease, Old, Sending, Settlement
from bot.core.pricing import Money
from bot.core.run import ItemState, Run, Thread

MADE = Settlement(cost=Money(7))
DOUBT = Settlement(failure=Failure.TIMEOUT, in_doubt=True)
REFUSED = Settlement(failure=Failure.MODERATION)


async def test_an_empty_ledger_has_none(ledger: SqlLedger) -> None:
    figures = await ledger.figures.read()

    assert figures.items == {}
    assert (figures.paid, figures.in_doubt, figures.reserved) == (Money(0),) * 3
    assert figures.waiting == {"deliveries": 0, "runs": 0, "effects": 0, "missed": 0}
    assert figures.since == {}
    assert figures.caught_up is None


async def test_images_and_money_are_counted_by_what_became_of_them(
    ledger: SqlLedger, open_run: Callable[..., Awaitable[Lease]], now: datetime
) -> None:
    lease = await open_run(jobs=4, upper_bound=Money(200))
    outcomes = (Settlement(cost=Money(7)), Settlement(failure=Failure.TIMEOUT, in_doubt=True))
    for item, outcome in enumerate(outcomes):
        await ledger.runs.start(lease, item, 1, 1, Money(50), now)
        await ledger.runs.settle(lease, item, 1, outcome, now)
    await ledger.runs.start(lease, 2, 1, 1, Money(50), now)

    figures = await ledger.figures.read()

    assert figures.items == {
        ItemState.SUCCEEDED: 1,
        ItemState.IN_DOUBT: 1,
        ItemState.STARTED: 1,
        ItemState.RESERVED: 1,
    }
    assert (figures.paid, figures.in_doubt) == (Money(7), Money(50))
    assert figures.reserved == Money(200)
    assert figures.waiting["runs"] == 1
    assert figures.since["runs"] == now


@pytest.mark.parametrize(
    ("outcomes", "state"),
    [
        ([DOUBT, REFUSED], ItemState.IN_DOUBT),
        ([DOUBT, REFUSED, REFUSED], ItemState.IN_DOUBT),
        ([DOUBT, None], ItemState.STARTED),
        ([DOUBT, MADE, REFUSED], ItemState.SUCCEEDED),
    ],
)
async def test_an_image_counts_as_what_people_are_told_of_it(
    ledger: SqlLedger,
    open_run: Callable[..., Awaitable[Lease]],
    now: datetime,
    outcomes: Sequence[Settlement | None],
    state: ItemState,
) -> None:
    lease = await open_run(jobs=1)
    for number, outcome in enumerate(outcomes, 1):
        await ledger.runs.start(lease, 0, number, 1, Money(50), now)
        if outcome:
            await ledger.runs.settle(lease, 0, number, outcome, now)

    view = await ledger.runs.get("r1")

    assert view is not None
    assert view.items[0].state is state
    assert (await ledger.figures.read()).items == {state: 1}


async def test_what_waits_has_an_age(ledger: SqlLedger, thread: Thread, now: datetime) -> None:
    await ledger.outbox.say(Effect("one", EffectKind.COMMENT, thread, "words"), now)
    await ledger.outbox.say(
        Effect("two", EffectKind.COMMENT, thread, "words"), now + timedelta(hours=1)
    )

    figures = await ledger.figures.read()

    assert figures.waiting["effects"] == 2
    assert figures.since == {"effects": now}


async def test_a_run_of_the_command_line_is_not_counted(
    ledger: SqlLedger, make_run: Callable[..., Run]
) -> None:
    run = make_run(upper_bound=Money(9))
    await ledger.runs.open(replace(run, thread=None, author=None), plan(run.batch, run.id))

    figures = await ledger.figures.read()

    assert (figures.items, figures.reserved, figures.waiting["runs"]) == ({}, Money(0), 0)


async def test_what_github_could_not_deliver_is_counted(
    ledger: SqlLedger, hold: Callable[..., Awaitable[Lease]], now: datetime
) -> None:
    lost = Sending(1, "a-guid", now - timedelta(minutes=5), arrived=False)
    await ledger.missed.record(await hold("log:deliveries"), (), [lost], now)
    await ledger.pruning.pruned(now + timedelta(hours=1))

    figures = await ledger.figures.read()

    assert figures.waiting["missed"] == 1
    assert figures.since["missed"] == now
    assert figures.caught_up == now


@pytest.fixture
def make_over(
    ledger: SqlLedger, open_run: Callable[..., Awaitable[Lease]], now: datetime
) -> Callable[..., Awaitable[Lease]]:
    """A run of two images that is over: one is paid for, one is in doubt."""

    async def over(name: str) -> Lease:
        lease = await open_run(name, upper_bound=Money(100))
        doubt = Settlement(failure=Failure.TIMEOUT, in_doubt=True)
        for item, outcome in enumerate((Settlement(cost=Money(7)), doubt)):
            await ledger.runs.start(lease, item, 1, 1, Money(50), now)
            await ledger.runs.settle(lease, item, 1, outcome, now)
        await ledger.runs.settled(lease)
        await ledger.runs.finish(lease, "{}", (), now)
        return lease

    return over


async def counted(ledger: SqlLedger) -> tuple[Mapping[ItemState, int], Money, Money]:
    figures = await ledger.figures.read()
    return figures.items, figures.paid, figures.in_doubt


async def test_what_is_over_counts_once_however_often_it_goes_on(
    ledger: SqlLedger, make_over: Callable[..., Awaitable[Lease]], now: datetime
) -> None:
    first, _ = await make_over("r1"), await make_over("r2")
    over = {ItemState.SUCCEEDED: 2, ItemState.IN_DOUBT: 2}
    assert await counted(ledger) == (over, Money(14), Money(100))

    await ledger.runs.finish(first, "{}", (), now)  # a second time
    assert await counted(ledger) == (over, Money(14), Money(100))

    await ledger.runs.settle(first, 1, 1, Settlement(cost=Money(9)), now)  # a late answer
    late = {ItemState.SUCCEEDED: 3, ItemState.IN_DOUBT: 1}
    assert await counted(ledger) == (late, Money(23), Money(50))
    await ledger.runs.finish(first, "{}", (), now)
    assert await counted(ledger) == (late, Money(23), Money(50))

    again = await ledger.runs.get("r2")
    assert again
    assert await ledger.runs.reopen(again, [1], Money(50), now)
    assert await counted(ledger) == (late, Money(23), Money(50))


async def test_figures_outlive_what_is_pruned(
    ledger: SqlLedger, make_over: Callable[..., Awaitable[Lease]], now: datetime
) -> None:
    await make_over("r1")
    before = await counted(ledger)
    later = now + timedelta(days=100)
    async with ledger.database.write() as connection:  # as an image without a file holds it up
        await connection.execute(text("UPDATE items SET path = 'fox.png'"))

    assert await ledger.pruning.mark(["r1"], later, later) == ["r1"]
    await ledger.pruning.remove(Old(runs=["r1"]))

    assert await counted(ledger) == before
