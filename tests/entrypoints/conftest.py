"""The commands as people start them: processes of their own, with the image API on loopback."""

import asyncio
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.entrypoints.loopback import HOST, bind, served, url_of
from bot.simulators.github import GitHubState, Webhook, create_github_app
from bot.simulators.github.threads import Comment
from bot.simulators.images import ImagesSimulator, create_images_app
from tests.crash.nursery import DOORS, Child, the_nursery

PATIENCE = 30.0
SECRET = "signed with this"
COMMANDS = Path(sys.executable).parent
_INTERPRETER = ("PYTHON", "LANG", "LC_")
"""Variables that an interpreter reads when it starts."""


@dataclass(frozen=True, slots=True)
class Ended:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def report(self) -> dict[str, Any]:
        """All of stdout, which must be one JSON object and nothing else."""
        parsed = json.loads(self.out)
        assert isinstance(parsed, dict)
        return parsed

    @property
    def complaint(self) -> list[str]:
        """The lines of stderr, of a command that has nothing else to say."""
        assert self.out == ""
        assert "Traceback" not in self.err
        return self.err.splitlines()


class Running:
    """A command that has not ended yet."""

    def __init__(self, process: asyncio.subprocess.Process | Child) -> None:
        self.process = process
        self.heard = ""

    def send(self, name: signal.Signals) -> None:
        self.process.send_signal(name)

    async def hears(self, words: str) -> str:
        """Read stderr up to the line with these words."""
        assert self.process.stderr is not None
        async with asyncio.timeout(PATIENCE):
            while line := (await self.process.stderr.readline()).decode():
                self.heard += line
                if words in line:
                    return line
        raise AssertionError(f"it ended without a word of {words!r}: {self.heard}")

    async def ended(self, stdin: bytes = b"") -> Ended:
        """Give it the last of its input, and all that it said."""
        async with asyncio.timeout(PATIENCE):
            out, err = await self.process.communicate(stdin)
        assert self.process.returncode is not None
        return Ended(self.process.returncode, out.decode(), self.heard + (err or b"").decode())


class Shell:
    """A shell in a home of its own, whose environment names the simulated image API."""

    def __init__(self, home: Path, images_url: str) -> None:
        self.home = home
        self.env = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "OPENAI_API_KEY": "sk-simulated",
            "OPENAI_BASE_URL": f"{images_url}/v1",
            "GPTIMAGE_DATA_DIR": str(home / "data"),
        }

    def batch(self, *prompts: str, **more: object) -> str:
        """Write a batch of one cheap image for each prompt; gives the file's name."""
        jobs = [{"prompt": p, "quality": "low", "output_path": f"{p}.png"} for p in prompts]
        return self.file("batch.json", json.dumps({"jobs": jobs, "output_dir": "out"} | more))

    def file(self, name: str, text: str) -> str:
        (self.home / name).write_text(text)
        return name

    def images(self, folder: str = "out") -> list[str]:
        """The files in a folder, with the folders between."""
        root = self.home / folder
        return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())

    async def run(
        self, *command: str, stdin: str = "", env: Mapping[str, str | None] | None = None
    ) -> Ended:
        """Run a command to its end; `None` takes a variable away."""
        async with self.start(*command, env=env) as running:
            return await running.ended(stdin.encode())

    @asynccontextmanager
    async def start(
        self,
        program: str,
        *arguments: str,
        env: Mapping[str, str | None] | None = None,
        stderr: int = asyncio.subprocess.PIPE,
    ) -> AsyncIterator[Running]:
        """A command that is running, and is ended after the block if it has not ended itself."""
        merged = {
            name: value for name, value in {**self.env, **(env or {})}.items() if value is not None
        }
        process = await self._started(program, arguments, merged, stderr)
        try:
            yield Running(process)
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            if isinstance(process, Child):
                process.forget()

    async def _started(
        self, program: str, arguments: Sequence[str], env: Mapping[str, str], stderr: int
    ) -> asyncio.subprocess.Process | Child:
        """A process that was forked, unless it must be an interpreter of its own."""
        pipe, new = asyncio.subprocess.PIPE, any(name.startswith(_INTERPRETER) for name in env)
        if program in DOORS and stderr == pipe and not new:
            return await the_nursery().start(
                arguments, env=env, cwd=self.home, program=program, stdin=pipe
            )
        return await asyncio.create_subprocess_exec(
            str(COMMANDS / program),
            *arguments,
            cwd=self.home,
            env=env,
            stdin=pipe,
            stdout=pipe,
            stderr=stderr,
        )


@pytest.fixture
def images() -> ImagesSimulator:
    return ImagesSimulator()


@pytest.fixture
async def shell(tmp_path: Path, images: ImagesSimulator) -> AsyncIterator[Shell]:
    async with served(create_images_app(images)) as url:
        yield Shell(tmp_path, url)


async def until(seen: Callable[[], object]) -> None:
    """Look again and again until it is there."""
    async with asyncio.timeout(PATIENCE):
        while not seen():
            await asyncio.sleep(0.02)


# --- a server -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Place:
    """A shell whose environment is complete for a server, and the GitHub that it serves."""

    shell: Shell
    github: GitHubState

    async def say(self, body: str) -> Comment:
        """A person comments; the simulated GitHub tells whoever listens."""
        words = {"user": "maya", "body": body, "issue": 1}
        async with httpx.AsyncClient(base_url=self.github.base_url) as browser:
            posted = (await browser.post("/sim/comments", json=words)).raise_for_status()
        return self.github.threads.comment(posted.json()["id"])

    @property
    def answers(self) -> list[str]:
        comments = self.github.threads.issues[1].comments.values()
        return [comment.body for comment in comments if comment.by_app]

    @asynccontextmanager
    async def serving(self, *options: str) -> AsyncIterator[Running]:
        """A server that takes the deliveries of GitHub."""
        async with self.shell.start("gptimage", "serve", "--port", "0", *options) as server:
            line = await server.hears("gptimage listens on ")
            found = re.search(r"webhook: (\S+)\)", line)
            assert found
            self.github.webhooks.webhook = Webhook(found[1], SECRET)
            yield server

    async def refused(self, env: Mapping[str, str | None] | None = None) -> list[str]:
        """What `gptimage serve` says that must not start; one line for each thing wrong."""
        ended = await self.shell.run("gptimage", "serve", "--port", "0", env=env)
        assert ended.code == 2, ended
        return ended.complaint


def ended_well(comment: Comment) -> bool:
    return "rocket" in {reaction.content for reaction in comment.reactions}


@pytest.fixture
async def place(shell: Shell) -> AsyncIterator[Place]:
    async with AsyncExitStack() as stack:
        page = bind(HOST, 0)
        github = GitHubState(base_url=url_of(page))
        url = await stack.enter_async_context(served(create_github_app(github), page))
        shell.env |= {
            "GITHUB_APP_ID": str(github.app.id),
            "GITHUB_PRIVATE_KEY": github.private_key.replace("\n", "\\n"),
            "GITHUB_WEBHOOK_SECRET": SECRET,
            "GITHUB_API_URL": f"{url}/api/v3",
            "GPTIMAGE_ALLOWED_OWNERS": github.repository.owner,
        }
        yield Place(shell, github)
