"""`kill -9` between what a comment orders and what the thread is told: it happens once."""

import re
from pathlib import Path

from bot.core.killpoints import Point
from bot.simulators.github.threads import Comment
from bot.simulators.images import Settings
from tests.crash.driver import KILLED, World, serving, until, world
from tests.crash.nursery import the_nursery

FOX = "--quality low --size 1024x1024 --max-concurrent 1\n\n- a red fox\n"
MORE = "".join(f"- owl {number}\n" for number in range(6))


def reactions(comment: Comment) -> set[str]:
    return {reaction.content for reaction in comment.reactions}


async def dying(outside: World, point: Point, body: str) -> Comment:
    """Comment while a bot serves that dies of it."""
    async with serving(outside, f"{point}:1") as first:
        command = await outside.say(body)
        await until(lambda: first.returncode is not None)
        assert first.returncode == KILLED, outside.log
    return command


def line_of(outside: World) -> str:
    found = [re.search("/batch run [a-z2-7]{10}", comment.body) for comment in outside.answers]
    return next((line[0] for line in found if line), "")


async def test_an_estimate_is_told_once_and_runs_once(tmp_path: Path) -> None:
    async with world(tmp_path, the_nursery()) as outside:
        await dying(outside, Point.ESTIMATE_STORED, f"/estimate {FOX}")
        async with serving(outside):
            await until(lambda: line_of(outside))
        run = await dying(outside, Point.RUN_OPENED, line_of(outside))
        async with serving(outside):
            await until(lambda: outside.ended(run))
            late = await outside.say(line_of(outside))
            await until(lambda: "confused" in reactions(late))
        assert dict(outside.calls) == {"a red fox": 1}
        assert len(outside.answers) == 3
        assert "has been run already" in outside.answers[-1].body


async def test_a_cancel_is_kept_by_whoever_goes_on(tmp_path: Path) -> None:
    async with world(tmp_path, the_nursery()) as outside:
        outside.images.settings = Settings(latency_ms=400)
        async with serving(outside, f"{Point.CANCEL_STORED}:1") as first:
            run = await outside.say(f"/batch {FOX}{MORE}")
            await until(lambda: outside.images.calls)
            cancel = await outside.say("/batch cancel")
            await until(lambda: first.returncode is not None)
            assert first.returncode == KILLED
        before = sum(outside.calls.values())
        async with serving(outside):
            await until(lambda: outside.ended(run) and "rocket" in reactions(cancel))
        assert sum(outside.calls.values()) == before < 7
        (answer,) = outside.answers
        assert "Somebody cancelled this run." in answer.body


async def test_a_retry_calls_once_more_and_edits_the_same_comment(tmp_path: Path) -> None:
    async with world(tmp_path, the_nursery()) as outside:
        async with serving(outside):
            run = await outside.say("/batch\n\n- a castle by Miyazaki")
            await until(lambda: outside.ended(run))
        assert len(outside.images.calls) == 1
        again = await dying(outside, Point.RETRY_STORED, "/batch retry")
        async with serving(outside):
            await until(lambda: "rocket" in reactions(again) and len(outside.images.calls) == 2)
            await until(lambda: outside.ended(run))
        assert len(outside.images.calls) == 2
        assert len(outside.answers) == 1
