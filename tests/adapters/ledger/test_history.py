"""The history reads back what the run's life has written."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from bot.adapters.ledger import SqlLedger
from bot.adapters.ledger.history import PastRun, Spent
from bot.core.attempts import Attempt, AttemptState
from bot.core.batch import BatchConfig, Job
from bot.core.errors import Failure
from bot.core.plan import plan
from bot.core.ports import Lease, Settlement
from bot.core.pricing import Money
from bot.core.run import SIMULATED, ItemView, Run, RunState, RunView

MakeRun = Callable[..., Run]
OpenRun = Callable[..., Awaitable[Lease]]
DAY = timedelta(days=1)


async def opened(ledger: SqlLedger, run: Run) -> Run:
    assert await ledger.runs.open(run, plan(run.batch, run.id))
    return run


async def test_a_run_is_one_line_with_its_images_and_its_money(
    ledger: SqlLedger, open_run: OpenRun, now: datetime
) -> None:
    lease = await open_run("r1", jobs=3)
    for item in range(3):
        await ledger.runs.start(lease, item, 1, 1, Money(500), now)
    await ledger.runs.settle(lease, 0, 1, Settlement(cost=Money(90)), now)
    lost = Settlement(failure=Failure.TIMEOUT, in_doubt=True)
    await ledger.runs.settle(lease, 1, 1, lost, now)
    await ledger.runs.settle(lease, 2, 1, Settlement(failure=Failure.MODERATION), now)

    assert await ledger.history.runs() == [
        PastRun(
            id="r1",
            created_at=now,
            state=RunState.RUNNING,
            stop=None,
            prompt="fox 0",
            model="gpt-image-2.5-flare",
            repository="octo/fox",
            wanted=3,
            made=1,
            paid=Money(90),
            in_doubt=Money(500),
        )
    ]


async def test_an_unknown_price_makes_the_sum_unknown(
    ledger: SqlLedger, open_run: OpenRun, now: datetime
) -> None:
    lease = await open_run("r1", jobs=2)
    for item, cost in enumerate((Money(90), None)):
        await ledger.runs.start(lease, item, 1, 1, None, now)
        await ledger.runs.settle(lease, item, 1, Settlement(cost=cost), now)

    (past,) = await ledger.history.runs()

    assert past.paid is None
    assert past.in_doubt == Money(0)


async def test_the_newest_runs_come_first_and_only_as_many_as_asked(
    ledger: SqlLedger, make_run: MakeRun, now: datetime
) -> None:
    for n in range(4):
        await opened(ledger, replace(make_run(f"r{n}"), created_at=now + n * DAY))

    assert [past.id for past in await ledger.history.runs(limit=2)] == ["r3", "r2"]
    since = await ledger.history.runs(since=now + 2 * DAY)
    assert [past.id for past in since] == ["r3", "r2"]


@pytest.mark.parametrize(
    ("search", "found"),
    [("OWL", ["r2"]), ("赤い", ["r1"]), ("r1", ["r1"]), ("100%", []), ("_wl", []), ("fly", [])],
)
async def test_runs_are_found_by_their_words_and_ids(
    ledger: SqlLedger, make_run: MakeRun, search: str, found: list[str]
) -> None:
    for name, prompt in (("r1", "赤いキツネ"), ("r2", "an owl at night")):
        batch = BatchConfig(jobs=(Job(prompt=prompt),))
        await opened(ledger, replace(make_run(name), batch=batch))

    assert [past.id for past in await ledger.history.runs(search=search)] == found


async def test_a_batch_finds_its_latest_run_of_the_command_line(
    ledger: SqlLedger, make_run: MakeRun, now: datetime
) -> None:
    here = replace(make_run("a1"), thread=None, digest="same")
    await opened(ledger, here)
    await opened(ledger, replace(here, id="a2", created_at=now + DAY))
    await opened(ledger, replace(here, id="b1", created_at=now + 2 * DAY, digest="other"))
    await opened(ledger, replace(make_run("c1"), created_at=now + 3 * DAY, digest="same"))

    assert await ledger.history.latest("same") == "a2"
    assert await ledger.history.latest() == "b1"
    assert await ledger.history.latest("never") is None
    assert await ledger.history.find("a") == ["a2", "a1"]


async def test_money_is_summed_by_day_and_model(
    ledger: SqlLedger, open_run: OpenRun, now: datetime
) -> None:
    lease = await open_run("r1", jobs=3)
    for item, settled in enumerate((now, now, now + DAY)):
        await ledger.runs.start(lease, item, 1, 1, Money(500), now)
        await ledger.runs.settle(lease, item, 1, Settlement(cost=Money(90)), settled)

    model = "gpt-image-2.5-flare"
    assert await ledger.history.spent(now - DAY) == [
        Spent(date(2026, 11, 21), model, 2, Money(180)),
        Spent(date(2026, 11, 22), model, 1, Money(90)),
    ]
    assert await ledger.history.spent(now + 2 * DAY) == []


async def test_runs_that_another_program_finished_are_kept_once(
    ledger: SqlLedger, make_run: MakeRun, now: datetime
) -> None:
    run = replace(make_run("r1"), state=RunState.DONE, started_at=now, finished_at=now)
    made = Attempt(1, 1, AttemptState.SUCCEEDED, now, now, cost=Money(90))
    items = plan(run.batch, run.id)
    view = RunView(run, tuple(ItemView(item, (made,), path=f"/{item.index}") for item in items))

    new = [await ledger.history.keep([view]), await ledger.history.keep([view])]

    assert new == [1, 0]
    assert await ledger.runs.get("r1") == view
    assert await ledger.runs.unfinished(now) == []
    assert [each.cost for each in await ledger.history.spent(now - DAY)] == [Money(180)]


async def test_a_simulation_costs_nothing(
    ledger: SqlLedger, make_run: MakeRun, now: datetime
) -> None:
    run = replace(make_run("r1"), state=RunState.DONE, finished_at=now, digest=f"{SIMULATED}abc")
    made = Attempt(1, 1, AttemptState.SUCCEEDED, now, now, cost=Money(90))
    items = plan(run.batch, run.id)
    await ledger.history.keep([RunView(run, tuple(ItemView(item, (made,)) for item in items))])

    (past,) = await ledger.history.runs()

    assert past.simulated
    assert await ledger.history.spent(now - DAY) == []
