"""A comment, answered by the steps of action.yml, between a simulated GitHub and image API."""

import json
import re
from pathlib import Path

import pytest

from bot.simulators.images.faults import Fault, FaultKind
from tests.action.conftest import ARTIFACT, KEY, USES, Workflow, facts_of
from tests.action.runner import Job
from tests.action.test_batches import read
from tests.action.test_hostile import hostile, nothing_happened
from tests.entrypoints.action.world import World


@pytest.fixture
def images_url(the: World) -> str:
    return the.environment["INPUT_OPENAI_BASE_URL"]


async def answered(the: World, workflow: Workflow, body: str, by: str = "maya", **more: str) -> Job:
    """The job that GitHub starts for a comment, to its end."""
    event = json.loads(the.events[await the.write(body, by=by)].read_bytes())
    facts = facts_of(the, actor=by)
    job = Job(workflow.home / f"job-{len(workflow.jobs)}", USES, "issue_comment", event, facts)
    workflow.jobs.append(job)
    return await workflow.run(job, **more)


async def test_images_are_an_artifact_and_the_bill_is_in_the_thread(
    the: World, workflow: Workflow
) -> None:
    job = await answered(the, workflow, "/batch --quality low\n\n- a red fox\n- an owl")

    assert job.status == "success", job.log
    (artifact,) = job.artifacts.values()
    assert len(list(artifact.glob("*.png"))) == 2
    assert (artifact / "report.json").exists()
    assert the.answer.startswith("### ✅ 2 images")
    assert the.answer.count(f"📦 [All files]({ARTIFACT})") == 1
    assert job.outputs["comment-url"]
    assert [job.outputs[name] for name in ("status", "succeeded")] == ["completed", "2"]


async def test_another_job_still_knows_a_run_whose_artifact_was_linked(
    the: World, workflow: Workflow
) -> None:
    await answered(the, workflow, "/batch --quality low\n\n- a red fox")
    await answered(the, workflow, "/batch status")

    assert "is over" in the.answers[-1]


async def test_a_later_job_keeps_the_link_to_what_an_earlier_one_handed_over(
    the: World, workflow: Workflow
) -> None:
    the.images.faults.append(Fault(FaultKind.SERVER_ERROR, prompt="owl"))
    await answered(the, workflow, "/batch --quality low\n\n- a red fox\n- an owl")
    order = re.search(r"/batch retry \w+ doubt 2", the.answer)
    assert order is not None
    assert f"({ARTIFACT})" in the.answer
    await answered(the, workflow, order[0], destination="directory")

    assert the.answers[0].startswith("### ✅ 2 images")
    assert f"({ARTIFACT})" in the.answers[0]


async def test_a_release_needs_no_artifact(the: World, workflow: Workflow) -> None:
    job = await answered(the, workflow, "/batch\n\n- a red fox", destination="release")

    assert job.status == "success", job.log
    assert job.artifacts == {}
    assert "/releases/" in job.outputs["release-url"]


async def test_what_no_release_and_no_branch_takes_is_in_the_artifact(
    the: World, workflow: Workflow
) -> None:
    wanted = {"contents": "read", "issues": "write"}
    the.token = the.github.tokens.issue(wanted, the.github.now()).value
    job = await answered(the, workflow, "/batch\n\n- a red fox", destination="release")

    assert job.status == "success", job.log
    (artifact,) = job.artifacts.values()
    assert len(list(artifact.glob("*.png"))) == 1
    assert [path for path in json.loads(job.outputs["images"]) if read(Path(path))]
    assert "contents: write" in the.answer
    assert "They are in the artifact of this job." in the.answer
    assert f"({ARTIFACT})" in the.answer


async def test_an_ordinary_comment_ends_quietly(the: World, workflow: Workflow) -> None:
    job = await answered(the, workflow, "What a fine fox!", openai_api_key="")

    assert (job.status, job.log.strip(), job.summary) == ("success", "", "")
    assert {name: value for name, value in job.outputs.items() if value} == {"status": "ignored"}
    assert the.answers == []


async def test_a_stranger_spends_nothing(the: World, workflow: Workflow) -> None:
    job = await answered(the, workflow, "/batch\n\n- a red fox", by="passer-by")

    assert job.status == "success", job.log
    assert job.outputs["status"] == "ignored"
    assert the.images.calls == []
    assert job.artifacts == {}


async def test_a_price_is_told_without_a_key(the: World, workflow: Workflow) -> None:
    job = await answered(
        the, workflow, "/estimate\n\n- a red fox", command="estimate", openai_api_key=""
    )

    assert job.status == "success", job.log
    assert "would cost" in the.answer
    assert json.loads(job.outputs["estimate"])["images"] == 1
    assert job.outputs["status"] == "estimated"
    assert the.images.calls == []


async def test_hostile_words_of_a_thread_are_text(the: World, workflow: Workflow) -> None:
    words = hostile(workflow.home)

    job = await answered(the, workflow, f"/batch --quality low\n\n- a fox {words}\n\n{words}")

    nothing_happened(job)
    assert KEY not in "".join(the.answers)
