"""Jobs of a workflow as real processes, between a simulated GitHub and a simulated image API."""

import asyncio
import io
import json
import os
import re
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, redirect_stderr
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import httpx

from bot.core.errors import HostError, SettingsError
from bot.entrypoints import console
from bot.entrypoints.action import inputs, outputs
from bot.entrypoints.action.asked import ordered
from bot.entrypoints.action.job import lead
from bot.entrypoints.action.outputs import Outputs
from bot.entrypoints.loopback import HOST, bind, served, url_of
from bot.simulators.github import GitHubState, create_github_app
from bot.simulators.github.state import WorkflowRun
from bot.simulators.github.threads import Comment
from bot.simulators.images import ImagesSimulator, create_images_app
from bot.simulators.images.simulator import Settings as ImageSettings
from tests.crash.nursery import Child, the_nursery

KEY = "sk-canary-1234567890"
KILLED = -9
PATIENCE = 60.0
_jobs = count(1)


@dataclass(frozen=True)
class Ended:
    """How a job ended, and what it told its workflow."""

    code: int
    log: str
    outputs: Mapping[str, str]
    temporary: Path


@dataclass
class Job:
    """A job under way."""

    process: Child
    temporary: Path
    output: Path

    async def end(self) -> Ended:
        ending = asyncio.create_task(self.process.communicate())
        done, _ = await asyncio.wait({ending}, timeout=PATIENCE)
        if not done:
            self.process.kill()
            log, _ = await ending
            raise AssertionError(f"the job hangs\n{log.decode()}")
        log, _ = await ending
        assert self.process.returncode is not None
        return Ended(self.process.returncode, log.decode(), _outputs(self.output), self.temporary)


async def _stepped(environment: Mapping[str, str]) -> int:
    """What `gptimage action` does with this environment, and its exit code."""
    try:
        given = inputs.read(environment)
        order = ordered(given)
        return await lead(order, environment, Outputs.of(given)) if order else 0
    except SettingsError as error:
        console.problem(error)
        return 2
    except HostError as error:
        outputs.annotate("error", error.message)
        return 1


def _outputs(file: Path) -> Mapping[str, str]:
    text = file.read_text() if file.exists() else ""
    found = re.findall(r"^([\w-]+)<<(\S+)\n(.*?)\n\2\n", text, re.DOTALL | re.MULTILINE)
    return {name: value for name, _, value in found}


@dataclass
class World:
    """The outside of all jobs: it goes on while they die and come back."""

    github: GitHubState
    images: ImagesSimulator
    folder: Path
    environment: dict[str, str]
    token: str = ""
    events: dict[int, Path] = field(default_factory=dict)

    # --- what people do -----------------------------------------------------------------------

    async def write(self, body: str, *, by: str = "maya") -> int:
        """Post a comment, and keep the event that GitHub tells of it."""
        async with httpx.AsyncClient(base_url=self.github.base_url) as browser:
            posted = await browser.post(
                "/sim/comments", json={"user": by, "body": body, "issue": 1}
            )
        comment = posted.raise_for_status().json()
        self.events[comment["id"]] = self._event(comment, by)
        return int(comment["id"])

    def _event(self, comment: Mapping[str, Any], by: str) -> Path:
        """As GitHub publishes it, with the words, ids and people of this one."""
        example = Path(__file__).parents[2] / "data/deliveries/issue_comment-created-0.json"
        event = json.loads(example.read_text())
        user = self.github.people.find(by)
        assert user is not None
        repository, owner = self.github.repository, self.github.people.owner
        event["comment"] |= comment
        event["issue"] |= {"number": 1}
        event["sender"] |= {"id": user.id, "login": user.login, "type": user.type}
        event["repository"] |= {
            "id": repository.id,
            "full_name": repository.full_name,
            "name": repository.name,
            "private": repository.private,
            "default_branch": repository.default_branch,
        }
        event["repository"]["owner"] |= {"id": owner.id, "login": owner.login}
        file = self.folder / f"event-{comment['id']}.json"
        file.write_text(json.dumps(event))
        return file

    # --- what GitHub does ---------------------------------------------------------------------

    async def start(self, comment: int, **variables: str) -> Job:
        """Start the job of a comment, on a machine of its own."""
        temporary = self.folder / f"job-{next(_jobs)}"
        temporary.mkdir()
        process = await the_nursery().start(
            ["action"],
            env=self._variables(comment, temporary, variables),
            cwd=temporary,
            stderr=asyncio.subprocess.STDOUT,
        )
        return Job(process, temporary, temporary / "output")

    async def job(self, comment: int, **variables: str) -> Ended:
        """The job of a comment, to its end; in this process, which takes a tenth of the time."""
        temporary = self.folder / f"job-{next(_jobs)}"
        temporary.mkdir()
        environment = self._variables(comment, temporary, variables)
        log = io.StringIO()
        with redirect_stderr(log):
            code = await _stepped(environment)
        output = Path(environment["GITHUB_OUTPUT"])
        return Ended(code, log.getvalue(), _outputs(output), temporary)

    def _variables(self, comment: int, temporary: Path, more: Mapping[str, str]) -> dict[str, str]:
        return {
            **self.environment,
            "GITHUB_EVENT_PATH": str(self.events[comment]),
            "GITHUB_OUTPUT": str(temporary / "output"),
            "GITHUB_STEP_SUMMARY": str(temporary / "summary"),
            "RUNNER_TEMP": str(temporary),
            "HOME": str(temporary),
            **more,
        }

    async def say(self, body: str, *, by: str = "maya", **variables: str) -> Ended:
        """A comment, and its job to the end."""
        return await self.job(await self.write(body, by=by), **variables)

    def knows(self, job: str, *, status: str = "in_progress", attempt: int = 1) -> None:
        """What GitHub tells of the workflow run of this id."""
        self.github.workflow_runs[int(job)] = WorkflowRun(int(job), attempt, status)

    # --- what people see ----------------------------------------------------------------------

    @property
    def comments(self) -> dict[int, Comment]:
        return self.github.threads.issues[1].comments

    @property
    def answers(self) -> list[str]:
        """What was answered, without what is hidden."""
        bodies = (comment.body for comment in self.comments.values() if comment.by_app)
        return [re.sub(r"<!--.*?-->\s*", "", body, flags=re.DOTALL) for body in bodies]

    @property
    def answer(self) -> str:
        (only,) = self.answers
        return only

    def reactions(self, comment: int) -> list[str]:
        return [reaction.content for reaction in self.comments[comment].reactions]

    @property
    def calls(self) -> Counter[str]:
        """How many calls were billed for each prompt."""
        return Counter(str(call.sent["prompt"]) for call in self.images.billed)


@asynccontextmanager
async def world(folder: Path, *, latency_ms: int = 0, **github: Any) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        images = ImagesSimulator(ImageSettings(latency_ms=latency_ms))
        images_url = await stack.enter_async_context(served(create_images_app(images)))
        page = bind(HOST, 0)
        state = GitHubState(base_url=url_of(page), **github)
        url = await stack.enter_async_context(served(create_github_app(state), page))
        state.app.permissions["actions"] = "read"
        wanted = {"contents": "write", "issues": "write", "pull_requests": "write"}
        token = state.tokens.issue(wanted | {"actions": "read"}, state.now()).value
        environment = {
            "PATH": os.environ["PATH"],
            "GITHUB_ACTIONS": "true",
            "GITHUB_EVENT_NAME": "issue_comment",
            "GITHUB_REPOSITORY": state.repository.full_name,
            "GITHUB_RUN_ID": "1",
            "GITHUB_RUN_ATTEMPT": "1",
            "GITHUB_SERVER_URL": url,
            "GITHUB_API_URL": f"{url}/api/v3",
            "INPUT_GITHUB_TOKEN": token,
            "INPUT_OPENAI_API_KEY": KEY,
            "INPUT_OPENAI_BASE_URL": f"{images_url}/v1",
            "GPTIMAGE_LIVE_SECONDS": "0.5",
        }
        yield World(state, images, folder, environment, token)


async def until(seen: Callable[[], object]) -> None:
    """Look again and again until it is so; TimeoutError if it never is."""
    async with asyncio.timeout(PATIENCE):
        while not seen():
            await asyncio.sleep(0.05)


def interrupt(job: Job, *signals: signal.Signals) -> None:
    for each in signals:
        job.process.send_signal(each)
