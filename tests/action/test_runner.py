"""The runner in small does what GitHub's runner does; the stories beside it rest on that."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.action import runner
from tests.action.commands import Command, FileCommandError, commands, pairs
from tests.action.expressions import ExpressionError, Expressions
from tests.action.runner import Job

CONTEXTS = {
    "github": {"event": {"comment": {"body": "it's `$(date)` ${{ github.token }}"}}},
    "steps": {"one": {"outputs": {"count": "3"}}},
}

LOG = """\
a line
::error file=a%3Ab.yml,line=3::one%0Atwo %25
  ::warning::indented
behind ::error::is none
behind ##[error]is an old one
::stop-commands::token
::error::not read
::token::
::add-mask::secret
"""


def an_action(folder: Path, *steps: Mapping[str, Any], **more: Any) -> Path:
    definition = {"name": "a", "description": "b", **more}
    definition["runs"] = {"using": "composite", "steps": list(steps)}
    (folder / "action.yml").write_text(yaml.safe_dump(definition))
    return folder


def bash(script: str, **more: Any) -> dict[str, Any]:
    return {"run": script, "shell": "bash", **more}


async def ran(folder: Path, job: Job, expressions: Expressions, *steps: Any, **more: Any) -> None:
    await runner.run(an_action(folder, *steps, **more), job, {}, expressions)


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(tmp_path / "job", {})


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("nothing", "nothing"),
        ("${{ steps.one.outputs.count }} of ${{ 4 }}", "3 of 4"),
        ("${{ steps.two.outputs.count }}", ""),
        ("${{ 'a }} b' }}", "a }} b"),
        ("${{ github.event.comment.body }}", "it's `$(date)` ${{ github.token }}"),
        ("${{ steps.ONE.outputs.count == 3 && 'three' || 'other' }}", "three"),
        ("${{ always() }} ${{ failure() }}", "true false"),
    ],
)
async def test_expressions_are_githubs_own(
    github_expressions: Expressions, template: str, text: str
) -> None:
    assert await github_expressions.fill(template, CONTEXTS, "success") == text


async def test_an_expression_that_github_refuses_is_refused(
    github_expressions: Expressions,
) -> None:
    with pytest.raises(ExpressionError, match="secrets"):
        await github_expressions.evaluate("secrets.KEY", CONTEXTS, "success")


@pytest.mark.parametrize(
    ("condition", "status", "holds"),
    [
        ("success()", "success", True),
        ("success()", "failure", False),
        ("always()", "cancelled", True),
        ("failure()", "failure", True),
        ("failure()", "cancelled", False),
        ("cancelled()", "cancelled", True),
        ("steps.one.outputs.count == '3'", "success", True),
        ("steps.one.outputs.count == '3'", "failure", False),
        ("${{ always() && steps.one.outputs.count == '3' }}", "failure", True),
        ("steps.one.outputs.missing", "success", False),
    ],
)
async def test_a_condition_asks_for_success_unless_it_names_a_status(
    github_expressions: Expressions, condition: str, status: str, *, holds: bool
) -> None:
    assert await github_expressions.holds(condition, CONTEXTS, status) is holds


def test_commands_are_found_where_the_runner_finds_them() -> None:
    assert list(commands(LOG)) == [
        Command("error", "one\ntwo %", {"file": "a:b.yml", "line": "3"}),
        Command("warning", "indented"),
        Command("error", "is an old one"),
        Command("add-mask", "secret"),
    ]


def test_files_hold_lines_and_heredocs() -> None:
    assert pairs("a=1\nb<<END\ntwo\nlines=3\nEND\nc=x<<y\na=2\n") == {
        "a": "2",
        "b": "two\nlines=3",
        "c": "x<<y",
    }
    with pytest.raises(FileCommandError):
        pairs("a<<END\nnever ends")


async def test_steps_hand_on_outputs_environment_and_path(
    tmp_path: Path, job: Job, github_expressions: Expressions
) -> None:
    first = bash(
        'echo "said=it is ${WORD}" >> "$GITHUB_OUTPUT"; echo "A=b" >> "$GITHUB_ENV";'
        ' echo "$RUNNER_TEMP" >> "$GITHUB_PATH"; echo "# Hi" >> "$GITHUB_STEP_SUMMARY"',
        id="first",
        env={"WORD": "${{ inputs.word }}"},
    )
    second = bash('echo "$A ${PATH%%:*}"', id="second")

    await ran(
        tmp_path,
        job,
        github_expressions,
        first,
        second,
        inputs={"word": {"default": "${{ github.event_name }}"}},
        outputs={"said": {"value": "${{ steps.first.outputs.said }}"}},
    )

    assert job.outputs == {"said": "it is workflow_dispatch"}
    assert job.steps["second"].log == f"b {job.temp}\n"
    assert job.summary == "# Hi\n"


async def test_a_failed_step_is_the_end_but_for_those_that_always_run(
    tmp_path: Path, job: Job, github_expressions: Expressions
) -> None:
    await ran(
        tmp_path,
        job,
        github_expressions,
        bash('echo "a=1" >> "$GITHUB_OUTPUT"; false; echo "a=2" >> "$GITHUB_OUTPUT"', id="fails"),
        bash("true", id="skipped"),
        bash("true", id="runs", **{"if": "always()"}),
    )

    assert job.status == "failure"
    assert set(job.steps) == {"fails", "runs"}
    assert job.steps["fails"].outputs == {"a": "1"}


async def test_a_cancelled_step_is_interrupted_then_terminated_then_killed(
    tmp_path: Path, job: Job, github_expressions: Expressions
) -> None:
    job.patience = (0.5, 2.0)
    there = job.temp / "there"
    stubborn = bash(
        f"trap 'echo INT' INT; trap 'echo TERM' TERM; touch {there}; while :; do sleep 0.1; done",
        id="stubborn",
    )
    running = asyncio.create_task(
        ran(
            tmp_path,
            job,
            github_expressions,
            stubborn,
            bash("echo after", id="after", **{"if": "always()"}),
        )
    )
    async with asyncio.timeout(20):
        while not there.exists():
            await asyncio.sleep(0.02)
        job.cancelled.set()
        await running

    assert job.steps["stubborn"].log.split() == ["INT", "TERM"]
    assert job.steps["stubborn"].outcome == job.status == "cancelled"
    assert job.steps["after"].log == "after\n"
