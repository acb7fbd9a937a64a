"""A run comes back as it went in, whatever happened to it in between."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import event
from sqlalchemy.exc import IntegrityError

from bot.adapters.ledger import SqlLedger
from bot.core.attempts import Attempt, AttemptState
from bot.core.batch import BatchConfig, Job, RetryPolicy
from bot.core.errors import Failure, LeaseLost
from bot.core.messages import messages
from bot.core.plan import plan
from bot.core.ports import Delivery, Effect, Lease, Publication, Settlement
from bot.core.pricing import Money, Usage
from bot.core.run import Extra, FileKind, ItemState, ItemView, Run, RunState, RunView, Stop
from bot.core.said import said

Hold = Callable[..., Awaitable[Lease]]
OpenRun = Callable[..., Awaitable[Lease]]
MakeRun = Callable[..., Run]
SECOND = timedelta(seconds=1)
PAID = Settlement(cost=Money(30), usage=Usage(1, 2, 3), request_id="req_1")
LIMITED = Settlement(failure=Failure.RATE_LIMIT, message="slow down", retry_after=2.5)
REFUSED = Settlement(failure=Failure.MODERATION, message="no")
LOST = Settlement(failure=Failure.LOST, in_doubt=True, message="gone")


async def seen(ledger: SqlLedger, name: str = "r1") -> RunView:
    view = await ledger.runs.get(name)
    assert view is not None
    return view


# --- opening ----------------------------------------------------------------------------------


async def test_no_call_starts_once_a_stop_is_stored(
    ledger: SqlLedger, open_run: OpenRun, now: datetime
) -> None:
    lease = await open_run(jobs=3)
    assert await ledger.runs.start(lease, 0, 1, 1, None, now) is None
    await ledger.runs.request_stop("r1", Stop.CANCELLED)
    refused, settled = await asyncio.gather(
        ledger.runs.start(lease, 1, 1, 1, None, now), ledger.runs.settle(lease, 0, 1, PAID, now)
    )
    assert refused is Stop.CANCELLED
    assert settled.state is AttemptState.SUCCEEDED
    states = [item.state for item in (await seen(ledger)).items]
    assert states == [ItemState.SUCCEEDED, ItemState.RESERVED, ItemState.RESERVED]


async def test_a_stop_beside_many_starts_lets_those_begin_that_were_recorded(
    ledger: SqlLedger, open_run: OpenRun, now: datetime
) -> None:
    lease, stored = await open_run(jobs=40), asyncio.Event()

    async def stop() -> None:
        await asyncio.sleep(0)
        assert await ledger.runs.request_stop("r1", Stop.CANCELLED)
        stored.set()

    async def start(item: int) -> Stop | None:
        for _ in range(item):
            await asyncio.sleep(0)
        late = stored.is_set()
        refused = await ledger.runs.start(lease, item, 1, 1, None, now)
        assert refused or not late
        return refused

    refused = await asyncio.gather(*map(start, range(40)), stop())
    started = [item.state is ItemState.STARTED for item in (await seen(ledger)).items]
    assert started == [answer is None for answer in refused[:40]]


async def test_a_run_comes_back_as_it_was_opened(ledger: SqlLedger, make_run: MakeRun) -> None:
    run = replace(make_run(jobs=3, upper_bound=Money(99)), language="ja")
    items = plan(run.batch, run.id)
    assert await ledger.runs.open(run, items)
    assert await ledger.runs.get("r1") == RunView(run, tuple(map(ItemView, items)))
    assert await ledger.runs.get("r2") is None


async def test_what_was_said_can_be_said_in_another_language_later(
    ledger: SqlLedger, make_run: MakeRun, hold: Hold, now: datetime
) -> None:
    sentence, japanese = said("must be text"), messages("ja").tell(said("must be text"))
    run = replace(make_run(), warnings=(sentence, "as an earlier version stored it"))
    await ledger.runs.open(run, plan(run.batch, run.id))
    lease = await hold("run:r1")
    await ledger.runs.start(lease, 0, 1, 1, None, now)
    failed = Settlement(failure=Failure.INVALID, message=sentence)
    await ledger.runs.settle(lease, 0, 1, failed, now)
    await ledger.runs.published(lease, (), None, sentence)

    view = await seen(ledger)

    tell = messages("ja").tell
    assert view.run.warnings == (sentence, "as an earlier version stored it")
    assert [*map(tell, view.run.warnings)] == [japanese, "as an earlier version stored it"]
    assert (view.run.note, tell(view.run.note)) == (sentence, japanese)
    (attempt,) = view.items[0].attempts
    assert (attempt.message, tell(attempt.message)) == (sentence, japanese)


async def test_every_field_of_a_batch_survives(
    ledger: SqlLedger, make_run: MakeRun, now: datetime
) -> None:
    job = Job(
        prompt="ein Fuchs 🦊\x00\n",
        output_path="a/b.png",
        sample_count=3,
        operation="edit",
        reference_image_path=("a.png", "b.png"),
        output_compression=70,
        output_format="webp",
    )
    policy = RetryPolicy(retry_on_errors=("server_error",), retry_in_doubt=True)
    batch = BatchConfig(jobs=(job,), retry_policy=policy, max_cost=Decimal("2.50"))
    run = replace(make_run(), batch=batch, thread=None, author=None, started_at=now)
    items = plan(batch, run.id)
    await ledger.runs.open(run, items)
    assert await ledger.runs.get("r1") == RunView(run, tuple(map(ItemView, items)))


async def test_opening_a_run_settles_its_delivery_and_owes_its_effects(
    ledger: SqlLedger,
    make_run: MakeRun,
    make_delivery: Callable[..., Delivery],
    make_effect: Callable[..., Effect],
    hold: Hold,
    now: datetime,
) -> None:
    await ledger.inbox.receive(make_delivery())
    run, lease = make_run(), await hold("delivery:d1")
    await ledger.runs.open(run, plan(run.batch, "r1"), (), [make_effect()], delivery=lease)
    assert await ledger.inbox.get("d1") is None
    assert await ledger.outbox.owed(now) == ["comment-1"]


async def test_a_run_that_exists_is_left_alone_and_only_the_delivery_is_settled(
    ledger: SqlLedger,
    make_run: MakeRun,
    make_delivery: Callable[..., Delivery],
    make_effect: Callable[..., Effect],
    hold: Hold,
    now: datetime,
) -> None:
    run = make_run(jobs=1)
    await ledger.runs.open(run, plan(run.batch, "r1"))
    await ledger.inbox.receive(make_delivery())
    other, lease = make_run(jobs=5), await hold("delivery:d1")
    items = plan(other.batch, "r1")
    assert not await ledger.runs.open(other, items, (), [make_effect()], delivery=lease)
    assert len((await seen(ledger)).items) == 1
    assert await ledger.inbox.get("d1") is None
    assert await ledger.outbox.owed(now) == []


# --- calls ------------------------------------------------------------------------------------


async def test_a_call_is_recorded_before_and_after(
    ledger: SqlLedger, open_run: OpenRun, now: datetime
) -> None:
    lease = await open_run()
    await ledger.runs.start(lease, 1, 1, 1, Money(50), now)
    intent = Attempt(1, 1, AttemptState.STARTED, now, amount=Money(50))
    assert (await seen(ledger)).items[1].attempts == (intent,)
    settled = await ledger.runs.settle(lease, 1, 1, PAID, now + SECOND)
    assert settled == replace(
        intent,
        state=AttemptState.SUCCEEDED,
        settled_at=now + SECOND,
        cost=Money(30),
        usage=Usage(1, 2, 3),
        request_id="req_1",
    )
    view = await seen(ledger)
    assert view.items[1].attempts == (settled,)
    assert view.items[0].attempts == ()


async def test_attempts_come_back_in_their_order(
    ledger: SqlLedger, open_run: OpenRun, now: datetime
) -> None:
    lease = await open_run()
    for number, outcome in enumerate((LIMITED, LIMITED, PAID), start=1):
        await ledger.runs.start(lease, 0, number, 1, None, now)
        await ledger.runs.settle(lease, 0, number, outcome, now + SECOND)
    attempts = (await seen(ledger)).items[0].attempts
    assert [(a.number, a.state.value) for a in attempts] == [
        (1, "failed"),
        (2, "failed"),
        (3, "succeeded"),
    ]
    assert attempts[0].failure is Failure.RATE_LIMIT
    assert attempts[0].retry_after == 2.5
    assert attempts[0].message == "slow down"


@pytest.mark.parametrize("later", [LIMITED, LOST, replace(PAID, cost=Money(1))])
@pytest.mark.parametrize("first", [PAID, REFUSED])
async def test_a_known_outcome_is_never_overwritten(
    ledger: SqlLedger, open_run: OpenRun, now: datetime, first: Settlement, later: Settlement
) -> None:
    lease = await open_run()
    await ledger.runs.start(lease, 0, 1, 1, Money(50), now)
    known = await ledger.runs.settle(lease, 0, 1, first, now)
    assert await ledger.runs.settle(lease, 0, 1, later, now + SECOND) == known
    assert (await seen(ledger)).items[0].attempts == (known,)


async def test_late_bytes_turn_doubt_into_success(
    ledger: SqlLedger, open_run: OpenRun, now: datetime
) -> None:
    lease = await open_run()
    await ledger.runs.start(lease, 0, 1, 1, Money(50), now)
    doubt = await ledger.runs.settle(lease, 0, 1, LOST, now)
    assert doubt.state is AttemptState.IN_DOUBT
    assert (await ledger.runs.settle(lease, 0, 1, LIMITED, now)) == doubt
    late = await ledger.runs.settle(lease, 0, 1, PAID, now + SECOND)
    assert (late.state, late.failure, late.message) == (AttemptState.SUCCEEDED, None, "")


async def test_an_outcome_without_an_intent_is_a_fault(
    ledger: SqlLedger, open_run: OpenRun, now: datetime
) -> None:
    lease = await open_run()
    with pytest.raises(LookupError):
        await ledger.runs.settle(lease, 0, 1, PAID, now)


async def test_two_calls_for_one_image_are_never_under_way(
    ledger: SqlLedger, open_run: OpenRun, now: datetime
) -> None:
    lease = await open_run()
    await ledger.runs.start(lease, 0, 1, 1, None, now)
    with pytest.raises(IntegrityError):
        await ledger.runs.start(lease, 0, 2, 1, None, now)
    await ledger.runs.start(lease, 1, 1, 1, None, now)


# --- states -----------------------------------------------------------------------------------


async def test_a_queued_run_begins_once(
    ledger: SqlLedger, open_run: OpenRun, now: datetime
) -> None:
    lease = await open_run()
    run = await ledger.runs.begin(lease, now + SECOND)
    assert (run.state, run.started_at) == (RunState.RUNNING, now)


async def test_nothing_goes_backwards(ledger: SqlLedger, open_run: OpenRun, now: datetime) -> None:
    lease = await open_run()
    await ledger.runs.settled(lease)
    assert (await ledger.runs.begin(lease, now)).state is RunState.PUBLISHING
    await ledger.runs.finish(lease, "{}", (), now)
    await ledger.runs.settled(lease)
    assert (await ledger.runs.begin(lease, now)).state is RunState.DONE


async def test_what_was_not_called_to_its_end_is_cancelled(
    ledger: SqlLedger, open_run: OpenRun, now: datetime
) -> None:
    lease = await open_run(jobs=5)
    for item, outcome in enumerate((PAID, REFUSED, LIMITED, LOST)):
        await ledger.runs.start(lease, item, 1, 1, Money(50), now)
        await ledger.runs.settle(lease, item, 1, outcome, now)
    await ledger.runs.settled(lease)
    view = await seen(ledger)
    assert view.run.state is RunState.PUBLISHING
    assert [item.state for item in view.items] == [
        ItemState.SUCCEEDED,
        ItemState.FAILED,
        ItemState.CANCELLED,
        ItemState.IN_DOUBT,
        ItemState.CANCELLED,
    ]


async def test_files_are_recorded_while_the_run_is_running(
    ledger: SqlLedger, open_run: OpenRun
) -> None:
    lease = await open_run()
    await ledger.runs.published(lease, [Publication(1, None, "fox_1.png")], None, "")
    view = await seen(ledger)
    assert view.run.state is RunState.RUNNING
    assert [(item.url, item.path) for item in view.items] == [(None, None), (None, "fox_1.png")]


async def test_a_later_publication_keeps_what_it_does_not_say(
    ledger: SqlLedger, open_run: OpenRun
) -> None:
    lease = await open_run()
    report, sheet = (
        Extra(kind, f"{kind}", f"https://x/{kind}") for kind in (FileKind.REPORT, FileKind.SHEET)
    )
    first = Publication(0, "https://x/0", "0.png", "https://x/small/0")
    await ledger.runs.published(lease, [first], "https://x", "fell back", [report, sheet])
    again = replace(report, url="https://x/again")
    second = Publication(1, "https://x/1", "1.png")
    await ledger.runs.published(lease, [second], None, "", [again])
    view = await seen(ledger)
    assert view.run.extras == (again, sheet)
    assert view.run.beside(FileKind.SHEET) == (sheet,)
    assert [item.thumbnail for item in view.items] == ["https://x/small/0", None]
    assert (view.run.page_url, view.run.note) == ("https://x", "fell back")
    assert [item.url for item in view.items] == ["https://x/0", "https://x/1"]


async def test_a_finished_run_is_done_and_owes_its_last_word(
    ledger: SqlLedger, open_run: OpenRun, make_effect: Callable[..., Effect], now: datetime
) -> None:
    lease = await open_run()
    await ledger.runs.finish(lease, '{"total": 2}', [make_effect()], now + SECOND)
    run = (await seen(ledger)).run
    assert (run.state, run.finished_at) == (RunState.DONE, now + SECOND)
    assert await ledger.outbox.owed(now + SECOND) == ["comment-1"]


async def test_the_first_reason_to_stop_stays(ledger: SqlLedger, open_run: OpenRun) -> None:
    await open_run()
    assert await ledger.runs.stop_requested("r1") is None
    assert await ledger.runs.request_stop("r1", Stop.CANCELLED)
    assert await ledger.runs.request_stop("r1", Stop.TIMEOUT)
    assert await ledger.runs.stop_requested("r1") is Stop.CANCELLED
    assert (await seen(ledger)).run.stop is Stop.CANCELLED


async def test_whoever_has_lost_a_run_does_not_stop_it(
    ledger: SqlLedger, open_run: OpenRun
) -> None:
    late = await open_run()
    assert await ledger.leases.claim("run:r1", late.until, SECOND)

    with pytest.raises(LeaseLost):
        await ledger.runs.request_stop("r1", Stop.TIMEOUT, lease=late)

    assert await ledger.runs.stop_requested("r1") is None


async def test_a_run_with_nothing_left_to_start_cannot_be_stopped(
    ledger: SqlLedger, open_run: OpenRun, now: datetime
) -> None:
    lease = await open_run()
    await ledger.runs.settled(lease)
    assert not await ledger.runs.request_stop("r1", Stop.CANCELLED)
    await ledger.runs.finish(lease, "{}", (), now)
    assert not await ledger.runs.request_stop("r1", Stop.CANCELLED)
    assert not await ledger.runs.request_stop("r2", Stop.CANCELLED)
    assert await ledger.runs.stop_requested("r1") is None


async def test_a_reopened_run_orders_its_items_again(
    ledger: SqlLedger, open_run: OpenRun, now: datetime
) -> None:
    lease = await open_run(jobs=3)
    await ledger.runs.request_stop("r1", Stop.TIMEOUT)
    await ledger.runs.settled(lease)
    assert not await ledger.runs.reopen(await seen(ledger), [0], None, now)
    await ledger.runs.finish(lease, "{}", (), now)
    over = await seen(ledger)
    assert await ledger.runs.reopen(over, [0, 2], None, now)
    other = replace(over, run=replace(over.run, id="r2"))
    assert not await ledger.runs.reopen(other, [0], None, now)
    view = await seen(ledger)
    assert (view.run.state, view.run.stop, view.run.finished_at) == (RunState.QUEUED, None, None)
    assert [(item.order, item.cancelled) for item in view.items] == [
        (2, False),
        (1, True),
        (2, False),
    ]
    assert await ledger.runs.unfinished(lease.until) == ["r1"]


async def test_whoever_finishes_a_run_anew_leaves_what_was_ordered_meanwhile(
    ledger: SqlLedger, open_run: OpenRun, now: datetime
) -> None:
    """Such as for an answer that came in late."""
    lease = await open_run(jobs=2)
    await ledger.runs.settled(lease)
    await ledger.runs.finish(lease, "{}", (), now)
    assert await ledger.runs.reopen(await seen(ledger), [0], None, now)

    with pytest.raises(LeaseLost, match="ordered again"):
        await ledger.runs.settled(lease)
    with pytest.raises(LeaseLost, match="ordered again"):
        await ledger.runs.finish(lease, "{}", (), now)

    view = await seen(ledger)
    assert view.run.state is RunState.QUEUED
    assert [item.cancelled for item in view.items] == [False, True]


async def test_a_run_is_resumed_within_new_limits_while_nobody_holds_it(
    ledger: SqlLedger, open_run: OpenRun, now: datetime
) -> None:
    lease = await open_run(jobs=2)
    run = (await seen(ledger)).run
    await ledger.runs.request_stop("r1", Stop.TIMEOUT)
    wider = run.batch.model_copy(update={"timeout": 1_234_000, "max_concurrent": 7})
    again = replace(run, batch=wider, warnings=("mind",), upper_bound=Money(50_000))

    assert not await ledger.runs.resume(again, now), "somebody holds it"
    assert not await ledger.runs.resume(replace(again, id="r2"), now)
    assert (await seen(ledger)).run == replace(run, stop=Stop.TIMEOUT)
    await ledger.leases.release(lease)
    assert await ledger.runs.resume(again, now)
    assert (await seen(ledger)).run == replace(again, resumed_at=now)


async def test_unfinished_runs_are_listed_oldest_first_without_those_in_work(
    ledger: SqlLedger, make_run: MakeRun, hold: Hold, now: datetime
) -> None:
    for age, name in enumerate(("c", "a", "b", "done")):
        run = replace(make_run(name), created_at=now - age * SECOND)
        await ledger.runs.open(run, plan(run.batch, name))
    lease = await hold("run:a")
    await ledger.runs.finish(await hold("run:done"), "{}", (), now)
    assert await ledger.runs.unfinished(now) == ["b", "c"]
    assert await ledger.runs.unfinished(now, limit=1) == ["b"]
    assert await ledger.runs.unfinished(lease.until) == ["b", "a", "c"]


async def test_a_run_of_any_size_is_read_with_three_queries(
    ledger: SqlLedger, open_run: OpenRun
) -> None:
    await open_run(jobs=30)
    queries: list[str] = []

    def note(*said: object) -> None:
        queries.append(str(said[2]))

    engine = ledger.database.reader.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    await seen(ledger)
    assert len([query for query in queries if query.startswith("SELECT")]) == 3
