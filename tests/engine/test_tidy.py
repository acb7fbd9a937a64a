"""Reference images leave the spool when nobody can want them any more, and never before."""

import os
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from bot.adapters.ledger import SqlLedger, open_ledger
from bot.adapters.spool import LocalSpool
from bot.core.batch import BatchConfig, Job
from bot.core.plan import plan
from bot.core.run import Run, RunState
from bot.engine.tidy import KEPT_FOR, Tidy
from tests.engine.desk import START, Clock


@dataclass
class Room:
    ledger: SqlLedger
    spool: LocalSpool
    clock: Clock
    tidy: Tidy

    async def keep(self, name: str, age: timedelta) -> str:
        async with self.spool.receive(f"inputs/{name}") as writer:
            await writer.write(b"x")
        path = await self.spool.fetch(f"inputs/{name}")
        assert path
        moment = (self.clock.now - age).timestamp()
        os.utime(path, (moment, moment))
        return path

    async def left(self) -> set[str]:
        names = ("reference", "mask", "old", "young")
        return {name for name in names if await self.spool.fetch(f"inputs/{name}")}


@pytest.fixture
async def room(tmp_path: Path) -> Room:
    ledger, clock = await open_ledger(tmp_path / "ledger.db"), Clock()
    spool = LocalSpool(tmp_path / "spool")
    return Room(ledger, spool, clock, Tidy(ledger.runs, spool, clock))


async def test_only_what_is_old_and_of_no_open_run_is_removed(room: Room) -> None:
    old = KEPT_FOR + timedelta(minutes=1)
    reference, mask = await room.keep("reference", old), await room.keep("mask", old)
    await room.keep("old", old)
    await room.keep("young", KEPT_FOR - timedelta(minutes=1))
    # The folder of the spool may have been called otherwise when the run was stored.
    elsewhere = reference.replace("/spool/", "/elsewhere/")
    job = Job(prompt="x", operation="edit", reference_image_path=(elsewhere,), mask_image_path=mask)
    batch = BatchConfig(jobs=(job,))
    run = Run("open", RunState.QUEUED, batch, START)
    await room.ledger.runs.open(run, plan(batch, run.id))

    await room.tidy.tidy()
    assert await room.left() == {"reference", "mask", "young"}

    lease = await room.ledger.leases.claim("run:open", room.clock.now, timedelta(minutes=1))
    assert lease
    await room.ledger.runs.settled(lease)
    await room.ledger.runs.finish(lease, "{}", (), room.clock.now)
    await room.tidy.tidy()
    assert await room.left() == {"reference", "mask", "young"}  # it looks once an hour
    room.clock.pass_(hours=1)
    await room.tidy.tidy()
    assert await room.left() == set()
    await room.ledger.close()
