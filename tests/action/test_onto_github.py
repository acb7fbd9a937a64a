"""A batch of another event whose images go to a release or a branch, by the steps of action.yml."""

import json
import re
from pathlib import Path

import pytest

from bot.simulators.images import Fault, FaultKind
from tests.action.conftest import ARTIFACT, USES, Workflow, batch, facts_of
from tests.action.runner import Job
from tests.action.test_batches import read
from tests.entrypoints.action.world import World


@pytest.fixture
def images_url(the: World) -> str:
    return the.environment["INPUT_OPENAI_BASE_URL"]


async def run(
    the: World, workflow: Workflow, config: str, event: str, attempt: int = 1, **more: str
) -> Job:
    """An attempt of a job, on a new machine, to its end."""
    facts = facts_of(the, run_attempt=str(attempt), job="images")
    job = Job(workflow.home / f"job-{len(workflow.jobs)}", USES, event, {}, facts)
    workflow.jobs.append(job)
    return await workflow.run(job, config=config, **more)


async def test_images_of_a_push_are_in_a_release_and_the_summary_shows_them(
    the: World, workflow: Workflow
) -> None:
    job = await run(the, workflow, batch("fox", "owl"), "push", destination="release")

    assert job.status == "success", job.log
    (release,) = the.github.releases.entries.values()
    names = [asset.name for asset in release.assets.values()]
    assert sum(name.endswith(".png") for name in names) == 2
    assert "report.json" in names
    assert job.outputs["release-url"].endswith(f"/releases/tag/{release.tag}")
    assert (job.artifacts, job.outputs["artifact-url"]) == ({}, "")
    assert len(re.findall(r"<img [^>]*/releases/download/[^>]*thumb-", job.summary)) == 2
    assert "/batch" not in job.summary
    assert release.body.startswith("### ✅ 2 images"), "what the summary says, the release says"
    paths = [Path(path) for path in json.loads(job.outputs["images"])]
    assert [path.name for path in paths] == ["fox.png", "owl.png"]
    assert all(read(path).startswith(b"\x89PNG") for path in paths)


async def test_a_dispatched_job_that_is_run_again_pays_nothing_for_what_is_recorded(
    the: World, workflow: Workflow
) -> None:
    the.images.faults.append(Fault(FaultKind.SERVER_ERROR, prompt="owl"))
    the.images.faults.append(Fault(FaultKind.RATE_LIMIT, prompt="bear", times=9))
    config = batch("fox", "owl", "bear", retry_policy={"max_retries": 0})
    first = await run(the, workflow, config, "workflow_dispatch", destination="branch")
    the.images.faults.clear()
    again = await run(the, workflow, config, "workflow_dispatch", 2, destination="branch")

    assert first.outputs["status"] == again.outputs["status"] == "partial"
    assert first.outputs["run-id"] == again.outputs["run-id"]
    assert the.calls == {"fox": 1, "owl": 1, "bear": 1}, "owl is in doubt, and bear was free"
    assert "An earlier attempt of this job has begun this run" in again.summary
    assert again.summary.count("<img ") == 2
    assert again.outputs["release-url"] == first.outputs["release-url"]
    assert f"/tree/gptimage-{first.outputs['run-id']}" in first.outputs["release-url"]


async def test_who_may_not_write_has_the_images_in_the_artifact_and_is_told_why(
    the: World, workflow: Workflow
) -> None:
    the.token = the.github.tokens.issue({"contents": "read"}, the.github.now()).value
    job = await run(the, workflow, batch("fox"), "push", destination="release")

    assert job.status == "success", job.log
    (artifact,) = job.artifacts.values()
    assert sorted(file.name for file in artifact.iterdir()) == ["fox.png", "report.json"]
    assert "contents: write" in job.summary
    assert "They are in the artifact of this job." in job.summary
    assert "paid for anew if the job were run again" in job.summary
    assert [each.name for each in job.commands] == ["warning", "warning"]
    assert (job.outputs["artifact-url"], job.outputs["release-url"]) == (ARTIFACT, "")
