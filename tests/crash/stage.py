"""A world in which something goes wrong and right again, and what is judged there."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.simulators.github.threads import Comment
from bot.simulators.github.webhooks import Delivery
from tests.crash import ledger
from tests.crash.driver import Process, World, serving, until
from tests.crash.judge import Witness
from tests.crash.nursery import Nursery
from tests.crash.postgres import fresh_database
from tests.crash.stories import CHEAP, PATIENCE, ended
from tests.crash.troubles import NotHere, Queue
from tests.crash.walk import Result, Site, conclude, quiet

TWO = "/batch {flags} --max-concurrent 1\n\n- a red fox {n}\n- a blue owl {n}\n"


@dataclass
class Met(Result):
    """What became of a world in which something went wrong."""

    said: str = ""  # what people read of it
    seconds: float | None = None  # from its end to the last word
    skipped: str = ""


@dataclass
class Stage:
    """A world, and the server in it."""

    site: Site
    outside: World
    things: AsyncExitStack  # what has to last until the judge has looked
    servers: AsyncExitStack
    server: Process = field(init=False)
    witness: Witness = field(default_factory=Witness)
    orders: Iterator[int] = field(default_factory=lambda: count(1))
    mended_at: float = 0.0

    async def serve(self) -> None:
        """Start the server."""
        self.server = await self.servers.enter_async_context(serving(self.outside))

    async def stop(self) -> None:
        """Tell the server to stop, and wait for that."""
        await self.servers.aclose()

    async def order(self, issue: int | None = None) -> Comment:
        """Somebody wants two images that nobody else wants, if not told in an issue of its own."""
        issue = issue or await self.outside.open_issue()
        return await self.outside.say(TWO.format(flags=CHEAP, n=next(self.orders)), issue)

    async def heard(self) -> Comment:
        """The server runs and has taken a command."""
        await self.serve()
        command = await self.order()
        await self.send_again()
        return command

    async def send_again(self) -> None:
        """Deliver what was refused, as a server wants it every ten minutes, or a person."""
        webhooks = self.outside.github.webhooks
        await webhooks.settled()
        while lost := _lost(webhooks.deliveries):
            for delivery in lost:
                webhooks.redeliver(delivery)
            await webhooks.settled()

    async def at_work(self) -> Comment:
        """The server runs, and is in the first call of a run, which is not answered yet."""
        self.hold()
        command = await self.heard()
        await until(lambda: self.outside.images.calls)
        return command

    def hold(self) -> None:
        """Let no call be answered."""
        self.outside.images.answering.clear()

    def go_on(self) -> None:
        """Let the calls be answered, too, and take the time."""
        self.outside.images.answering.set()
        self.mended_at = time.monotonic()

    def expect(self, what: object, words: str) -> None:
        """A fault that was not made as the table says proves nothing."""
        if not what:
            self.site.result.violations.append(f"the fault was not made: {words}")

    def log_says(self, words: str) -> bool:
        return words in "\n".join(self.outside.log)

    @property
    def queue(self) -> Queue:
        """The one that the server has started."""
        return Queue(f"unix://{self.outside.data_dir}/data/valkey/valkey.sock")


def _lost(deliveries: Sequence[Delivery]) -> Sequence[int]:
    arrived = {each.guid for each in deliveries if each.status == "OK"}
    return list({each.guid: each.id for each in deliveries if each.guid not in arrived}.values())


Play = Callable[[Stage], Awaitable[Sequence[Comment]]]


@dataclass(frozen=True)
class Fault:
    """How it is made, and what is seen of it; `play` gives the commands that must end well."""

    name: str
    play: Play
    said: str  # a regular expression
    where: str = "log"  # or `thread`, or `GitHub` (the list of deliveries)
    doubts: int = 0  # images
    failures: int = 0  # images that are not made, and not paid for
    on_postgres: bool = False


# --- the judge --------------------------------------------------------------------------------


async def meet(fault: Fault, folder: Path, nursery: Nursery, database: str = "") -> Met:
    """Let it go wrong in a world of its own, and judge."""
    met = Met(fault.name)
    site = Site(met, folder, nursery, asyncio.Semaphore(), database)
    async with _stage(site) as stage:
        try:
            async with asyncio.timeout(PATIENCE):
                commands = await fault.play(stage)
                await stage.send_again()
                await ended(stage.outside, *commands)
                met.seconds = time.monotonic() - stage.mended_at
                await quiet(stage.outside)
        except TimeoutError:
            met.violations.append("no final state is reached")
        except NotHere as why:
            met.skipped = str(why)
            return met
        _read(fault, stage.outside, met)
        await stage.stop()
        if not met.violations:
            await _judge(fault, stage, len(commands))
    return met


@asynccontextmanager
async def _stage(site: Site) -> AsyncIterator[Stage]:
    async with site.world() as outside, AsyncExitStack() as things, AsyncExitStack() as servers:
        yield Stage(site, outside, things, servers)


async def _judge(fault: Fault, stage: Stage, runs: int) -> None:
    """No image is in doubt or fails but by the fault's own doing."""
    books = await ledger.read(stage.outside)
    doubts = {item for item, states in books.states.items() if "in_doubt" in states}
    failed = [i for i, states in books.states.items() if not states & {"succeeded", "in_doubt"}]
    if fault.failures:
        stage.witness.excused |= {books.prompts[item] for item in failed}
    if fault.doubts:
        stage.witness.under_way |= {each for each in books.attempts if each[:2] in doubts}
    if (len(doubts), len(failed)) != (fault.doubts, fault.failures):
        words = f"{len(doubts)} images are in doubt, and {len(failed)} failed"
        stage.site.result.violations.append(words)
    await conclude(stage.site, stage.outside, stage.witness, runs)


def _read(fault: Fault, outside: World, met: Met) -> None:
    """What people can read of the fault, where they are to read it."""
    said = {
        "thread": [words for answer in outside.answers for _, words in answer.revisions],
        "log": outside.log,
        "GitHub": [f"{e.status}: {e.answer}" for e in outside.github.webhooks.deliveries],
    }
    if found := re.search(fault.said, "\n".join(said[fault.where])):
        met.said = found[0]
    else:
        met.violations.append(f"nobody is told {fault.said!r}")


# --- all of them ------------------------------------------------------------------------------


async def every_fault(nursery: Nursery, server: str, faults: Sequence[Fault]) -> Sequence[Met]:
    """Each in a world of its own, one after the other; `server` is a PostgreSQL."""
    return [await one_fault(fault, nursery, server) for fault in faults]


async def one_fault(fault: Fault, nursery: Nursery, server: str = "") -> Met:
    """A world for it, and a database if it is about one."""
    async with AsyncExitStack() as stack:
        temporary = TemporaryDirectory(prefix="fault-", ignore_cleanup_errors=True)
        folder = Path(stack.enter_context(temporary))
        database = ""
        if fault.on_postgres:
            database = await stack.enter_async_context(fresh_database(server))
        return await meet(fault, folder, nursery, database)


def table(worlds: Sequence[Met]) -> str:
    """A line for each."""
    lines = [f"{'fault':28} {'promises':9} {'recovered':>9}  people read"]
    for met in worlds:
        held = "skipped" if met.skipped else "BROKEN" if met.violations else "held"
        took = "–" if met.seconds is None else f"{met.seconds:.1f} s"
        lines.append(f"{met.name:28} {held:9} {took:>9}  {met.skipped or met.said}")
        lines += [f"  {violation}" for violation in met.violations]
    if skipped := [met.name for met in worlds if met.skipped]:
        lines.append(f"{len(skipped)} skipped: {', '.join(skipped)}")
    return "\n".join(lines)
