"""Whatever moment a process is killed at, the ledger tells one story afterwards."""

import asyncio
import sys
from collections import Counter
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from bot.adapters.ledger import SqlLedger, open_ledger
from bot.adapters.ledger.tables import budgets, reservations, runs
from bot.core.attempts import AttemptState
from bot.core.pricing import Money

WRITER = """
import asyncio, sys
from datetime import UTC, datetime, timedelta
from bot.adapters.ledger import open_ledger
from bot.core.batch import BatchConfig, Job
from bot.core.plan import plan
from bot.core.ports import Cap, Effect, EffectKind, Settlement
from bot.core.pricing import Money
from bot.core.run import Run, RunState, Thread

NOW = datetime(2026, 11, 21, tzinfo=UTC)
THREAD = Thread(1, 2, "a/b", False, 3, 4)
CAPS = [Cap("the server", "server", "day", Money(10**9))]

async def drive(ledger, name):
    batch = BatchConfig(jobs=(Job(prompt="fox"), Job(prompt="owl")))
    run = Run(name, RunState.QUEUED, batch, NOW, upper_bound=Money(20))
    said = [Effect(name, EffectKind.COMMENT, THREAD, "started")]
    await ledger.runs.open(run, plan(batch, name), CAPS, said)
    print("opened", name, flush=True)
    lease = await ledger.leases.claim("run:" + name, NOW, timedelta(0))
    for item in range(2):
        await ledger.runs.start(lease, item, 1, 1, Money(10), NOW)
        print("started", name, flush=True)
        await ledger.runs.settle(lease, item, 1, Settlement(cost=Money(7)), NOW)
        print("settled", name, flush=True)
    await ledger.runs.finish(lease, "{}", [Effect(name, EffectKind.COMMENT, THREAD, "done")], NOW)
    print("finished", name, flush=True)

async def main(url):
    ledger = await open_ledger(url)
    for turn in range(10**6):
        await asyncio.gather(*(drive(ledger, f"r{turn}-{n}") for n in range(5)))

asyncio.run(main(sys.argv[1]))
"""


async def told_until_killed(url: str, lines: int) -> Counter[str]:
    """What a writing process had said to be stored when it was killed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WRITER, url, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout
    told = [await process.stdout.readline() for _ in range(lines)]
    process.kill()
    told += (await process.stdout.read()).splitlines(keepends=True)
    await process.wait()
    return Counter(line.split()[0].decode() for line in told if line.endswith(b"\n"))


@pytest.mark.parametrize("lines", [1, 7, 18, 33, 64, 101])
async def test_a_killed_writer_loses_nothing_it_was_told_and_leaves_nothing_half_done(
    url: str, lines: int, now: datetime
) -> None:
    told = await told_until_killed(url, lines)
    ledger = await open_ledger(url)
    async with ledger.database.read() as connection:
        names = (await connection.scalars(select(runs.c.id))).all()
        budget = await connection.scalar(select(budgets.c.committed))
        held = (await connection.scalars(select(reservations.c.held))).all()
    kept = Counter[str]()
    for name in names:
        view = await ledger.runs.get(name)
        assert view is not None
        assert len(view.items) == 2
        attempts = [attempt for item in view.items for attempt in item.attempts]
        kept["opened"] += 1
        kept["started"] += len(attempts)
        kept["settled"] += sum(a.state is AttemptState.SUCCEEDED for a in attempts)
        kept["finished"] += view.run.finished_at is not None
        owed = await ledger.outbox.get(name, now + timedelta(days=365))
        assert owed is not None
        assert owed.effect.body == ("done" if view.run.finished_at else "started")
    assert told <= kept
    assert len(held) == len(names)
    assert budget == sum(held, Money(0)) == Money(20 * len(names) - 6 * kept["finished"])
    await ledger.close()


async def test_a_cancelled_write_leaves_the_ledger_usable(ledger: SqlLedger, now: datetime) -> None:
    ttl = timedelta(seconds=1)
    cancelled = []  # and somebody remembers how they ended
    for steps in range(24):
        claim = asyncio.create_task(ledger.leases.claim(f"run:{steps}", now, ttl))
        for _ in range(steps):
            await asyncio.sleep(0)
        claim.cancel()
        await asyncio.wait([claim])
        cancelled.append(claim)
        again = await ledger.leases.claim(f"run:{steps}", now + ttl, ttl)
        assert again is not None
