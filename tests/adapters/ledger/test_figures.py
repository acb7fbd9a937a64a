"""The ledger in numbers, as /metrics shows them; runs of the command line are not counted."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta

from bot.adapters.ledger import SqlLedger
from bot.core.errors import Failure
from bot.core.plan import plan
from bot.core.ports import Effect, EffectKind, Lease, Sending, Settlement
from bot.core.pricing import Money
from bot.core.run import ItemState, Run, Thread


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

    figures = await ledger.figures.read()

    assert figures.waiting["missed"] == 1
    assert figures.since["missed"] == now
    assert figures.caught_up == now
