"""Calls that are recorded at the same moment share a commit, and nothing else."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from bot.adapters.ledger import SqlLedger, open_ledger
from bot.adapters.ledger.group_commit import GroupCommit
from bot.core.attempts import Attempt, AttemptState
from bot.core.errors import Failure, LeaseLost, LedgerBusy
from bot.core.ports import Lease, Settlement
from bot.core.pricing import Money
from tests.adapters.ledger.conftest import commits

OpenRun = Callable[..., Awaitable[Lease]]
PAID = Settlement(cost=Money(30))
LOST = Settlement(failure=Failure.LOST, in_doubt=True)
MANY = range(50)
LEASE = Lease("run:r1", 1, datetime(2026, 11, 21, tzinfo=UTC))


async def recorded(ledger: SqlLedger, name: str = "r1") -> dict[int, tuple[Attempt, ...]]:
    view = await ledger.runs.get(name)
    assert view is not None
    return {item.item.index: item.attempts for item in view.items if item.attempts}


async def test_many_calls_are_recorded_in_few_commits_each_with_its_own_words(
    ledger: SqlLedger, open_run: OpenRun, now: datetime
) -> None:
    lease = await open_run(jobs=len(MANY))
    with commits(ledger) as seen:
        await asyncio.gather(
            *(ledger.runs.start(lease, n, 1, 1, Money(n), now) for n in MANY),
        )
        settled = await asyncio.gather(
            *(ledger.runs.settle(lease, n, 1, replace(PAID, cost=Money(n)), now) for n in MANY)
        )
    assert 2 <= len(seen) <= 4
    assert [(each.amount, each.cost) for each in settled] == [(Money(n), Money(n)) for n in MANY]
    assert await recorded(ledger) == {n: (settled[n],) for n in MANY}


async def test_whoever_returns_has_a_commit_behind_it(
    ledger: SqlLedger, open_run: OpenRun, now: datetime
) -> None:
    lease = await open_run(jobs=len(MANY))

    async def start_and_look(item: int) -> bool:
        await ledger.runs.start(lease, item, 1, 1, None, now)
        return item in await recorded(ledger)

    assert all(await asyncio.gather(*map(start_and_look, MANY)))


async def test_the_fault_of_one_is_not_the_fault_of_the_others(
    ledger: SqlLedger, open_run: OpenRun, now: datetime
) -> None:
    lease = await open_run(jobs=4)
    await ledger.runs.start(lease, 0, 1, 1, None, now)
    said = await asyncio.gather(
        ledger.runs.start(lease, 1, 1, 1, None, now),
        ledger.runs.start(lease, 0, 2, 1, None, now),  # a second call beside one under way
        ledger.runs.settle(lease, 0, 1, PAID, now),
        ledger.runs.settle(lease, 3, 1, PAID, now),  # of no call
        ledger.runs.start(lease, 2, 1, 1, None, now),
        return_exceptions=True,
    )
    kinds = [type(each) for each in said]
    assert kinds == [type(None), IntegrityError, Attempt, LookupError, type(None)]
    assert {n: len(each) for n, each in (await recorded(ledger)).items()} == {0: 1, 1: 1, 2: 1}


async def test_a_call_that_is_asked_for_twice_at_once_is_one_call(
    ledger: SqlLedger, open_run: OpenRun, now: datetime
) -> None:
    lease = await open_run()
    said = await asyncio.gather(
        *(ledger.runs.start(lease, 0, number, 1, None, now) for number in (1, 1, 2)),
        return_exceptions=True,
    )
    assert [type(each) for each in said] == [type(None), IntegrityError, IntegrityError]


@pytest.mark.parametrize(
    ("first", "second", "ends"),
    [
        (PAID, LOST, AttemptState.SUCCEEDED),
        (LOST, PAID, AttemptState.SUCCEEDED),
        (LOST, Settlement(failure=Failure.MODERATION), AttemptState.IN_DOUBT),
    ],
)
async def test_two_outcomes_of_one_call_follow_each_other_as_if_they_came_alone(
    ledger: SqlLedger,
    open_run: OpenRun,
    now: datetime,
    first: Settlement,
    second: Settlement,
    ends: AttemptState,
) -> None:
    lease = await open_run()
    await ledger.runs.start(lease, 0, 1, 1, None, now)
    _, last = await asyncio.gather(
        ledger.runs.settle(lease, 0, 1, first, now), ledger.runs.settle(lease, 0, 1, second, now)
    )
    assert last.state is ends
    assert (await recorded(ledger))[0] == (last,)


async def test_only_the_holder_of_the_lost_lease_hears_of_it(
    ledger: SqlLedger, open_run: OpenRun, now: datetime
) -> None:
    lost, held = await open_run("lost"), await open_run("held")
    await ledger.leases.claim(lost.subject, now + timedelta(minutes=1), timedelta(minutes=1))
    said = await asyncio.gather(
        *(ledger.runs.start(lease, n, 1, 1, None, now) for n in (0, 1) for lease in (lost, held)),
        return_exceptions=True,
    )
    assert [type(each) for each in said] == [LeaseLost, type(None)] * 2
    assert not await recorded(ledger, "lost")
    assert list(await recorded(ledger, "held")) == [0, 1]


async def test_a_hundred_calls_at_a_locked_ledger_all_hear_of_it_and_leave_nothing(
    tmp_path: Path, now: datetime
) -> None:
    ledger = await open_ledger(tmp_path / "ledger.db", patience=timedelta(seconds=0.2))
    with sqlite3.connect(tmp_path / "ledger.db", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        said = await asyncio.gather(
            *(ledger.runs.start(LEASE, n, 1, 1, None, now) for n in range(100)),
            return_exceptions=True,
        )
        other.execute("ROLLBACK")
    other.close()
    await ledger.close()
    assert {type(each) for each in said} == {LedgerBusy}


# --- tasks that go away -----------------------------------------------------------------------


class Desk:
    """A place to write at that is busy until it is told to go on."""

    def __init__(self) -> None:
        self.groups: list[list[str]] = []
        self.reached = asyncio.Event()
        self.go_on = asyncio.Event()
        self.commit: GroupCommit[Lease, str, str] = GroupCommit(
            self._commit, lambda lease: lease.subject
        )

    def write(self, word: str) -> asyncio.Task[str]:
        return asyncio.create_task(self.commit.write(LEASE, word))

    async def _commit(self, _: Lease, words: Sequence[str]) -> list[str]:
        self.groups.append(list(words))
        self.reached.set()
        await self.go_on.wait()
        return [word.upper() for word in words]


async def test_what_comes_during_a_commit_goes_into_the_next_one() -> None:
    desk = Desk()
    first = desk.write("a")
    await desk.reached.wait()
    others = [desk.write(word) for word in "bcd"]
    await asyncio.sleep(0)
    desk.go_on.set()
    assert await asyncio.gather(first, *others) == ["A", "B", "C", "D"]
    assert desk.groups == [["a"], ["b", "c", "d"]]


async def test_a_write_that_is_given_up_in_time_is_not_made_and_stops_nobody() -> None:
    desk = Desk()
    begun = desk.write("a")
    await desk.reached.wait()
    waiting, other = desk.write("b"), desk.write("c")
    await asyncio.sleep(0)
    begun.cancel()
    waiting.cancel()
    await asyncio.wait([begun, waiting])
    desk.go_on.set()
    assert await other == "C"
    assert desk.groups == [["a"], ["c"]]
    only = desk.write("d")
    await asyncio.sleep(0)
    only.cancel()
    await asyncio.wait([only])
    assert await desk.write("e") == "E"


async def test_when_the_loop_ends_nobody_waits_for_ever() -> None:
    desk = Desk()
    tasks = [desk.write("a")]
    await desk.reached.wait()
    tasks += [desk.write("b")]
    await asyncio.sleep(0)
    (work,) = asyncio.all_tasks() - {asyncio.current_task(), *tasks}
    work.cancel()
    await asyncio.wait(tasks, timeout=5)
    assert [task.cancelled() for task in tasks] == [True, True]
