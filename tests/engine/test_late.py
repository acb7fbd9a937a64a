"""A paid answer that comes in after its run has ended is found, whoever has died meanwhile."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from bot.core.batch import BatchConfig, Job
from bot.core.errors import Failure
from bot.core.ports import Lease, Runs, Settlement, Task
from bot.core.run import ItemState
from bot.engine.late import Late
from bot.engine.runner import spool_key
from tests.engine.desk import START, Clock, Queue
from tests.engine.story import Story
from tests.engine.world import LEASE, RUN, Process, World, sound, world
from tests.faulty import Changed

STORY = Story(BatchConfig(jobs=(Job(prompt="fox"),)))


async def given_up(made: World) -> str:
    """A process died in its call, and another one has put that in doubt; where its answer goes."""
    lease = await made.ledger.leases.claim(f"run:{RUN}", made.clock.now, LEASE)
    assert lease
    await made.ledger.runs.begin(lease, made.clock.now)
    await made.ledger.runs.start(lease, 0, 1, 1, None, made.clock.now)
    made.clock.now += LEASE
    await made.live(Process(made))
    view = await made.view()
    assert [item.state for item in view.items] == [ItemState.IN_DOUBT]
    return spool_key(RUN, view.items[0], 1)


async def arrives(made: World, key: str) -> None:
    async with made.spool.receive(key) as writer:
        await writer.write(b"a fox")


async def test_a_run_that_ended_in_doubt_is_looked_at_when_its_answer_is_there(
    empty: Path,
) -> None:
    async with world(STORY, empty) as made:
        key = await given_up(made)
        queue = Queue()
        late = Late(made.ledger.runs, queue, made.clock)

        await late.look(made.spool.on_disk())
        before = list(queue.tasks)
        await arrives(made, f"{key}.answer")
        await late.look(made.spool.on_disk())

        assert before == []
        assert queue.tasks == [(Task.RUN, RUN)]
        await arrives(made, key)  # as the provider of this world calls it
        await made.live(Process(made))
        assert [item.state for item in (await made.view()).items] == [ItemState.SUCCEEDED]
        await late.look([f"{key}.answer"])
        assert queue.tasks == [(Task.RUN, RUN)]


async def test_it_is_looked_at_until_it_is_settled_after_longer_and_longer_pauses(
    empty: Path,
) -> None:
    """A store, a disk or a gateway may be away for days; and no worker may be busy with it."""
    async with world(STORY, empty) as made:
        key = await given_up(made)
        queue, clock, when = Queue(), Clock(), []
        late = Late(made.ledger.runs, queue, clock)
        await arrives(made, f"{key}.answer")

        while clock.now - START < timedelta(days=2):
            before = len(queue.tasks)
            await late.look(made.spool.on_disk())
            when += [(clock.now - START).total_seconds()] * (len(queue.tasks) - before)
            clock.pass_(seconds=15)

        assert when[:6] == [0, 15, 45, 90, 180, 345]
        assert {end - start for start, end in pairwise(when[-20:])} == {3600}


async def test_a_queue_that_was_away_gets_it_at_once_when_it_is_back(empty: Path) -> None:
    async with world(STORY, empty) as made:
        key = await given_up(made)
        queue, clock = Queue(away=True), Clock()
        late = Late(made.ledger.runs, queue, clock)
        await arrives(made, f"{key}.answer")

        for _ in range(100):
            with pytest.raises(ConnectionError):
                await late.look(made.spool.on_disk())
            clock.pass_(seconds=15)
        queue.away = False
        await late.look(made.spool.on_disk())

        assert queue.tasks == [(Task.RUN, RUN)]


async def test_a_clock_that_is_set_back_holds_nothing_up(empty: Path) -> None:
    async with world(STORY, empty) as made:
        key = await given_up(made)
        queue, clock = Queue(), Clock()
        late = Late(made.ledger.runs, queue, clock)
        await arrives(made, f"{key}.answer")

        await late.look(made.spool.on_disk())
        clock.pass_(days=-1)
        await late.look(made.spool.on_disk())

        assert len(queue.tasks) == 2


class Sleeper(Changed):
    """Runs whose worker falls asleep as soon as it has ended one."""

    def __init__(self, runs: Runs, meanwhile: Callable[[], Awaitable[None]]) -> None:
        super().__init__(runs)
        self._meanwhile = meanwhile

    async def finish(self, *words: object) -> None:
        await self._port.finish(*words)
        await self._meanwhile()


async def test_whoever_sleeps_before_it_clears_the_spool_leaves_what_was_ordered_meanwhile(
    empty: Path,
) -> None:
    async with world(replace(STORY, again=True), empty) as made:

        async def heir() -> Lease:
            made.clock.now += LEASE
            lease = await made.ledger.leases.claim(f"run:{RUN}", made.clock.now, LEASE)
            assert lease
            await made.ledger.runs.begin(lease, made.clock.now)
            return lease

        async def ordered() -> None:
            await made.order_again()
            await made.ledger.runs.start(await heir(), 0, 2, 2, None, made.clock.now)
            await arrives(made, new)

        lease = await heir()
        refused = Settlement(failure=Failure.MODERATION)
        await made.ledger.runs.start(lease, 0, 1, 1, None, made.clock.now)
        await made.ledger.runs.settle(lease, 0, 1, refused, made.clock.now)
        (fox,) = (await made.view()).items
        old, new = (spool_key(RUN, fox, number) for number in (1, 2))
        await arrives(made, f"{old}.answer")  # a refusal comes as an answer, too
        sound_finish = sound(made, Process(made)).finish
        runs: Any = Sleeper(made.ledger.runs, ordered)

        await replace(sound_finish, runs=runs).finish(lease, RUN, lambda _: ())

        assert await made.spool.fetch(new)
        assert not await made.spool.fetch(f"{old}.answer")
