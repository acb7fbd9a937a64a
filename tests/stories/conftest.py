"""The whole bot in this process, against the simulated GitHub and image API."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import httpx
import pytest

from bot.entrypoints.sandbox import Sandbox, sandbox
from bot.entrypoints.settings import Settings
from bot.simulators.github.threads import Comment
from bot.simulators.images.simulator import Call

PATIENCE = 30.0


def plain(words: str) -> str:
    """The words without what keeps GitHub from linking them."""
    return words.replace("\N{ZERO WIDTH SPACE}", "")


class Thread:
    """The issue, as a person sees it who writes comments and reads what comes of them."""

    def __init__(self, room: Sandbox) -> None:
        self.room = room

    # --- what people do -----------------------------------------------------------------------

    async def write(self, body: str, *, by: str = "maya") -> int:
        """Post a comment, and say its id."""
        words = {"user": by, "body": body, "issue": 1}
        async with httpx.AsyncClient(base_url=self.room.url) as browser:
            posted = await browser.post("/sim/comments", json=words)
        return int(posted.raise_for_status().json()["id"])

    async def edit(self, comment: int, body: str, *, by: str = "maya") -> None:
        words = {"user": by, "body": body}
        async with httpx.AsyncClient(base_url=self.room.url) as browser:
            (await browser.patch(f"/sim/comments/{comment}", json=words)).raise_for_status()

    async def say(self, body: str, *, by: str = "maya", patience: float = PATIENCE) -> int:
        """Post a comment, and wait until the bot has done all that it ever will about it."""
        comment = await self.write(body, by=by)
        await self.quiet(patience)
        return comment

    async def fetch(self, path: str) -> bytes:
        """A file or a page, as the browser gets it."""
        async with httpx.AsyncClient(base_url=self.room.url, follow_redirects=True) as browser:
            return (await browser.get(path)).raise_for_status().content

    # --- what they see ------------------------------------------------------------------------

    def reactions(self, comment: int) -> list[str]:
        return [reaction.content for reaction in self._comments[comment].reactions]

    def answers(self) -> list[str]:
        """What the bot says now, without what differs from one place or hour to the next."""
        return [self.plain(comment.body) for comment in self.by_bot]

    def answer(self) -> str:
        """The bot's only comment."""
        (answer,) = self.answers()
        return answer

    def pictures(self) -> list[str]:
        """The addresses of the pictures in the bot's comments, as large as they were made."""
        return self._shown(r'<a href="(.*?)"><img')

    def thumbnails(self) -> list[str]:
        """The addresses of what the comments show in their place."""
        return self._shown(r'<img src="(.*?)"')

    def _shown(self, pattern: str) -> list[str]:
        return [url for each in self.by_bot for url in re.findall(pattern, each.body)]

    def calls(self) -> list[Call]:
        """Every call that reached the image API."""
        return self.room.images.calls

    @property
    def by_bot(self) -> list[Comment]:
        return [comment for comment in self._comments.values() if comment.by_app]

    @property
    def _comments(self) -> dict[int, Comment]:
        return self.room.github.threads.issues[1].comments

    def plain(self, body: str) -> str:
        body = body.replace(f"{self.room.url}/{self.room.github.repository.full_name}", "")
        body = re.sub(r"<!-- gptimage:.*?-->", "<!-- marker -->", body)
        body = re.sub(r"/blob/[0-9a-f]{40}/", "/blob/COMMIT/", body)
        return re.sub(r"\b\d+ (s\b|秒)", r"N \1", body)

    # --- waiting ------------------------------------------------------------------------------

    async def until(self, seen: Callable[[], object]) -> None:
        """Look at the page again and again until it shows what is expected."""
        async with asyncio.timeout(PATIENCE):
            while not seen():
                await asyncio.sleep(0.02)

    async def quiet(self, patience: float = PATIENCE) -> None:
        """Wait until the bot has nothing left to do."""
        async with asyncio.timeout(patience):
            while await self.room.busy():
                await asyncio.sleep(0.02)


@pytest.fixture(autouse=True)
def nobodys_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whoever runs the tests may have settings of their own."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)


def with_settings(**settings: object) -> pytest.MarkDecorator:
    """Let the operator of a story's bot set it up like this."""
    return pytest.mark.parametrize("settings", [settings], ids=[", ".join(settings)])


@pytest.fixture
def settings() -> Mapping[str, object]:
    return {}


@pytest.fixture
async def thread(tmp_path: Path, settings: Mapping[str, object]) -> AsyncIterator[Thread]:
    async with sandbox(tmp_path / "data", port=0, latency_ms=0, at_once=50, **settings) as room:
        yield Thread(room)
