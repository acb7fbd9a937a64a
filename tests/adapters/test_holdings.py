"""Leases of a process that was killed are free at once on its machine; those of others are not."""

import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.adapters.holdings import holdings
from bot.adapters.ledger import SqlLedger, open_ledger

NOW = datetime(2026, 10, 1, tzinfo=UTC)
TTL = timedelta(seconds=10)
HOLDER = """
import asyncio, sys
from datetime import UTC, datetime
from pathlib import Path
from bot.adapters.holdings import holdings
from bot.core.ports import Lease

async def main():
    async with holdings(None, Path(sys.argv[1])) as leases:
        for subject in ("run:tied", "run:parked"):
            leases.tie(Lease(subject, 1, datetime.now(UTC)))
        leases.untie(Lease("run:parked", 1, datetime.now(UTC)))
        print("ready", flush=True)
        sys.stdin.readline()

asyncio.run(main())
"""


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[SqlLedger]:
    opened = await open_ledger(tmp_path / "ledger.db")
    for subject in ("run:tied", "run:parked", "writes:1"):
        await opened.leases.claim(subject, NOW, TTL)
    yield opened
    await opened.close()


@contextmanager
def another(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that holds a run, and has parked another one."""
    command = [sys.executable, "-c", HOLDER, str(folder)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        try:
            yield process
        finally:
            process.send_signal(signal.SIGCONT)
            process.kill()


async def free(ledger: SqlLedger, now: datetime = NOW) -> list[str]:
    subjects = ("run:tied", "run:parked", "writes:1")
    return [each for each in subjects if await ledger.leases.free_at(each) <= now]


async def test_what_was_tied_to_a_killed_process_is_free_at_once(
    ledger: SqlLedger, tmp_path: Path
) -> None:
    with another(tmp_path) as process:
        process.kill()
        process.wait()
        async with holdings(ledger.leases, tmp_path):
            assert await free(ledger) == ["run:tied"]
    assert [path.name for path in (tmp_path / "held").glob("*/*")] == []


async def test_what_a_stopped_process_holds_stays_its_own(
    ledger: SqlLedger, tmp_path: Path
) -> None:
    with another(tmp_path) as process:
        process.send_signal(signal.SIGSTOP)
        async with holdings(ledger.leases, tmp_path) as mine:
            await mine.free_the_dead()
            assert await free(ledger) == []


async def test_what_somebody_has_taken_since_is_not_freed(
    ledger: SqlLedger, tmp_path: Path
) -> None:
    with another(tmp_path) as process:
        process.kill()
        process.wait()
        assert await ledger.leases.claim("run:tied", NOW + TTL, TTL)
        async with holdings(ledger.leases, tmp_path):
            assert await free(ledger, NOW + TTL) == ["run:parked", "writes:1"]


async def test_whoever_lives_on_frees_what_his_neighbour_held(
    ledger: SqlLedger, tmp_path: Path
) -> None:
    async with holdings(ledger.leases, tmp_path) as mine:
        with another(tmp_path) as process:
            await mine.free_the_dead()
            assert await free(ledger) == []
            process.kill()
            process.wait()
            await mine.free_the_dead()
            assert await free(ledger) == ["run:tied"]


@pytest.mark.parametrize(
    "boot",
    ["other-boot", "no such file"],
    ids=["another start of the machine", "a machine that cannot tell"],
)
async def test_notes_of_another_machine_are_not_believed(
    ledger: SqlLedger,
    tmp_path: Path,
    boot: str,
) -> None:
    (tmp_path / "other-boot").write_text("another\n")
    with another(tmp_path) as process:
        process.kill()
        process.wait()
        async with holdings(ledger.leases, tmp_path, tmp_path / boot) as mine:
            lease = await mine.claim("run:mine", NOW, TTL)
            assert lease
            mine.tie(lease)
            mine.untie(lease)
            assert await free(ledger) == []
