"""Two `/batch retry` comments on one run within seconds: one job pays, and the other says who."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest

from bot.simulators.github.faults import Fault, FaultKind
from bot.simulators.images import Fault as ImageFault
from bot.simulators.images import FaultKind as ImageFaultKind
from tests.entrypoints.action.world import Ended, World, until

BATCH = """/batch
```json
{"retry_policy": {"max_retries": 0}, "jobs": [
  {"prompt": "fox", "quality": "low"}, {"prompt": "owl", "quality": "low"}]}
```
"""
BUSY = FaultKind.SECONDARY_LIMIT
OVER = timedelta(minutes=11)


@pytest.fixture
async def run(the: World) -> int:
    """The comment of a run whose owl has failed, for nothing."""
    the.images.faults.append(ImageFault(ImageFaultKind.RATE_LIMIT, prompt="owl", times=9))
    await the.say(BATCH, GITHUB_RUN_ID="11")
    the.images.faults.clear()
    the.knows("11", status="completed")
    (comment,) = (number for number, each in the.comments.items() if "gptimage-run" in each.body)
    assert the.calls == {"fox": 1}
    return comment


async def retried(the: World, number: str) -> Ended:
    the.knows(number)
    return await the.say("/batch retry", GITHUB_RUN_ID=number)


def paid_once(the: World, run: int) -> None:
    assert the.calls == {"fox": 1, "owl": 1}
    assert the.comments[run].body.startswith("### ✅ 2 images")
    assert the.reactions(run) == [], "whoever leads next is not kept waiting"


async def test_both_have_decided_before_either_takes_the_mark(the: World, run: int) -> None:
    path = f"issues/comments/{run}/reactions"
    the.github.faults.add(Fault(BUSY, "POST", path, retry_after=3, times=2))
    first = asyncio.create_task(retried(the, "12"))
    await until(lambda: the.github.faults.lines[0].times == 1)

    await retried(the, "13")
    await first

    paid_once(the, run)
    (refused,) = (text for text in the.answers[1:] if "still at work" in text)
    assert any(f"/actions/runs/{job}" in refused for job in (12, 13))


async def test_one_has_the_mark_and_has_not_said_so_yet(the: World, run: int) -> None:
    path = f"issues/comments/{run}$"
    the.github.faults.add(Fault(BUSY, "PATCH", path, retry_after=3, times=1))
    first = asyncio.create_task(retried(the, "12"))
    await until(lambda: the.reactions(run))

    await retried(the, "13")
    await first

    paid_once(the, run)
    assert any("/actions/runs/12" in text for text in the.answers[1:])


async def test_one_that_sleeps_before_its_claim_pays_nothing_when_it_wakes(
    the: World, run: int
) -> None:
    path = f"issues/comments/{run}$"
    the.github.faults.add(Fault(BUSY, "PATCH", path, retry_after=4, times=1))
    sleeper = asyncio.create_task(retried(the, "12"))
    await until(lambda: the.reactions(run))
    marks = the.comments[run].reactions
    marks[:] = [replace(mark, created_at=mark.created_at - OVER) for mark in marks]

    await retried(the, "13")
    await sleeper

    assert the.calls == {"fox": 1, "owl": 1}


async def test_a_leader_that_is_killed_keeps_nobody_from_leading(the: World, run: int) -> None:
    command = await the.write("/batch retry")
    the.knows("12")
    job = await the.start(command, GITHUB_RUN_ID="12", GPTIMAGE_KILL_POINT="intent-committed")
    await job.end()
    assert the.reactions(run) == ["rocket"]
    the.knows("12", status="completed")

    await retried(the, "13")

    assert the.reactions(run) == []
    assert "in doubt" in the.comments[run].body
    assert the.calls == {"fox": 1}, "what it had announced waits for a person"


async def test_a_mark_that_its_job_could_not_take_back_is_removed(the: World, run: int) -> None:
    path = f"issues/comments/{run}/reactions"
    the.github.faults.add(Fault(method="DELETE", path=path, status=403, times=1))
    the.images.faults.append(ImageFault(ImageFaultKind.RATE_LIMIT, prompt="owl", times=9))
    await retried(the, "12")
    assert the.reactions(run) == ["rocket"]
    the.images.faults.clear()

    await retried(the, "13")

    paid_once(the, run)
    edits = [body for _, body in the.comments[run].revisions]
    assert all(one != other for one, other in pairwise(edits))
