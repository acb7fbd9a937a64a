"""Who waits is told how many are still before it: seldom, and only at the head of the line."""

import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.adapters.ledger import SqlLedger, open_ledger
from bot.core.batch import BatchConfig, Job
from bot.core.event import run_id
from bot.core.markdown import FOLLOWED, Markers, position
from bot.core.messages import ENGLISH
from bot.core.plan import plan
from bot.core.run import Person, Run, RunState, RunView
from bot.engine.outbox import Postman
from bot.engine.positions import Positions
from bot.engine.recover import Recover
from bot.engine.thread import comment
from tests.engine.desk import THREAD, Clock, Desk, Queue


@dataclass
class Hall:
    """Where runs wait, with a GitHub that counts what is written."""

    ledger: SqlLedger
    desk: Desk
    clock: Clock

    async def come(self, number: int) -> str:
        """A run comes in, and its first words are shown."""
        thread = replace(THREAD, comment=number)
        batch = BatchConfig(jobs=(Job(prompt="a fox"),))
        run = Run(run_id(thread), RunState.QUEUED, batch, self.clock(), thread, Person(1, "ada"))
        await self.ledger.runs.open(
            run, plan(batch, run.id), (), [comment(thread, f"words of {number}")]
        )
        await self._postman.deliver(comment(thread, "").id)
        self.clock.pass_(milliseconds=1)
        return run.id

    async def begin(self, run: str) -> None:
        lease = await self.ledger.leases.claim(f"run:{run}", self.clock(), timedelta(hours=1))
        assert lease
        await self.ledger.runs.begin(lease, self.clock())

    async def sweep(self) -> int:
        """What the worker does every few seconds; says how much was written on GitHub."""
        before, queue = self.desk.writes, Queue()
        positions = Positions(self.ledger, self.clock, _words)
        await Recover(self.ledger, queue, self.clock, positions).sweep()
        for effect in await self.ledger.outbox.owed(self.clock()):
            await self._postman.deliver(effect)
        return self.desk.writes - before

    def shown(self) -> list[str]:
        """The line in which each comment tells a position; nothing where none does."""
        lines = (each.splitlines() for each in self.desk.comments.values())
        return ["".join(line for line in of if line.endswith(("it", "one"))) for of in lines]

    @property
    def _postman(self) -> Postman:
        return Postman(self.ledger, self.desk, Markers(b"a key"), self.clock)


def _words(view: RunView, ahead: int) -> str:
    return position(view, ahead, ENGLISH)


@pytest.fixture
async def hall(empty: Path, tmp_path: Path) -> AsyncIterator[Hall]:
    shutil.copy(empty, tmp_path / "ledger.db")
    ledger = await open_ledger(tmp_path / "ledger.db", patience=timedelta(minutes=1))
    yield Hall(ledger, Desk(), Clock())
    await ledger.close()


async def test_each_hears_its_position_as_those_before_it_begin(hall: Hall) -> None:
    first, second, _ = await hall.come(1), await hall.come(2), await hall.come(3)
    hall.clock.pass_(seconds=10)
    await hall.sweep()
    assert hall.shown() == ["It is the next one", "1 run is before it", "2 runs are before it"]
    await hall.begin(first)
    await hall.begin(second)
    hall.clock.pass_(seconds=10)
    await hall.sweep()
    assert hall.shown()[2] == "It is the next one"


async def test_a_position_that_stays_is_told_once(hall: Hall) -> None:
    await hall.come(1)
    hall.clock.pass_(seconds=10)
    assert await hall.sweep() == 1
    for _ in range(5):
        hall.clock.pass_(seconds=10)
        assert await hall.sweep() == 0


async def test_a_comment_is_edited_at_most_every_ten_seconds(hall: Hall) -> None:
    first = await hall.come(1)
    await hall.come(2)
    hall.clock.pass_(seconds=10)
    assert await hall.sweep() == 2
    await hall.begin(first)
    hall.clock.pass_(seconds=5)
    assert await hall.sweep() == 0  # another worker's, or that of a restart
    hall.clock.pass_(seconds=6)
    assert await hall.sweep() == 1


async def test_who_has_just_come_in_is_left_in_peace(hall: Hall) -> None:
    await hall.come(1)
    assert await hall.sweep() == 0


async def test_of_many_only_the_head_of_the_line_is_told(hall: Hall) -> None:
    for number in range(30):
        await hall.come(number)
        hall.clock.pass_(seconds=1)
    hall.clock.pass_(seconds=10)
    assert await hall.sweep() == FOLLOWED
