"""One story, its deaths, and what is true afterwards."""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from bot.entrypoints import loopback
from bot.simulators.github import Webhook
from bot.simulators.github.threads import Comment
from tests.crash import judge, ledger
from tests.crash.driver import KILLED, SECRET, Process, World, serving, world
from tests.crash.judge import Witness
from tests.crash.nursery import Nursery
from tests.crash.recovery import interrupted, recovery
from tests.crash.stories import PATIENCE, Story

# Where no connection of anybody begins, which could take the port between two lives of a server.
_ports = count(10_000 + os.getpid() % 20_000)

_BUSY = 1.5  # seconds after which a process that still lives only waits


@dataclass
class Result:
    """What became of one world."""

    name: str
    on_postgres: bool = False
    of_command: bool = False  # and not of the bot
    kills: list[str] = field(default_factory=list)  # where each of them was
    violations: list[str] = field(default_factory=list)
    doubts: int = 0
    refused: int = 0  # commands for which a tight cap had no money left
    kept: int = 0  # answers that a death found whole in the spool
    recoveries: list[float] = field(default_factory=list)  # of its deaths, as recovery.py says
    starts: list[float] = field(default_factory=list)  # seconds from birth until it listened
    ends: list[float] = field(default_factory=list)  # seconds from the last death to the last word
    log: str = ""


@dataclass(frozen=True)
class Site:
    """Where one world is built, and what it shares with the others."""

    result: Result
    folder: Path
    nursery: Nursery
    places: asyncio.Semaphore  # for those at work; who only waits for a dead one's lease has none
    database: str = ""  # SQLite if empty

    @asynccontextmanager
    async def world(self) -> AsyncIterator[World]:
        """A world whose server always has the same address, as missed deliveries need it."""
        async with world(self.folder, self.nursery) as outside:
            if self.database:
                outside.environment["DATABASE_URL"] = self.database
            with loopback.bind_next(next(_ports)) as found:
                port = found.getsockname()[1]
            outside.environment["GPTIMAGE_PORT"] = str(port)
            address = f"http://{loopback.HOST}:{port}/webhook"
            outside.github.webhooks.webhook = Webhook(address, SECRET)
            yield outside
            self.result.starts += outside.start_seconds
            if self.result.violations:
                self.result.log = "\n".join(outside.log[-60:])


async def walk(site: Site, story: Story, chain: Sequence[str]) -> None:
    """Play the story while the process dies at each point of the chain, one after the other."""
    async with site.world() as outside, story.staged(outside):
        if story.unheard:
            await outside.say(story.unheard)
            await outside.github.webhooks.settled()
        witness, deaths = Witness(), _Deaths(site, outside, chain)
        following = asyncio.create_task(deaths.follow(witness))
        runs = None
        try:
            async with asyncio.timeout(PATIENCE + 60):
                runs = await story.play(outside, witness)
                if deaths.died_at:
                    ended_at, died_at = datetime.now(UTC), deaths.died_at
                    site.result.ends.append((ended_at - died_at).total_seconds())
                    if seconds := recovery(outside, deaths.waiting, died_at):
                        site.result.recoveries.append(seconds)
                await quiet(outside)
        except TimeoutError:
            site.result.violations.append("no final state is reached")
        finally:
            deaths.over.set()
            await following
        if runs is not None:
            await conclude(site, outside, witness, runs)


class _Deaths:
    """A process after the other, each of which may die; the last one lives."""

    def __init__(self, site: Site, outside: World, chain: Sequence[str]) -> None:
        self._site = site
        self._outside = outside
        self._chain = list(chain)
        self.died_at: datetime | None = None
        self.waiting: list[Comment] = []  # what the last death interrupted
        self.over = asyncio.Event()  # the story has been told

    async def follow(self, witness: Witness) -> None:
        while not self.over.is_set():
            point = self._chain.pop(0) if self._chain else ""
            async with AsyncExitStack() as stack:
                async with self._site.places:
                    process = await stack.enter_async_context(serving(self._outside, point))
                    await _settled(process, self.over, _BUSY if point else 0.1)
                await _settled(process, self.over)
            if process.returncode == KILLED and point:
                self.died_at = datetime.now(UTC)
                self.waiting = interrupted(self._outside, self._outside.comments)
                self._site.result.kills.append(point)
                await witness.look(self._outside)
            elif process.returncode != 0 or not self.over.is_set():
                words = f"the process ended by itself with {process.returncode}"
                self._site.result.violations.append(words)
                return


async def _settled(process: Process, over: asyncio.Event, seconds: float | None = None) -> None:
    """Until the process has died or the story is over, for at most so many seconds."""
    ends = {asyncio.create_task(process.wait()), asyncio.create_task(over.wait())}
    await asyncio.wait(ends, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for end in ends:
        end.cancel()
    await asyncio.gather(*ends, return_exceptions=True)


async def conclude(site: Site, outside: World, witness: Witness, runs: int) -> None:
    """Judge, let another process look for work where there is none, and judge again."""
    result = site.result
    result.violations += await judge.verdict(outside, witness, runs)
    before, looks = await _seen(outside), (await ledger.looks(outside))[0]
    async with site.places, serving(outside) as again:
        # It has looked when it has asked GitHub what was missed, which it does beside the sweep.
        try:
            await _looked(outside, looks)
        except TimeoutError:
            result.violations.append("a second recovery looked for nothing")
    if again.returncode != 0:
        result.violations.append(f"told to stop, it ended with {again.returncode}")
    after = await _seen(outside)
    for name, value in before.items():
        if after[name] != value:
            result.violations.append(f"a second recovery changed {name}")
    result.doubts = sum("in_doubt" in s for s in (await ledger.read(outside)).states.values())
    result.kept = len(witness.kept)


async def quiet(outside: World, patience: float = PATIENCE) -> None:
    """Until nothing is left to do, as the ledger says it."""
    await ledger.until(outside, lambda books: not judge.unfinished(books), patience)


async def _looked(outside: World, before: int) -> None:
    """Until somebody has looked for missed deliveries once more."""
    async with asyncio.timeout(PATIENCE):
        while (looks := await ledger.looks(outside))[0] == before or not looks[1]:
            await asyncio.sleep(0.5)


async def _seen(outside: World) -> dict[str, object]:
    """All that a process could change."""
    books, github = await ledger.read(outside), outside.github.as_json()
    return {
        "the calls": len(outside.images.calls),
        "the thread": [(each.id, each.revisions) for each in outside.comments],
        "the reactions": [len(each.reactions) for each in outside.comments],
        "the files": sorted(outside.data_dir.glob("data/images/**/*")),
        "the spool": sorted(await outside.spooled()),
        **{f"GitHub's {name}": deepcopy(github[name]) for name in ("releases", "tags", "refs")},
        **{f"the ledger's {name}": rows for name, rows in books.tables.items()},
    }
