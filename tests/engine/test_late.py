"""A paid answer that comes in after its run has ended is found, whoever has died meanwhile."""

from pathlib import Path

import pytest

from bot.core.batch import BatchConfig, Job
from bot.core.errors import LeaseLost
from bot.core.ports import Settlement, Task
from bot.core.pricing import Money
from bot.core.run import ItemState, RunState
from bot.engine.late import Late
from bot.engine.runner import spool_key
from tests.engine.desk import Queue
from tests.engine.story import Story
from tests.engine.world import LEASE, RUN, Process, World, sound, world

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
        late = Late(made.ledger.runs, queue)

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


async def test_it_is_looked_at_until_it_is_settled_but_not_for_ever(empty: Path) -> None:
    async with world(STORY, empty) as made:
        key = await given_up(made)
        queue = Queue()
        late = Late(made.ledger.runs, queue)
        await arrives(made, f"{key}.answer")

        for _ in range(30):
            await late.look(made.spool.on_disk())

        assert len(queue.tasks) == 20


async def test_whoever_has_lost_a_run_clears_no_spool(empty: Path) -> None:
    """Somebody may have ordered more of it, and paid."""

    def lost() -> None:
        raise LeaseLost("a worker slept here")

    async with world(STORY, empty) as made:
        lease = await made.ledger.leases.claim(f"run:{RUN}", made.clock.now, LEASE)
        assert lease
        await made.ledger.runs.begin(lease, made.clock.now)
        await made.ledger.runs.start(lease, 0, 1, 1, None, made.clock.now)
        await made.ledger.runs.settle(lease, 0, 1, Settlement(cost=Money(4)), made.clock.now)
        key = spool_key(RUN, (await made.view()).items[0], 1)
        await arrives(made, key)

        with pytest.raises(LeaseLost):
            await sound(made, Process(made)).finish.finish(lease, RUN, lambda _: (), lost)

        assert await made.spool.fetch(key)
        assert (await made.view()).run.state is RunState.DONE
