"""`kill -9` of a job at every step, and its re-run on another machine: nothing is paid twice."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from bot.core.killpoints import Point
from tests.entrypoints.action.world import KILLED, world

FOUR = """/batch --quality low --size 1024x1024 --max-concurrent 1

- a red fox
- a blue owl
- a green cat
- a grey dog
"""

Step = tuple[Point, int]
"""A step, and which pass of it."""

STEPS = [
    (Point.RUN_OPENED, 1),
    (Point.COMMENT_POSTED, 1),
    (Point.INTENT_COMMITTED, 3),
    (Point.REQUEST_SENT, 3),
    (Point.SPOOL_HALF_WRITTEN, 2),
    (Point.ATTEMPT_SETTLED, 2),
    (Point.FILES_PUBLISHED, 1),
    (Point.COMMENT_EDITED, 2),
    (Point.REPORT_STORED, 1),
]


@dataclass(frozen=True)
class Walk:
    died: int
    calls: dict[str, int]
    answers: list[str]
    after: list[str]
    log: str


async def walk(step: Step, folder: Path) -> Walk:
    async with world(folder) as the:
        command = await the.write(FOUR)
        first = await (await the.start(command, GPTIMAGE_KILL_POINT=f"{step[0]}:{step[1]}")).end()
        second = await (await the.start(command, GITHUB_RUN_ATTEMPT="2")).end()
        answers, calls = the.answers, dict(the.calls)
        third = await (await the.start(command, GITHUB_RUN_ATTEMPT="3")).end()
        assert dict(the.calls) == calls
        log = first.log + second.log + third.log
        return Walk(first.code, calls, answers, the.answers, log)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def walks(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Mapping[Step, asyncio.Task[Walk]]]:
    """Every walk once, several at a time: they wait more than they work."""
    places = asyncio.Semaphore(3)

    async def bounded(step: Step) -> Walk:
        async with places:
            return await walk(step, tmp_path_factory.mktemp(step[0]))

    tasks = {step: asyncio.create_task(bounded(step)) for step in STEPS}
    yield tasks
    await asyncio.gather(*tasks.values(), return_exceptions=True)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("step", STEPS, ids=lambda step: f"{step[0]}:{step[1]}")
async def test_a_killed_job_is_run_again_without_paying_again(
    walks: Mapping[Step, asyncio.Task[Walk]], step: Step
) -> None:
    seen = await walks[step]

    assert seen.died == KILLED, f"the step was never reached\n{seen.log}"
    assert set(seen.calls.values()) <= {1}, "an image was paid for twice"
    (answer,) = seen.answers
    assert "| Estimated |" in answer, "a final state is reached"
    assert seen.after == seen.answers, "a second re-run changes nothing"
    told = re.split(r"\n\| Files", answer)[0]
    for prompt in ("a red fox", "a blue owl", "a green cat", "a grey dog"):
        name = prompt.replace(" ", "-")
        row = next(line for line in answer.splitlines() if prompt in line and "|" in line)
        made, doubtful = "$0.0" in row, bool(re.search(rf"\d: {name}\S* \(\$0\.0", told))
        called = prompt in seen.calls
        assert not called or made or "⚠️" in row, f"{prompt} was paid for and is not told\n{answer}"
        assert made or "⚠️" in row, f"{prompt} is neither made nor in doubt\n{answer}"
        assert ("⚠️" in row) == doubtful or made, f"{prompt} has no amount\n{answer}"
