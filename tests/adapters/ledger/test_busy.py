"""A ledger that cannot be written says so within three seconds, and has stored nothing."""

import asyncio
import logging
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import text

from bot.adapters.ledger import SqlLedger, open_ledger
from bot.core.errors import LedgerBusy
from bot.core.ports import Delivery
from tests.crash.troubles import unix_line

MakeDelivery = Callable[..., Delivery]


@contextmanager
def within_three_seconds() -> Iterator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < 3


# --- SQLite -----------------------------------------------------------------------------------


@pytest.fixture
async def sqlite(tmp_path: Path) -> AsyncIterator[SqlLedger]:
    ledger = await open_ledger(tmp_path / "ledger.db")
    yield ledger
    await ledger.close()


async def test_a_locked_sqlite_is_busy_for_writers_and_open_to_readers(
    sqlite: SqlLedger, make_delivery: MakeDelivery, tmp_path: Path, now: datetime
) -> None:
    other = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with within_three_seconds(), pytest.raises(LedgerBusy):
        await sqlite.inbox.receive(make_delivery())
    assert await sqlite.inbox.unsettled(now) == []
    other.execute("ROLLBACK")
    other.close()
    assert await sqlite.inbox.receive(make_delivery())


async def test_many_writers_at_a_locked_sqlite_all_hear_of_it_in_time(
    sqlite: SqlLedger, make_delivery: MakeDelivery, tmp_path: Path
) -> None:
    other = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    writes = [sqlite.inbox.receive(make_delivery(f"d{n}")) for n in range(20)]
    with within_three_seconds():
        said = await asyncio.gather(*writes, return_exceptions=True)
    other.close()
    assert {type(each) for each in said} == {LedgerBusy}


async def test_a_delivery_is_kept_before_what_stands_in_line_already(
    sqlite: SqlLedger, make_delivery: MakeDelivery, now: datetime
) -> None:
    """GitHub waits for its answer and sends nothing twice; a worker's writes can wait."""
    done: list[str] = []

    async def write(name: str, work: Awaitable[object]) -> None:
        await work
        done.append(name)

    async with asyncio.TaskGroup() as group, sqlite.database.write():
        for number in range(20):
            claim = sqlite.leases.claim(f"run:{number}", now, timedelta(seconds=10))
            group.create_task(write(f"lease {number}", claim))
        await asyncio.sleep(0)
        group.create_task(write("delivery", sqlite.inbox.receive(make_delivery())))
        await asyncio.sleep(0)
    assert "delivery" in done[:3]


async def test_a_statement_is_one_trip_to_the_thread(
    sqlite: SqlLedger, make_delivery: MakeDelivery, caplog: pytest.LogCaptureFixture
) -> None:
    """The writer's turn lasts for as long as all of them take, on a loop that is busy."""
    await sqlite.inbox.receive(make_delivery())
    with caplog.at_level(logging.DEBUG, "aiosqlite"):
        await sqlite.inbox.receive(make_delivery("d2"))
    trips = [record for record in caplog.records if str(record.msg).startswith("executing")]
    assert len(trips) == len(["BEGIN IMMEDIATE", "INSERT", "COMMIT"])


async def test_a_full_disk_is_busy_and_leaves_nothing_half_stored(
    sqlite: SqlLedger, make_delivery: MakeDelivery, now: datetime
) -> None:
    async with sqlite.database.write() as connection:
        pages = await connection.scalar(text("PRAGMA page_count"))
        await connection.execute(text(f"PRAGMA max_page_count = {pages}"))
    stored = []
    with pytest.raises(LedgerBusy):  # noqa: PT012  (how much fits is SQLite's affair)
        for number in range(1000):
            await sqlite.inbox.receive(make_delivery(f"d{number}"))
            stored.append(f"d{number}")
    async with sqlite.database.write() as connection:
        await connection.execute(text("PRAGMA max_page_count = 100000"))
    assert sorted(await sqlite.inbox.unsettled(now, limit=2000)) == sorted(stored)
    assert await sqlite.inbox.receive(make_delivery(f"d{len(stored)}"))


async def test_a_file_that_cannot_be_opened_is_busy(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    await (await open_ledger(path)).close()
    path.with_name("ledger.db-wal").mkdir()
    with pytest.raises(LedgerBusy):
        await open_ledger(path)


async def test_a_fault_in_a_statement_is_not_called_busy(ledger: SqlLedger) -> None:
    with pytest.raises(Exception, match="no_such_table"):
        async with ledger.database.read() as connection:
            await connection.execute(text("SELECT * FROM no_such_table"))


# --- PostgreSQL -------------------------------------------------------------------------------


async def test_a_locked_row_is_busy_in_time(postgres_url: str, now: datetime) -> None:
    ledger, other = await open_ledger(postgres_url), await open_ledger(postgres_url)
    lease = await ledger.leases.claim("run:a", now, now - now)
    assert lease
    async with other.database.write() as connection:
        await connection.execute(text("SELECT * FROM leases FOR UPDATE"))
        with within_three_seconds(), pytest.raises(LedgerBusy):
            await ledger.leases.renew(lease, now, now - now)
    await ledger.leases.renew(lease, now, now - now)
    await ledger.close()
    await other.close()


async def test_a_server_that_is_not_there_is_busy(tmp_path: Path) -> None:
    with within_three_seconds(), pytest.raises(LedgerBusy):
        await open_ledger(f"postgresql://postgres@/postgres?host={tmp_path}")
    with within_three_seconds(), pytest.raises(LedgerBusy):
        await open_ledger("postgresql://postgres@127.0.0.1:1/postgres")


async def test_a_lost_connection_is_replaced(
    postgres_url: str, make_delivery: MakeDelivery
) -> None:
    ledger = await open_ledger(postgres_url)
    other = await open_ledger(postgres_url)
    async with other.database.write() as connection:
        await connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
    assert await ledger.inbox.receive(make_delivery())
    await ledger.close()
    await other.close()


async def test_a_frozen_server_is_busy_in_time(
    postgres_url: str, make_delivery: MakeDelivery, tmp_path: Path
) -> None:
    parts = urlsplit(postgres_url)
    name = ".s.PGSQL.5432"
    async with unix_line(Path(parse_qs(parts.query)["host"][0]) / name, tmp_path / name) as line:
        ledger = await open_ledger(f"postgresql://postgres:@{parts.path}?host={tmp_path}")
        line.hold()
        with within_three_seconds(), pytest.raises(LedgerBusy):
            await ledger.inbox.receive(make_delivery())
        await ledger.close()
