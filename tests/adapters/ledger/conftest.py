"""The same ledger on both databases, and a few values to put into it."""

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path

import pytest
from sqlalchemy import event

from bot.adapters.ledger import SqlLedger, open_ledger
from bot.core.batch import BatchConfig, Job
from bot.core.event import CommentEvent
from bot.core.plan import plan
from bot.core.ports import Cap, Delivery, Effect, EffectKind, Lease
from bot.core.pricing import Money
from bot.core.run import Person, Run, RunState, Thread
from tests.crash.postgres import postgres_server as running_server

_numbers = itertools.count(1)


# --- databases --------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a real PostgreSQL server that lives as long as the tests."""
    with running_server() as found:
        yield found


@pytest.fixture
async def postgres_url(postgres_server: str) -> str:
    """The URL of a fresh, empty database."""
    name = f"ledger_{next(_numbers)}"
    connection = await import_module("asyncpg").connect(postgres_server)
    await connection.execute(f"CREATE DATABASE {name}")
    await connection.close()
    return postgres_server.replace("/postgres?", f"/{name}?")


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a ledger may be made, on each of the databases."""
    if request.param == "sqlite":
        return str(tmp_path / "ledger.db")
    found: str = request.getfixturevalue("postgres_url")
    return found


@pytest.fixture
async def ledger(url: str) -> AsyncIterator[SqlLedger]:
    # How long a ledger waits is asked in test_busy; here it is a matter of the machine.
    opened = await open_ledger(url, patience=timedelta(minutes=1))
    yield opened
    await opened.close()


# --- values -----------------------------------------------------------------------------------


@pytest.fixture
def now() -> datetime:
    return datetime(2026, 11, 21, 9, 30, 0, 123456, tzinfo=UTC)


@pytest.fixture
def thread() -> Thread:
    return Thread(7, 1001, "octo/fox", private=True, issue=3, comment=2**40)


@pytest.fixture
def make_run(now: datetime, thread: Thread) -> Callable[..., Run]:
    def make(name: str = "r1", jobs: int = 2, upper_bound: Money | None = None) -> Run:
        return Run(
            id=name,
            state=RunState.QUEUED,
            batch=BatchConfig(jobs=tuple(Job(prompt=f"fox {n}") for n in range(jobs))),
            created_at=now,
            thread=thread,
            author=Person(42, "ada"),
            warnings=("a warning",),
            expected=Money(10),
            upper_bound=upper_bound,
        )

    return make


@pytest.fixture
def make_effect(thread: Thread) -> Callable[..., Effect]:
    def make(body: str = "words", name: str = "comment-1") -> Effect:
        return Effect(name, EffectKind.COMMENT, thread, body)

    return make


@pytest.fixture
def make_delivery(now: datetime, thread: Thread) -> Callable[..., Delivery]:
    def make(name: str = "d1", received_at: datetime = now) -> Delivery:
        ada = Person(42, "ada")
        event = CommentEvent(
            action="created",
            body="/batch 🦊",
            thread=thread,
            author=ada,
            sender=ada,
            sender_type="User",
            owner=Person(1, "octo"),
            default_branch="main",
            comment_created_at=received_at,
        )
        return Delivery(name, "guid", event, received_at)

    return make


@pytest.fixture
def hold(ledger: SqlLedger, now: datetime) -> Callable[..., Awaitable[Lease]]:
    """Claim a subject that must be free."""

    async def claim(subject: str, at: datetime = now) -> Lease:
        lease = await ledger.leases.claim(subject, at, timedelta(seconds=10))
        assert lease is not None
        return lease

    return claim


@pytest.fixture
def open_run(
    ledger: SqlLedger,
    make_run: Callable[..., Run],
    hold: Callable[..., Awaitable[Lease]],
    now: datetime,
) -> Callable[..., Awaitable[Lease]]:
    """Open a run, hold it and begin it."""

    async def opened(
        name: str = "r1",
        jobs: int = 2,
        upper_bound: Money | None = None,
        caps: Sequence[Cap] = (),
    ) -> Lease:
        run = make_run(name, jobs, upper_bound)
        assert await ledger.runs.open(run, plan(run.batch, run.id), caps)
        lease = await hold(f"run:{name}")
        await ledger.runs.begin(lease, now)
        return lease

    return opened


@contextmanager
def commits(ledger: SqlLedger) -> Iterator[list[object]]:
    """Every commit of a writer in the block."""
    seen: list[object] = []
    listener = seen.append
    event.listen(ledger.database.writer.sync_engine, "commit", listener)
    yield seen
    event.remove(ledger.database.writer.sync_engine, "commit", listener)
