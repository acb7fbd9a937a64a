"""What keeping books costs: the real runner, ledger and spool, and pictures that come at once.

`books.py <jobs> <samples> <bytes of an answer> <folder>` prints the milliseconds of CPU per item.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.adapters.ledger import open_ledger
from bot.adapters.pace import local_pace
from bot.adapters.spool import LocalSpool
from bot.core.parse import parse_batch
from bot.core.plan import ImageCall, plan
from bot.core.ports import Answer, Spool
from bot.core.pricing import Usage
from bot.core.run import ItemState, Run, RunState
from bot.engine.drain import Drain
from bot.engine.runner import Runner


class Ready:
    """An image provider whose answers are there already: they only go into the spool."""

    def __init__(self, spool: Spool, size: int) -> None:
        self._spool = spool
        self._picture = os.urandom(size)

    async def create(self, call: ImageCall, key: str, kept: Callable[[], None]) -> Answer:
        del call
        async with self._spool.receive(key) as writer:
            await writer.write(self._picture)
        size = len(self._picture)
        kept()
        return Answer(key, "image/png", size, 1024, 1024, usage=Usage(10, 0, 272))

    async def recall(self, key: str) -> Answer | None:
        del key
        return None


def now() -> datetime:
    return datetime.now(UTC)


async def main(jobs: int, samples: int, size: int, folder: Path) -> float:
    batch = {
        "jobs": [{"prompt": f"picture {n}", "sample_count": samples} for n in range(jobs)],
        "max_concurrent": 10,
    }
    config = parse_batch(json.dumps(batch)).config
    ledger = await open_ledger(folder / "ledger.db")
    spool = LocalSpool(folder / "spool")
    runner = Runner(ledger.runs, Ready(spool, size), local_pace(None), now, Drain())
    run = Run("bench", RunState.QUEUED, config, now())
    await ledger.runs.open(run, plan(config, run.id))
    lease = await ledger.leases.claim(f"run:{run.id}", now(), timedelta(minutes=5))
    view = await ledger.runs.get(run.id)
    assert lease
    assert view
    begun = time.process_time()
    done = await runner.settle(lease, view, lambda _: None)
    took = time.process_time() - begun
    assert done.count() == {ItemState.SUCCEEDED: jobs * samples}
    await ledger.close()
    return took * 1000 / (jobs * samples)


if __name__ == "__main__":
    _, jobs, samples, size, folder = sys.argv
    print(asyncio.run(main(int(jobs), int(samples), int(size), Path(folder))))
