"""What is old goes, but for the reports and for what keeps a comment from running twice."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from bot.adapters.ledger import SqlLedger
from bot.adapters.ledger.tables import metadata
from bot.adapters.spool import LocalSpool
from bot.core.errors import Failure
from bot.core.ports import Cap, Delivery, Effect, EffectKind, Lease, Publication, Settlement
from bot.core.pricing import Money
from bot.core.report import report, to_json
from bot.core.run import Offer, Person, Run, RunState, Stop, Thread
from bot.engine.prune import Prune, Pruned

AGE = timedelta(days=90)
LATER = timedelta(days=100)
NAME = "abcdefghij"  # as the ids of runs that comments asked for

Open = Callable[..., Awaitable[Lease]]


@pytest.fixture
def spool(tmp_path: Path) -> LocalSpool:
    return LocalSpool(tmp_path / "spool")


@pytest.fixture
def prune(ledger: SqlLedger, spool: LocalSpool, now: datetime) -> Prune:
    return Prune(ledger.leases, ledger.pruning, spool, lambda: now + LATER)


@pytest.fixture
def finish(ledger: SqlLedger, open_run: Open, now: datetime) -> Open:
    """A run of two images, one of them paid for and published; the other is as it is told."""

    async def finished(
        name: str = NAME,
        other: Settlement | None = None,
        caps: Sequence[Cap] = (),
        *,
        published: bool = True,
    ) -> Lease:
        lease = await open_run(name, upper_bound=Money(100), caps=caps)
        await ledger.runs.start(lease, 0, 1, 1, Money(50), now)
        await ledger.runs.settle(lease, 0, 1, Settlement(cost=Money(40_000)), now)
        if other:
            await ledger.runs.start(lease, 1, 1, 1, Money(50), now)
            await ledger.runs.settle(lease, 1, 1, other, now)
        await ledger.runs.settled(lease)
        if published:
            there = [Publication(0, "https://shelf/0", "fox.png")]
            await ledger.runs.published(lease, there, None, "")
        view = await ledger.runs.get(name)
        assert view
        done = replace(view, run=replace(view.run, finished_at=now))
        await ledger.runs.finish(lease, to_json(report(done, now)), (), now)
        await ledger.leases.release(lease)
        return lease

    return finished


async def rows(ledger: SqlLedger) -> dict[str, int]:
    """How many each table has, but those of Alembic's."""
    async with ledger.database.read() as connection:
        return {
            table.name: await connection.scalar(select(func.count()).select_from(table)) or 0
            for table in metadata.sorted_tables
        }


async def test_a_run_that_is_over_leaves_its_report_and_its_line_in_the_history(
    ledger: SqlLedger, finish: Open, prune: Prune, now: datetime
) -> None:
    await finish(caps=[Cap("the day", "server", f"{now:%Y-%m-%d}", Money(1000))])
    before, spent = await ledger.history.runs(), await ledger.history.spent(now)

    assert await prune.count(AGE) == Pruned(runs=1)
    assert await prune.older_than(AGE) == Pruned(runs=1, budgets=1)

    assert await ledger.history.runs() == before
    assert await ledger.history.runs(search="FOX 1") == before
    assert await ledger.history.spent(now) == spent
    report = await ledger.history.report(NAME)
    assert report
    assert [job.received for job in report.results] == [1, 0]
    left = await rows(ledger)
    assert {name for name, count in left.items() if count} == {"runs", "tallies"}
    assert await prune.older_than(AGE) == Pruned()


async def test_what_is_young_stays(ledger: SqlLedger, finish: Open, prune: Prune) -> None:
    await finish()
    before = await rows(ledger)

    assert await prune.older_than(LATER + timedelta(days=1)) == Pruned()
    assert await rows(ledger) == before


async def test_nothing_of_an_unfinished_run_goes(
    ledger: SqlLedger,
    open_run: Open,
    prune: Prune,
    make_effect: Callable[..., Effect],
    now: datetime,
) -> None:
    lease = await open_run(
        NAME, upper_bound=Money(5), caps=[Cap("all", "s", "2026-01-01", Money(9))]
    )
    effect = f"comment-{NAME}"
    await ledger.outbox.say(make_effect(name=effect), now)
    held = await ledger.leases.claim(f"effect:{effect}", now, timedelta(seconds=1))
    assert held
    await ledger.outbox.delivered(held, 1, 17)
    await ledger.runs.start(lease, 0, 1, 1, Money(50), now)
    before = await rows(ledger)

    assert await prune.older_than(AGE) == Pruned()
    assert await rows(ledger) == before


async def test_what_is_in_doubt_stays_until_its_window_is_over(
    ledger: SqlLedger, finish: Open, spool: LocalSpool, now: datetime
) -> None:
    doubt = Settlement(failure=Failure.TIMEOUT, in_doubt=True)
    await finish(other=doubt, caps=[Cap("month", "installation:7", f"{now:%Y-%m}", Money(1000))])
    at = now
    prune = Prune(ledger.leases, ledger.pruning, spool, lambda: at)

    at = datetime(2026, 11, 30, 23, 59, tzinfo=now.tzinfo)
    assert await prune.older_than(timedelta(days=7)) == Pruned()
    assert (await ledger.runs.left([Cap("", "installation:7", "2026-11", Money(100))]))[0] < Money(
        100
    )
    at = datetime(2026, 12, 2, 0, 1, tzinfo=now.tzinfo)
    assert await prune.older_than(timedelta(days=7)) == Pruned(runs=1, budgets=1)


async def test_an_image_that_is_paid_for_and_not_published_stays_with_its_answer(
    finish: Open, prune: Prune, spool: LocalSpool
) -> None:
    await finish(published=False)
    await write(spool, f"{NAME}/item-1.answer")

    assert await prune.older_than(AGE) == Pruned()
    assert await spool.fetch(f"{NAME}/item-1.answer")


async def test_what_the_spool_has_of_a_pruned_run_goes_with_it(
    finish: Open, prune: Prune, spool: LocalSpool
) -> None:
    await finish()
    for name in (f"{NAME}/late-1.answer", "another/item-1.answer"):
        await write(spool, name)

    await prune.older_than(AGE)

    assert not await spool.fetch(f"{NAME}/late-1.answer")
    assert await spool.fetch("another/item-1.answer")


async def write(spool: LocalSpool, key: str) -> None:
    async with spool.receive(key) as writer:
        await writer.write(b"answer")


async def test_whoever_dies_after_the_mark_is_followed(
    ledger: SqlLedger, finish: Open, prune: Prune, now: datetime
) -> None:
    await finish()
    assert await ledger.pruning.mark([NAME], now + timedelta(days=1), now + LATER) == [NAME]

    assert await prune.older_than(AGE) == Pruned(runs=1)
    assert (await rows(ledger))["items"] == 0


async def test_nothing_can_be_ordered_of_a_pruned_run(
    ledger: SqlLedger, finish: Open, prune: Prune, make_run: Callable[..., Run], now: datetime
) -> None:
    lease = await finish()
    before = await ledger.runs.get(NAME)
    await prune.older_than(AGE)

    assert before
    assert not await ledger.runs.reopen(before, [1], Money(5), now)
    assert not await ledger.runs.resume(make_run(NAME), now)
    assert not await ledger.runs.request_stop(NAME, Stop.CANCELLED)
    assert not await ledger.runs.open(make_run(NAME), ())
    view = await ledger.runs.get(NAME)
    assert view
    assert (view.run.state, view.items) == (RunState.DONE, ())
    assert (await ledger.leases.claim(lease.subject, now, AGE)) is not None


async def test_a_comment_that_was_answered_stays_known(
    ledger: SqlLedger,
    finish: Open,
    prune: Prune,
    hold: Open,
    make_delivery: Callable[..., Delivery],
    make_effect: Callable[..., Effect],
    now: datetime,
) -> None:
    await finish()
    delivery = make_delivery()
    assert await ledger.inbox.receive(delivery)
    await ledger.inbox.hear(delivery, now)
    words = make_effect(name="comment-klmnopqrst")
    eyes = Effect("eyes-klmnopqrst", EffectKind.REACTION, words.thread, "eyes")
    await ledger.inbox.settle(await hold("delivery:d1"), now, [words, eyes])
    for effect in (words, eyes):
        await ledger.outbox.delivered(await hold(f"effect:{effect.id}"), 1, 17)

    assert await prune.older_than(AGE) == Pruned(runs=1, deliveries=1, effects=2)

    assert not await ledger.inbox.receive(delivery)
    assert await ledger.inbox.unsettled(now + LATER) == []
    assert await ledger.runs.has_acted(NAME)
    assert await ledger.outbox.remote(words.id) == 17  # an answer to an edit is said there
    left = await rows(ledger)
    assert (left["deliveries"], left["effects"], left["leases"]) == (1, 1, 0)
    assert await prune.older_than(AGE) == Pruned()


async def test_what_is_owed_or_unanswered_stays(
    ledger: SqlLedger,
    prune: Prune,
    make_delivery: Callable[..., Delivery],
    make_effect: Callable[..., Effect],
    now: datetime,
) -> None:
    await ledger.inbox.receive(make_delivery())
    await ledger.outbox.say(make_effect(name="comment-klmnopqrst"), now)

    assert await prune.older_than(AGE) == Pruned()
    assert await ledger.inbox.get("d1") == make_delivery()
    assert await ledger.outbox.get("comment-klmnopqrst", now)


async def test_estimates_go_unless_their_run_is_at_work(
    ledger: SqlLedger,
    prune: Prune,
    hold: Open,
    make_run: Callable[..., Run],
    thread: Thread,
    now: datetime,
) -> None:
    run = make_run(NAME)
    for name in ("one", "two"):
        offer = Offer(name, thread, Person(42, "ada"), run.batch, (), None, None, now)
        await ledger.offers.keep(offer, (), delivery=await hold(f"delivery:{name}"), now=now)
    await ledger.runs.open(run, (), offer="one")

    assert await prune.older_than(AGE) == Pruned(offers=1)
    assert (await ledger.offers.get("one")) == replace(offer, id="one", run=NAME)


async def test_thousands_go_in_parts(
    ledger: SqlLedger,
    prune: Prune,
    hold: Open,
    make_delivery: Callable[..., Delivery],
    now: datetime,
) -> None:
    for number in range(450):
        await ledger.inbox.receive(make_delivery(f"d{number}"))
        await ledger.inbox.settle(await hold(f"delivery:d{number}"), now)

    assert await prune.count(AGE) == Pruned(deliveries=450)
    assert await prune.older_than(AGE) == Pruned(deliveries=450)


async def test_one_worker_does_it_once_a_day(
    ledger: SqlLedger, finish: Open, spool: LocalSpool, now: datetime
) -> None:
    at = now
    first, second = (Prune(ledger.leases, ledger.pruning, spool, lambda: at) for _ in range(2))
    await first.daily(AGE)
    await finish()
    for later in (timedelta(minutes=1), timedelta(hours=5), timedelta(hours=23)):
        at = now + later
        await second.daily(timedelta(0))
        assert (await rows(ledger))["items"] == 2
    at = now + timedelta(hours=24)
    await second.daily(timedelta(0))
    assert await ledger.pruning.pruned_at() == at
    at = now + timedelta(days=40)
    await second.daily(AGE - timedelta(days=60))
    assert (await rows(ledger))["items"] == 0


async def test_a_clock_that_was_ahead_puts_it_off_no_longer(
    ledger: SqlLedger, spool: LocalSpool, now: datetime
) -> None:
    at = now + timedelta(days=300)
    prune = Prune(ledger.leases, ledger.pruning, spool, lambda: at)
    await prune.daily(AGE)
    at = now
    await prune.daily(AGE)
    assert await ledger.pruning.pruned_at() == now
