"""Real processes that are killed at named steps, judged from the outside only."""

import asyncio
import os
import re
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from bot.entrypoints.loopback import HOST, bind, served, url_of
from bot.simulators.github import GitHubState, Webhook, create_github_app
from bot.simulators.github.threads import Comment
from bot.simulators.images import ImagesSimulator, create_images_app

SECRET = "signed with this"
KILLED = -9
NOBODY = "http://127.0.0.1:9/webhook"
PATIENCE = 60.0
PROGRAM = Path(sys.executable).with_name("gptimage")


@dataclass
class World:
    """The outside: it goes on while the product dies and comes back."""

    github: GitHubState
    images: ImagesSimulator
    data_dir: Path
    environment: dict[str, str]
    log: list[str] = field(default_factory=list)

    @property
    def comments(self) -> list[Comment]:
        return list(self.github.threads.issues[1].comments.values())

    @property
    def answers(self) -> list[Comment]:
        return [comment for comment in self.comments if comment.by_app]

    @property
    def calls(self) -> Counter[str]:
        """How many calls were billed for each prompt."""
        return Counter(str(call.sent["prompt"]) for call in self.images.billed)

    async def say(self, body: str) -> Comment:
        """A person comments; GitHub tells the bot, whether it listens or not."""
        words = {"user": "maya", "body": body, "issue": 1}
        async with httpx.AsyncClient(base_url=self.github.base_url) as browser:
            posted = await browser.post("/sim/comments", json=words)
        return self.github.threads.comment(posted.raise_for_status().json()["id"])

    @property
    def listens(self) -> bool:
        """Whether GitHub knows where to deliver."""
        webhook = self.github.webhooks.webhook
        return webhook is not None and webhook.url != NOBODY

    def ended(self, command: Comment) -> bool:
        """Whether the command has its last reaction, and the thread the bill."""
        contents = {reaction.content for reaction in command.reactions}
        told = any("| Estimated |" in answer.body for answer in self.answers)
        return told and bool(contents & {"rocket", "confused"})


@asynccontextmanager
async def world(data_dir: Path) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        images = ImagesSimulator()
        images_url = await stack.enter_async_context(served(create_images_app(images)))
        page = bind(HOST, 0)
        github = GitHubState(webhook=Webhook(NOBODY, SECRET), base_url=url_of(page))
        github_url = await stack.enter_async_context(served(create_github_app(github), page))
        key = data_dir / "key.pem"
        key.write_text(github.private_key)
        yield World(
            github,
            images,
            data_dir,
            {
                "PATH": os.environ["PATH"],
                "HOME": str(data_dir),
                "OPENAI_API_KEY": "simulated",
                "OPENAI_BASE_URL": f"{images_url}/v1",
                "GITHUB_APP_ID": str(github.app.id),
                "GITHUB_PRIVATE_KEY_PATH": str(key),
                "GITHUB_WEBHOOK_SECRET": SECRET,
                "GITHUB_API_URL": f"{github_url}/api/v3",
                "GPTIMAGE_ALLOWED_OWNERS": github.repository.owner,
                "GPTIMAGE_DATA_DIR": str(data_dir / "data"),
                "GPTIMAGE_PORT": "0",
                "GPTIMAGE_LIVE_SECONDS": "0.5",
                "GPTIMAGE_WRITE_SECONDS": "0",
            },
        )


@asynccontextmanager
async def serving(world: World, kill_point: str = "") -> AsyncIterator[asyncio.subprocess.Process]:
    """`gptimage serve` for the block; at its end it is told to stop, if it still lives."""
    process = await asyncio.create_subprocess_exec(
        PROGRAM,
        "serve",
        env={**world.environment, "GPTIMAGE_KILL_POINT": kill_point},
        cwd=world.data_dir,
        stderr=asyncio.subprocess.PIPE,
    )
    reading = asyncio.create_task(_follow(process, world))
    try:
        await until(lambda: world.listens or _dead(process))
        yield process
    finally:
        world.github.webhooks.webhook = Webhook(NOBODY, SECRET)
        if not _dead(process):
            process.send_signal(signal.SIGTERM)
        await process.wait()
        await reading


async def _follow(process: asyncio.subprocess.Process, world: World) -> None:
    """Keep what the process says; its address is where GitHub delivers from then on."""
    assert process.stderr is not None
    async for line in process.stderr:
        text = line.decode().rstrip()
        world.log.append(text)
        if found := re.search(r"webhook: (http://\S+)\)", text):
            world.github.webhooks.webhook = Webhook(found[1], SECRET)


def _dead(process: asyncio.subprocess.Process) -> bool:
    return process.returncode is not None


async def until(seen: Callable[[], object]) -> None:
    """Look again and again until it is so; TimeoutError if it never is."""
    async with asyncio.timeout(PATIENCE):
        while not seen():
            await asyncio.sleep(0.05)
