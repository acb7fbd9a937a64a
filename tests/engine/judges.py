"""What must be true of a story when it has ended."""

import asyncio
from datetime import timedelta
from pathlib import Path

from bot.core.errors import Charge
from bot.core.pricing import Money
from bot.core.run import ItemState, RunState, RunView
from tests.engine.story import Story
from tests.engine.world import RUN, Build, Process, World, sound, world

_HANGS = 20.0  # seconds for a story that takes a tenth of one


async def told(story: Story, empty: Path, build: Build = sound) -> list[str]:
    """Live the story to its end; says what is wrong with it."""
    async with world(story, empty, build) as made, asyncio.timeout(_HANGS):
        await made.live_all()
        if story.again:
            await made.order_again()
            await made.live_all()
        complaints = [*made.escaped, *await judge(made)]
        before, calls = await made.view(), made.server.calls
        await asyncio.create_task(made.live(Process(made)))
        if (await made.view(), made.server.calls) != (before, calls):
            complaints.append("a second recovery changed something")
        return complaints


async def judge(made: World) -> list[str]:
    view = await made.view()
    return [
        *_ended(view),
        *_paid_once(made, view),
        *_booked(made, view),
        *_kept(made, view),
        *_stopped(made, view),
        *_affordable(made, view, await made.committed()),
    ]


def _ended(view: RunView) -> list[str]:
    open_states = {ItemState.RESERVED, ItemState.STARTED}
    left = [item.item.index for item in view.items if item.state in open_states]
    return [
        *([] if view.run.state is RunState.DONE else [f"the run is {view.run.state}"]),
        *(f"item {index} has no end" for index in left),
    ]


def _paid_once(made: World, view: RunView) -> list[str]:
    """One bill for each time that a person asked, and repetitions only by their own policy."""
    policy = view.run.batch.retry_policy
    each = 1 + policy.max_retries if policy.retry_in_doubt else 1
    bills = {i.item.index: made.server.billed[f"{RUN}/{i.item.id}"] for i in view.items}
    return [
        f"item {item.item.index} was ordered {item.order} times, and paid {bills[item.item.index]}"
        for item in view.items
        if bills[item.item.index] > item.order * each
    ]


def _booked(made: World, view: RunView) -> list[str]:
    """Every call that may be billed stands in the ledger, with an amount; no other one does."""
    booked = {
        f"{RUN}/{item.item.id}-{a.number}": a.amount
        for item in view.items
        for a in item.attempts
        if a.charge is not Charge.NOT_CHARGED
    }
    return [
        *(
            f"{key} is billed, and free in the ledger"
            for key in made.server.keys
            if key not in booked
        ),
        *(f"{key} has no amount" for key, amount in booked.items() if amount is None),
    ]


def _kept(made: World, view: RunView) -> list[str]:
    """What was paid for and arrived is a success, and can be fetched."""
    succeeded = {
        f"{RUN}/{item.item.id}-{a.number}"
        for item in view.items
        for a in item.attempts
        if a.charge is Charge.PAID
    }
    whole = {i.item.index: f"half of {i.item.call.prompt}".encode() for i in view.items}
    return [
        *(f"{key} arrived, and is lost" for key in made.server.kept - succeeded),
        *(f"{key} never arrived, and counts as paid" for key in succeeded - made.server.kept),
        *(
            f"item {item.item.index} is not published"
            for item in view.items
            if item.winner
            and not (item.url and made.shelf.files.get(item.item.index) == whole[item.item.index])
        ),
    ]


def _stopped(made: World, view: RunView) -> list[str]:
    """A look at the wish to stop may be a second old, as it is at the next call."""
    if made.cancelled_at is None or made.story.again:
        return []
    late = made.cancelled_at + timedelta(seconds=3)
    started = [a.started_at for item in view.items for a in item.attempts]
    return [f"a call began at {start}, after the cancel" for start in started if start > late]


def _affordable(made: World, view: RunView, committed: Money) -> list[str]:
    spent = (view.paid or Money(0)) + (view.in_doubt or Money(0))
    (cap,) = made.caps
    return [
        *([f"{committed} is committed above the cap {cap.limit}"] if committed > cap.limit else []),
        *([f"{committed} is committed, {spent} is spent"] if committed != spent else []),
    ]
