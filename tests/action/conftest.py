"""The Action as a workflow starts it: each step of action.yml, with the image API on loopback."""

import asyncio
import json
import shutil
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bot.entrypoints.loopback import served
from bot.simulators.images import ImagesSimulator, create_images_app
from tests.action import runner
from tests.action.expressions import Expressions, expressions
from tests.action.runner import Job, Uses
from tests.entrypoints.action.world import World, world

ROOT = Path(__file__).parents[2]
KEY = "sk-proj-simulated-0123456789abcdef"
ARTIFACT = "https://github.com/acme/art/actions/runs/77/artifacts/4711"


@pytest.fixture
async def github_expressions() -> AsyncIterator[Expressions]:
    async with expressions() as found:
        yield found


@pytest.fixture
async def the(tmp_path: Path) -> AsyncIterator[World]:
    """GitHub and an image API, simulated."""
    async with world(tmp_path) as outside:
        yield outside


@pytest.fixture
def images() -> ImagesSimulator:
    return ImagesSimulator()


@pytest.fixture
async def images_url(images: ImagesSimulator) -> AsyncIterator[str]:
    async with served(create_images_app(images)) as url:
        yield f"{url}/v1"


# --- what the steps use -----------------------------------------------------------------------


def setup_python(job: Job, given: Mapping[str, str]) -> Mapping[str, str]:
    del job
    return {"python-path": sys.executable, "python-version": given["python-version"]}


def cache(job: Job, given: Mapping[str, str]) -> Mapping[str, str]:
    """A hit: the environment of these tests is the one that was kept."""
    del job
    Path(given["path"]).symlink_to(sys.prefix)
    return {"cache-hit": "true"}


def upload_artifact(job: Job, given: Mapping[str, str]) -> Mapping[str, str]:
    """Keeps a copy, if there is anything to keep."""
    assert given["if-no-files-found"] == "ignore"
    if not any(Path(given["path"]).rglob("*")):
        return {}
    kept = job.home / "artifacts" / given["name"]
    shutil.copytree(given["path"], kept)
    job.artifacts[given["name"]] = kept
    return {"artifact-id": "4711", "artifact-url": ARTIFACT}


USES: Mapping[str, Uses] = {
    "actions/setup-python": setup_python,
    "actions/cache": cache,
    "actions/upload-artifact": upload_artifact,
}


# --- a workflow -------------------------------------------------------------------------------


@dataclass
class Workflow:
    """A repository whose workflow uses the Action."""

    home: Path
    expressions: Expressions
    images_url: str
    jobs: list[Job] = field(default_factory=list)

    def job(
        self, event_name: str = "workflow_dispatch", event: Mapping[str, Any] | None = None
    ) -> Job:
        """A new job, on a machine that has seen nothing yet."""
        facts = {
            "actor": "maya",
            "repository": "acme/art",
            "run_id": "77",
            "run_attempt": "1",
            "token": "ghs_a_token_of_this_job",
        }
        job = Job(self.home / f"job-{len(self.jobs)}", USES, event_name, event or {}, facts)
        self.jobs.append(job)
        return job

    async def run(self, job: Job | None = None, **inputs: str) -> Job:
        """Run the Action in a job; the names of inputs have `_` for `-`."""
        job = job or self.job()
        given = {name.replace("_", "-"): value for name, value in inputs.items()}
        given = {"openai-api-key": KEY, "openai-base-url": self.images_url, **given}
        async with asyncio.timeout(120):
            await runner.run(ROOT, job, given, self.expressions)
        self.is_clean(job)
        return job

    def is_clean(self, job: Job) -> None:
        """Nothing that leaves the job shows a secret, and nobody sees a stack trace."""
        artifacts = (file for folder in job.artifacts.values() for file in folder.rglob("*.json"))
        seen = [job.log, job.summary, json.dumps(job.outputs), *(f.read_text() for f in artifacts)]
        assert not [text for text in seen if KEY in text or job.github["token"] in text]
        assert "Traceback" not in job.log


@pytest.fixture
async def workflow(
    tmp_path: Path, github_expressions: Expressions, images_url: str
) -> AsyncIterator[Workflow]:
    found = Workflow(tmp_path, github_expressions, images_url)
    yield found
    for job in found.jobs:  # links to the environment, which is not this test's to remove
        for link in job.temp.glob("gptimage-*"):
            with suppress(OSError):
                link.unlink()


def facts_of(the: World, **more: str) -> dict[str, str]:
    """What GitHub tells a job of run 77, which is maya's if nobody else's."""
    facts = {
        "actor": "maya",
        "repository": the.github.repository.full_name,
        "run_id": "77",
        "run_attempt": "1",
        "token": the.token,
        "api_url": the.environment["GITHUB_API_URL"],
        "server_url": the.environment["GITHUB_SERVER_URL"],
    }
    return facts | more


def batch(*prompts: str, **more: object) -> str:
    """A batch of one cheap image for each prompt."""
    jobs = [{"prompt": p, "quality": "low", "output_path": f"{p}.png"} for p in prompts]
    return json.dumps({"jobs": jobs, **more})
