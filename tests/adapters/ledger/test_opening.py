"""A ledger is made, or brought up to date, by whoever opens it first, and then opened fast."""

import asyncio
import json
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from bot.adapters.ledger import SqlLedger, migrations, open_ledger, schema
from bot.adapters.ledger.engine import connect
from bot.adapters.ledger.tables import metadata
from bot.core.errors import SettingsError
from bot.core.ports import Effect, Lease


def differences(connection: Connection) -> list[Any]:
    found = compare_metadata(MigrationContext.configure(connection), metadata)
    return list(found)


def form(connection: Connection) -> dict[str, list[str]]:
    """All that a database says of its tables, in no order."""
    found = inspect(connection)
    parts = {
        table: [
            *found.get_columns(table),
            found.get_pk_constraint(table),
            *found.get_foreign_keys(table),
            *found.get_indexes(table),
            *found.get_unique_constraints(table),
            *found.get_check_constraints(table),
        ]
        for table in found.get_table_names()
    }
    return {table: sorted(json.dumps(p, default=str) for p in of) for table, of in parts.items()}


async def test_the_migrations_make_the_tables_that_the_program_knows(url: str) -> None:
    database = connect(url, timedelta(minutes=1))
    async with database.write() as connection:
        await connection.run_sync(migrations.run)
        assert await connection.run_sync(differences) == []
        assert await connection.run_sync(schema.revision) == schema.HEAD
    await database.close()


async def test_a_new_ledger_has_the_form_that_the_migrations_make(url: str) -> None:
    database = connect(url, timedelta(minutes=1))
    forms = []
    for make in (schema.make, migrations.run):
        async with database.write() as connection:
            await connection.run_sync(make)
            forms.append(await connection.run_sync(form))
            assert await connection.run_sync(schema.revision) == schema.HEAD
            await connection.rollback()
    await database.close()

    assert forms[0] == forms[1]


async def test_a_missing_index_or_column_would_be_seen(ledger: SqlLedger) -> None:
    async with ledger.database.write() as connection:
        await connection.execute(text("DROP INDEX ix_runs_unfinished"))
        await connection.execute(text("ALTER TABLE runs DROP COLUMN report"))
    async with ledger.database.read() as connection:
        assert len(await connection.run_sync(differences)) == 2


def test_the_newest_revision_is_the_one_the_program_asks_for() -> None:
    folder = Path(schema.__file__).parent / "migrations"
    assert ScriptDirectory(str(folder)).get_heads() == [schema.HEAD]


async def test_a_reopened_ledger_holds_what_it_held(url: str, now: datetime) -> None:
    for epoch in (1, 2, 3):
        ledger = await open_ledger(url)
        lease = await ledger.leases.claim("run:a", now, timedelta(0))
        await ledger.close()
        assert lease == Lease("run:a", epoch, now)


async def test_a_ledger_of_a_newer_program_is_left_alone(url: str) -> None:
    ledger = await open_ledger(url)
    async with ledger.database.write() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    await ledger.close()
    with pytest.raises(SettingsError, match="a newer gptimage made this ledger"):
        await open_ledger(url)


OPENER = """
import asyncio, sys
from bot.adapters.ledger import open_ledger

async def main(url):
    print("ready", flush=True)
    sys.stdin.readline()
    ledger = await open_ledger(url)
    await ledger.ping()
    await ledger.close()
    print("alembic" in sys.modules)

asyncio.run(main(sys.argv[1]))
"""


async def open_at_once(url: str, processes: int) -> list[bytes]:
    """What every one of the processes says that opened the ledger."""
    started = [
        await asyncio.create_subprocess_exec(
            sys.executable,
            *("-c", OPENER, url),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        for _ in range(processes)
    ]
    for process in started:
        assert process.stdout
        await process.stdout.readline()
    said = await asyncio.gather(*(process.communicate(b"go\n") for process in started))
    assert [process.returncode for process in started] == [0] * processes
    return [out for out, _ in said]


async def test_several_processes_may_make_the_ledger_at_once(url: str) -> None:
    await open_at_once(url, 4)
    ledger = await open_ledger(url)
    async with ledger.database.read() as connection:
        assert await connection.run_sync(differences) == []
    await ledger.close()


async def test_a_ledger_that_is_new_or_up_to_date_is_opened_without_alembic(url: str) -> None:
    assert await open_at_once(url, 1) == [b"False\n"]
    assert await open_at_once(url, 1) == [b"False\n"]


# --- where it is ------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["{}", "sqlite:///{}", "sqlite+aiosqlite:///{}"])
async def test_a_file_may_be_named_by_its_path_or_as_a_url(tmp_path: Path, form: str) -> None:
    path = tmp_path / "a folder" / "ledger.db"
    ledger = await open_ledger(form.format(path))
    await ledger.close()
    assert path.stat().st_size


async def test_new_folders_and_files_are_the_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "newer" / "ledger.db"
    ledger = await open_ledger(path)
    await ledger.ping()
    made = [path.parent, path.parent.parent, path, path.with_name("ledger.db-wal")]
    assert [stat.S_IMODE(each.stat().st_mode) for each in made] == [0o700, 0o700, 0o600, 0o600]
    await ledger.close()


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+asyncpg"])
async def test_every_spelling_of_postgresql_is_understood(postgres_url: str, scheme: str) -> None:
    ledger = await open_ledger(f"{scheme}://{postgres_url.partition('://')[2]}&sslmode=disable")
    await ledger.ping()
    await ledger.close()


async def test_another_database_is_refused_by_name() -> None:
    with pytest.raises(SettingsError, match="DATABASE_URL: mysql:// is not known"):
        await open_ledger("mysql://localhost/x")


async def test_a_place_that_cannot_hold_a_ledger_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="Not a directory"):
        await open_ledger(tmp_path / "file" / "ledger.db")
    with pytest.raises(SettingsError, match="it is not a file"):
        await open_ledger(tmp_path)


# --- what makes it durable --------------------------------------------------------------------


async def test_sqlite_is_set_up_to_survive_the_power(tmp_path: Path) -> None:
    ledger = await open_ledger(tmp_path / "ledger.db")
    async with ledger.database.write() as connection:
        found = [
            await connection.scalar(text(f"PRAGMA {name}"))
            for name in ("journal_mode", "synchronous", "foreign_keys")
        ]
    await ledger.close()
    assert found == ["wal", 2, 1]


async def test_postgresql_is_set_up_to_survive_the_power(postgres_url: str) -> None:
    ledger = await open_ledger(postgres_url)
    async with ledger.database.write() as connection:
        found = [
            await connection.scalar(text(f"SHOW {name}"))
            for name in ("synchronous_commit", "transaction_isolation", "statement_timeout")
        ]
    await ledger.close()
    assert found == ["on", "read committed", "1600ms"]


@pytest.mark.parametrize("journal", ["DELETE", "WAL"])
@pytest.mark.parametrize("table", ["history", "images"])
async def test_a_database_of_another_program_is_not_written_into(
    tmp_path: Path, table: str, journal: str
) -> None:
    path = tmp_path / "history.db"
    foreign = sqlite3.connect(path)
    foreign.execute(f"PRAGMA journal_mode = {journal}")
    foreign.execute(f"CREATE TABLE {table} (uuid TEXT)")
    foreign.close()
    before = path.read_bytes()

    with pytest.raises(SettingsError, match="the database of another program") as refused:
        await open_ledger(path)

    assert f"gptimage history import {path}" in str(refused.value)
    assert path.read_bytes() == before
    if table == "history":
        assert names(tmp_path) == ["history.db"]


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


LOOK = """
import sqlite3, sys
with sqlite3.connect(sys.argv[1]) as connection:
    print(connection.execute("SELECT count(*) FROM effects").fetchone()[0])
connection.close()
"""


def looked_at(path: Path) -> int:
    """How many effects another program sees, which closes the file behind it."""
    command = [sys.executable, "-c", LOOK, str(path)]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


@pytest.mark.parametrize("opened_before", [False, True])
async def test_a_ledger_outlives_another_process_that_looks_at_it_and_leaves(
    tmp_path: Path,
    now: datetime,
    make_effect: Callable[..., Effect],
    opened_before: bool,
) -> None:
    """SQLite's locks are gone if this process has opened and closed the file beside it."""
    path = tmp_path / "ledger.db"
    if opened_before:
        await (await open_ledger(path)).close()
    ledger = await open_ledger(path)
    try:
        await ledger.ping()
        assert looked_at(path) == 0
        await ledger.outbox.say(make_effect(), now)
        assert looked_at(path) == 1
        assert path.with_name("ledger.db-wal").exists()
    finally:
        await ledger.close()
