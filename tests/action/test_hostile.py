"""Whatever people write into a batch, a comment or an input, it stays text."""

import json
import re
from pathlib import Path

import pytest

from bot.simulators.images import ImagesSimulator
from tests.action.conftest import Workflow, batch
from tests.action.runner import Job
from tests.action.test_batches import OUTPUTS

MARK = "somebody-was-here"
EXPRESSION = "${{ github.token }}"


def hostile(place: Path) -> str:
    """Words that would do something in a shell, in a log, or in a file of the runner."""
    touch = f"touch {place / MARK}"
    return "\n".join(
        [
            f"a fox $({touch}) `{touch}` '; {touch}; ' \"; {touch}; \" $USER {EXPRESSION}",
            "::set-output name=status::owned",
            "::error file=x,line=1::owned",
            "##[error]owned ##[add-mask]a",
            "::add-mask::a",
            "::stop-commands::x",
            "%0A::error::owned%0D%0A::warning::owned",
            "EOF",
            "status=owned",
            "status<<EOF",
            "owned",
            "ghadelimiter_0",
            f"PATH={place}",
            "\r::error::owned\u2028::error::owned\x0b::error::owned",
        ]
    )


def nothing_happened(job: Job) -> None:
    assert not [file for file in job.home.rglob("*") if MARK in file.name]
    assert list(job.outputs) == OUTPUTS
    assert "owned" not in (job.outputs["status"], job.outputs["total"])
    assert set(job.env) == set()
    for command in job.commands:  # those of ours quote people, and are errors and warnings alone
        assert command.name in {"error", "warning"}
        assert command.properties.get("file") != "x"
        assert command.data != "owned"


async def test_a_prompt_is_text(workflow: Workflow, images: ImagesSimulator) -> None:
    job = workflow.job()
    words = hostile(job.workspace).replace(EXPRESSION, "")  # a variable to batches
    jobs = [{"prompt": words, "quality": "low"}, {"prompt": f"Miyazaki {words}", "quality": "low"}]

    await workflow.run(job, config=json.dumps({"jobs": jobs}))

    nothing_happened(job)
    assert job.outputs["status"] == "partial", job.log
    assert words in {call.sent["prompt"] for call in images.calls}


async def test_words_for_a_comment_are_text(workflow: Workflow, images: ImagesSimulator) -> None:
    job = workflow.job()
    words = hostile(job.workspace)

    await workflow.run(job, comment=f"{words}\n\n/batch --quality low\n\n- a fox\n")

    nothing_happened(job)
    assert len(images.calls) <= 1


async def test_a_wrong_batch_is_quoted_and_not_obeyed(workflow: Workflow) -> None:
    job = workflow.job("push")
    words = hostile(job.workspace)
    name = "::error::owned,line=3.json"
    (job.workspace / name).write_text(
        json.dumps({"jobs": [{"prompt": "fox", words: 1, "size": words, "model": words}]})
    )

    await workflow.run(job, config_file=name)

    nothing_happened(job)
    assert job.outputs["status"] == "invalid", job.log
    assert {command.properties["file"] for command in job.commands} == {name}


@pytest.mark.parametrize(
    "name",
    ["config", "config_file", "command", "destination", "output_dir", "max_cost", "language"],
)
async def test_an_input_is_text(workflow: Workflow, images: ImagesSimulator, name: str) -> None:
    job = workflow.job()

    await workflow.run(job, **{"config": batch("fox"), name: hostile(job.workspace)})

    nothing_happened(job)
    assert images.calls == []


async def test_an_estimate_says_nothing_that_people_wrote(workflow: Workflow) -> None:
    job = workflow.job()
    words = hostile(job.workspace).replace(EXPRESSION, "")

    await workflow.run(job, config=json.dumps({"jobs": [{"prompt": words}]}), command="estimate")

    nothing_happened(job)
    assert not re.search("owned", job.outputs["estimate"] + job.summary)
