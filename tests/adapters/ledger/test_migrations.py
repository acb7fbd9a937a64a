"""Each revision only adds: an older process that is at work goes on in the newer tables."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Inspector, create_engine, inspect, text
from sqlalchemy.engine.interfaces import ReflectedColumn

from bot.adapters.ledger.engine import connect
from tests.adapters.ledger.earlier import FOLDER, made

REVISIONS = sorted(each.revision for each in ScriptDirectory(FOLDER).walk_revisions())


@dataclass(frozen=True)
class Form:
    """What a table has, and what it demands of its rows besides."""

    columns: Mapping[str, ReflectedColumn]
    rules: frozenset[str]


def tables(connection: Connection) -> dict[str, Form]:
    found = inspect(connection)
    return {name: form(found, name) for name in found.get_table_names()}


def form(found: Inspector, table: str) -> Form:
    rules = [
        found.get_pk_constraint(table),
        *found.get_foreign_keys(table),
        *found.get_unique_constraints(table),
        *found.get_check_constraints(table),
        *(index for index in found.get_indexes(table) if index["unique"]),
    ]
    columns = {column["name"]: column for column in found.get_columns(table)}
    return Form(columns, frozenset(json.dumps(rule, default=str) for rule in rules))


def stumbles(before: Mapping[str, Form], after: Mapping[str, Form]) -> Iterator[str]:
    """What is in the way of older code, which names its columns and knows no later ones."""
    for table, was in before.items():
        if now := after.get(table):
            yield from (f"{table}{words}" for words in stumbles_at(was, now))
        else:
            yield f"{table} is gone"


def stumbles_at(was: Form, now: Form) -> Iterator[str]:
    for name, column in was.columns.items():
        if name not in now.columns:
            yield f".{name} is gone"
        elif shape(now.columns[name]) != shape(column):
            yield f".{name} is another"
    for name in now.columns.keys() - was.columns.keys():
        if not now.columns[name]["nullable"] and now.columns[name]["default"] is None:
            yield f".{name} has to be given"
    if now.rules - was.rules:
        yield " has a new rule"


def shape(column: ReflectedColumn) -> tuple[object, ...]:
    return str(column["type"]), column["nullable"], column["default"]


async def test_every_revision_only_adds_what_older_code_need_not_know(url: str) -> None:
    database = connect(url, timedelta(minutes=1))
    before: dict[str, Form] = {}
    found: dict[str, list[str]] = {}
    async with database.write() as connection:
        for revision in REVISIONS:
            await connection.run_sync(made, revision)
            after = await connection.run_sync(tables)
            found[revision] = list(stumbles(before, after))
            before = after
    await database.close()

    assert {"runs", "attempts", "budgets"} <= set(before), "the tables were not seen"
    assert {revision: words for revision, words in found.items() if words} == {}


def sketched(statement: str) -> dict[str, Form]:
    """A database of this one table."""
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        connection.execute(text(statement))
        found = tables(connection)
    engine.dispose()
    return found


@pytest.mark.parametrize(
    ("later", "words"),
    [
        ("runs (id TEXT, report TEXT, tone TEXT)", []),
        ("runs (id TEXT, report TEXT, tone TEXT NOT NULL DEFAULT '')", []),
        ("runs (id TEXT, report TEXT, tone TEXT NOT NULL)", ["runs.tone has to be given"]),
        ("runs (id TEXT)", ["runs.report is gone"]),
        ("runs (id TEXT, report INTEGER)", ["runs.report is another"]),
        ("runs (id TEXT, report TEXT NOT NULL)", ["runs.report is another"]),
        ("runs (id TEXT, report TEXT UNIQUE)", ["runs has a new rule"]),
        ("others (id TEXT, report TEXT)", ["runs is gone"]),
    ],
)
def test_a_revision_that_older_code_stumbles_over_would_be_seen(
    later: str, words: list[str]
) -> None:
    before = sketched("CREATE TABLE runs (id TEXT, report TEXT)")
    assert list(stumbles(before, sketched(f"CREATE TABLE {later}"))) == words
