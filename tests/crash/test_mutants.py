"""The driver finds out every server that is wrong; the right one passes the same walks."""

import asyncio
import signal
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from bot.adapters.valkey import embedded_valkey
from bot.core.killpoints import Point
from bot.simulators.images import Settings
from tests.crash import judge, mutants
from tests.crash.driver import PATIENCE, Process, serving, until, world
from tests.crash.judge import Witness
from tests.crash.nursery import Nursery, nursery
from tests.crash.postgres import fresh_database, postgres_server
from tests.crash.stories import STORIES, ended
from tests.crash.walk import Result, Site, quiet, walk

WALKS = {
    "retries open intents": (Point.REQUEST_SENT, "was billed 2 times"),
    "records no intent": (Point.REQUEST_SENT, "was billed 2 times"),
    "knows no marker": (Point.COMMENT_POSTED, "stands there 2 times"),
}
SOUND = ""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def forking() -> AsyncIterator[Nursery]:
    async with nursery() as there:
        yield there


def wrong_in(mutant: str) -> dict[str, str]:
    return {"CRASH_DOOR": mutants.DOOR, "CRASH_MUTANT": mutant} if mutant else {}


async def walked(
    mutant: str, point: Point, folder: Path, forking: Nursery, database: str = ""
) -> list[str]:
    story = replace(STORIES["batch"], settings=wrong_in(mutant))
    result = Result(mutant)
    site = Site(result, folder, forking, asyncio.Semaphore(1), database)
    await walk(site, story, [f"{point}:1"])
    assert result.kills
    return result.violations


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("mutant", WALKS)
async def test_a_wrong_server_is_found_out(mutant: str, tmp_path: Path, forking: Nursery) -> None:
    point, complaint = WALKS[mutant]

    violations = await walked(mutant, point, tmp_path, forking)

    assert any(complaint in violation for violation in violations), violations


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("point", [Point.ANSWER_SPOOLED, Point.ASSET_UPLOADED])
async def test_the_right_server_passes_on_postgresql(
    point: Point, tmp_path: Path, forking: Nursery
) -> None:
    with postgres_server() as server:
        async with fresh_database(server) as url:
            assert await walked(SOUND, point, tmp_path, forking, url) == []


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("mutant", "complaint"), [(SOUND, ""), ("ignores the epoch", "was billed 2 times")]
)
async def test_a_server_that_slept_longer_than_its_lease_starts_nothing(
    mutant: str, complaint: str, tmp_path: Path, forking: Nursery
) -> None:
    violations = await slept(mutant, tmp_path, forking)

    assert any(complaint in violation for violation in violations) == bool(complaint), violations
    assert bool(violations) == bool(complaint), violations


async def slept(mutant: str, folder: Path, forking: Nursery) -> list[str]:
    """Two servers, of which the first is stopped in a call, and woken while the second calls."""
    witness = Witness()
    async with embedded_valkey(folder / "queue") as queue, world(folder, forking) as outside:
        outside.environment |= {"REDIS_URL": queue} | wrong_in(mutant)
        outside.images.settings = Settings(latency_ms=1000)
        lines = "".join(f"- owl {number}\n" for number in range(5))
        async with serving(outside) as first:
            flags = "--quality low --size 1024x1024 --max-concurrent 1"
            run = await outside.say(f"/batch {flags}\n\n{lines}")
            await until(lambda: outside.images.calls)
            await _frozen_between_writes(first, folder / "data" / "ledger.db")
            try:
                await witness.look(outside)
                async with serving(outside):
                    await until(lambda: len(outside.images.calls) >= 3)
                    first.send_signal(signal.SIGCONT)
                    await until(lambda: outside.ended(run))
            finally:
                first.send_signal(signal.SIGCONT)
            await ended(outside, run)
            await quiet(outside)
        return await judge.verdict(outside, witness, 1)


async def _frozen_between_writes(process: Process, ledger: Path) -> None:
    """Stop the process at a moment when it does not keep all others from SQLite's only lock."""
    async with asyncio.timeout(PATIENCE):
        while True:
            process.send_signal(signal.SIGSTOP)
            if _is_free(ledger):
                return
            process.send_signal(signal.SIGCONT)
            await asyncio.sleep(0.05)


def _is_free(ledger: Path) -> bool:
    with closing(sqlite3.connect(ledger, timeout=0, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
        connection.execute("ROLLBACK")
        return True
