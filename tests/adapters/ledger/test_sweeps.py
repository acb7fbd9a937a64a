"""Looking for what is left to do costs the same after a hundred thousand things done."""

import re
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from pydantic import TypeAdapter
from sqlalchemy import event, func, select, text

from bot.adapters.ledger import SqlLedger
from bot.adapters.ledger.tables import items, metadata, runs
from bot.core.errors import Failure
from bot.core.ports import Cap, Delivery, Effect, Lease, Publication, Settlement
from bot.core.pricing import Money
from bot.core.run import Thread

DONE = 100_000
VALUES = {
    "many": DONE,
    "batch": '{"jobs": [{"prompt": "a fox"}]}',
    "thread": TypeAdapter(Thread).dump_json(Thread(7, 1001, "o/r", True, 9, 1)).decode(),
}

# A row of each table that is settled, as often as there are numbers.
SETTLED = {
    "deliveries": """
        INSERT INTO deliveries (id, guid, event, received_at, settled_at)
        SELECT 'old' || n, '', '{}', n, n FROM numbers""",
    "runs": """
        INSERT INTO runs (id, state, batch, created_at, warnings, note, thread, place, counted,
                          finished_at)
        SELECT 'old' || n, 'done', :batch, n, '[]', '', :thread, 'place', '{}', n FROM numbers""",
    "items": """
        INSERT INTO items (run_id, item, wanted, "order", cancelled)
        SELECT 'old' || n, 0, '{}', 1, false FROM numbers""",
    "attempts": """
        INSERT INTO attempts (run_id, item, number, "order", state, started_at, settled_at,
                              amount, message)
        SELECT 'old' || n, 0, 1, 1, 'failed', n, n, 5, '' FROM numbers""",
    "budgets": """
        INSERT INTO budgets (scope, "window", committed)
        SELECT 'old' || n, 'always', 5 FROM numbers""",
    "reservations": """
        INSERT INTO reservations (run_id, scope, "window", held)
        SELECT 'old' || n, 'old' || n, 'always', 5 FROM numbers""",
    "offers": """
        INSERT INTO offers (id, thread, author, batch, warnings, created_at, run)
        SELECT 'old' || n, :thread, '{}', :batch, '[]', n, 'old' || n FROM numbers""",
    "orders": """
        INSERT INTO orders (id, run_id, ordered_at)
        SELECT 'old' || n, 'old' || n, n FROM numbers""",
    "effects": """
        INSERT INTO effects (id, kind, thread, body, version, shown, created_at, due_at,
                             attempted, tries)
        SELECT 'old' || n, 'comment', '{}', '', 2, 2, n, n, true, 0 FROM numbers""",
    "leases": """
        INSERT INTO leases (subject, epoch, until)
        SELECT 'run:old' || n, 1, 0 FROM numbers""",
}
PARTIAL = {
    index.name
    for table in metadata.tables.values()
    for index in table.indexes
    if index.dialect_options["sqlite"]["where"] is not None
}
NUMBERS = """
    WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :many)
"""


def with_numbers(statement: str) -> str:
    """The two databases want the recursion at different places; both take it at the start."""
    insert, _, select = statement.partition("SELECT")
    return f"{insert} {NUMBERS} SELECT {select}"


@pytest.fixture
async def old_ledger(ledger: SqlLedger) -> SqlLedger:
    async with ledger.database.write() as connection:
        for statement in SETTLED.values():
            await connection.execute(text(with_numbers(statement)), VALUES)
    async with ledger.database.write() as connection:
        await connection.execute(text("ANALYZE"))
    return ledger


async def statements(ledger: SqlLedger, work: Callable[[], Awaitable[object]]) -> dict[str, Any]:
    """What some work asks of the database, with the values that were asked for last."""
    asked: dict[str, Any] = {}
    engines = {ledger.database.reader.sync_engine, ledger.database.writer.sync_engine}

    def note(*said: Any) -> None:
        if said[2].startswith(("SELECT", "UPDATE", "INSERT", "DELETE")):
            asked[said[2]] = said[3][0] if isinstance(said[3], list) else said[3]

    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    await work()
    for engine in engines:
        event.remove(engine, "before_cursor_execute", note)
    return asked


async def plans(ledger: SqlLedger, work: Callable[[], Awaitable[object]]) -> dict[str, str]:
    """How the database goes about each statement of some work."""
    asked = await statements(ledger, work)
    sqlite = ledger.database.reader.dialect.name == "sqlite"
    word = "EXPLAIN QUERY PLAN" if sqlite else "EXPLAIN"
    found = {}
    async with ledger.database.write() as connection:
        for statement, values in asked.items():
            rows = await connection.exec_driver_sql(f"{word} {statement}", values)
            found[statement] = "\n".join(str(row[-1]) for row in rows)
    return found


def scans(plan: str) -> list[str]:
    """The lines of a plan that read a table, or all of its index, from beginning to end."""
    lines = plan.splitlines()
    return [line for line, below in pairwise([*lines, ""]) if _reads_all(line, below)]


def _reads_all(line: str, below: str) -> bool:
    """An index with a condition of its own holds only what is left to do."""
    if found := re.search(r"Seq Scan on (\w+)|^SCAN (\w+)\b(?! USING)", line):
        return (found[1] or found[2]) in SETTLED
    if found := re.search(r"^SCAN \w+ USING (?:COVERING )?INDEX (\w+)", line):
        return found[1] not in PARTIAL
    if found := re.search(r"Index (?:Only )?Scan (?:Backward )?(?:using|on) (\w+)", line):
        return found[1] not in PARTIAL and "Index Cond" not in below
    return False


async def test_each_sweep_reads_only_what_is_left(
    old_ledger: SqlLedger,
    make_delivery: Callable[..., Delivery],
    make_effect: Callable[..., Effect],
    now: datetime,
) -> None:
    await old_ledger.inbox.receive(make_delivery())
    await old_ledger.outbox.say(make_effect(), now)

    async def sweep() -> None:
        assert await old_ledger.inbox.unsettled(now) == ["d1"]
        assert await old_ledger.runs.unfinished(now) == []
        assert await old_ledger.outbox.owed(now) == ["comment-1"]

    indices = ("ix_deliveries_unsettled", "ix_runs_unfinished", "ix_effects_owed")
    for index, plan in zip(indices, (await plans(old_ledger, sweep)).values(), strict=True):
        assert index in plan
        assert not scans(plan)


async def test_nothing_in_the_life_of_a_run_reads_what_is_over(
    old_ledger: SqlLedger,
    open_run: Callable[..., Awaitable[Lease]],
    make_delivery: Callable[..., Delivery],
    make_effect: Callable[..., Effect],
    hold: Callable[..., Awaitable[Lease]],
    thread: Thread,
    now: datetime,
) -> None:
    caps = [Cap("the day", "server", "2026-11-21", Money(1000))]
    delivery = make_delivery()
    effect = make_effect()

    async def life() -> None:
        await old_ledger.inbox.receive(delivery)
        await old_ledger.inbox.get(delivery.id)
        await old_ledger.inbox.hear(delivery, now)
        await old_ledger.runs.has_acted("another")
        await old_ledger.line.length(101)
        lease = await open_run("r1", upper_bound=Money(9), caps=caps)
        await old_ledger.runs.start(lease, 0, 1, 1, Money(5), now)
        await old_ledger.runs.settle(lease, 0, 1, Settlement(cost=Money(5)), now)
        await old_ledger.leases.renew(lease, now, timedelta(seconds=10))
        await old_ledger.runs.stop_requested("r1")
        await old_ledger.runs.settled(lease)
        await old_ledger.runs.published(lease, [Publication(0, None, "fox.png")], None, "")
        await old_ledger.runs.finish(lease, "{}", [effect], now)
        await old_ledger.outbox.get(effect.id, now)
        await old_ledger.outbox.delivered(await hold(f"effect:{effect.id}"), 1, 17)
        await old_ledger.runs.newest(thread)
        view = await old_ledger.runs.get("r1")
        await old_ledger.runs.left(caps)
        await old_ledger.runs.ended_in_doubt(["r1", "r2", "r3"])
        assert view
        assert await old_ledger.runs.reopen(view, [1], Money(5), now, caps)
        await old_ledger.line.head(3)
        await old_ledger.figures.read()
        await old_ledger.offers.get("nowhere")

    found = await plans(old_ledger, life)
    assert len(found) > 40
    assert {words: scans(plan) for words, plan in found.items() if scans(plan)} == {}


async def test_the_newest_runs_are_read_from_the_end_of_an_index(old_ledger: SqlLedger) -> None:
    plan, *_ = (await plans(old_ledger, old_ledger.history.runs)).values()
    assert "ix_runs_created" in plan
    assert "Sort" not in plan
    assert "TEMP B-TREE" not in plan


async def test_a_statement_that_reads_all_is_found_out(old_ledger: SqlLedger) -> None:
    async def look() -> None:
        async with old_ledger.database.read() as connection:
            await connection.execute(select(func.count()).where(items.c.url == "nowhere"))

    async def look_at_an_index() -> None:
        async with old_ledger.database.read() as connection:
            await connection.execute(select(runs.c.created_at).order_by(runs.c.created_at))

    for each in (look, look_at_an_index):
        (plan,) = (await plans(old_ledger, each)).values()
        assert scans(plan)


async def test_a_sweep_schedules_no_more_of_a_long_line_than_of_a_short_one(
    ledger: SqlLedger, now: datetime
) -> None:
    queued = SETTLED["runs"].replace("'done'", "'queued'").replace(", n FROM", ", NULL FROM")
    async with ledger.database.write() as connection:
        await connection.execute(text(with_numbers(queued)), VALUES | {"many": 10_000})
        await connection.execute(text("UPDATE runs SET resumed_at = 3 WHERE id = 'old9'"))

    assert len(await ledger.runs.unfinished(now)) == 100
    assert await ledger.line.length(101) == 101
    assert await ledger.line.head(4) == ["old1", "old2", "old3", "old9"]


@pytest.mark.parametrize("many", [1, 300, 600])
async def test_runs_are_found_among_any_number_of_them(
    ledger: SqlLedger,
    open_run: Callable[..., Awaitable[Lease]],
    now: datetime,
    many: int,
) -> None:
    """What a broken gateway leaves in the spool stays there until it is pruned."""
    given_up = Settlement(failure=Failure.LOST, in_doubt=True)
    doubtful = {"r1", f"r{many}"}
    for name in doubtful:
        lease = await open_run(name)
        await ledger.runs.start(lease, 0, 1, 1, Money(5), now)
        await ledger.runs.settle(lease, 0, 1, given_up, now)
        await ledger.runs.settled(lease)
        await ledger.runs.finish(lease, "{}", [], now)

    found = await ledger.runs.ended_in_doubt([f"r{number}" for number in range(1, many + 1)])

    assert sorted(found) == sorted(doubtful)


async def test_a_list_that_grows_leaves_no_statement_after_another_in_memory(
    ledger: SqlLedger,
) -> None:
    """Each connection keeps a hundred that differ, and a longer one takes more."""

    async def look() -> None:
        for many in range(1, 513):
            await ledger.runs.ended_in_doubt([f"r{number}" for number in range(many)])

    assert len(await statements(ledger, look)) <= 10
