"""Workers come, stall, wake up and write late, in any order: the ledger keeps to its rules."""

import asyncio
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, precondition, rule
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from bot.adapters.ledger import open_ledger
from bot.adapters.ledger.tables import budgets
from bot.core.attempts import AttemptState
from bot.core.batch import BatchConfig, Job
from bot.core.errors import Failure, LeaseLost
from bot.core.plan import plan
from bot.core.ports import Cap, Lease, Settlement
from bot.core.pricing import Money
from bot.core.run import Run, RunState

TTL = timedelta(seconds=10)
ITEMS = 2
MOST, COST = Money(10), Money(7)
UPPER_BOUND = Money(100)
CAP = Cap("the server", "server", "day", Money(1000))
OUTCOMES = {
    AttemptState.SUCCEEDED: Settlement(cost=COST),
    AttemptState.FAILED: Settlement(failure=Failure.RATE_LIMIT),
    AttemptState.IN_DOUBT: Settlement(failure=Failure.LOST, in_doubt=True),
}
# What the ledger must make of an outcome that comes when the attempt stands like this.
MAY_BECOME = {
    AttemptState.STARTED: set(OUTCOMES),
    AttemptState.IN_DOUBT: {AttemptState.SUCCEEDED},
    AttemptState.SUCCEEDED: set(),
    AttemptState.FAILED: set(),
}


@dataclass(frozen=True)
class Holder:
    epoch: int = 0
    until: datetime = datetime(2026, 1, 1, tzinfo=UTC)


class Workers(RuleBasedStateMachine):
    """A few workers and one run; beside it, a model that fits on a page."""

    leases = Bundle("leases")

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = TemporaryDirectory()
        self.do = self.runner.run
        self.ledger = self.do(open_ledger(Path(self.folder.name) / "ledger.db"))
        self.now = datetime(2026, 11, 21, tzinfo=UTC)
        self.holder = Holder()
        self.tried: dict[tuple[int, int], AttemptState] = {}
        self.finished = False
        batch = BatchConfig(jobs=tuple(Job(prompt="fox") for _ in range(ITEMS)))
        run = Run("r", RunState.QUEUED, batch, self.now, upper_bound=UPPER_BOUND)
        self.do(self.ledger.runs.open(run, plan(batch, "r"), [CAP]))

    def teardown(self) -> None:
        self.do(self.ledger.close())
        self.runner.close()
        self.folder.cleanup()

    @rule(seconds=st.sampled_from([1, 9, 10, 11]))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(target=leases)
    def claim(self) -> Lease | None:
        lease = self.do(self.ledger.leases.claim("run:r", self.now, TTL))
        assert (lease is not None) == (self.holder.until <= self.now)
        if lease:
            assert lease.epoch == self.holder.epoch + 1
            self.holder = Holder(lease.epoch, lease.until)
        return lease

    @rule(lease=leases)
    def release(self, lease: Lease | None) -> None:
        if lease:
            self.do(self.ledger.leases.release(lease))
            if lease.epoch == self.holder.epoch:
                self.holder = replace(self.holder, until=Holder().until)

    @precondition(lambda self: not self.finished)  # nothing is reserved for calls after the end
    @rule(lease=leases, item=st.integers(0, ITEMS - 1))
    def start(self, lease: Lease | None, item: int) -> None:
        if lease is None:
            return
        number = 1 + max((n for at, n in self.tried if at == item), default=0)
        intent = self.ledger.runs.start(lease, item, number, 1, MOST, self.now)
        if lease.epoch != self.holder.epoch:
            with pytest.raises(LeaseLost):
                self.do(intent)
        elif self.tried.get((item, number - 1)) is AttemptState.STARTED:
            with pytest.raises(IntegrityError):
                self.do(intent)
        else:
            self.do(intent)
            self.tried[item, number] = AttemptState.STARTED

    @precondition(lambda self: self.tried)
    @rule(lease=leases, outcome=st.sampled_from(list(OUTCOMES)), data=st.data())
    def settle(self, lease: Lease | None, outcome: AttemptState, data: st.DataObject) -> None:
        if lease is None:
            return
        item, number = data.draw(st.sampled_from(sorted(self.tried)))
        settling = self.ledger.runs.settle(lease, item, number, OUTCOMES[outcome], self.now)
        if lease.epoch != self.holder.epoch:
            with pytest.raises(LeaseLost):
                self.do(settling)
            return
        before = self.tried[item, number]
        after = outcome if outcome in MAY_BECOME[before] else before
        assert self.do(settling).state is after
        self.tried[item, number] = after
        if after is AttemptState.SUCCEEDED is not before:
            self.finished = False  # a late image is still to be published

    @rule(lease=leases)
    def finish(self, lease: Lease | None) -> None:
        if lease and lease.epoch == self.holder.epoch:
            self.do(self.ledger.runs.finish(lease, "{}", (), self.now))
            self.finished = True

    @rule()
    def reopen(self) -> None:
        assert self.do(self.ledger.runs.reopen("r", [], Money(0), self.now)) == self.finished
        self.finished = False

    @invariant()
    def the_ledger_tells_what_happened(self) -> None:
        view = self.do(self.ledger.runs.get("r"))
        assert view is not None
        assert self.tried == {
            (item.item.index, attempt.number): attempt.state
            for item in view.items
            for attempt in item.attempts
        }

    @invariant()
    def a_finished_run_holds_what_it_spent_or_may_have_spent(self) -> None:
        if self.finished:
            price = {AttemptState.SUCCEEDED: COST, AttemptState.FAILED: Money(0)}
            spent = sum((price.get(state, MOST) for state in self.tried.values()), Money(0))
            assert self.do(self._committed()) == spent

    async def _committed(self) -> Money | None:
        async with self.ledger.database.read() as connection:
            return await connection.scalar(select(budgets.c.committed))


TestWorkers = Workers.TestCase
TestWorkers.settings = settings(
    max_examples=30,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
