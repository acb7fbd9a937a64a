"""A run that is driven by processes which die, freeze and end, and by an outside that remembers.

The engine, the ledger (SQLite) and the spool are the real ones. Every call of a port is a step of
the process before it and one after it, and so is every kill point; at one of its steps a process
meets its fate. What a dead process would do next raises `Crash`, too.
"""

import asyncio
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from inspect import iscoroutinefunction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from sqlalchemy import text

from bot.adapters.ledger import SqlLedger, open_ledger
from bot.adapters.spool import LocalSpool
from bot.core.errors import ProviderError
from bot.core.killpoints import Point
from bot.core.plan import ImageCall, Item, plan
from bot.core.ports import (
    Answer,
    Cap,
    Destination,
    Effect,
    File,
    ImageProvider,
    Inbox,
    Lease,
    Leases,
    Ledger,
    Line,
    Offers,
    Outbox,
    Publication,
    Published,
    Runs,
    Spool,
    Watch,
)
from bot.core.pricing import Money, estimate
from bot.core.run import ItemState, Run, RunState, RunView, Stop
from bot.engine.drain import Drain
from bot.engine.finish import Finish
from bot.engine.life import Life
from bot.engine.runner import Runner
from tests.engine.story import ERRORS, FREE, Ending, Fate, Outcome, Story

RUN = "r1"
START = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
LEASE = timedelta(seconds=11)  # a little longer than the engine's
TICK = timedelta(milliseconds=110)  # a little longer than the shortest delay of a retry


class Crash(BaseException):
    """The process is gone: nothing after this line ran."""


# --- processes --------------------------------------------------------------------------------


class Clock:
    """Time passes whenever somebody looks."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        self.now += TICK
        return self.now


_running: ContextVar["Process | None"] = ContextVar("_running", default=None)


def at_kill_point(_: Point) -> None:
    """The hook for `killpoints.install`."""
    if process := _running.get():
        process.go_on()


class Process:
    """Counts its steps, and meets its fate at one of them."""

    def __init__(self, world: "World", fate: Fate | None = None) -> None:
        self.drain = Drain()
        self.stopped = asyncio.Event()
        self.thawed = asyncio.Event()
        self.dead = False
        self._world = world
        self._fate = fate
        self._frozen = False
        self._steps = 0

    def go_on(self) -> None:
        if self.dead:
            raise Crash
        self._steps += 1
        if self._fate is None or self._fate.step != self._steps:
            return
        match self._fate.ending:
            case Ending.DIES:
                self.dead = True
                raise Crash
            case Ending.FREEZES:
                self._frozen = True
            case Ending.DRAINS:
                self.drain.ask()

    async def step(self) -> None:
        self.go_on()
        await self._world.step()
        if self._frozen:
            self.stopped.set()
            await self.thawed.wait()
        if self.dead:
            raise Crash


class Mortal:
    """A port as one process sees it."""

    def __init__(self, process: Process, port: object) -> None:
        self._process = process
        self._port = port

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._port, name)
        if not iscoroutinefunction(call):  # such as the spool's `receive`: it has kill points
            return call

        async def step(*args: object, **kwargs: object) -> object:
            await self._process.step()
            result = await call(*args, **kwargs)
            await self._process.step()
            return result

        return step


@dataclass(frozen=True)
class Parts:
    """The port `Ledger` in its parts."""

    leases: Leases
    inbox: Inbox
    runs: Runs
    line: Line
    outbox: Outbox
    offers: Offers


# --- the outside ------------------------------------------------------------------------------


@dataclass
class Server:
    """The image server: what it does next, and what it may charge for."""

    outcomes: list[Outcome]
    billed: Counter[str] = field(default_factory=Counter)  # calls that may be billed, by item
    keys: list[str] = field(default_factory=list)  # those calls, in their order
    kept: set[str] = field(default_factory=set)  # whose answers are durable in the spool
    calls: int = 0

    def ask(self, key: str) -> Outcome:
        self.calls += 1
        outcome = self.outcomes.pop() if self.outcomes else Outcome.IMAGE
        if outcome not in FREE:
            self.billed[key.rpartition("-")[0]] += 1
            self.keys.append(key)
        return outcome


class Provider:
    """The port `ImageProvider` over the server and the spool."""

    def __init__(self, server: Server, spool: Spool, process: Process) -> None:
        self.server = server
        self.spool = spool
        self.process = process

    async def create(self, call: ImageCall, key: str, kept: Callable[[], None]) -> Answer:
        await self.process.step()
        outcome = self.server.ask(key)
        await self.process.step()
        if outcome is Outcome.FULL_DISK:
            raise OSError(28, "No space left on device")
        if outcome is not Outcome.IMAGE:
            failure, charge = ERRORS[outcome]
            raise ProviderError(failure, outcome, charge=charge)
        answer = await self.keep(call, key)
        kept()
        return answer

    async def keep(self, call: ImageCall, key: str) -> Answer:
        async with self.spool.receive(key) as writer:
            await writer.write(b"half of ")
            await self.process.step()
            await writer.write(call.prompt.encode())
        self.server.kept.add(key)
        await self.process.step()
        return Answer(key, "image/png", 1, 1, 1)

    async def recall(self, key: str) -> Answer | None:
        return Answer(key, "image/png", 1, 1, 1) if await self.spool.fetch(key) else None


class Shelf:
    """The port `Destination`: what people can fetch."""

    def __init__(self) -> None:
        self.files: dict[int, bytes] = {}

    async def publish(self, _run: Run, files: Sequence[File]) -> Published:
        placed = [file for file in files if file.item is not None]
        for file in placed:
            self.files[cast("int", file.item)] = await asyncio.to_thread(
                Path(file.source).read_bytes
            )
        return Published(
            tuple(
                Publication(cast("int", file.item), f"https://shelf/{file.item}", file.name)
                for file in placed
            )
        )


class Nobody:
    """An audience that does not watch."""

    @asynccontextmanager
    async def live(self, _: Lease, __: RunView) -> AsyncIterator[Watch]:
        yield lambda _: None

    def last_word(self, _: RunView) -> Sequence[Effect]:
        return ()

    async def told(self, _: Sequence[Effect]) -> None:
        return


class NoHurry:
    """A pace without a limit."""

    async def acquire(self) -> None:
        return

    async def slow_down(self, _: float) -> None:
        return


# --- the world --------------------------------------------------------------------------------


@dataclass
class World:
    story: Story
    ledger: SqlLedger
    spool: LocalSpool
    server: Server
    shelf: Shelf = field(default_factory=Shelf)
    clock: Clock = field(default_factory=Clock)
    build: "Build" = field(default_factory=lambda: sound)
    cancelled_at: datetime | None = None
    steps: int = 0
    escaped: list[str] = field(default_factory=list)  # errors that no process may end with

    @property
    def items(self) -> tuple[Item, ...]:
        return plan(self.story.batch, RUN)

    async def step(self) -> None:
        """A step of whichever process; at one of them a person cancels the run."""
        self.steps += 1
        if self.steps == self.story.cancel and await self.ledger.runs.request_stop(
            RUN, Stop.CANCELLED
        ):
            self.cancelled_at = self.clock.now

    async def view(self) -> RunView:
        view = await self.ledger.runs.get(RUN)
        assert view is not None
        return view

    async def committed(self) -> Money:
        """What the budget of the day holds."""
        async with self.ledger.database.read() as connection:
            return Money(await connection.scalar(text("SELECT committed FROM budgets")) or 0)

    async def live(self, process: Process) -> None:
        """One process, from its start to its end."""
        _running.set(process)
        try:
            await self.build(self, process).execute(RUN, Nobody())
        except FileNotFoundError as error:
            if not process.thawed.is_set():  # else its successor has cleared the spool
                self.escaped.append(repr(error))
        except BaseException as error:  # noqa: BLE001  (deaths come in groups, too)
            if not process.dead:
                self.escaped.append(repr(error))

    async def live_all(self) -> None:
        """Process after process, each meeting its fate; the last one meets none."""
        fates: list[Fate | None] = [*self.story.fates, None]
        while fates:
            fate = fates.pop(0)
            process = Process(self, fate)
            living = asyncio.create_task(self.live(process))
            if fate and fate.ending is Ending.FREEZES:
                await self._until_frozen(living, process)
                self.clock.now += LEASE
                successor = Process(self, fates.pop(0) if fates else None)
                successor.thawed.set()  # one frozen process at a time
                await asyncio.create_task(self.live(successor))
                process.thawed.set()
            await living
            self.clock.now += LEASE

    async def _until_frozen(self, living: "asyncio.Task[None]", process: Process) -> None:
        stopped = asyncio.create_task(process.stopped.wait())
        await asyncio.wait({living, stopped}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()

    async def order_again(self) -> None:
        """A person orders what has no image."""
        view = await self.view()
        wanted = [i.item.index for i in view.items if i.state is not ItemState.SUCCEEDED]
        if wanted:
            assert await self.ledger.runs.reopen(
                view, wanted, view.run.upper_bound, self.clock.now, self.caps
            )

    @property
    def caps(self) -> tuple[Cap, ...]:
        most = estimate(self.story.batch).total.high
        assert most is not None
        return (Cap("the day", "server", "2026-11-21", most * (2 if self.story.again else 1)),)


Build = Callable[[World, Process], Life]


@dataclass(frozen=True)
class Ports:
    """What a life is made of; a mutant puts another in the place of one of them."""

    ledger: Ledger
    provider: ImageProvider
    spool: Spool
    destination: Destination


def ports(world: World, process: Process) -> Ports:
    """The real ports, as the process sees them."""

    def mortal(port: object) -> Any:
        return Mortal(process, port)

    return Ports(
        Parts(
            mortal(world.ledger.leases),
            mortal(world.ledger.inbox),
            mortal(world.ledger.runs),
            mortal(world.ledger.line),
            mortal(world.ledger.outbox),
            mortal(world.ledger.offers),
        ),
        Provider(world.server, world.spool, process),
        mortal(world.spool),
        mortal(world.shelf),
    )


def life(world: World, process: Process, parts: Ports) -> Life:
    runs = parts.ledger.runs
    runner = Runner(runs, parts.provider, NoHurry(), world.clock, process.drain)
    finish = Finish(
        runs, parts.provider, parts.spool, parts.destination, world.clock, lambda it: it.path
    )
    return Life(parts.ledger, runner, finish, world.clock)


def sound(world: World, process: Process) -> Life:
    """The product as it is."""
    return life(world, process, ports(world, process))


@asynccontextmanager
async def world(story: Story, empty: Path, build: Build = sound) -> AsyncIterator[World]:
    """A world with a stored run; `empty` is the file of an empty ledger."""
    with TemporaryDirectory(dir=empty.parent) as folder:
        shutil.copy(empty, Path(folder, "ledger.db"))
        ledger = await open_ledger(Path(folder, "ledger.db"))
        spool = LocalSpool(Path(folder, "spool"))
        made = World(story, ledger, spool, Server(list(story.outcomes)), build=build)
        bill = estimate(story.batch).total
        run = Run(RUN, RunState.QUEUED, story.batch, START, upper_bound=bill.high)
        assert await ledger.runs.open(run, made.items, made.caps)
        yield made
        await ledger.close()
