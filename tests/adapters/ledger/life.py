"""What happens to runs, as a model of a page, and what the tables of the ledger say of them."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import Enum, auto
from typing import Any

from sqlalchemy import delete, select

from bot.adapters.ledger import SqlLedger
from bot.adapters.ledger.tables import attempts, budgets, items, metadata, reservations, runs
from bot.core.attempts import Attempt, AttemptState
from bot.core.batch import BatchConfig, Job, RetryPolicy
from bot.core.errors import Failure
from bot.core.plan import plan
from bot.core.ports import Lease, Settlement
from bot.core.pricing import Money
from bot.core.run import Person, Run, RunState, RunView, Thread

MOST, COST = Money(10), Money(7)
LIMIT = Money(65)
BATCH = BatchConfig(
    jobs=(Job(prompt="fox"), Job(prompt="owl")),
    retry_policy=RetryPolicy(max_retries=1, retry_delay_ms=1000),
)
ITEMS = len(BATCH.jobs)
MADE = Settlement(cost=COST)
REFUSED = Settlement(failure=Failure.RATE_LIMIT)
DOUBTFUL = Settlement(failure=Failure.TIMEOUT, in_doubt=True)
GONE = Settlement(failure=Failure.LOST, in_doubt=True)


class Fate(Enum):
    """What becomes of a call and of the worker that makes it."""

    MADE = auto()
    REFUSED = auto()
    TIMED_OUT = auto()  # billed, and no answer came
    DIED_BEFORE = auto()  # the worker, and nothing was sent
    DIED_CALLING = auto()
    DIED_WITH_ANSWER = auto()  # it is kept, and its outcome not recorded
    STALLED = auto()  # the answer comes later


BILLED = {Fate.MADE, Fate.TIMED_OUT, Fate.DIED_CALLING, Fate.DIED_WITH_ANSWER, Fate.STALLED}
OUTCOMES = {Fate.MADE: MADE, Fate.REFUSED: REFUSED, Fate.TIMED_OUT: DOUBTFUL}
STATES = {
    Fate.MADE: AttemptState.SUCCEEDED,
    Fate.REFUSED: AttemptState.FAILED,
    Fate.TIMED_OUT: AttemptState.IN_DOUBT,
}


@dataclass
class Paid:
    """One call, as the image API and the spool know it, and the state that the ledger must show."""

    state: AttemptState = AttemptState.STARTED
    billed: bool = False
    kept: bool = False


@dataclass
class Story:
    """What happened to one run."""

    state: RunState = RunState.QUEUED
    stopped: bool = False
    pruned: bool = False
    restored: bool = False
    epoch: int = 0
    until: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    orders: list[int] = field(default_factory=lambda: [1] * ITEMS)
    calls: dict[tuple[int, int], Paid] = field(default_factory=dict)
    leases: list[Lease] = field(default_factory=list)

    @property
    def spent(self) -> Money:
        """What its calls have cost, and the most that they may have cost."""
        price = {AttemptState.SUCCEEDED: COST, AttemptState.FAILED: Money(0)}
        return sum((price.get(call.state, MOST) for call in self.calls.values()), Money(0))


Rounds = Sequence[Sequence[Fate]]
Of = defaultdict[str, dict[Any, Any]]


@dataclass
class Books:
    """What the tables say at one moment."""

    states: dict[str, RunState] = field(default_factory=dict)
    orders: Of = field(default_factory=lambda: defaultdict(dict))
    calls: Of = field(default_factory=lambda: defaultdict(dict))
    held: Of = field(default_factory=lambda: defaultdict(dict))
    committed: dict[str, Money] = field(default_factory=dict)


THREAD = Thread(7, 1001, "octo/fox", private=True, issue=3, comment=2**40)


def a_run(name: str, now: datetime) -> Run:
    return Run(
        name,
        RunState.QUEUED,
        BATCH,
        now,
        thread=THREAD,
        author=Person(42, "ada"),
        upper_bound=MOST * ITEMS,
    )


def told_elsewhere(view: RunView, copy: str) -> RunView:
    """The run under another name, as its thread tells it: what was under way is in doubt."""
    views = (
        replace(told, item=item, attempts=tuple(map(_ended, told.attempts)))
        for item, told in zip(plan(BATCH, copy), view.items, strict=True)
    )
    return RunView(replace(view.run, id=copy), tuple(views))


def _ended(attempt: Attempt) -> Attempt:
    if attempt.state is not AttemptState.STARTED:
        return attempt
    at, gone = attempt.started_at, Failure.LOST
    return replace(attempt, state=AttemptState.IN_DOUBT, failure=gone, settled_at=at)


async def read(ledger: SqlLedger) -> Books:
    books = Books()
    async with ledger.database.read() as connection:
        for run in await connection.execute(select(runs.c.id, runs.c.state)):
            books.states[run.id] = run.state
        for item in await connection.execute(select(items.c.run_id, items.c.item, items.c.order)):
            books.orders[item.run_id][item.item] = item.order
        for call in await connection.execute(select(attempts)):
            books.calls[call.run_id][call.item, call.number] = call.state
        for budget in await connection.execute(select(budgets)):
            books.committed[budget.window] = budget.committed
        for part in await connection.execute(select(reservations)):
            books.held[part.run_id][part.window] = part.held
    return books


async def empty(ledger: SqlLedger) -> None:
    async with ledger.database.write() as connection:
        for table in reversed(metadata.sorted_tables):
            await connection.execute(delete(table))
