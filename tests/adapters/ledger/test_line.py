"""Runs that wait stand in line, and nothing is said of their waiting once it is over."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta

from bot.adapters.ledger import SqlLedger
from bot.core.plan import plan
from bot.core.ports import Effect, Lease
from bot.core.run import Run

OpenRun = Callable[..., Awaitable[Lease]]
MakeRun = Callable[..., Run]
MakeEffect = Callable[..., Effect]
MINUTE = timedelta(minutes=1)


async def _open(ledger: SqlLedger, run: Run) -> None:
    assert await ledger.runs.open(run, plan(run.batch, run.id))


async def test_the_line_is_in_the_order_in_which_runs_came(
    ledger: SqlLedger, open_run: OpenRun, make_run: MakeRun, now: datetime
) -> None:
    await open_run("at-work")
    assert await ledger.line.length(100) == 0
    for minutes, name in enumerate(("third", "second", "first")):
        await _open(ledger, replace(make_run(name), created_at=now - minutes * MINUTE))
    assert await ledger.line.length(100) == 3
    assert await ledger.line.head(2) == ["first", "second"]


async def test_what_is_ordered_again_stands_at_the_end(
    ledger: SqlLedger, open_run: OpenRun, make_run: MakeRun, now: datetime
) -> None:
    lease = await open_run("again")
    await ledger.runs.finish(lease, "{}", [], now)
    await _open(ledger, replace(make_run("later"), created_at=now + MINUTE))
    view = await ledger.runs.get("again")
    assert view
    assert await ledger.runs.reopen(view, [0], None, now + 2 * MINUTE)
    assert await ledger.line.head(5) == ["later", "again"]


async def test_a_position_is_owed_while_the_run_waits(
    ledger: SqlLedger, make_run: MakeRun, make_effect: MakeEffect, now: datetime
) -> None:
    await _open(ledger, make_run())
    await ledger.line.say("r1", make_effect("the next one"), now)
    owed = await ledger.outbox.get("comment-1", now)
    assert owed is not None
    assert owed.effect.body == "the next one"


async def test_a_position_never_replaces_what_is_said_of_a_run_at_work(
    ledger: SqlLedger, open_run: OpenRun, make_effect: MakeEffect, now: datetime
) -> None:
    await open_run()
    await ledger.outbox.say(make_effect("making it"), now)
    await ledger.line.say("r1", make_effect("the next one"), now)
    owed = await ledger.outbox.get("comment-1", now)
    assert owed is not None
    assert owed.effect.body == "making it"
