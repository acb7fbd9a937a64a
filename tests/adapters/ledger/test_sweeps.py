"""Looking for what is left to do costs the same after a hundred thousand things done."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import event, text

from bot.adapters.ledger import SqlLedger
from bot.core.ports import Delivery, Effect

DONE = 100_000

# A row of each table that is settled, as often as there are numbers.
SETTLED = {
    "deliveries": """
        INSERT INTO deliveries (id, guid, event, received_at, settled_at)
        SELECT 'old' || n, '', '{}', n, n FROM numbers""",
    "runs": """
        INSERT INTO runs (id, state, batch, created_at, warnings, note, finished_at)
        SELECT 'old' || n, 'done', '{}', n, '[]', '', n FROM numbers""",
    "effects": """
        INSERT INTO effects (id, kind, thread, body, version, shown, created_at, due_at,
                             attempted, tries)
        SELECT 'old' || n, 'comment', '{}', '', 2, 2, n, n, true, 0 FROM numbers""",
    "leases": """
        INSERT INTO leases (subject, epoch, until)
        SELECT 'run:old' || n, 1, 0 FROM numbers""",
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
            await connection.execute(text(with_numbers(statement)), {"many": DONE})
    async with ledger.database.write() as connection:
        await connection.execute(text("ANALYZE"))
    return ledger


async def plans(ledger: SqlLedger, now: datetime) -> list[str]:
    """How the database goes about each of the three sweeps."""
    asked: list[tuple[str, Any]] = []
    engine = ledger.database.reader.sync_engine

    def note(*said: Any) -> None:
        asked.append((said[2], said[3]))

    event.listen(engine, "before_cursor_execute", note)
    await ledger.inbox.unsettled(now)
    await ledger.runs.unfinished(now)
    await ledger.outbox.owed(now)
    event.remove(engine, "before_cursor_execute", note)
    word = "EXPLAIN QUERY PLAN" if engine.dialect.name == "sqlite" else "EXPLAIN"
    found = []
    async with ledger.database.read() as connection:
        for statement, values in asked:
            if statement.startswith("SELECT"):
                rows = await connection.exec_driver_sql(f"{word} {statement}", values)
                found.append("\n".join(str(tuple(row)) for row in rows))
    return found


async def test_each_sweep_reads_only_what_is_left(
    old_ledger: SqlLedger,
    make_delivery: Callable[..., Delivery],
    make_effect: Callable[..., Effect],
    now: datetime,
) -> None:
    await old_ledger.inbox.receive(make_delivery())
    await old_ledger.outbox.say(make_effect(), now)
    assert await old_ledger.inbox.unsettled(now) == ["d1"]
    assert await old_ledger.runs.unfinished(now) == []
    assert await old_ledger.outbox.owed(now) == ["comment-1"]
    indices = ("ix_deliveries_unsettled", "ix_runs_unfinished", "ix_effects_owed")
    for index, plan in zip(indices, await plans(old_ledger, now), strict=True):
        assert index in plan
        assert "Seq Scan" not in plan
        assert "SCAN leases" not in plan
