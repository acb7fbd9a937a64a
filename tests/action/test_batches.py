"""A batch that a workflow names: images, outputs, the job's summary, and how the step ends."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.simulators.images import Fault, FaultKind, ImagesSimulator, Settings
from tests.action.commands import Command
from tests.action.conftest import ARTIFACT, KEY, Workflow, batch

OUTPUTS = [
    "run-id",
    "status",
    "total",
    "succeeded",
    "failed",
    "cancelled",
    "images",
    "total-cost",
    "in-doubt",
    "report",
    "output-dir",
    "artifact-url",
    "comment-url",
    "release-url",
    "estimate",
]


def read(path: Path) -> bytes:
    return path.read_bytes()


async def until(seen: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not seen():
            await asyncio.sleep(0.02)


async def test_the_images_are_an_artifact_and_the_outputs_name_them(workflow: Workflow) -> None:
    job = await workflow.run(config=batch("fox", "owl"))

    assert job.status == "success", job.log
    assert list(job.outputs) == OUTPUTS
    (artifact,) = job.artifacts.values()
    assert sorted(file.name for file in artifact.iterdir()) == ["fox.png", "owl.png", "report.json"]
    paths = [Path(path) for path in json.loads(job.outputs["images"])]
    assert [path.name for path in paths] == ["fox.png", "owl.png"]
    assert all(read(path).startswith(b"\x89PNG") for path in paths)
    facts = ("status", "total", "succeeded", "failed", "cancelled", "in-doubt", "artifact-url")
    assert [job.outputs[name] for name in facts] == [
        *("completed", "2", "2", "0", "0", "0.0"),
        ARTIFACT,
    ]
    assert float(job.outputs["total-cost"]) > 0
    report = json.loads(read(Path(job.outputs["report"])))
    assert report["run_id"] == job.outputs["run-id"]
    assert job.commands == []


async def test_the_summary_is_what_a_thread_would_say(workflow: Workflow) -> None:
    job = await workflow.run(config=batch("fox"))

    assert job.summary.startswith("### ✅ 1 image\n")
    assert "| fox.png | fox |" in job.summary
    assert "/batch" not in job.summary  # nobody could post it here
    assert f"Run `{job.outputs['run-id']}` for maya" in job.summary


async def test_a_file_may_be_yaml_and_its_images_go_where_it_says(workflow: Workflow) -> None:
    job = workflow.job("push")
    (job.workspace / "images.yml").write_text(
        "output_dir: made\njobs:\n  - prompt: fox\n    output_path: a/fox.png\n    quality: low\n"
    )

    await workflow.run(job, config_file="images.yml", destination="directory")

    assert job.status == "success", job.log
    assert (job.workspace / "made" / "a" / "fox.png").exists()
    assert job.outputs["output-dir"] == str(job.workspace / "made")
    assert job.artifacts == {}
    assert job.outputs["artifact-url"] == ""
    assert Path(job.outputs["report"]).parent != job.workspace / "made"


async def test_every_fault_of_a_file_is_shown_at_its_line(
    workflow: Workflow, images: ImagesSimulator
) -> None:
    job = workflow.job("push")
    (job.workspace / "prompts").mkdir()
    (job.workspace / "prompts" / "a,b.json").write_text(
        '{\n  "jobs": [\n    {"prompt": "fox"},\n    {"prompt": "owl",\n'
        '     "size": "huge"}\n  ],\n  "max_concurent": 3\n}\n'
    )

    await workflow.run(job, config_file="prompts/a,b.json")

    assert job.status == "failure"
    shown = [(each.name, each.properties) for each in job.commands]
    file = {"file": "prompts/a,b.json"}
    assert shown == [
        ("error", {**file, "line": "7", "col": "3"}),
        ("error", {**file, "line": "5", "col": "6"}),
    ]
    assert "max_concurrent" in job.commands[0].data
    assert job.outputs["status"] == "invalid"
    assert "2 things to mend" in job.summary
    assert "run the workflow again" in job.summary
    assert "comment" not in job.summary
    assert images.calls == []


async def test_a_text_that_is_no_json_is_shown_at_its_line(workflow: Workflow) -> None:
    job = workflow.job("push")
    (job.workspace / "broken.json").write_text('{\n  "jobs": [,]\n}\n')

    await workflow.run(job, config_file="broken.json")

    (told,) = job.commands
    assert told.properties == {"file": "broken.json", "line": "2", "col": "12"}


@pytest.mark.parametrize(
    ("fail_on", "prompts", "ends", "status"),
    [
        ("any", ("fox", "Miyazaki"), "failure", "partial"),
        ("all", ("fox", "Miyazaki"), "success", "partial"),
        ("all", ("Miyazaki",), "failure", "failed"),
        ("never", ("Miyazaki",), "success", "failed"),
    ],
)
async def test_missing_images_fail_the_step_as_it_was_told(
    workflow: Workflow, fail_on: str, prompts: tuple[str, ...], ends: str, status: str
) -> None:
    job = await workflow.run(config=batch(*prompts), fail_on=fail_on)

    assert (job.status, job.outputs["status"]) == (ends, status), job.log
    level = "error" if ends == "failure" else "warning"
    assert [each.name for each in job.commands] == [level]
    assert len(job.artifacts) == 1  # the report is there in any case


async def test_an_estimate_needs_no_key_and_makes_nothing(
    workflow: Workflow, images: ImagesSimulator
) -> None:
    job = await workflow.run(config=batch("fox"), command="estimate", openai_api_key="")

    assert job.status == "success", job.log
    assert json.loads(job.outputs["estimate"])["images"] == 1
    assert job.outputs["status"] == "estimated"
    assert "🧮 1 image would cost" in job.summary
    assert "/batch" not in job.summary
    assert images.calls == []
    assert job.artifacts == {}


async def test_words_may_stand_for_a_comment(workflow: Workflow, images: ImagesSimulator) -> None:
    words = "Good morning\n\n/batch --quality low --size 1536x1024\n\n- a red fox\n- an owl\n"

    job = await workflow.run(comment=words)

    assert job.outputs["succeeded"] == "2", job.log
    assert {call.sent["size"] for call in images.calls} == {"1536x1024"}


async def test_words_that_ask_for_a_price_are_given_no_image(
    workflow: Workflow, images: ImagesSimulator
) -> None:
    job = await workflow.run(comment="/estimate\n\n- a fox", command="batch")

    assert job.outputs["status"] == "estimated"
    assert images.calls == []


async def test_words_without_a_command_are_left_in_peace(workflow: Workflow) -> None:
    job = await workflow.run(comment="Good morning")

    assert (job.status, job.outputs["status"]) == ("success", "ignored")


@pytest.mark.parametrize(
    ("inputs", "complaint"),
    [
        ({}, "give the batch in config or config-file"),
        ({"config": "{}", "config_file": "a.json"}, "config, config-file: give one of them"),
        ({"config_file": "missing.json"}, "missing.json: cannot be read"),
        ({"config": batch("fox"), "openai_api_key": ""}, "openai-api-key is required"),
        ({"config": batch("fox"), "fail_on": "sometimes"}, "fail-on: "),
        ({"comment": "/batch status"}, "Without a thread"),
    ],
)
async def test_a_mistake_is_told_in_words(
    workflow: Workflow, images: ImagesSimulator, inputs: dict[str, str], complaint: str
) -> None:
    job = await workflow.run(None, **inputs)

    assert job.status == "failure"
    assert complaint in job.log
    assert images.calls == []


async def test_the_cap_of_the_step_narrows_that_of_the_batch(
    workflow: Workflow, images: ImagesSimulator
) -> None:
    job = await workflow.run(config=batch("fox", max_cost=5), max_cost="0.0001")
    kept = await workflow.run(config=batch("fox", max_cost=0.0001), max_cost="5")

    for each in (job, kept):
        assert (each.status, each.outputs["status"]) == ("failure", "refused")
        assert [command.name for command in each.commands] == ["error"]
    assert images.calls == []


async def test_a_call_that_may_be_billed_is_told_with_its_amount(
    workflow: Workflow, images: ImagesSimulator
) -> None:
    images.faults.append(Fault(FaultKind.SERVER_ERROR))

    job = await workflow.run(config=batch("fox"))

    assert len(images.calls) == 1
    assert float(job.outputs["in-doubt"]) > 0
    assert "1 image is in doubt" in job.summary


# --- a job that is cancelled --------------------------------------------------------------------


async def test_what_was_finished_is_uploaded_when_the_job_is_cancelled(
    workflow: Workflow, images: ImagesSimulator
) -> None:
    images.settings = Settings(latency_ms=1500)
    job = workflow.job()
    running = asyncio.create_task(
        workflow.run(job, config=batch("fox", "owl", "bear", max_concurrent=1))
    )
    await until(lambda: len(images.calls) == 2)
    job.cancelled.set()
    await running

    assert job.status == "cancelled"
    # The call under way was awaited, and nothing was begun after it.
    assert len(images.calls) == 2
    (artifact,) = job.artifacts.values()
    assert {file.name for file in artifact.glob("*.png")} == {"fox.png", "owl.png"}
    assert job.outputs["status"] == "cancelled"
    assert [job.outputs[name] for name in ("succeeded", "cancelled")] == ["2", "1"]
    assert job.outputs["artifact-url"] == ARTIFACT
    assert "### " in job.summary


async def test_a_call_that_outlasts_the_runners_patience_is_written_down_as_in_doubt(
    workflow: Workflow, images: ImagesSimulator
) -> None:
    job = workflow.job()
    images.settings = Settings(latency_ms=4000)
    job.patience = (0.3, 5.0)
    running = asyncio.create_task(workflow.run(job, config=batch("fox", "owl", max_concurrent=1)))
    await until(lambda: len(images.calls) == 2)
    job.cancelled.set()
    await running

    assert job.status == "cancelled"
    (artifact,) = job.artifacts.values()
    report = json.loads((artifact / "report.json").read_text())
    assert [(each["status"], each["charge"]) for each in report["results"]] == [
        ("completed", "paid"),
        ("failed", "in_doubt"),
    ]
    assert float(job.outputs["in-doubt"]) == report["in_doubt"] > 0
    assert "1 image is in doubt" in job.summary
    assert job.summary.count("###") == 1


async def test_the_key_is_nowhere_to_be_read(workflow: Workflow) -> None:
    job = await workflow.run(config=batch(f"a fox with {KEY}"), fail_on="never")

    assert KEY not in job.log + job.summary
    assert not [each for each in job.commands if each == Command("add-mask", KEY)]
