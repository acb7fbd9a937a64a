"""What `serve`, `worker` and the sandbox need."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from bot.adapters.github import AppCredentials, GitHubHost, Turns
from bot.adapters.ledger import SqlLedger
from bot.adapters.pace.shared import shared_pace
from bot.adapters.queue import ArqScheduler, Handler, Worker
from bot.adapters.run_pictures import RunPictures
from bot.adapters.thread_pictures import ThreadPictures
from bot.adapters.valkey import embedded_valkey
from bot.core import markdown
from bot.core.errors import GptimageError, because
from bot.core.language import spoken
from bot.core.messages import Messages, messages
from bot.core.ports import Task
from bot.core.rules import Rules
from bot.core.run import RunView
from bot.engine.admission import Admission
from bot.engine.catch_up import CatchUp
from bot.engine.drain import Drain
from bot.engine.intake import Intake
from bot.engine.late import Late
from bot.engine.outbox import Postman
from bot.engine.positions import Positions
from bot.engine.prune import Prune
from bot.engine.recover import Recover
from bot.engine.rulebook import Rulebook
from bot.engine.thread import ThreadAudience
from bot.engine.tidy import Tidy
from bot.entrypoints import redaction
from bot.entrypoints.settings import Settings, private_key
from bot.entrypoints.web.metrics import Metrics
from bot.entrypoints.wiring.common import (
    Kept,
    Opening,
    Workshop,
    books,
    tied_books,
    utc_now,
    workshop,
)
from bot.entrypoints.wiring.publishing import output_folder, publishing
from bot.entrypoints.wiring.rules import rules_of
from bot.entrypoints.wiring.spool import looking_late, spool_of


@dataclass(frozen=True, slots=True)
class Server:
    """The parts that the web and the worker share."""

    ledger: SqlLedger
    scheduler: ArqScheduler
    worker: Worker
    drain: Drain
    checks: Mapping[str, Callable[[], Awaitable[None]]]
    metrics: Metrics

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Work on what the queue and the ledger hold; at the end, calls in flight are awaited."""
        polling = asyncio.create_task(self.worker.run())
        try:
            yield
        finally:
            self.drain.ask()
            await self.worker.close()
            await polling


@asynccontextmanager
async def server_parts(
    settings: Settings, opening: Opening = books, *, at_once: int = 50
) -> AsyncIterator[Server]:
    """Connect everything that a server needs; closes it in the opposite order.

    A worker drives `at_once` runs; the others wait in line.
    """
    async with AsyncExitStack() as stack:
        rules = rules_of(settings)
        redis_url = (
            settings.redis_url.get_secret_value()
            if settings.redis_url
            else await stack.enter_async_context(embedded_valkey(settings.gptimage_data_dir))
        )
        pace = await stack.enter_async_context(
            shared_pace(redis_url, _account(settings), settings.gptimage_images_per_minute)
        )
        tied = partial(tied_books, opening=opening)
        spool, cap = spool_of(settings), rules.limits.run
        working = workshop(settings, pace, cap, spool, tied, patient=True)
        shop = await stack.enter_async_context(working)
        scheduler = ArqScheduler(redis_url)
        stack.push_async_callback(scheduler.aclose)
        late = Late(shop.ledger.runs, scheduler, utc_now)
        await stack.enter_async_context(looking_late(shop.spool, late))
        host = GitHubHost(
            AppCredentials(
                str(settings.github_app_id), private_key(settings), settings.github_api_url
            ),
            turns=Turns(
                shop.ledger.leases, utc_now, timedelta(seconds=settings.gptimage_write_seconds)
            ),
        )
        stack.push_async_callback(host.aclose)
        handlers, sweep = _work(settings, rules, shop, scheduler, host)
        checks: dict[str, Callable[[], Awaitable[None]]] = {
            "database": shop.ledger.ping,
            "queue": scheduler.ping,
            "spool": partial(_writable, shop.spool),
        }
        if settings.openai_api_key:  # who only takes deliveries needs none
            checks["images"] = shop.provider.check
        metrics = Metrics(
            shop.ledger.figures.read, shop.spool.size, lambda: host.remaining, utc_now
        )
        ledger, drain = shop.ledger, shop.runner.drain
        catch_up = CatchUp(ledger.leases, ledger.missed, host.hook, utc_now, drain)
        look = _look(settings, shop, catch_up)
        worker = Worker(redis_url, handlers, sweep, look=look, max_jobs=at_once)
        yield Server(ledger, scheduler, worker, drain, checks, metrics)


def _look(settings: Settings, shop: Workshop, catch_up: CatchUp) -> Callable[[], Awaitable[None]]:
    """What is looked after now and then: what GitHub could not deliver, and what is old."""
    if settings.gptimage_keep_days is None:
        return catch_up.look
    ledger, age = shop.ledger, timedelta(days=settings.gptimage_keep_days)
    prune = Prune(ledger.leases, ledger.pruning, shop.spool, utc_now)

    async def look() -> None:
        await prune.daily(age)
        await catch_up.look()

    return look


async def _writable(spool: Kept) -> None:
    try:
        await spool.check()
    except OSError as error:
        raise GptimageError(because(error)) from None


def _work(
    settings: Settings, rules: Rules, shop: Workshop, scheduler: ArqScheduler, host: GitHubHost
) -> tuple[Mapping[Task, Handler], Callable[[], Awaitable[None]]]:
    """What each task does, and what the sweep does."""

    def words(view: RunView) -> Messages:
        return messages(view.run.language or spoken(settings.gptimage_language))

    postman = Postman(
        shop.ledger, host, markdown.Markers(_marker_key(settings)), utc_now, redaction.clean
    )
    audience = ThreadAudience(
        shop.ledger,
        postman,
        utc_now,
        live_words=lambda view: markdown.live(view, utc_now(), words(view)),
        final_words=lambda view: markdown.final(view, utc_now(), words(view)),
        every=timedelta(seconds=settings.gptimage_live_seconds),
    )
    rulebook = Rulebook(host, rules, utc_now)
    gate = Admission(host, rulebook)
    there = publishing(settings, host)
    life = shop.life(
        there.destination, there.name_of, at_once=False, remote=there.remote, gate=gate
    )
    folder = output_folder(settings) if settings.gptimage_destination == "directory" else None
    earlier = RunPictures(shop.ledger.runs, shop.kept, host, folder)
    pictures = ThreadPictures(host, earlier, shop.spool)
    intake = Intake(shop.ledger, host, pictures, postman, scheduler, utc_now, rules, rulebook)

    async def drive(run_id: str) -> None:
        await life.execute(run_id, audience)

    handlers = {Task.INTAKE: intake.handle, Task.RUN: drive, Task.DELIVER: postman.deliver}
    positions = Positions(
        shop.ledger,
        utc_now,
        words=lambda view, ahead: markdown.position(view, ahead, words(view)),
        every=timedelta(seconds=settings.gptimage_live_seconds),
    )
    recover = Recover(shop.ledger, scheduler, utc_now, positions)
    tidy = Tidy(shop.ledger.runs, shop.spool, utc_now)

    async def sweep() -> None:
        await recover.sweep()
        await tidy.tidy()

    return handlers, sweep


def _account(settings: Settings) -> str:
    """A name for those who share the limits of one key at one server, which tells neither."""
    key = settings.openai_api_key.get_secret_value() if settings.openai_api_key else ""
    address = settings.openai_base_url.rstrip("/")
    return hashlib.sha256(f"gptimage pace\n{address}\n{key}".encode()).hexdigest()[:24]


def _marker_key(settings: Settings) -> bytes:
    """Markers are signed with what only the App knows, and what survives a rotated secret."""
    key = private_key(settings).get_secret_value().encode()
    return hashlib.sha256(b"gptimage marker" + key).digest()
