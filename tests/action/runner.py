"""A runner in small: it takes the steps of a composite action as GitHub's runner does.

Expressions are GitHub's own (`expressions.py`), a `run:` is a bash of its own with the files that
the runner names, a `uses:` is a function of the test. A job is cancelled as the runner cancels
one: the step's first process alone gets SIGINT, then SIGTERM, then everything is killed; steps
whose `if:` holds still run. https://docs.github.com/actions/reference/workflows-and-actions
"""

import asyncio
import json
import os
import signal
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.action.commands import Command, FileCommandError, commands, pairs
from tests.action.expressions import Expressions

_FILES = ("GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH", "GITHUB_STEP_SUMMARY", "GITHUB_STATE")
PATIENCE = (7.5, 2.5)
"""Seconds after SIGINT and after SIGTERM."""

Uses = Callable[["Job", Mapping[str, str]], Mapping[str, str]]
"""A `uses:` step: its job and its `with:` give its outputs; an exception fails it."""


@dataclass(frozen=True, slots=True)
class Step:
    """What became of a step that was not skipped."""

    outcome: str
    outputs: Mapping[str, str]
    log: str = ""
    summary: str = ""


@dataclass
class Job:
    """A job on a machine of its own: its event, its folders, and what may be used in it."""

    home: Path
    uses: Mapping[str, Uses]
    event_name: str = "workflow_dispatch"
    event: Mapping[str, Any] = field(default_factory=dict)
    github: dict[str, str] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)
    patience: tuple[float, float] = PATIENCE
    artifacts: dict[str, Path] = field(default_factory=dict)
    status: str = "success"
    steps: dict[str, Step] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        for folder in (self.workspace, self.temp):
            folder.mkdir(parents=True, exist_ok=True)
        self.event_path.write_text(json.dumps(self.event))

    @property
    def workspace(self) -> Path:
        return self.home / "workspace"

    @property
    def temp(self) -> Path:
        return self.home / "temp"

    @property
    def event_path(self) -> Path:
        return self.home / "event.json"

    @property
    def log(self) -> str:
        return "\n".join(step.log for step in self.steps.values())

    @property
    def summary(self) -> str:
        return "".join(step.summary for step in self.steps.values())

    @property
    def commands(self) -> list[Command]:
        """Every command that the steps have given in their logs."""
        return [each for step in self.steps.values() for each in commands(step.log)]

    @property
    def environment(self) -> dict[str, str]:
        """What every process of the job sees."""
        facts = {
            "GITHUB_EVENT_NAME": self.event_name,
            "GITHUB_EVENT_PATH": str(self.event_path),
            "GITHUB_WORKSPACE": str(self.workspace),
            **{f"GITHUB_{name.upper()}": value for name, value in self.github.items()},
        }
        runner = {"RUNNER_TEMP": str(self.temp), "RUNNER_OS": "Linux", "RUNNER_ARCH": "X64"}
        base = {"PATH": os.environ["PATH"], "HOME": str(self.home), "CI": "true"}
        return {**base, "GITHUB_ACTIONS": "true", **facts, **runner, **self.env}

    def contexts(self, inputs: Mapping[str, str], env: Mapping[str, str]) -> dict[str, Any]:
        """The contexts that a composite action has."""
        github = {**self.github, "event_name": self.event_name, "event": self.event}
        steps = {
            name: {"outputs": dict(step.outputs), "outcome": step.outcome}
            for name, step in self.steps.items()
        }
        return {
            "github": {**github, "workspace": str(self.workspace)},
            "inputs": dict(inputs),
            "steps": steps,
            "env": {**self.env, **env},
            "runner": {"temp": str(self.temp), "os": "Linux", "arch": "X64"},
            "job": {"status": self.status},
            "strategy": {"job-index": 0, "job-total": 1},
        }


async def run(
    action: Path, job: Job, given: Mapping[str, str], expressions: Expressions
) -> Mapping[str, str]:
    """Take all steps of the composite action in this folder; gives its outputs."""
    definition = yaml.safe_load((action / "action.yml").read_text())
    inputs = await _inputs(definition, job, given, expressions)
    for number, step in enumerate(definition["runs"]["steps"]):
        await _take(step, step.get("id", f"__{number}"), action, job, inputs, expressions)
    contexts = job.contexts(inputs, {})
    for name, output in definition.get("outputs", {}).items():
        job.outputs[name] = await expressions.fill(output["value"], contexts, job.status)
    return job.outputs


async def _inputs(
    definition: Mapping[str, Any], job: Job, given: Mapping[str, str], expressions: Expressions
) -> dict[str, str]:
    known = definition.get("inputs", {})
    assert set(given) <= set(known), "the runner warns of inputs that the action does not have"
    contexts = job.contexts({}, {})
    defaults = {
        name: await expressions.fill(_text(each.get("default")), contexts, job.status)
        for name, each in known.items()
    }
    return {**defaults, **given}


async def _take(
    step: Mapping[str, Any],
    name: str,
    action: Path,
    job: Job,
    inputs: Mapping[str, str],
    expressions: Expressions,
) -> None:
    contexts = job.contexts(inputs, {})
    if not await expressions.holds(_text(step.get("if", "success()")), contexts, job.status):
        return

    async def filled(values: Mapping[str, Any]) -> dict[str, str]:
        return {
            key: await expressions.fill(_text(value), contexts, job.status)
            for key, value in values.items()
        }

    if "uses" in step:
        taken = _use(step["uses"], job, await filled(step.get("with", {})))
    else:
        assert step["shell"] == "bash"
        env = {"GITHUB_ACTION_PATH": str(action), **await filled(step.get("env", {}))}
        script = await expressions.fill(step["run"], contexts, job.status)
        taken = await _bash(script, name, job, env)
    job.steps[name] = taken
    if taken.outcome != "success" and not step.get("continue-on-error"):
        job.status = taken.outcome if job.status == "success" else job.status


def _use(name: str, job: Job, given: Mapping[str, str]) -> Step:
    try:
        return Step("success", job.uses[name.partition("@")[0]](job, given))
    except OSError as error:
        return Step("failure", {}, f"::error::{error}")


async def _bash(script: str, name: str, job: Job, env: Mapping[str, str]) -> Step:
    place = job.home / "steps" / name
    place.mkdir(parents=True)
    (place / "script.sh").write_text(script)
    files = {variable: place / variable for variable in _FILES}
    for file in files.values():
        file.touch()
    process = await asyncio.create_subprocess_exec(
        *("bash", "--noprofile", "--norc", "-eo", "pipefail", place / "script.sh"),
        cwd=job.workspace,
        env={**job.environment, **env, **{key: str(file) for key, file in files.items()}},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    log = await _end(process, job)
    outcome = "success" if process.returncode == 0 else "failure"
    if job.cancelled.is_set():
        job.status = outcome = "cancelled"
    return _settled(outcome, log, files, job)


async def _end(process: asyncio.subprocess.Process, job: Job) -> str:
    """All that the process says until its end, also if the job is cancelled meanwhile."""
    ending = asyncio.create_task(process.communicate())
    cancelling = asyncio.create_task(job.cancelled.wait())
    try:
        if job.status != "cancelled":  # what still runs after that is left in peace
            await asyncio.wait({ending, cancelling}, return_when=asyncio.FIRST_COMPLETED)
            if not ending.done():
                await _cancel(process, ending, job.patience)
        out, _ = await ending
    finally:
        cancelling.cancel()
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    return out.decode()


async def _cancel(
    process: asyncio.subprocess.Process, ending: Awaitable[object], patience: tuple[float, float]
) -> None:
    for name, seconds in zip((signal.SIGINT, signal.SIGTERM), patience, strict=True):
        process.send_signal(name)
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(ending), seconds)
            return
    os.killpg(process.pid, signal.SIGKILL)


def _settled(outcome: str, log: str, files: Mapping[str, Path], job: Job) -> Step:
    """Read the files that the step has left, also if it failed or was cancelled."""
    try:
        outputs = pairs(files["GITHUB_OUTPUT"].read_text())
        job.env |= pairs(files["GITHUB_ENV"].read_text())
    except FileCommandError as error:
        return Step("failure", {}, f"{log}\n::error::{error}")
    for line in files["GITHUB_PATH"].read_text().splitlines():
        job.env["PATH"] = f"{line}:{job.environment['PATH']}"
    for command in commands(log):
        if command.name == "set-output":  # deprecated, and still obeyed
            outputs[command.properties["name"]] = command.data
    return Step(outcome, outputs, log, files["GITHUB_STEP_SUMMARY"].read_text())


def _text(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case _:
            return str(value)
