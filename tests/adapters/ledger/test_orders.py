"""Estimates are kept and run once; a comment orders once; runs are found by their thread."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection, text

from bot.adapters.ledger import SqlLedger
from bot.core.errors import Failure, LeaseLost, OfferTaken, Refused
from bot.core.plan import plan
from bot.core.ports import Cap, Effect, Lease, Order, Settlement
from bot.core.pricing import Money
from bot.core.run import Offer, Person, Run, RunState, RunView, Stop, Thread

MakeRun = Callable[..., Run]
Hold = Callable[..., Awaitable[Lease]]
DAY = Cap("this server in one day", "server", "2026-11-21", Money(1_000))
DOUBT = Settlement(failure=Failure.TIMEOUT, in_doubt=True)


@pytest.fixture
def offer(make_run: MakeRun, thread: Thread, now: datetime) -> Offer:
    run = make_run()
    return Offer(
        "o1",
        thread,
        Person(42, "ada"),
        run.batch,
        ("a warning",),
        Money(10),
        Money(20),
        now,
    )


@pytest.fixture
def order(
    ledger: SqlLedger,
    hold: Hold,
    make_delivery: Callable[..., Any],
    make_effect: Callable[..., Effect],
    now: datetime,
) -> Callable[..., Awaitable[Order]]:
    """An order that a comment gives, from a delivery of its own."""

    async def given(delivery: str = "d1", comment: str = "c1") -> Order:
        await ledger.inbox.receive(make_delivery(delivery))
        lease = await hold(f"delivery:{delivery}")
        return Order(comment, lease, now, (make_effect("done", f"rocket-{comment}"),))

    return given


async def opened(ledger: SqlLedger, run: Run, **how: Any) -> bool:
    return await ledger.runs.open(run, plan(run.batch, run.id), **how)


# --- offers -----------------------------------------------------------------------------------


async def test_an_estimate_is_kept_with_its_answer(
    ledger: SqlLedger, offer: Offer, order: Any, make_effect: Any, now: datetime
) -> None:
    delivery = (await order()).delivery
    await ledger.offers.keep(offer, [make_effect()], delivery=delivery, now=now)
    assert await ledger.offers.get("o1") == offer
    assert await ledger.offers.get("o2") is None
    assert await ledger.outbox.owed(now) == ["comment-1"]
    assert await ledger.inbox.get("d1") is None


async def test_an_estimate_that_is_kept_stays_as_it_was(
    ledger: SqlLedger, offer: Offer, order: Any, now: datetime
) -> None:
    for delivery, kept in (("d1", offer), ("d2", replace(offer, upper_bound=Money(99)))):
        lease = (await order(delivery)).delivery
        await ledger.offers.keep(kept, [], delivery=lease, now=now)
    assert await ledger.offers.get("o1") == offer


async def test_a_lost_delivery_keeps_nothing(
    ledger: SqlLedger, offer: Offer, order: Any, now: datetime
) -> None:
    lost = (await order()).delivery
    await ledger.leases.claim(lost.subject, now + timedelta(minutes=1), timedelta(seconds=10))
    with pytest.raises(LeaseLost):
        await ledger.offers.keep(offer, [], delivery=lost, now=now)
    assert await ledger.offers.get("o1") is None


async def test_one_run_is_made_of_an_offer_however_many_ask_at_once(
    ledger: SqlLedger, offer: Offer, order: Any, make_run: MakeRun, now: datetime
) -> None:
    await ledger.offers.keep(offer, [], delivery=(await order()).delivery, now=now)
    asked = [opened(ledger, make_run(f"r{n}"), offer="o1") for n in range(5)]
    ended = await asyncio.gather(*asked, return_exceptions=True)
    assert ended.count(True) == 1
    assert sum(isinstance(end, OfferTaken) for end in ended) == 4
    (run,) = await ledger.runs.unfinished(now)
    kept = await ledger.offers.get("o1")
    assert kept is not None
    assert kept.run == run


async def test_a_run_of_an_offer_that_is_refused_leaves_the_offer_free(
    ledger: SqlLedger, offer: Offer, order: Any, make_run: MakeRun, now: datetime
) -> None:
    await ledger.offers.keep(offer, [], delivery=(await order()).delivery, now=now)
    with pytest.raises(Refused):
        await opened(ledger, make_run(upper_bound=Money(2_000)), caps=[DAY], offer="o1")
    assert await opened(ledger, make_run(), offer="o1")


# --- orders -----------------------------------------------------------------------------------


async def test_a_stop_is_stored_with_its_answer(
    ledger: SqlLedger, open_run: Any, order: Any, now: datetime
) -> None:
    await open_run()
    assert not await ledger.runs.has_acted("c1")
    assert await ledger.runs.request_stop("r1", Stop.CANCELLED, await order())
    assert await ledger.runs.stop_requested("r1") is Stop.CANCELLED
    assert await ledger.inbox.get("d1") is None
    assert await ledger.outbox.owed(now) == ["rocket-c1"]
    assert await ledger.runs.has_acted("c1")
    assert await ledger.runs.has_acted("r1")


async def test_a_stop_that_comes_too_late_leaves_the_delivery_to_be_answered(
    ledger: SqlLedger, open_run: Any, order: Any
) -> None:
    lease = await open_run()
    await ledger.runs.settled(lease)
    assert not await ledger.runs.request_stop("r1", Stop.CANCELLED, await order())
    assert await ledger.inbox.get("d1") is not None
    assert not await ledger.runs.has_acted("c1")


async def over(ledger: SqlLedger, name: str = "r1") -> RunView:
    """The run as somebody sees it now."""
    view = await ledger.runs.get(name)
    assert view is not None
    return view


async def end(ledger: SqlLedger, lease: Lease, now: datetime) -> None:
    """Let the run be done."""
    await ledger.runs.settled(lease)
    await ledger.runs.finish(lease, "{}", (), now)


async def test_a_comment_orders_once_also_in_other_words(
    ledger: SqlLedger, open_run: Any, order: Any, now: datetime
) -> None:
    lease = await open_run()
    await end(ledger, lease, now)
    assert await ledger.runs.reopen(await over(ledger), [0], Money(5), now, order=await order())
    await ledger.runs.begin(lease, now)
    await end(ledger, lease, now)
    view = await over(ledger)
    assert await ledger.runs.reopen(view, [0], Money(5), now, order=await order("d2"))
    view = await over(ledger)
    assert (view.run.state, view.items[0].order) == (RunState.DONE, 2)
    assert await ledger.inbox.get("d2") is None


async def test_an_order_under_a_lost_lease_changes_nothing(
    ledger: SqlLedger, open_run: Any, order: Any, now: datetime
) -> None:
    await open_run()
    late = await order()
    await ledger.leases.claim(late.delivery.subject, now + timedelta(minutes=1), timedelta(1))
    with pytest.raises(LeaseLost):
        await ledger.runs.request_stop("r1", Stop.CANCELLED, late)
    assert await ledger.runs.stop_requested("r1") is None


async def test_an_order_that_has_no_room_in_its_cap_changes_nothing(
    ledger: SqlLedger, open_run: Any, order: Any, now: datetime
) -> None:
    lease = await open_run()
    await end(ledger, lease, now)
    view, asked = await over(ledger), await order()
    with pytest.raises(Refused):
        await ledger.runs.reopen(view, [0], Money(2_000), now, [DAY], asked)
    view = await over(ledger)
    assert view.run.state is RunState.DONE
    assert not await ledger.runs.has_acted("c1")


async def test_what_is_ordered_again_is_in_the_upper_bound(
    ledger: SqlLedger, open_run: Any, now: datetime
) -> None:
    lease = await open_run(upper_bound=Money(100))
    await end(ledger, lease, now)
    await ledger.runs.reopen(await over(ledger), [0], Money(30), now, [DAY])
    assert (await over(ledger)).run.upper_bound == Money(30)


async def test_what_was_seen_before_another_order_orders_nothing_whatever_the_clock_says(
    ledger: SqlLedger, open_run: Any, order: Any, now: datetime
) -> None:
    lease = await open_run()
    await end(ledger, lease, now)
    before = await over(ledger)
    assert await ledger.runs.reopen(before, [0], Money(5), now)
    await ledger.runs.begin(lease, now)
    await ledger.runs.start(lease, 0, 1, 2, Money(5), now)
    await ledger.runs.settle(lease, 0, 1, DOUBT, now)
    await ledger.runs.finish(lease, "{}", (), now)  # at the very same time
    assert not await ledger.runs.reopen(before, [0, 1], Money(9), now, [DAY], await order())
    after = await over(ledger)
    assert (after.run.state, [item.order for item in after.items]) == (RunState.DONE, [2, 1])
    assert not await ledger.runs.has_acted("c1")
    assert await ledger.inbox.get("d1") is not None
    assert await ledger.runs.reopen(after, [1], Money(4), now)


async def test_what_was_seen_before_an_answer_came_in_late_orders_nothing(
    ledger: SqlLedger, open_run: Any, now: datetime
) -> None:
    lease = await open_run()
    await ledger.runs.start(lease, 0, 1, 1, Money(5), now)
    await ledger.runs.settle(lease, 0, 1, DOUBT, now)
    await ledger.runs.finish(lease, "{}", (), now)
    before = await over(ledger)
    await ledger.runs.settle(lease, 0, 1, Settlement(cost=Money(5)), now)
    assert not await ledger.runs.reopen(before, [0], Money(5), now)
    await ledger.runs.finish(lease, "{}", (), now + timedelta(seconds=1))
    assert not await ledger.runs.reopen(before, [0], Money(5), now)


async def test_of_many_who_order_at_once_one_does(
    ledger: SqlLedger, open_run: Any, now: datetime
) -> None:
    lease = await open_run()
    await end(ledger, lease, now)
    before = await over(ledger)
    stored = await asyncio.gather(
        *(ledger.runs.reopen(before, [0], Money(5), now) for _ in range(5))
    )
    assert sorted(stored) == [False] * 4 + [True]
    assert (await over(ledger)).items[0].order == 2


# --- by thread --------------------------------------------------------------------------------


async def test_the_newest_run_of_a_thread_is_found(
    ledger: SqlLedger, make_run: MakeRun, thread: Thread, now: datetime
) -> None:
    later = now + timedelta(seconds=1)
    for run in (
        make_run("r1"),
        replace(make_run("r2"), created_at=later),
        replace(make_run("r3"), thread=replace(thread, issue=4), created_at=later),
        replace(make_run("r4"), thread=replace(thread, repository_id=9), created_at=later),
    ):
        await opened(ledger, run)
    assert await ledger.runs.newest(replace(thread, comment=1)) == "r2"
    assert await ledger.runs.newest(replace(thread, issue=5)) is None


async def test_what_stands_on_github_is_known_by_its_id(
    ledger: SqlLedger, make_effect: Any, hold: Hold, now: datetime
) -> None:
    await ledger.outbox.say(make_effect(), now)
    assert await ledger.outbox.remote("comment-1") is None
    await ledger.outbox.delivered(await hold("effect:comment-1"), 1, 77)
    assert await ledger.outbox.remote("comment-1") == 77
    assert await ledger.outbox.remote("comment-2") is None


async def test_a_run_of_an_older_program_is_found_by_its_thread(
    ledger: SqlLedger, make_run: MakeRun, thread: Thread
) -> None:
    await opened(ledger, make_run())
    await opened(ledger, replace(make_run("r2"), thread=None))
    async with ledger.database.write() as connection:
        await connection.execute(text("UPDATE runs SET place = NULL"))
        await connection.run_sync(_as_migrated)
    assert await ledger.runs.newest(thread) == "r1"


def _as_migrated(connection: Connection) -> None:
    """Do again what the revision does with the runs that are there."""
    versions = "bot.adapters.ledger.migrations.versions"
    with Operations.context(MigrationContext.configure(connection)):
        import_module(f"{versions}.v0006_orders")._place_older_runs()
