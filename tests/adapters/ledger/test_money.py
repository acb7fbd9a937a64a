"""No budget ever holds more than its cap, and what was not spent is given back."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from bot.adapters.ledger import SqlLedger
from bot.adapters.ledger.tables import budgets
from bot.core.errors import Failure, LedgerBusy, Reason, Refused
from bot.core.plan import plan
from bot.core.ports import Cap, Delivery, Effect, Lease, Settlement
from bot.core.pricing import Money
from bot.core.run import Run

Hold = Callable[..., Awaitable[Lease]]
OpenRun = Callable[..., Awaitable[Lease]]
MakeRun = Callable[..., Run]
CENT = 10_000
LOST = Settlement(failure=Failure.LOST, in_doubt=True)
REFUSED = Settlement(failure=Failure.MODERATION)


def cap(cents: int, scope: str = "server", window: str = "2026-11-21") -> Cap:
    return Cap(f"the {scope} and day", scope, window, Money(cents * CENT))


def paid(cents: int | None) -> Settlement:
    return Settlement(cost=None if cents is None else Money(cents * CENT))


async def committed(ledger: SqlLedger) -> dict[tuple[str, str], int]:
    """What every budget holds, in cents."""
    async with ledger.database.read() as connection:
        rows = await connection.execute(select(budgets).where(budgets.c.committed != Money(0)))
        return {(row.scope, row.window): row.committed.micros // CENT for row in rows}


async def test_a_hundred_runs_of_ten_cents_under_five_dollars_are_exactly_fifty(
    ledger: SqlLedger, make_run: MakeRun
) -> None:
    async def accepted(name: str) -> bool:
        run = make_run(name, jobs=1, upper_bound=Money(10 * CENT))
        while True:
            try:
                return await ledger.runs.open(run, plan(run.batch, name), [cap(500)])
            except Refused:
                return False
            except LedgerBusy:  # says so, and means that nothing was stored
                continue

    opened = await asyncio.gather(*(accepted(f"r{n}") for n in range(100)))
    assert sum(opened) == 50
    assert await committed(ledger) == {("server", "2026-11-21"): 500}


async def test_a_refused_run_leaves_nothing_behind(
    ledger: SqlLedger,
    make_run: MakeRun,
    make_delivery: Callable[..., Delivery],
    make_effect: Callable[..., Effect],
    hold: Hold,
    now: datetime,
) -> None:
    await ledger.inbox.receive(make_delivery())
    run, lease = make_run(upper_bound=Money(30 * CENT)), await hold("delivery:d1")
    caps = [cap(100, "person:42"), cap(29)]
    with pytest.raises(Refused) as refusal:
        await ledger.runs.open(run, plan(run.batch, "r1"), caps, [make_effect()], delivery=lease)
    assert refusal.value.reason is Reason.BUDGET
    assert str(refusal.value) == (
        "This run could cost up to $0.30, and the cap for the server and day is $0.29, of which"
        " $0.29 is left."
    )
    assert await committed(ledger) == {}
    assert await ledger.runs.get("r1") is None
    assert await ledger.outbox.owed(now) == []
    assert await ledger.inbox.get("d1")


async def test_the_refusal_says_what_is_left(open_run: OpenRun) -> None:
    await open_run("a", upper_bound=Money(70 * CENT), caps=[cap(100)])
    with pytest.raises(Refused, match=r"is \$1.00, of which \$0.30 is left"):
        await open_run("b", upper_bound=Money(31 * CENT), caps=[cap(100)])
    await open_run("c", upper_bound=Money(30 * CENT), caps=[cap(100)])


async def test_a_lowered_cap_leaves_nothing_not_less(open_run: OpenRun) -> None:
    await open_run("a", upper_bound=Money(70 * CENT), caps=[cap(100)])
    with pytest.raises(Refused, match=r"is \$0.50, of which \$0.00 is left"):
        await open_run("b", upper_bound=Money(CENT), caps=[cap(50)])


async def test_what_is_left_is_told_for_every_cap(ledger: SqlLedger, open_run: OpenRun) -> None:
    await open_run("a", upper_bound=Money(70 * CENT), caps=[cap(100), cap(100, "person:42")])
    asked = [cap(80, "person:42"), cap(50), cap(30, "person:43"), cap(9, window="2026-11-22")]
    assert await ledger.runs.left(asked) == [Money(c * CENT) for c in (10, 0, 30, 9)]
    assert await ledger.runs.left([]) == []


async def test_a_run_of_unknown_cost_keeps_no_cap(open_run: OpenRun) -> None:
    with pytest.raises(Refused) as refusal:
        await open_run(caps=[cap(100)])
    assert refusal.value.reason is Reason.PRICE
    await open_run()


async def test_a_new_window_starts_empty(open_run: OpenRun) -> None:
    await open_run("a", upper_bound=Money(100 * CENT), caps=[cap(100)])
    tomorrow = cap(100, window="2026-11-22")
    await open_run("b", upper_bound=Money(100 * CENT), caps=[tomorrow])


async def test_a_finished_run_gives_back_what_it_did_not_spend(
    ledger: SqlLedger, open_run: OpenRun, now: datetime
) -> None:
    caps = [cap(100), cap(100, "person:42")]
    lease = await open_run(jobs=5, upper_bound=Money(100 * CENT), caps=caps)
    for item, outcome in enumerate((paid(7), LOST, REFUSED, paid(None))):
        await ledger.runs.start(lease, item, 1, 1, Money(20 * CENT), now)
        await ledger.runs.settle(lease, item, 1, outcome, now)
    day = "2026-11-21"
    assert await committed(ledger) == {("server", day): 100, ("person:42", day): 100}
    await ledger.runs.finish(lease, "{}", (), now)
    spent = 7 + 20 + 20
    assert await committed(ledger) == {("server", day): spent, ("person:42", day): spent}
    await ledger.runs.finish(lease, "{}", (), now)
    assert await committed(ledger) == {("server", day): spent, ("person:42", day): spent}


async def test_bytes_that_come_after_the_end_correct_the_budget(
    ledger: SqlLedger, open_run: OpenRun, now: datetime
) -> None:
    lease = await open_run(upper_bound=Money(40 * CENT), caps=[cap(100)])
    await ledger.runs.start(lease, 0, 1, 1, Money(20 * CENT), now)
    await ledger.runs.settle(lease, 0, 1, LOST, now)
    await ledger.runs.finish(lease, "{}", (), now)
    assert await committed(ledger) == {("server", "2026-11-21"): 20}
    await ledger.runs.settle(lease, 0, 1, paid(3), now)
    assert await committed(ledger) == {("server", "2026-11-21"): 3}


async def test_a_bill_above_the_reservation_is_counted_all_the_same(
    ledger: SqlLedger, open_run: OpenRun, now: datetime
) -> None:
    lease = await open_run(upper_bound=Money(10 * CENT), caps=[cap(100)])
    await ledger.runs.start(lease, 0, 1, 1, Money(10 * CENT), now)
    await ledger.runs.settle(lease, 0, 1, paid(12), now)
    await ledger.runs.finish(lease, "{}", (), now)
    assert await committed(ledger) == {("server", "2026-11-21"): 12}


async def test_a_reopened_run_reserves_in_the_window_of_its_new_order(
    ledger: SqlLedger, open_run: OpenRun, now: datetime
) -> None:
    lease = await open_run(upper_bound=Money(40 * CENT), caps=[cap(100)])
    await ledger.runs.start(lease, 0, 1, 1, Money(20 * CENT), now)
    await ledger.runs.settle(lease, 0, 1, paid(15), now)
    await ledger.runs.finish(lease, "{}", (), now)
    tomorrow = cap(100, window="2026-11-22")
    view = await ledger.runs.get("r1")
    assert view is not None
    with pytest.raises(Refused):
        await ledger.runs.reopen(view, [1], Money(101 * CENT), now, [tomorrow])
    assert await ledger.runs.reopen(view, [1], Money(20 * CENT), now, [tomorrow])
    assert await committed(ledger) == {
        ("server", "2026-11-21"): 15,
        ("server", "2026-11-22"): 20,
    }
    later = now + timedelta(days=1)
    await ledger.runs.begin(lease, later)
    await ledger.runs.start(lease, 1, 1, 2, Money(20 * CENT), later)
    await ledger.runs.settle(lease, 1, 1, paid(6), later)
    await ledger.runs.finish(lease, "{}", (), later)
    assert await committed(ledger) == {
        ("server", "2026-11-21"): 15,
        ("server", "2026-11-22"): 6,
    }
