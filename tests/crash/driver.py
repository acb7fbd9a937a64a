"""Real processes that are killed at named steps, judged from the outside only."""

import asyncio
import logging
import os
import re
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import httpx
import obstore
from pydantic import SecretStr

from bot.adapters.spool.shared import connect
from bot.entrypoints.loopback import HOST, bind, served, url_of
from bot.simulators.github import GitHubState, Webhook, create_github_app
from bot.simulators.github.auth import AppKey
from bot.simulators.github.threads import Comment
from bot.simulators.images import ImagesSimulator, create_images_app
from tests.crash.nursery import Nursery

# The simulators cut lines, and the product dies in the middle of a word: that is no news.
logging.getLogger("uvicorn.error").addHandler(logging.NullHandler())
logging.getLogger("asyncio").setLevel(logging.ERROR)

SECRET = "signed with this"
KILLED = -9
NOBODY = "http://127.0.0.1:9/webhook"
PATIENCE = 60.0
ABOVE_THE_CAP = "Above the spending cap"
_LAST = {"rocket", "confused"}
PROGRAM = Path(sys.executable).with_name("gptimage")


class Process(Protocol):
    """What is asked of a process of the product."""

    @property
    def pid(self) -> int: ...
    @property
    def returncode(self) -> int | None: ...
    def send_signal(self, number: int, /) -> None: ...
    async def wait(self) -> int: ...


@dataclass
class World:
    """The outside: it goes on while the product dies and comes back."""

    github: GitHubState
    images: ImagesSimulator
    data_dir: Path
    environment: dict[str, str]
    nursery: Nursery | None = None  # where processes start cheaply
    starts: int = 0
    start_seconds: list[float] = field(default_factory=list)  # from birth until it listened
    listens: bool = False  # whether somebody takes what GitHub delivers

    @property
    def log(self) -> list[str]:
        """All that the processes have said on stderr."""
        return [line for file in sorted(self.data_dir.glob("*.log")) for line in _lines(file)]

    @property
    def database(self) -> str:
        """Where the ledger is, as SQLAlchemy spells it."""
        if url := self.environment.get("DATABASE_URL"):
            return url.replace("postgresql://", "postgresql+asyncpg://", 1)
        return f"sqlite+aiosqlite:///{self.data_dir / 'data' / 'ledger.db'}"

    @property
    def comments(self) -> list[Comment]:
        issues = self.github.threads.issues.values()
        return [comment for issue in issues for comment in issue.comments.values()]

    @property
    def answers(self) -> list[Comment]:
        return [comment for comment in self.comments if comment.by_app]

    @property
    def calls(self) -> Counter[str]:
        """How many calls were billed for each prompt."""
        return Counter(str(call.sent["prompt"]) for call in self.images.billed)

    async def spooled(self) -> list[str]:
        """The keys that the spool holds whole, on this disk and in a store that machines share."""
        root = self.data_dir / "data" / "spool"
        here = [path.relative_to(root).as_posix() for path in root.glob("*/[!.]*")]
        if url := self.environment.get("SPOOL_URL"):
            found = await obstore.list(connect(SecretStr(url))).collect_async()
            return here + [each["path"] for each in found]
        return here

    async def say(self, body: str, issue: int = 1) -> Comment:
        """A person comments; GitHub tells the bot, whether it listens or not."""
        words = {"user": "maya", "body": body, "issue": issue}
        async with browsing(base_url=self.github.base_url) as browser:
            posted = await browser.post("/sim/comments", json=words)
        return self.github.threads.comment(posted.raise_for_status().json()["id"])

    async def open_issue(self) -> int:
        """A person opens one more issue; gives its number."""
        words = {"user": "maya", "title": "pictures", "body": ""}
        async with browsing(base_url=self.github.base_url) as browser:
            opened = await browser.post("/sim/issues", json=words)
        return int(opened.raise_for_status().json()["number"])

    def ended(self, command: Comment) -> bool:
        """Whether the command has its last reaction, and its thread the bill or a refusal."""
        return not self.open_ones([command])

    def open_ones(self, commands: Sequence[Comment]) -> list[Comment]:
        """Those of the commands that have not ended."""
        told = {answer.issue for answer in self.answers if "| Estimated |" in answer.body}
        told |= self.refused
        return [
            command for command in commands if command.issue not in told or not answered(command)
        ]

    @property
    def refused(self) -> set[int]:
        """The issues whose command would have gone over a cap."""
        return {answer.issue for answer in self.answers if ABOVE_THE_CAP in answer.body}

    def state_of(self, command: Comment) -> str:
        """Where a command stands, in words for whoever looks for a fault."""
        reactions = [reaction.content for reaction in command.reactions]
        answers = [answer.body[:200] for answer in self.answers if answer.issue == command.issue]
        number = f'"number":{command.issue},'.encode()
        sent = [each for each in self.github.webhooks.deliveries if number in each.body]
        statuses = [(f"{each.delivered_at:%H:%M:%S}", each.status) for each in sent]
        return f"issue {command.issue}, {reactions}, {answers}, {statuses}"

    async def start(self, *arguments: str, kill_point: str = "") -> tuple[Process, Path]:
        """A process of the product; also gives the file that it says everything into."""
        self.starts += 1
        log = self.data_dir / f"{self.starts:04}.log"
        env = {**self.environment, "GPTIMAGE_KILL_POINT": kill_point}
        if self.nursery:
            return await self.nursery.logged(arguments, env, self.data_dir, log), log
        with log.open("ab") as file:
            process = await asyncio.create_subprocess_exec(
                PROGRAM, *arguments, env=env, cwd=self.data_dir, stderr=file
            )
        return process, log


def answered(command: Comment) -> bool:
    """Whether the command has its last reaction."""
    return not {reaction.content for reaction in command.reactions}.isdisjoint(_LAST)


@cache
def _key_pair() -> AppKey:
    """One for all worlds: making it takes longer than starting the product."""
    return AppKey.generate()


@asynccontextmanager
async def world(data_dir: Path, nursery: Nursery | None = None) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        images = ImagesSimulator()
        images_url = await stack.enter_async_context(served(create_images_app(images)))
        page = bind(HOST, 0)
        pair = _key_pair()
        github = GitHubState(
            webhook=Webhook(NOBODY, SECRET), base_url=url_of(page), public_key=pair.public
        )
        github_url = await stack.enter_async_context(served(create_github_app(github), page))
        key = data_dir / "key.pem"
        key.write_text(pair.private)
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
            nursery,
        )


@asynccontextmanager
async def serving(world: World, kill_point: str = "") -> AsyncIterator[Process]:
    """`gptimage serve` for the block; at its end it is told to stop, if it still lives."""
    began = time.monotonic()
    process, log = await world.start("serve", kill_point=kill_point)
    try:
        # Its address is where GitHub delivers from then on.
        await until(lambda: _address(log) or _dead(process))
        if address := _address(log):
            world.github.webhooks.webhook = Webhook(address, SECRET)
            world.listens = True
            world.start_seconds.append(time.monotonic() - began)
        yield process
    finally:
        world.listens = False
        if world.environment["GPTIMAGE_PORT"] == "0":
            world.github.webhooks.webhook = Webhook(NOBODY, SECRET)
        if not _dead(process):
            process.send_signal(signal.SIGTERM)
        await process.wait()


def _address(log: Path) -> str:
    found = re.search(r"webhook: (http://[^\s)]+)\)", "\n".join(_lines(log)))
    return found[1] if found else ""


def _lines(file: Path) -> list[str]:
    return file.read_text().splitlines() if file.exists() else []


def _dead(process: Process) -> bool:
    return process.returncode is not None


def browsing(**options: Any) -> httpx.AsyncClient:
    """A browser that is patient, and needs no certificates."""
    return httpx.AsyncClient(verify=False, timeout=PATIENCE, **options)


async def until(seen: Callable[[], object], patience: float = PATIENCE) -> None:
    """Look again and again until it is so; TimeoutError if it never is."""
    async with asyncio.timeout(patience):
        while not seen():
            await asyncio.sleep(0.05)
