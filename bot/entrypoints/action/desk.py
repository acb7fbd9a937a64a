"""What a step of a workflow needs to answer a comment: the bot's parts in one process."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

from bot.adapters.destinations import Ways
from bot.adapters.destinations.artifact import ArtifactDestination, InTime, Spare, in_artifact
from bot.adapters.github import GitHubHost
from bot.adapters.ledger import SqlLedger
from bot.adapters.pace import local_pace
from bot.adapters.run_pictures import RunPictures
from bot.adapters.thread_pictures import ThreadPictures
from bot.core import markdown
from bot.core.language import spoken
from bot.core.messages import Messages, messages
from bot.core.policy import Limits
from bot.core.ports import Pictures, Scheduler, Task
from bot.core.record import MOST, MOST_IMAGES, Signer
from bot.core.rules import Rules
from bot.core.run import RunView
from bot.engine.admission import Admission
from bot.engine.drain import Drain
from bot.engine.intake import Intake
from bot.engine.life import Life
from bot.engine.outbox import Postman
from bot.engine.rulebook import Rulebook
from bot.engine.thread import ThreadAudience
from bot.entrypoints import redaction
from bot.entrypoints.action.scribe import Announced, Scribe
from bot.entrypoints.settings import Settings
from bot.entrypoints.wiring.common import utc_now, workshop
from bot.entrypoints.wiring.publishing import ways
from bot.entrypoints.wiring.rules import rules_of

_ROOM = markdown.MAX_BODY - 500 - MOST


@dataclass(frozen=True, slots=True)
class Desk:
    """The parts that answer the comments of one thread."""

    ledger: SqlLedger
    host: GitHubHost
    pictures: Pictures
    postman: Postman
    rulebook: Rulebook
    life: Life
    audience: ThreadAudience
    scribe: Scribe
    calls: Announced
    signer: Signer
    markers: markdown.Markers
    home: Path
    ending: asyncio.Event  # set once the runner wants this job to end

    @property
    def drain(self) -> Drain:
        """How the runs of this process are asked to start nothing more."""
        return self.life.runner.drain

    def intake(self, scheduler: Scheduler, postman: Postman) -> Intake:
        """The intake, which hands runs to this scheduler."""
        rules, book = self.rulebook.general, self.rulebook
        return Intake(
            self.ledger, self.host, self.pictures, postman, scheduler, utc_now, rules, book
        )


@asynccontextmanager
async def desk(
    settings: Settings, host: GitHubHost, folder: Path | None, spare: Path
) -> AsyncIterator[Desk]:
    """Open the ledger and the spool of this job; images go to the folder, or to GitHub.

    What GitHub refuses goes to the `spare` folder, which a later step uploads.
    """
    async with AsyncExitStack() as stack:
        rules = job_rules(settings)
        pace = local_pace(settings.gptimage_images_per_minute)
        shop = await stack.enter_async_context(workshop(settings, pace, rules.limits.run))
        key = signing_key(settings)
        signer, markers = Signer(key), markdown.Markers(key)
        home = settings.gptimage_data_dir
        scribe = Scribe(shop.ledger, signer, rules.prices, str(home))
        postman = Postman(shop.ledger, host, markers, utc_now, redaction.clean, scribe)
        words = _words(settings)

        def live(view: RunView) -> str:
            return markdown.live(view, utc_now(), words(view))

        runner = shop.runner
        provider = Announced(
            shop.provider, scribe, shop.ledger, postman, runner.drain, utc_now, live
        )
        shop = replace(shop, runner=replace(runner, provider=provider))
        rulebook = Rulebook(host, rules, utc_now)
        rest, ending = Spare(spare), asyncio.Event()
        there = InTime(Ways(*ways(settings, host), rest=rest, kept=in_artifact), rest, ending)
        life = shop.life(
            ArtifactDestination(folder) if folder else there,
            (lambda item: item.path) if folder else (lambda item: item.asset_name),
            at_once=folder is not None,
            remote=folder is None,
            gate=Admission(host, rulebook),
        )
        yield Desk(
            ledger=shop.ledger,
            host=host,
            pictures=ThreadPictures(
                host, RunPictures(shop.ledger.runs, shop.kept, host, folder), shop.spool
            ),
            postman=postman,
            rulebook=rulebook,
            life=life,
            audience=ThreadAudience(
                shop.ledger,
                postman,
                utc_now,
                live_words=live,
                final_words=lambda view: markdown.final(view, utc_now(), words(view), _ROOM),
                every=timedelta(seconds=settings.gptimage_live_seconds),
            ),
            scribe=scribe,
            calls=provider,
            signer=signer,
            markers=markers,
            home=home,
            ending=ending,
        )


def job_rules(settings: Settings) -> Rules:
    """The rules of a job: it knows what its own thread has spent, and of no day or month."""
    rules = rules_of(settings)
    return replace(
        rules,
        limits=Limits(run=rules.limits.run),
        run_cap="max-cost",
        max_images=MOST_IMAGES,
        ours=None,
    )


def _words(settings: Settings) -> Callable[[RunView], Messages]:
    return lambda view: messages(view.run.language or spoken(settings.gptimage_language))


def signing_key(settings: Settings) -> bytes:
    """Records and markers are signed with what no reader of the thread has."""
    key = settings.openai_api_key.get_secret_value() if settings.openai_api_key else ""
    return hashlib.sha256(f"gptimage marker\n{key}".encode()).digest()


@dataclass(slots=True)
class Collected:
    """The port `Scheduler` of a job: it does what is scheduled itself, when it is answered."""

    runs: list[str] = field(default_factory=list)

    async def schedule(self, task: Task, subject: str) -> None:
        if task is Task.RUN:
            self.runs.append(subject)


class Discreet(Postman):
    """Leaves alone the comments that another job edits."""

    def __init__(self, postman: Postman, others: Collection[str]) -> None:
        self._postman = postman
        self._others = others

    async def deliver(self, effect_id: str) -> None:
        if effect_id not in self._others:
            await self._postman.deliver(effect_id)
