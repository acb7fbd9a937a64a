"""`kill -9` at every named step of the bot: nothing is paid twice, nothing lost, one comment.

In each walk `gptimage serve` dies at one step, starts again, and brings the story to its end; then
it is judged from outside. `make crash` takes every step in every story, and on PostgreSQL, too.
"""

import asyncio
from pathlib import Path

import pytest

from bot.core.killpoints import Point
from tests.crash import command
from tests.crash.nursery import the_nursery
from tests.crash.stories import ELSEWHERE, STORIES
from tests.crash.walk import Result, Site, walk

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

# Recovery has something to do only after another death.
FIRST_DEATHS = {Point.RECOVERING: [f"{Point.DELIVERY_STORED}:1"]}

# A cancel, an estimate and a retry that is killed as it is stored: see test_kill_orders.py.
OTHER_STORIES = [
    *(("missed", f"{point}:1") for point in STORIES["missed"].also),
    ("side by side", f"{Point.REQUEST_SENT}:2"),
    ("retry", f"{Point.ANSWER_HALF_READ}:1"),
    ("branch", f"{Point.ASSET_UPLOADED}:2"),
    ("branch", f"{Point.FILES_PUBLISHED}:1"),
    ("directory", f"{Point.FILES_PUBLISHED}:1"),
    ("reference", f"{Point.ANSWER_SPOOLED}:1"),
]

# Whoever takes up a dead one's run dies, too: after the call in doubt, or with its answer in hand.
AGAIN = [
    [f"{Point.REQUEST_SENT}:1", f"{Point.RECOVERING}:1"],
    [f"{Point.REQUEST_SENT}:1", f"{Point.ATTEMPT_SETTLED}:1"],
    [f"{Point.ANSWER_SPOOLED}:1", f"{Point.ATTEMPT_SETTLED}:1", f"{Point.ATTEMPT_SETTLED}:1"],
    [f"{Point.ANSWER_SPOOLED}:1", f"{Point.INTENT_COMMITTED}:1"],
    [f"{Point.COMMENT_INTENDED}:1", f"{Point.COMMENT_POSTED}:1"],
]


async def walked(story: str, chain: list[str], folder: Path) -> Result:
    result = Result(story)
    site = Site(result, folder, the_nursery(), asyncio.Semaphore(1))
    await walk(site, STORIES[story], chain)
    assert result.kills == chain, f"a step was never reached\n{result.violations}"
    assert result.violations == [], result.log
    return result


@pytest.mark.parametrize("point", [point for point in Point if point not in ELSEWHERE])
async def test_a_death_here_costs_nobody_anything(point: Point, tmp_path: Path) -> None:
    chain = [*FIRST_DEATHS.get(point, []), f"{point}:1"]

    result = await walked("batch", chain, tmp_path)

    assert result.doubts in DOUBTS.get(point, (0,))
    assert result.kept or point is not Point.ANSWER_SPOOLED, "the judge knows it by another name"


@pytest.mark.parametrize(("story", "point"), OTHER_STORIES)
async def test_a_death_in_another_story_does_not_either(
    story: str, point: str, tmp_path: Path
) -> None:
    await walked(story, [point], tmp_path)


async def test_an_answer_that_is_on_its_way_to_the_store_is_used_and_paid_once(
    tmp_path: Path,
) -> None:
    result = await walked("shared spool", [f"{Point.SPOOLED_HERE}:1"], tmp_path)

    assert (result.kept, result.doubts) == (1, 0)


@pytest.mark.parametrize("chain", AGAIN, ids=" ".join)
async def test_the_death_of_whoever_takes_over_does_not_either(
    chain: list[str], tmp_path: Path
) -> None:
    await walked("batch", chain, tmp_path)


@pytest.mark.parametrize("point", command.POINTS)
async def test_a_death_of_the_command_does_not_either(point: Point, tmp_path: Path) -> None:
    result = Result(f"run, {point}")
    site = Site(result, tmp_path, the_nursery(), asyncio.Semaphore(1))

    await command.walk_command(site, f"{point}:1")

    assert result.kills, "the step was never reached"
    assert result.violations == []
