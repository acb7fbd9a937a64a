"""Images of other events on GitHub: jobs that die or are cancelled, and GitHub that refuses.

What the steps around it do: see `tests/action/test_onto_github.py`.
"""

import asyncio
import json
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.core.killpoints import Point
from bot.simulators.github import faults
from bot.simulators.images import Fault, FaultKind
from tests.action.conftest import batch
from tests.crash.nursery import the_nursery
from tests.entrypoints.action.world import KILLED, Ended, Job, World, until, world

FIVE = batch("fox", "owl", "bear", "hen", "elk", max_concurrent=1)


@dataclass(frozen=True)
class Step:
    """How a step ended, and its job's summary."""

    ended: Ended
    summary: str

    @property
    def outputs(self) -> Mapping[str, str]:
        return self.ended.outputs

    @property
    def images(self) -> set[str]:
        return {file.name for file in Path(self.outputs["output-dir"]).glob("*.png")}


async def start(
    the: World, config: str, machine: str = "one", *, destination: str = "release", **more: str
) -> Job:
    """A step that makes the batch, of workflow run 77; what is on a machine stays there."""
    temporary = the.folder / machine
    temporary.mkdir(exist_ok=True)
    (temporary / "output").unlink(missing_ok=True)
    variables = {
        **the.environment,
        "GITHUB_EVENT_NAME": "push",
        "GITHUB_RUN_ID": "77",
        "GITHUB_JOB": "images",
        "GITHUB_OUTPUT": str(temporary / "output"),
        "GITHUB_STEP_SUMMARY": str(temporary / "summary"),
        "RUNNER_TEMP": str(temporary),
        "HOME": str(temporary),
        "INPUT_CONFIG": config,
        "INPUT_DESTINATION": destination,
        **more,
    }
    process = await the_nursery().start(
        ["action"], env=variables, cwd=temporary, stderr=asyncio.subprocess.STDOUT
    )
    return Job(process, temporary, temporary / "output")


async def run(the: World, config: str, machine: str = "one", **more: str) -> Step:
    return await _end(await start(the, config, machine, **more))


async def _end(job: Job) -> Step:
    ended, summary = await job.end(), job.temporary / "summary"
    assert "Traceback" not in ended.log, ended.log
    return Step(ended, summary.read_text() if summary.exists() else "")


BOTH = pytest.mark.parametrize("destination", ["release", "branch"])


@BOTH
async def test_a_job_that_died_is_gone_on_with_and_nothing_is_paid_for_twice(
    the: World, destination: str
) -> None:
    kill = f"{Point.REQUEST_SENT}:2"
    died = await run(the, FIVE, destination=destination, GPTIMAGE_KILL_POINT=kill)
    again = await run(the, FIVE, "two", destination=destination, GITHUB_RUN_ATTEMPT="2")

    assert died.ended.code == KILLED
    assert died.outputs["upload"] == "true", "what was made is handed over all the same"
    assert set(the.calls.values()) == {1}
    assert "elk" in the.calls, "what had not been announced is made"
    assert "in doubt" in again.summary
    assert float(again.outputs["in-doubt"]) > 0
    assert (again.outputs["status"], again.outputs["upload"]) == ("partial", "false")


async def test_a_cancelled_job_leaves_its_images_to_the_artifact(tmp_path: Path) -> None:
    async with world(tmp_path, latency_ms=800) as the:
        config = batch("fox", "owl", "bear", max_concurrent=1)
        job = await start(the, config)
        await until(lambda: len(the.images.calls) == 2)
        job.process.send_signal(signal.SIGINT)
        cancelled = await _end(job)
        again = await run(the, config, "two", GITHUB_RUN_ATTEMPT="2")

    assert cancelled.images == {"fox.png", "owl.png"}
    assert [cancelled.outputs[name] for name in ("status", "upload")] == ["cancelled", "true"]
    assert the.calls == {"fox": 1, "owl": 1, "bear": 1}
    assert "see the artifact of that attempt" in again.summary
    assert again.images == {"bear.png"}


async def test_another_run_of_the_workflow_and_a_second_step_make_the_batch_anew(
    the: World,
) -> None:
    one = batch("fox")
    await run(the, one)
    await run(the, one, "two", GITHUB_RUN_ID="78")
    await run(the, one, "three", JOB_INDEX="1")
    await run(the, one)
    again = await run(the, one, "four", GITHUB_RUN_ATTEMPT="2")

    assert the.calls == {"fox": 4}
    assert len(the.github.releases.entries) == 4
    assert "An earlier attempt" in again.summary


async def test_an_immutable_release_gives_way_to_a_branch(tmp_path: Path) -> None:
    async with world(tmp_path, immutable_releases=True) as the:
        the.images.faults.append(Fault(FaultKind.RATE_LIMIT, prompt="bear", times=9))
        config = batch("fox", "bear", retry_policy={"max_retries": 0})
        await run(the, config)
        the.images.faults.clear()
        again = await run(the, config, "two", GITHUB_RUN_ATTEMPT="2")

    assert (again.ended.code, the.calls) == (0, {"fox": 1, "bear": 1})
    assert "Published on a branch instead" in again.summary
    assert again.summary.count("<img ") == 2


@BOTH
async def test_an_empty_repository_is_no_reason_for_silence(
    tmp_path: Path, destination: str
) -> None:
    async with world(tmp_path, empty=True) as the:
        made = await run(the, batch("fox"), destination=destination)

    assert (made.ended.code, made.images) == (0, {"fox.png"}), made.ended.log
    assert made.outputs["upload"] == "true"
    assert "at least one commit" in made.summary
    assert "paid for anew if the job were run again" in made.summary


async def test_where_github_does_not_tell_what_was_paid_nothing_is_begun(the: World) -> None:
    the.github.faults.add(faults.Fault(path="releases", status=502, times=99))
    refused = await run(the, batch("fox"))

    assert (refused.ended.code, refused.outputs["status"]) == (1, "failed")
    assert "::error::GitHub: " in refused.ended.log
    assert the.images.calls == []


async def test_images_that_github_will_not_take_now_are_in_the_artifact(the: World) -> None:
    upload = r"releases/\d+/assets"
    the.github.faults.add(faults.Fault(method="POST", path=upload, status=403, times=99))
    the.github.faults.add(faults.Fault(path="git/", status=403, times=99))
    made = await run(the, batch("fox"))

    assert (made.ended.code, made.outputs["upload"]) == (0, "true")
    assert "They are in the artifact of this job." in made.summary


async def test_a_record_that_another_key_has_signed_is_not_paid_for_again(the: World) -> None:
    await run(the, batch("fox"))
    again = await run(the, batch("fox"), "two", INPUT_OPENAI_API_KEY="sk-another-1234567890")

    assert again.ended.code == 2
    assert "another openai-api-key" in again.ended.log
    assert the.calls == {"fox": 1}


async def test_the_words_of_the_release_are_those_of_the_summary(the: World) -> None:
    made = await run(the, batch("fox"), INPUT_LANGUAGE="ja")

    (release,) = the.github.releases.entries.values()
    words, _, hidden = release.body.partition("<!-- gptimage-run:")
    assert made.summary.strip() == words.strip()
    assert hidden
    assert json.loads(made.outputs["images"])
