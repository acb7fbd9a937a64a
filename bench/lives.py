"""What a command goes through in the ledger, and as many copies of one as a ledger is to hold."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.adapters.ledger import SqlLedger
from bot.adapters.ledger.tables import metadata
from bot.core.batch import BatchConfig, Job
from bot.core.errors import Failure
from bot.core.event import CommentEvent
from bot.core.plan import plan
from bot.core.policy import LISTENING
from bot.core.ports import Cap, Delivery, Effect, EffectKind, Lease, Order, Publication, Settlement
from bot.core.pricing import Money
from bot.core.run import Offer, Person, Run, RunState, Thread

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
PER_RUN = 10  # images
CAPS = (Cap("the day", "server", "2026-11-21", Money(10**15)),)
BATCH = BatchConfig(jobs=tuple(Job(prompt=f"fox {n}") for n in range(PER_RUN)))

_TTL = timedelta(seconds=10)
_ADA = Person(42, "ada")
_THREAD = Thread(7, 1001, "octo/fox", private=True, issue=3, comment=1)

# By their tables, the columns in which a copy has a name of its own; the first is the key.
_NAMED = {
    "runs": ("id",),
    "offers": ("id", "run"),
    "orders": ("id", "run_id"),
    "items": ("run_id",),
    "attempts": ("run_id",),
    "reservations": ("run_id",),
    "deliveries": ("id", "guid", "heard_in"),
    "effects": ("id",),
    "leases": ("subject",),
}
_TIMES = ("created_at", "received_at", "due_at")


# --- a life -------------------------------------------------------------------------------------


def a_run(name: str, created_at: datetime = NOW) -> Run:
    most = Money(5 * PER_RUN)
    return Run(name, RunState.QUEUED, BATCH, created_at, _THREAD, _ADA, upper_bound=most)


async def hold(ledger: SqlLedger, subject: str) -> Lease:
    lease = await ledger.leases.claim(subject, NOW, _TTL)
    assert lease
    return lease


async def arrive(ledger: SqlLedger, name: str) -> Lease:
    """GitHub tells of a command, and somebody takes it."""
    event = CommentEvent(
        *("created", "/batch", _THREAD, _ADA, _ADA, "User", Person(1, "octo"), "main", NOW)
    )
    assert await ledger.inbox.receive(Delivery(name, name, event, NOW))
    lease = await hold(ledger, f"delivery:{name}")
    delivery = await ledger.inbox.get(name)
    assert delivery
    await ledger.inbox.hear(delivery, NOW - LISTENING)
    return lease


async def accept(ledger: SqlLedger, run: Run, offer: str | None = None) -> None:
    """A command becomes a run in the line."""
    delivery = await arrive(ledger, f"batch-{run.id}")
    await ledger.line.length(101)
    said = (words(run.id, "eyes"), words(run.id))
    await ledger.runs.open(run, plan(BATCH, run.id), CAPS, said, delivery=delivery, offer=offer)
    await ledger.leases.release(delivery)


def words(name: str, reaction: str = "") -> Effect:
    if reaction:
        return Effect(f"{reaction}-{name}", EffectKind.REACTION, _THREAD, reaction)
    return Effect(f"comment-{name}", EffectKind.COMMENT, _THREAD, "| Estimated | 10 images |")


async def show(ledger: SqlLedger, *effects: Effect) -> None:
    """What is owed comes to stand on GitHub."""
    for effect in effects:
        lease = await hold(ledger, f"effect:{effect.id}")
        owed = await ledger.outbox.get(effect.id, NOW)
        assert owed
        await ledger.outbox.attempting(lease)
        await ledger.outbox.delivered(lease, owed.version, 17)
        await ledger.leases.release(lease)


async def make(ledger: SqlLedger, lease: Lease, item: int, number: int = 1) -> None:
    """An image is asked for, and comes."""
    await ledger.runs.start(lease, item, number, number, Money(5), NOW)
    await ledger.runs.settle(lease, item, number, Settlement(cost=Money(4)), NOW)


async def finish(ledger: SqlLedger, lease: Lease, *effects: Effect) -> None:
    await ledger.runs.settled(lease)
    files = [Publication(item, "https://…", f"{item}.png") for item in range(PER_RUN)]
    await ledger.runs.published(lease, files, "https://…", "")
    await ledger.runs.finish(lease, "{}", effects, NOW)
    await ledger.leases.release(lease)


async def _queue(ledger: SqlLedger, name: str) -> None:
    """An estimate is answered, and run; the thread knows of both."""
    estimated = await arrive(ledger, f"estimate-{name}")
    offer = Offer(name, _THREAD, _ADA, BATCH, (), Money(40), Money(50), NOW)
    answer = words(f"estimate-{name}")
    await ledger.offers.keep(offer, [answer], delivery=estimated, now=NOW)
    await ledger.leases.release(estimated)
    await accept(ledger, a_run(name), offer=name)
    await show(ledger, answer, words(name, "eyes"), words(name))


async def _lead(ledger: SqlLedger, name: str) -> None:
    """From its claim to its end, and again for an image that failed."""
    lease = await hold(ledger, f"run:{name}")
    await ledger.runs.begin(lease, NOW)
    for item in range(1, PER_RUN):
        await make(ledger, lease, item)
    await ledger.runs.start(lease, 0, 1, 1, Money(5), NOW)
    await ledger.runs.settle(lease, 0, 1, Settlement(failure=Failure.RATE_LIMIT), NOW)
    await finish(ledger, lease, words(name, "confused"))
    delivery = await arrive(ledger, f"retry-{name}")
    order = Order(f"retry-{name}", delivery, NOW, [words(f"retry-{name}", "rocket")])
    view = await ledger.runs.get(name)
    assert view is not None
    assert await ledger.runs.reopen(view, [0], Money(5), NOW, CAPS, order)
    await ledger.leases.release(delivery)
    lease = await hold(ledger, f"run:{name}")
    await ledger.runs.begin(lease, NOW)
    await make(ledger, lease, 0, 2)
    await finish(ledger, lease, words(name, "rocket"))
    said = words(f"retry-{name}", "rocket"), words(name, "confused"), words(name, "rocket")
    await show(ledger, *said)


# --- copies -------------------------------------------------------------------------------------


async def fill(ledger: SqlLedger, runs: int, *, over: bool) -> None:
    """So many runs that wait, or that are over, and all that stays behind of such."""
    await _queue(ledger, "first")
    if over:
        await _lead(ledger, "first")
    async with ledger.database.write() as connection:
        for table, names in _NAMED.items():
            await _copy(connection, table, names, runs - 1)
        await connection.execute(text(f"UPDATE tallies SET value = value * {runs}"))
        await connection.execute(text(f"UPDATE budgets SET committed = committed * {runs}"))
    async with ledger.database.write() as connection:
        await connection.execute(text("ANALYZE"))


async def _copy(connection: AsyncConnection, table: str, names: Sequence[str], copies: int) -> None:
    """Each a microsecond younger than the one before, as its name is another."""
    columns = [column.name for column in metadata.tables[table].columns]
    changed = {name: f"{name} || n" for name in names} | {name: f"{name} + n" for name in _TIMES}
    chosen = ", ".join(f'"{name}"' for name in columns)
    values = ", ".join(changed.get(name, f'"{name}"') for name in columns)
    numbers = "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers"
    await connection.execute(
        text(
            f"INSERT INTO {table} ({chosen}) {numbers} WHERE n < :copies)"
            f" SELECT {values} FROM {table}, numbers WHERE {names[0]} LIKE '%first'"
        ),
        {"copies": copies},
    )
