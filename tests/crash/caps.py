"""A hundred people order for ten cents each at the same moment, and the day has five dollars."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.simulators.github.threads import Comment
from tests.crash import ledger
from tests.crash.driver import World, serving, world
from tests.crash.machines import machine, shared_world
from tests.crash.nursery import Nursery
from tests.crash.postgres import fresh_database
from tests.crash.stories import reacted
from tests.crash.walk import quiet

RUNS, ACCEPTED = 100, 50
_DAY = 5_000_000  # micro-dollars
_SETTINGS = {
    "GPTIMAGE_MAX_COST_PER_DAY": "5",
    "GPTIMAGE_PRICES": '{"gpt-image-2.5-flare": {"per_image": 0.10}}',
}
_WEBS, _WORKERS = 3, 4


async def capped(nursery: Nursery, server: str, rounds: int) -> list[str]:
    """What happened, round by round, on one machine with SQLite and on many with PostgreSQL.

    It is `50`, or whatever else became of the hundred.
    """
    found = []
    for number in range(rounds):
        with TemporaryDirectory(prefix="caps-", ignore_cleanup_errors=True) as folder:
            one = _on_many(Path(folder), server) if number % 2 else _on_one(Path(folder), nursery)
            found.append(await one)
    return found


async def _on_one(folder: Path, nursery: Nursery) -> str:
    async with world(folder, nursery) as outside:
        outside.environment |= _SETTINGS
        async with serving(outside):
            return await _ordered(outside)


async def _on_many(folder: Path, server: str) -> str:
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(fresh_database(server))
        there = shared_world(folder, database, _WEBS, _SETTINGS)
        outside = await stack.enter_async_context(there)
        for number in range(_WORKERS):
            worker = machine(outside, f"worker-{number}", "worker", patience=120)
            await stack.enter_async_context(worker)
        return await _ordered(outside)


async def _ordered(outside: World) -> str:
    """All comment at once; gives how many were carried out, and what is wrong, if anything is."""
    issues = [await outside.open_issue() for _ in range(RUNS)]
    say = [outside.say(f"/batch\n\n- fox {issue}\n", issue) for issue in issues]
    commands = await asyncio.gather(*say)
    for command in commands:
        await reacted(command)
    await quiet(outside)  # the comment may change after the reaction
    books = await ledger.read(outside)
    done, held = len(books["runs"]), [row["committed"] for row in books["budgets"]]
    found = {
        "carried out": done,
        "billed": len(outside.images.billed),
        "with a picture": sum("<img" in answer.body for answer in outside.answers),
        "told of the cap": len(outside.refused & _confused(commands)),
    }
    well = {**dict.fromkeys(found, ACCEPTED), "told of the cap": RUNS - ACCEPTED}
    if found == well and max(held) == _DAY:
        return str(done)
    return f"{found}, {max(held)} of {_DAY} held"


def _confused(commands: Sequence[Comment]) -> set[int]:
    return {c.issue for c in commands if "confused" in {r.content for r in c.reactions}}
