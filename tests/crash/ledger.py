"""The ledger as anybody can read it, through a connection of its own."""

import asyncio
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from tests.crash.driver import PATIENCE, World

Row = Mapping[str, Any]
Item = tuple[str, int]
Attempt = tuple[str, int, int]

_TABLES = {
    "attempts": "SELECT run_id, item, number, state, amount, cost, request_id, started_at,"
    " settled_at FROM attempts",
    "items": "SELECT run_id, item, wanted, cancelled, url, path FROM items",
    "runs": "SELECT id, state, finished_at, page_url, report FROM runs",
    "effects": "SELECT id, kind, version, shown, remote, given_up FROM effects",
    "budgets": 'SELECT scope, "window", committed FROM budgets',
    "reservations": 'SELECT run_id, scope, "window", held FROM reservations',
    "deliveries": "SELECT id, settled_at FROM deliveries",
}
_LEFT = {
    "run": "SELECT id FROM runs WHERE finished_at IS NULL",
    "delivery": "SELECT id FROM deliveries WHERE settled_at IS NULL",
    "effect": "SELECT id FROM effects WHERE shown < version",
    "leases": "SELECT subject, epoch FROM leases",
}


@dataclass(frozen=True)
class Books:
    """All that the ledger holds at one moment."""

    tables: Mapping[str, Sequence[Row]]

    def __getitem__(self, table: str) -> Sequence[Row]:
        return self.tables[table]

    @property
    def attempts(self) -> Mapping[Attempt, Row]:
        return {(row["run_id"], row["item"], row["number"]): row for row in self["attempts"]}

    @property
    def open_intents(self) -> set[Attempt]:
        """Calls that are, for the ledger, under way."""
        return {each for each, row in self.attempts.items() if row["state"] == "started"}

    @property
    def states(self) -> Mapping[Item, set[str]]:
        """How the calls for each image ended."""
        found: dict[Item, set[str]] = {_item(row): set() for row in self["items"]}
        for row in self["attempts"]:
            found[_item(row)].add(row["state"])
        return found

    @property
    def prompts(self) -> Mapping[Item, str]:
        return {_item(row): _wanted(row)["call"]["prompt"] for row in self["items"]}

    @property
    def answers(self) -> Mapping[str, Attempt]:
        """Where the spool keeps the answer to each call, once it is whole."""
        ids = {_item(row): _wanted(row)["id"] for row in self["items"]}
        return {
            f"{run}/{ids[run, item]}-{number}.answer": (run, item, number)
            for run, item, number in self.attempts
        }


def _item(row: Row) -> Item:
    return row["run_id"], row["item"]


def _wanted(row: Row) -> Any:
    wanted = row["wanted"]
    return json.loads(wanted) if isinstance(wanted, str) else wanted


async def read(world: World) -> Books:
    """The ledger at this moment; empty where there is none yet."""
    return Books(await _ask(world, _TABLES))


async def until(world: World, seen: Callable[[Books], object], patience: float = PATIENCE) -> None:
    """Read the ledger again and again until it is so; TimeoutError if it never is."""
    async with asyncio.timeout(patience):
        while not seen(await read(world)):
            await asyncio.sleep(0.25)


async def left(world: World) -> Mapping[str, int]:
    """What somebody must go on with, by its subject, and how often that was claimed."""
    found = await _ask(world, _LEFT)
    epochs = {row["subject"]: row["epoch"] for row in found.pop("leases")}
    subjects = (f"{kind}:{row['id']}" for kind, rows in found.items() for row in rows)
    return {subject: epochs.get(subject, 0) for subject in subjects}


async def looks(world: World) -> tuple[int, bool]:
    """How often somebody has looked for missed deliveries, and whether nobody does now."""
    query = "SELECT epoch, until FROM leases WHERE subject = 'log:deliveries'"
    found = (await _ask(world, {"leases": query}))["leases"]
    return (found[0]["epoch"], found[0]["until"] == 0) if found else (0, True)


async def _ask(world: World, queries: Mapping[str, str]) -> dict[str, Sequence[Row]]:
    # One moment's truth: where other machines live on, they write between two of the queries.
    level = "REPEATABLE READ" if world.database.startswith("postgresql") else "SERIALIZABLE"
    engine = create_async_engine(world.database, isolation_level=level)
    found: dict[str, Sequence[Row]] = {name: [] for name in queries}
    try:
        async with engine.connect() as connection:
            for name, query in queries.items():
                rows = (await connection.execute(text(query))).mappings().all()
                found[name] = sorted((dict(row) for row in rows), key=repr)
    except DBAPIError as error:
        if not re.search("no such table|does not exist|unable to open", str(error)):
            raise
    finally:
        await engine.dispose()
    return found
