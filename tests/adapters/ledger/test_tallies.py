"""What an earlier version has left without sums is summed up once, when its ledger is opened."""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict
from datetime import datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from bot.adapters.ledger import SqlLedger, open_ledger
from bot.core.pricing import Money
from bot.core.run import ItemState, Thread
from tests.adapters.ledger.earlier import insert, made

BEFORE = "0012"
FOX = Thread(7, 1001, "octo/fox", private=True, issue=3, comment=11)
OWL = Thread(7, 1002, "octo/owl", private=False, issue=1, comment=12)
CAT = Thread(8, 2001, "felix/cat", private=False, issue=5, comment=13)

# Each image: whether it was cancelled, and the calls for it as (state, amount, cost).
Calls = tuple[tuple[str, int | None, int | None], ...]
Images = tuple[tuple[bool, Calls], ...]
RUNS: Mapping[str, tuple[Thread | None, bool, Images]] = {
    "fox": (
        FOX,
        True,
        (
            (False, (("succeeded", 50, 7),)),
            (False, (("failed", 50, None), ("succeeded", 50, None))),  # no price is known
            (False, (("in_doubt", 50, None), ("succeeded", 50, 9))),  # ordered again
            (True, ()),
        ),
    ),
    "owl": (OWL, True, ((False, (("in_doubt", 40, None),)), (True, (("failed", 40, None),)))),
    "cat": (CAT, True, ((False, (("succeeded", None, None),)),)),
    "goes on": (
        CAT,
        False,
        ((False, (("succeeded", 20, 3),)), (False, (("started", 20, None),)), (False, ())),
    ),
    "pruned": (OWL, True, ()),
    "of a person": (None, True, ((False, (("succeeded", 1000, 1000),)),)),
}
# As /metrics counted until then: all images and calls of threads, every time.
OLD_ITEMS = """
    SELECT CASE WHEN attempts.state IS NOT NULL THEN attempts.state
        WHEN items.cancelled THEN 'cancelled' ELSE 'reserved' END AS state, count(*) AS n
    FROM items JOIN runs ON runs.id = items.run_id
    LEFT JOIN (SELECT run_id, item, max(number) AS number FROM attempts GROUP BY run_id, item)
        AS newest ON newest.run_id = items.run_id AND newest.item = items.item
    LEFT JOIN attempts ON attempts.run_id = newest.run_id AND attempts.item = newest.item
        AND attempts.number = newest.number
    WHERE runs.thread IS NOT NULL GROUP BY 1
"""
OLD_MONEY = """
    SELECT attempts.state, sum(CASE WHEN attempts.state = 'succeeded'
        THEN coalesce(attempts.cost, attempts.amount) ELSE attempts.amount END) AS n
    FROM attempts JOIN runs ON runs.id = attempts.run_id
    WHERE runs.thread IS NOT NULL GROUP BY attempts.state
"""


async def leave(connection: AsyncConnection, name: str, at: int) -> None:
    """A run as the earlier version has written it."""
    thread, over, images = RUNS[name]
    await insert(
        connection,
        "runs",
        id=name,
        state="done" if over else "running",
        batch=json.dumps({"jobs": [{"prompt": name}]}),
        created_at=at,
        finished_at=at if over else None,
        thread=json.dumps(asdict(thread)) if thread else None,
        warnings="[]",
        note="",
        upper_bound=60,
    )
    for index, (cancelled, calls) in enumerate(images):
        item = {"id": f"i{index}", "index": index, "job": 0, "sample": index, "path": "fox.png"}
        call = {"model": "m", "prompt": name, "operation": "generate"}
        wanted = json.dumps(item | {"asset_name": "fox.png", "call": call})
        mine = {"run_id": name, "item": index}
        await insert(connection, "items", **mine, wanted=wanted, order=1, cancelled=cancelled)
        for number, (state, amount, cost) in enumerate(calls, 1):
            told = {"state": state, "amount": amount, "cost": cost, "message": ""}
            told["settled_at"] = None if state == "started" else at
            row = {"number": number, "order": number, "started_at": at, **told}
            await insert(connection, "attempts", **mine, **row)


async def sums(connection: AsyncConnection, query: str) -> dict[str, int]:
    rows = await connection.execute(text(query))
    return {row.state: int(row.n) for row in rows if row.n}


@pytest.fixture
async def old(url: str, now: datetime) -> tuple[dict[str, int], dict[str, int]]:
    """A ledger of the earlier version, and its figures."""
    address = url.replace("postgresql://", "postgresql+asyncpg://")
    engine = create_async_engine(address if "://" in url else f"sqlite+aiosqlite:///{url}")
    async with engine.begin() as connection:
        await connection.run_sync(made, BEFORE)
        for name in RUNS:
            await leave(connection, name, int(now.timestamp()) * 1_000_000)
        found = await sums(connection, OLD_ITEMS), await sums(connection, OLD_MONEY)
    await engine.dispose()
    return found


@pytest.fixture
async def opened(url: str, old: object) -> AsyncIterator[SqlLedger]:
    assert old
    ledger = await open_ledger(url, patience=timedelta(minutes=1))
    yield ledger
    await ledger.close()


async def test_figures_are_what_they_were_before(
    opened: SqlLedger, old: tuple[dict[str, int], dict[str, int]]
) -> None:
    figures = await opened.figures.read()

    items, money = old
    assert figures.items == items
    assert (figures.paid, figures.in_doubt) == (Money(money["succeeded"]), Money(money["in_doubt"]))
    assert items == {
        ItemState.SUCCEEDED: 5,
        ItemState.CANCELLED: 1,
        ItemState.FAILED: 1,
        ItemState.IN_DOUBT: 1,
        ItemState.STARTED: 1,
        ItemState.RESERVED: 1,
    }
    assert money["succeeded"] == 7 + 50 + 9 + 3


async def test_each_run_that_is_over_has_added_its_part_and_takes_that_back(
    opened: SqlLedger, now: datetime
) -> None:
    before = await opened.figures.read()
    for name in ("fox", "owl", "cat"):
        view = await opened.runs.get(name)
        assert view
        assert await opened.runs.reopen(view, [0], Money(0), now)

    async with opened.database.read() as connection:
        left = await connection.execute(text("SELECT name, value FROM tallies WHERE value <> 0"))
        assert left.all() == []
    after = await opened.figures.read()
    assert (after.items, after.paid, after.in_doubt) == (before.items, before.paid, before.in_doubt)
