"""Jobs that meet a run of another one: it is dead, it is alive, or nobody tells."""

import asyncio
from pathlib import Path

import pytest

from bot.core.killpoints import Point
from bot.simulators.github.faults import Fault, FaultKind
from tests.entrypoints.action.world import KILLED, World, until, world

FOUR = """/batch --quality low --size 1024x1024 --max-concurrent 1

- a red fox
- a blue owl
- a green cat
- a grey dog
"""
EIGHT = FOUR + "".join(f"- hen {number}\n" for number in range(4))  # more than a record names
ENDED = "| Estimated |"


async def killed(the: World, words: str = FOUR, *, at: Point = Point.REQUEST_SENT) -> int:
    """A command whose job, the workflow's run 11, dies at its second call."""
    command = await the.write(words)
    job = await the.start(command, GITHUB_RUN_ID="11", GPTIMAGE_KILL_POINT=f"{at}:2")
    ended = await job.end()
    assert ended.code == KILLED, ended.log
    return command


@pytest.mark.parametrize("words", ["/batch status", "/batch cancel"])
async def test_whoever_asks_settles_the_run_of_a_dead_job(the: World, words: str) -> None:
    await killed(the)
    the.knows("11", status="completed")
    assert ENDED not in the.answers[0]
    before = dict(the.calls)

    asked = await the.say(words, GITHUB_RUN_ID="12")

    assert asked.code == 0, asked.log
    assert ENDED in the.answers[0]
    assert "in doubt" in the.answers[0]
    assert dict(the.calls) == before


@pytest.mark.parametrize("at", [Point.INTENT_COMMITTED, Point.REQUEST_SENT, Point.ATTEMPT_SETTLED])
async def test_a_retry_goes_on_where_a_dead_job_ended_and_pays_nothing_twice(
    the: World, at: Point
) -> None:
    await killed(the, EIGHT, at=at)
    the.knows("11", status="completed")

    retried = await the.say("/batch retry", GITHUB_RUN_ID="12")
    again = await the.say("/batch retry", GITHUB_RUN_ID="13")

    assert set(the.calls.values()) == {1}, retried.log
    assert len(the.calls) < 8, "what had been announced waits for a person"
    assert "hen 3" in the.calls, "what had not been announced is made"
    assert ENDED in the.answers[0]
    assert "doubt" in the.answers[1], "what is left has to be named"
    assert again.code == 0, again.log


async def test_a_retry_that_dies_is_gone_on_with_by_the_next_one(the: World) -> None:
    await killed(the, EIGHT)
    the.knows("11", status="completed")
    retry = await the.write("/batch retry")
    point = f"{Point.REQUEST_SENT}:1"
    first = await (await the.start(retry, GITHUB_RUN_ID="12", GPTIMAGE_KILL_POINT=point)).end()
    assert first.code == KILLED, first.log
    the.knows("12", status="completed")

    await the.job(retry, GITHUB_RUN_ID="12", GITHUB_RUN_ATTEMPT="2")
    await the.say("/batch retry", GITHUB_RUN_ID="13")

    assert set(the.calls.values()) == {1}
    assert ENDED in the.answers[0]


async def test_a_run_whose_job_is_alive_is_left_alone(tmp_path: Path) -> None:
    async with world(tmp_path, latency_ms=2000) as the:
        command = await the.write(FOUR)
        running = await the.start(command, GITHUB_RUN_ID="11")
        the.knows("11")
        await until(lambda: the.calls)

        refused = await the.say("/batch retry", GITHUB_RUN_ID="12")
        twin = await the.job(command, GITHUB_RUN_ID="13")
        await running.end()

        assert "still at work" in the.answers[1], refused.log
        assert "Another job is at work" in twin.log
        assert twin.code == 0
        assert len(the.answers) == 2, "the twin says nothing in the thread"
        assert set(the.calls.values()) == {1}
        assert len(the.calls) == 4


@pytest.mark.parametrize("status", [403, 404])
async def test_where_github_does_not_tell_the_retry_says_what_settles_the_run(
    the: World, status: int
) -> None:
    command = await killed(the)
    the.github.faults.add(Fault(path="actions/runs", status=status, times=9))
    before = dict(the.calls)

    await the.say("/batch retry", GITHUB_RUN_ID="12")
    await the.job(command, GITHUB_RUN_ID="13")

    assert dict(the.calls) == before
    assert "/acme/posters/actions/runs/11" in the.answers[1]
    assert "actions: read" in the.answers[1]

    await the.job(command, GITHUB_RUN_ID="11", GITHUB_RUN_ATTEMPT="2")

    assert ENDED in the.answers[0]
    assert set(the.calls.values()) == {1}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("/batch status", "of 4 images. Whether its job is over"),
        ("/batch cancel", "is asked to stop"),
    ],
)
async def test_where_github_does_not_tell_the_answer_names_what_settles_the_run(
    the: World, words: str, said: str
) -> None:
    await killed(the)
    the.github.faults.add(Fault(path="actions/runs", status=403, times=9))
    before = dict(the.calls)

    await the.say(words, GITHUB_RUN_ID="12")

    assert said in the.answers[1]
    assert "/acme/posters/actions/runs/11" in the.answers[1]
    assert dict(the.calls) == before


async def test_two_jobs_of_one_comment_that_begin_at_once_pay_once(the: World) -> None:
    command = await the.write(FOUR)
    the.knows("11")
    the.knows("12")
    # Both have read the thread before either says anything in it.
    busy, path = FaultKind.SECONDARY_LIMIT, "issues/1/comments"
    the.github.faults.add(Fault(busy, "POST", path, retry_after=5, times=2))

    first, second = await asyncio.gather(
        the.start(command, GITHUB_RUN_ID="11"), the.start(command, GITHUB_RUN_ID="12")
    )
    ended = await asyncio.gather(first.end(), second.end())

    assert not the.calls or set(the.calls.values()) == {1}, "an image was paid for twice"
    assert any("Another job is at work" in each.log for each in ended)
