"""What a server and the command line have in common."""

import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol

from pydantic import SecretStr

from bot.adapters.holdings import holdings
from bot.adapters.ledger import SqlLedger, open_ledger
from bot.adapters.openai_images import OpenAIImages
from bot.adapters.pace import ImagePace
from bot.adapters.spool import LocalSpool
from bot.core import killpoints
from bot.core.errors import SettingsError
from bot.core.killpoints import Point
from bot.core.plan import Item
from bot.core.ports import Destination, Spool
from bot.core.pricing import Money
from bot.core.run import ItemView
from bot.core.said import said
from bot.engine.drain import Drain
from bot.engine.finish import Finish
from bot.engine.life import Gate, Life
from bot.engine.runner import Runner, spool_key
from bot.entrypoints import redaction
from bot.entrypoints.settings import Settings


def utc_now() -> datetime:
    """The clock that everything is given."""
    return datetime.now(UTC)


class Kept(Spool, Protocol):
    """A spool that can be looked at."""

    def on_disk(self) -> Iterator[str]: ...
    async def size(self) -> int: ...
    async def check(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Workshop:
    """Where images are made: the ledger, the spool, and the one caller of the provider."""

    ledger: SqlLedger
    spool: Kept
    provider: OpenAIImages
    runner: Runner
    pace: ImagePace

    async def kept(self, run: str, item: ItemView) -> str | None:
        """The file of an item's image, as long as the spool has it."""
        if item.winner is None:
            return None
        answer = await self.provider.recall(spool_key(run, item, item.winner.number))
        return await self.spool.fetch(answer.image) if answer else None

    def life(
        self,
        destination: Destination,
        name_of: Callable[[Item], str],
        *,
        at_once: bool,
        remote: bool,
        gate: Gate | None = None,
    ) -> Life:
        """The life of its runs; `at_once` publishes each image as it comes, without a report.

        `remote` is for a destination that gives files an address.
        """
        finish = Finish(
            self.ledger.runs,
            self.provider,
            self.spool,
            destination,
            utc_now,
            name_of,
            redaction.clean,
            remote=remote,
            reported=not at_once,
        )
        return Life(self.ledger, self.runner, finish, utc_now, at_once, gate)


@asynccontextmanager
async def books(settings: Settings) -> AsyncIterator[SqlLedger]:
    """The ledger: at DATABASE_URL, at HISTORY_DB_PATH, or in the data directory."""
    url, path = settings.database_url, settings.history_db_path
    ledger = await open_ledger(
        url.get_secret_value() if url else path or settings.gptimage_data_dir / "ledger.db"
    )
    try:
        yield ledger
    finally:
        await ledger.close()


@asynccontextmanager
async def tied_books(settings: Settings, opening: "Opening" = books) -> AsyncIterator[SqlLedger]:
    """The ledger, whose leases end with this process: the next one need not wait for them."""
    async with (
        opening(settings) as ledger,
        holdings(ledger.leases, settings.gptimage_data_dir) as leases,
    ):
        yield replace(ledger, leases=leases)


Opening = Callable[[Settings], AbstractAsyncContextManager[SqlLedger]]
"""How the ledger is opened; tests hand in faulty ones, to see that they are found out."""


@asynccontextmanager
async def workshop(
    settings: Settings,
    pace: ImagePace,
    cap: Money | None = None,
    spool: Kept | None = None,
    opening: Opening = books,
    *,
    patient: bool = False,
) -> AsyncIterator[Workshop]:
    """Open the ledger, and the spool in the data directory if there is no other one.

    No run may cost more than `cap`; who is `patient` waits for a ledger that is away.
    """
    async with AsyncExitStack() as stack:
        ledger = await stack.enter_async_context(opening(settings))
        spool = spool or LocalSpool(settings.gptimage_data_dir / "spool")
        provider = OpenAIImages(
            settings.openai_api_key or SecretStr(""),
            base_url=settings.openai_base_url,
            organization=settings.openai_organization,
            spool=spool,
            charges=settings.gptimage_charges,
        )
        stack.push_async_callback(provider.aclose)
        prices = settings.gptimage_prices
        runner = Runner(ledger.runs, provider, pace, utc_now, Drain(), prices, cap, patient)
        yield Workshop(ledger, spool, provider, runner, pace)


def arm(kill_point: str | None) -> None:
    """End the process, as `kill -9` would, at the n-th pass of a point: `intent-committed:2`."""
    if kill_point is None:
        return
    name, _, hit = kill_point.partition(":")
    try:
        point, left = Point(name), int(hit or 1)
    except ValueError:
        raise SettingsError(
            [
                said(
                    "GPTIMAGE_KILL_POINT: {text} is not one of {names}, with :HIT",
                    text=repr(kill_point),
                    names=", ".join(Point),
                )
            ]
        ) from None
    passes = Counter[Point]()

    def at(reached: Point) -> None:
        passes[reached] += 1
        if reached is point and passes[reached] == left:
            os.kill(os.getpid(), signal.SIGKILL)

    killpoints.install(at)
