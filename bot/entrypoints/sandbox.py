"""`gptimage sandbox`: the whole bot on one machine, with GitHub and the image API in small.

It is the same server, engine and adapters; only the two base URLs point at the simulators.
"""

import asyncio
import re
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
from pydantic import SecretStr

from bot.core.errors import SettingsError, because
from bot.core.ports import Ledger
from bot.core.said import said
from bot.entrypoints import console, logs, loopback, server
from bot.entrypoints import settings as environment
from bot.entrypoints.settings import Settings
from bot.entrypoints.wiring.common import arm, utc_now
from bot.entrypoints.wiring.server import server_parts
from bot.simulators.github import GitHubState, Switch, Webhook, create_github_app
from bot.simulators.github.threads import EMOJI, Comment
from bot.simulators.images import Fault as ImageFault
from bot.simulators.images import FaultKind as ImageFaultKind
from bot.simulators.images import ImagesSimulator, create_images_app
from bot.simulators.images import Settings as ImageSettings

_SECRET = "the sandbox signs with this"  # noqa: S105  (both ends of it live in this process)
_LATENCY_MS = 1500  # long enough to watch the comment change
_LIVE_SECONDS = 0.5
_VISITOR = "maya"
# For `/batch batches/foxes.yaml`.
_FILES = {
    "batches/foxes.yaml": b"""\
defaults:
  quality: low
  size: 1024x1024
jobs:
  - prompt: a red fox in fresh snow, watercolour
  - prompt: the same fox asleep under a birch, watercolour
""",
}
_LOOK = 0.1  # seconds between two looks at the thread
_LATER = timedelta(days=1)  # longer than anything is put off
_PATIENCE = 120.0  # seconds for the run of the first comment


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A running sandbox: the page's address and the states to look into."""

    url: str
    github: GitHubState
    images: ImagesSimulator
    ledger: Ledger

    @property
    def issue(self) -> str:
        """The address of the issue's page."""
        return f"{self.url}/{self.github.repository.full_name}/issues/1"

    async def busy(self) -> bool:
        """Whether the bot has anything left to do or to say, now or later."""
        await self.github.webhooks.settled()
        later = utc_now() + _LATER
        # In the order in which work moves on, so that none slips through between two looks.
        return bool(
            await self.ledger.inbox.unsettled(later)
            or await self.ledger.runs.unfinished(later)
            or await self.ledger.outbox.owed(later)
        )


@asynccontextmanager
async def sandbox(
    data_dir: Path,
    *,
    port: int = 8000,
    latency_ms: int = _LATENCY_MS,
    at_once: int = 50,
    **others: object,
) -> AsyncIterator[Sandbox]:
    """The bot and its simulated outside, on loopback, for the block.

    Its worker drives `at_once` runs; `others` are settings by name, in place of the environment's
    and of the sandbox's own.
    """
    async with AsyncExitStack() as stack:
        images = ImagesSimulator(ImageSettings(latency_ms=latency_ms))
        images_url = await stack.enter_async_context(loopback.served(create_images_app(images)))
        hook = loopback.bind(loopback.HOST, 0)
        page = loopback.bind_next(port)
        state = GitHubState(
            webhook=Webhook(f"{loopback.url_of(hook)}/webhook", _SECRET),
            base_url=loopback.url_of(page),
            files=_FILES,
        )
        state.switches |= _switches(images)
        url = await stack.enter_async_context(loopback.served(create_github_app(state), page))
        settings = _settings(state, data_dir, github=url, images=images_url, **others)
        parts = await stack.enter_async_context(server_parts(settings, at_once=at_once))
        await stack.enter_async_context(parts.working())
        await stack.enter_async_context(loopback.served(server.web(settings, parts), hook))
        yield Sandbox(url, state, images, parts.ledger)


def _switches(images: ImagesSimulator) -> dict[str, Switch]:
    """What a visitor may let go wrong at the image API, from the page of the simulated GitHub."""

    def adds(fault: ImageFault) -> Callable[[], None]:
        return lambda: images.faults.append(fault)

    return {
        "images-429": Switch(
            "Images: 429",
            "The next image is refused with a rate limit, and asked for again after 3 s.",
            adds(ImageFault(ImageFaultKind.RATE_LIMIT, wait_ms=3000)),
        ),
        "images-500": Switch(
            "Images: 500",
            "The next image ends with an error of the server: it may be billed, so it is in doubt.",
            adds(ImageFault(ImageFaultKind.SERVER_ERROR)),
        ),
        "images-moderation": Switch(
            "Images: moderation",
            "The next image is refused by the safety system, and costs nothing.",
            adds(ImageFault(ImageFaultKind.MODERATED_INPUT)),
        ),
    }


def _settings(
    state: GitHubState, data_dir: Path, *, github: str, images: str, **others: object
) -> Settings:
    """What the environment says, but with the simulated outside in the place of the real one."""
    own = {
        "openai_api_key": SecretStr("sk-simulated"),
        "openai_base_url": f"{images}/v1",
        "github_app_id": state.app.id,
        "github_private_key": SecretStr(state.private_key),
        "github_webhook_secret": SecretStr(_SECRET),
        "github_webhook_secret_previous": None,
        "github_api_url": f"{github}/api/v3",
        "database_url": None,
        "redis_url": None,
        "gptimage_data_dir": data_dir,
        "gptimage_allowed_owners": (state.repository.owner,),
        "gptimage_live_seconds": _LIVE_SECONDS,
        "gptimage_write_seconds": 0,
    }
    return environment.for_server(environment.read(**own | others))


def main(port: int, comment: Path | None, *, leave: bool) -> int:
    """Run the sandbox until it is told to stop; 1 if the comment's run did not succeed."""
    logs.to_stderr(debug=False, quiet=True)  # the thread is what people look at here
    arm(environment.read().gptimage_kill_point)
    try:
        body = comment.read_text(encoding="utf-8") if comment else None
    except OSError as error:
        message = said("--comment: {file} cannot be read ({why})", file=comment, why=because(error))
        raise SettingsError([message]) from None
    with tempfile.TemporaryDirectory(prefix="gptimage-") as folder, asyncio.Runner() as runner:
        return runner.run(_main(Path(folder), port, body, leave=leave))


async def _main(folder: Path, port: int, body: str | None, *, leave: bool) -> int:
    stop = server.stop_signal()
    async with sandbox(folder, port=port) as room:
        console.tell(said("The sandbox is open: {url}", url=room.issue))
        code = await _first_comment(room, body) if body is not None else 0
        if not leave:
            console.tell(said("Comment as anybody you like: {url}  (Ctrl-C ends)", url=room.issue))
            await stop.wait()
        return code


async def _first_comment(room: Sandbox, body: str) -> int:
    """Post the comment as a visitor would, and print the thread until the run is finished."""
    async with httpx.AsyncClient(base_url=room.url, timeout=10) as visitor:
        words = {"user": _VISITOR, "body": body, "issue": 1}
        posted = (await visitor.post("/sim/comments", json=words)).raise_for_status()
    thread = _Printout(room.github, posted.json()["id"])
    try:
        async with asyncio.timeout(_PATIENCE):
            while thread.result is None:
                thread.show()
                await asyncio.sleep(_LOOK)
    except TimeoutError:
        console.say(said("The run did not finish within {seconds:g} s.", seconds=_PATIENCE))
        return 1
    thread.show()
    return 0 if thread.result == "rocket" else 1


# Hidden on the page, too.
_MARKER = re.compile(r"<!--.*?-->", re.DOTALL)


class _Printout:
    """The thread on paper: whatever is new since it was shown last."""

    def __init__(self, github: GitHubState, command: int) -> None:
        self._github = github
        self._command = command
        self._shown: set[tuple[int, str]] = set()

    @property
    def result(self) -> str | None:
        """The reaction that ends the run, once it is there."""
        reactions = {reaction.content for reaction in self._comment.reactions}
        return next((end for end in ("rocket", "confused") if end in reactions), None)

    def show(self) -> None:
        """Print new comments, new words of old ones, and new reactions."""
        for comment in self._github.threads.issues[1].comments.values():
            author = comment.author.login
            headline = (
                said("{person} edited", person=author)
                if comment.edited
                else said("{person} commented", person=author)
            )
            self._once(comment, comment.body, headline)
            for reaction in comment.reactions:
                other = reaction.user.login
                headline = said("{person} got a reaction from {other}", person=author, other=other)
                self._once(comment, EMOJI[reaction.content], headline)

    @property
    def _comment(self) -> Comment:
        return self._github.threads.issues[1].comments[self._command]

    def _once(self, comment: Comment, words: str, headline: str) -> None:
        if (comment.id, words) not in self._shown:
            self._shown.add((comment.id, words))
            console.tell(said("\n--- {headline}", headline=headline))
            console.tell(_MARKER.sub("", words).strip())
