"""Two machines and one run: whoever dies or sleeps is replaced in time, and pays for nothing."""

import asyncio
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from bot.core.killpoints import Point
from tests.adapters.ledger.conftest import postgres_server, postgres_url  # noqa: F401
from tests.crash import judge, ledger
from tests.crash.driver import KILLED, Process, World, until
from tests.crash.judge import Witness
from tests.crash.machines import machine, shared_world
from tests.crash.walk import quiet

pytestmark = pytest.mark.long

TAKEN_UP = 15  # seconds
TRIES = 3
COMMAND = "/batch --quality low --size 1024x1024 --max-concurrent 1\n\n"


@pytest.fixture
async def outside(
    tmp_path: Path,
    postgres_url: str,  # noqa: F811
) -> AsyncIterator[World]:
    """One web, no worker yet, and an image API that keeps all waiting."""
    async with shared_world(tmp_path, postgres_url, webs=1) as found:
        found.images.answering.clear()
        yield found


async def worker(stack: AsyncExitStack, outside: World, name: str, kill_point: str = "") -> Process:
    born = machine(outside, name, "worker", patience=120, kill_point=kill_point)
    return (await stack.enter_async_context(born))[0]


async def test_the_work_of_a_dead_worker_is_taken_up_within_15_seconds(
    outside: World, capsys: pytest.CaptureFixture[str]
) -> None:
    witness, took = Witness(), []
    async with AsyncExitStack() as stack:
        victim = await worker(stack, outside, "worker-0")
        run = await outside.say(COMMAND + "".join(f"- fox {n}\n" for n in range(TRIES + 1)))
        for number in range(1, TRIES + 1):
            await until(lambda: len(outside.images.calls) == number)  # noqa: B023
            heir = await worker(stack, outside, f"worker-{number}")
            victim.send_signal(signal.SIGKILL)
            await victim.wait()
            died_at = datetime.now(UTC)
            await witness.look(outside)
            await until(lambda: len(outside.images.calls) == number + 1)  # noqa: B023
            took.append((outside.images.calls[-1].at - died_at).total_seconds())
            victim = heir
        outside.images.answering.set()
        await until(lambda: outside.ended(run))
        await quiet(outside)
        assert await judge.verdict(outside, witness, 1) == []

    with capsys.disabled():
        sys.stdout.write(f"\nthe work of a dead worker is taken up after {took} s\n")
    assert max(took) <= TAKEN_UP, took


async def test_what_a_machine_has_paid_for_is_found_by_another_when_all_its_files_are_gone(
    outside: World,
) -> None:
    witness = Witness()
    outside.images.answering.set()
    async with AsyncExitStack() as stack:
        victim = await worker(stack, outside, "worker-0", kill_point=f"{Point.ANSWER_SPOOLED}:1")
        run = await outside.say(f"{COMMAND}- a red fox\n- a blue owl\n")
        await victim.wait()
        await witness.look(outside)
        shutil.rmtree(outside.data_dir / "worker-0")
        await worker(stack, outside, "worker-1")
        await until(lambda: outside.ended(run))
        await quiet(outside)
        assert await judge.verdict(outside, witness, 1) == []

    assert victim.returncode == KILLED
    assert len(witness.kept) == 1
    assert outside.calls == {"a red fox": 1, "a blue owl": 1}
    assert "in doubt" not in outside.answers[0].body.partition("| Estimated")[0]


async def test_a_worker_that_slept_longer_than_its_lease_hands_in_what_was_paid_for(
    outside: World,
) -> None:
    async with AsyncExitStack() as stack:
        sleeper = await worker(stack, outside, "worker-0")
        run = await outside.say(f"{COMMAND}- a red fox\n- a blue owl\n- a grey cat\n")
        await until(lambda: outside.images.calls)
        await worker(stack, outside, "worker-1")
        await frozen_between_writes(sleeper, outside.environment["DATABASE_URL"])
        await until(lambda: len(outside.images.calls) == 2)
        sleeper.send_signal(signal.SIGCONT)
        outside.images.answering.set()
        await until(lambda: outside.ended(run))
        await all_succeeded(outside)
        await quiet(outside)
        assert await judge.verdict(outside, Witness(), 1) == []

    assert outside.calls == {"a red fox": 1, "a blue owl": 1, "a grey cat": 1}
    (answer,) = outside.answers
    assert "in doubt" not in answer.body.partition("| Estimated")[0]


async def frozen_between_writes(process: Process, database: str) -> None:
    """Stop the process at a moment when it keeps nobody from a row."""
    asyncpg: Any = import_module("asyncpg")
    connection = await asyncpg.connect(database)
    async with asyncio.timeout(60):
        while True:
            process.send_signal(signal.SIGSTOP)
            try:
                await connection.execute("SELECT 1 FROM leases FOR UPDATE NOWAIT")
                break
            except asyncpg.LockNotAvailableError:
                process.send_signal(signal.SIGCONT)
                await asyncio.sleep(0.05)
    await connection.close()


async def all_succeeded(outside: World) -> None:
    """Until the ledger knows the answer to each call."""
    await ledger.until(outside, lambda books: all("succeeded" in s for s in books.states.values()))
