"""`kill -9` at every named step of the bot: nothing is paid twice, nothing lost, one comment.

Each walk starts `gptimage serve`, lets it die at one step, starts it again, and looks at what the
world saw: the calls that were billed, the comments that stand there, the pictures that load.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from bot.core.killpoints import Point
from tests.crash.driver import KILLED, World, serving, until, world
from tests.crash.nursery import the_nursery

COMMAND = """/batch --quality low --size 1024x1024 --max-concurrent 1

- a red fox
- a blue owl
"""
PROMPTS = ("a red fox", "a blue owl")

# How many images are in doubt after a death: one while its call is under way, whose outcome only
# the server knows. The next call is under way beside the reading and recording of an answer, and
# beside an edit of the comment.
DOUBTS = {
    Point.INTENT_COMMITTED: (1,),
    Point.REQUEST_SENT: (1,),
    Point.ANSWER_HALF_READ: (1,),
    Point.SPOOL_HALF_WRITTEN: (1,),
    Point.ANSWER_SPOOLED: (0, 1),
    Point.ATTEMPT_SETTLED: (0, 1),
    Point.COMMENT_EDITED: (0, 1),
}


# Steps of other stories: test_missed_deliveries.py and test_kill_orders.py.
ELSEWHERE = {
    *(Point.MISSED_RECORDED, Point.REDELIVERY_ASKED),
    *(Point.ESTIMATE_STORED, Point.CANCEL_STORED, Point.RETRY_STORED),
}
STEPS = [point for point in Point if point not in ELSEWHERE]

# Recovery has something to do only after another death.
FIRST_DEATHS = {Point.RECOVERING: Point.DELIVERY_STORED}


@dataclass(frozen=True)
class Walk:
    """What the world saw of one run with one death."""

    died: bool
    calls: dict[str, int]
    answers: tuple[str, ...]
    reactions: tuple[str, ...]
    loaded: int
    exit_code: int | None
    log: str


async def walk(point: Point, folder: Path) -> Walk:
    async with world(folder, the_nursery()) as outside:
        async with serving(outside, f"{FIRST_DEATHS.get(point, point)}:1") as first:
            command = await outside.say(COMMAND)
            await until(lambda: first.returncode is not None or outside.ended(command))
            died = first.returncode == KILLED
        if point in FIRST_DEATHS:
            async with serving(outside, f"{point}:1") as again:
                await until(lambda: again.returncode is not None or outside.ended(command))
                died = again.returncode == KILLED
        async with serving(outside) as second:
            await until(lambda: outside.ended(command))
        return Walk(
            died=died,
            calls=dict(outside.calls),
            answers=tuple(comment.body for comment in outside.answers),
            reactions=tuple(reaction.content for reaction in command.reactions),
            loaded=await _loaded(outside),
            exit_code=second.returncode,
            log="\n".join(outside.log),
        )


async def _loaded(outside: World) -> int:
    """How many pictures can be fetched that the last word leads to."""
    urls = re.findall(r'<a href="([^"]+)"><img', outside.answers[-1].body)
    async with httpx.AsyncClient(follow_redirects=True) as browser:
        answers = [await browser.get(url) for url in urls]
    return sum(answer.headers["content-type"].startswith("image/") for answer in answers)


@pytest.mark.parametrize("point", STEPS)
async def test_a_death_here_costs_nobody_anything(tmp_path: Path, point: Point) -> None:
    seen = await walk(point, tmp_path)

    assert seen.died, f"the step was never reached\n{seen.log}"
    assert seen.exit_code == 0, seen.log
    assert set(seen.calls.values()) <= {1}, "an image was paid for twice"
    assert len(seen.answers) == 1, "the thread has more than one answer"
    lost = len(PROMPTS) - seen.loaded
    assert lost in (DOUBTS.get(point, (0,))), seen.answers[0]
    assert ("in doubt" in seen.answers[0].partition("| Estimated")[0]) == bool(lost)
    assert seen.reactions == ("eyes", "rocket")
