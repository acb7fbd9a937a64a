"""The live comment of a run: kept true by whoever drives it, and by nobody else."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.ledger import SqlLedger, open_ledger
from bot.adapters.ledger.outbox import SqlOutbox
from bot.core.batch import BatchConfig, Job
from bot.core.errors import LeaseLost
from bot.core.event import run_id
from bot.core.markdown import Markers
from bot.core.plan import plan
from bot.core.ports import Lease
from bot.core.run import Run, RunState, Thread
from bot.engine.outbox import Postman
from bot.engine.thread import ThreadAudience, comment
from tests.engine.desk import START, Clock, Desk
from tests.engine.world import Parts

THREAD = Thread(7, 1001, "octo/fox", private=True, issue=3, comment=1)
BATCH = BatchConfig(jobs=(Job(prompt="fox"),))
NAME = run_id(THREAD)
TTL = timedelta(seconds=10)


@pytest.fixture
async def ledger(empty: Path, tmp_path: Path) -> AsyncIterator[SqlLedger]:
    shutil.copy(empty, tmp_path / "ledger.db")
    found = await open_ledger(tmp_path / "ledger.db")
    await found.runs.open(Run(NAME, RunState.QUEUED, BATCH, START, THREAD), plan(BATCH, NAME))
    yield found
    await found.close()


class Mail:
    """An outbox that tells when it refused to take words."""

    def __init__(self, outbox: SqlOutbox) -> None:
        self.refused = asyncio.Event()
        self._outbox = outbox

    async def say(self, *words: Any) -> None:
        try:
            await self._outbox.say(*words)
        except LeaseLost:
            self.refused.set()
            raise


async def claimed(ledger: SqlLedger, clock: Clock) -> Lease:
    lease = await ledger.leases.claim(f"run:{NAME}", clock(), TTL)
    assert lease is not None
    return lease


async def test_whoever_wakes_after_its_lease_leaves_the_last_word_alone(
    ledger: SqlLedger,
) -> None:
    clock, desk, mail = Clock(), Desk(), Mail(ledger.outbox)
    parts: Any = (ledger.leases, ledger.inbox, ledger.runs, ledger.line, mail, ledger.offers)
    postman = Postman(ledger, desk, Markers(b"a key for these tests"), clock)
    audience = ThreadAudience(
        *(Parts(*parts), postman, clock),
        live_words=lambda view: f"{view.run.warnings[-1]}\n",
        final_words=lambda _: "the bill\n",
        every=timedelta(0),
    )
    view = await ledger.runs.get(NAME)
    assert view is not None

    async with audience.live(await claimed(ledger, clock), view) as watch:
        watch(view.warned("first"))
        await until_shown(desk, "first")
        clock.now += TTL
        heir = await claimed(ledger, clock)
        await ledger.outbox.say(comment(THREAD, "the bill\n"), clock(), heir)
        await postman.deliver(f"comment-{NAME}")
        watch(view.warned("second"))
        async with asyncio.timeout(30):
            await mail.refused.wait()

    assert [body.partition("\n")[0] for body in desk.comments.values()] == ["the bill"]
    assert not await ledger.outbox.owed(clock())


async def until_shown(desk: Desk, words: str) -> None:
    async with asyncio.timeout(30):
        while not any(body.startswith(words) for body in desk.comments.values()):
            await asyncio.sleep(0.01)
