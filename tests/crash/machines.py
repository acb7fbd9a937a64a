"""Machines that share a database, a queue and a store, and die one after the other.

`python -m tests.crash.machines` is the long form: one page of what was seen. Every process has a
home of its own, and one that was killed is replaced by a machine that has nothing of its files.
"""

import argparse
import asyncio
import re
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from importlib import import_module
from itertools import count
from pathlib import Path
from random import Random, SystemRandom
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any

import httpx

from bot.adapters.valkey import embedded_valkey
from bot.simulators.github import Webhook
from bot.simulators.github.threads import Comment
from bot.simulators.images import Settings
from tests import buckets
from tests.crash import judge, ledger
from tests.crash.driver import KILLED, SECRET, Process, World, until, world
from tests.crash.judge import Witness
from tests.crash.nursery import nursery
from tests.crash.postgres import fresh_database, postgres_server
from tests.crash.recovery import MOST_SECONDS, p95, spread
from tests.crash.walk import quiet

_READY = re.compile(r"webhook: (http://[^\s)]+)\)|worker is ready")
_REQUESTS = 12_500  # an hour, as GitHub gives a large installation; 200 runs make some 8,000
_PACE = 0.7  # of the deaths that were to be, at least: the rest is the start and the end
_LOOK = "SELECT subject, epoch, until FROM leases WHERE subject LIKE 'run:%'"


@dataclass(frozen=True)
class Plan:
    """How many machines, how much they have to do, and when one of them dies."""

    runs: int
    images: int
    webs: int
    workers: int
    seed: int
    deaths: int  # at most
    at_once: int = 40  # so many commands are open: more would try the machine, and not the product
    every_images: int = 0  # a worker is killed whenever so many more were billed
    every_seconds: float = 0  # and so much time has gone by
    patience: float = 240.0  # seconds in which anything must move


@dataclass
class Seen:
    """What became of it."""

    plan: Plan
    kills: int = 0
    violations: list[str] = field(default_factory=list)
    billed: int = 0
    doubts: int = 0
    kept: int = 0
    seconds: float = 0
    still: list[float] = field(
        default_factory=list
    )  # from a dead worker's last renewal to the next claim
    log: str = ""

    def page(self) -> str:
        """One page, as `make crash-machines` prints it."""
        plan = self.plan
        shape = f"{plan.runs} of {plan.images} images, {plan.webs} webs, {plan.workers} workers"
        return "\n".join(
            [
                f"runs           {shape}, {self.seconds:.0f} s, seed {plan.seed}",
                f"kills          {self.kills} workers",
                *judge.counted(self.violations),
                f"billed         {self.billed} images",
                f"in doubt       {self.doubts} images",
                f"kept           {self.kept} answers in the spool of the dead",
                spread("recovery", self.still, "from a lease's last renewal to its heir"),
                *self.violations,
            ]
        )


# --- machines ---------------------------------------------------------------------------------


@asynccontextmanager
async def machine(
    outside: World, name: str, *command: str, patience: float = 60.0, kill_point: str = ""
) -> AsyncIterator[tuple[Process, str]]:
    """A process that shares no file with the others, until the block ends; and its webhook."""
    home, log = outside.data_dir / name, outside.data_dir / f"{name}.log"
    home.mkdir()
    log.touch()
    own = {"HOME": str(home), "GPTIMAGE_DATA_DIR": str(home / "data")}
    own["GPTIMAGE_KILL_POINT"] = kill_point
    assert outside.nursery
    process = await outside.nursery.logged(command, outside.environment | own, home, log)

    def ready() -> re.Match[str] | None:
        return _READY.search(log.read_text())

    try:
        await until(lambda: process.returncode is not None or ready(), patience)
        found = ready()
        yield process, (found[1] or "") if found else ""
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGCONT)
            process.send_signal(signal.SIGTERM)
        await process.wait()


class ToAll(httpx.AsyncBaseTransport):
    """The same delivery reaches all webs at the same moment."""

    def __init__(self, hooks: Sequence[str]) -> None:
        self._hooks = hooks

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body, headers = await request.aread(), dict(request.headers)
        headers.pop("host")
        async with httpx.AsyncClient(trust_env=False, verify=False, timeout=10) as client:
            posts = [client.post(hook, content=body, headers=headers) for hook in self._hooks]
            answers = await asyncio.gather(*posts)
        worst = max(answers, key=lambda answer: answer.status_code)
        return httpx.Response(worst.status_code, content=worst.content)


class Workers:
    """Keeps so many workers alive: whoever dies is replaced by a machine that is new."""

    def __init__(self, outside: World, seen: Seen) -> None:
        self.alive: dict[int, Process] = {}
        self._outside = outside
        self._seen = seen
        self._numbers = count()
        self._over = asyncio.Event()

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """For the block; at its end each of them is told to stop, and must do so well."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self._seen.plan.workers):
                group.create_task(self._keep())
            try:
                await until(lambda: len(self.alive) == self._seen.plan.workers, 120)
                yield
            finally:
                self._over.set()

    async def _keep(self) -> None:
        code = KILLED
        while not self._over.is_set() and code == KILLED:
            number = next(self._numbers)
            name = f"worker-{number}"
            async with machine(self._outside, name, "worker", patience=120) as (process, _):
                self.alive[number] = process
                await _first(process.wait(), self._over.wait())
                self.alive.pop(number, None)
            code = await process.wait()
        if code not in (0, KILLED) or (code == 0 and not self._over.is_set()):
            self._seen.violations.append(f"worker-{number} ended by itself with {code}")

    async def die(self, chance: Random, witness: Witness) -> None:
        """Kill one of them, now and then when the plan says so, until cancelled."""
        plan, images, began = self._seen.plan, self._outside.images, time.monotonic()
        looks = list[asyncio.Task[None]]()
        try:
            while self._seen.kills < plan.deaths:
                nth = self._seen.kills + 1
                # The pace of the deaths, nothing to wait for.
                await asyncio.sleep(began + plan.every_seconds * nth - time.monotonic())
                due = plan.every_images * nth
                await until(lambda: len(images.billed) >= due, plan.patience)  # noqa: B023
                await until(lambda: self.alive, plan.patience)
                victim = self.alive.pop(chance.choice(sorted(self.alive)))
                victim.send_signal(signal.SIGKILL)
                await victim.wait()
                self._seen.kills += 1
                looks.append(asyncio.create_task(witness.look(self._outside)))
        finally:
            await asyncio.gather(*looks)


async def _first(*ends: Awaitable[object]) -> None:
    tasks = {asyncio.ensure_future(end) for end in ends}
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


# --- what the ledger says meanwhile -----------------------------------------------------------


@dataclass
class Leases:
    """Who held each run when, by the times that the ledger recorded."""

    found: dict[str, tuple[int, float]] = field(default_factory=dict)
    still: list[float] = field(default_factory=list)
    # Runs whose holder was dead or too slow, and the times between which somebody took them.
    taken: list[tuple[str, float, float]] = field(default_factory=list)

    async def watch(self, url: str) -> None:
        """Look every so often until cancelled."""
        connection: Any = await import_module("asyncpg").connect(url)
        try:
            while True:
                for subject, epoch, until_ in await connection.fetch(_LOOK):
                    self._see(subject, epoch, until_ / 1_000_000)
                await asyncio.sleep(0.25)
        finally:
            await connection.close(timeout=5)

    def _see(self, subject: str, epoch: int, until_: float) -> None:
        """A higher epoch after a lease that was not given back: somebody took a dead one's run."""
        before = self.found.get(subject)
        self.found[subject] = (epoch, until_)
        if before and epoch > before[0] and before[1] > 0:
            self.taken.append((subject.removeprefix("run:"), before[1], time.time()))
            if until_ > 0:
                self.still.append(until_ - before[1])

    def under_way(self, books: ledger.Books) -> set[ledger.Attempt]:
        """The calls that were, for the ledger, under way when somebody took their run."""
        return {
            each
            for each, row in books.attempts.items()
            for run, gone, seen in self.taken
            if each[0] == run
            and row["started_at"] <= seen * 1_000_000
            and (row["settled_at"] is None or row["settled_at"] >= gone * 1_000_000)
        }


# --- all together -----------------------------------------------------------------------------


async def survive(folder: Path, database: str, plan: Plan) -> Seen:
    """People order pictures from machines that die; then judge from outside."""
    seen, witness, leases = Seen(plan), Witness(), Leases()
    began = time.monotonic()
    async with AsyncExitStack() as stack:
        outside = await stack.enter_async_context(shared_world(folder, database, plan.webs))
        await stack.enter_async_context(_meanwhile(leases.watch(database)))
        workers = Workers(outside, seen)
        try:
            async with workers.working():
                async with _meanwhile(workers.die(Random(plan.seed), witness)):
                    await _order(outside, plan)
                await _settled(outside, plan.patience)
        except* TimeoutError:  # in the group of the workers
            seen.violations.append("no final state is reached")
        books = await ledger.read(outside)
        # Whoever is so slow that its lease runs out is dead for the others.
        witness.under_way |= leases.under_way(books)
        seen.violations += await judge.verdict(outside, witness, plan.runs)
        seen.violations += _threads(outside)
        seen.doubts = sum("in_doubt" in states for states in books.states.values())
        seen.billed, seen.still = len(outside.images.billed), leases.still
        seen.kept = len(witness.kept)
        seen.log = "\n".join(outside.log[-80:]) if seen.violations else ""
    seen.seconds = time.monotonic() - began
    return seen


@asynccontextmanager
async def shared_world(
    folder: Path, database: str, webs: int, settings: Mapping[str, str] = MappingProxyType({})
) -> AsyncIterator[World]:
    """The outside, what the machines share, and the webs; all of them hear every delivery."""
    async with AsyncExitStack() as stack:
        # A machine that starts costs no more than what it does then: one dies every few seconds.
        there = await stack.enter_async_context(nursery())
        outside = await stack.enter_async_context(world(folder, there))
        bucket = stack.enter_context(buckets.bucket())
        queue = await stack.enter_async_context(embedded_valkey(folder / "queue"))
        outside.environment |= {
            "DATABASE_URL": database,
            "REDIS_URL": queue,
            "SPOOL_URL": bucket.url,
            "GPTIMAGE_LIVE_SECONDS": "5",
            **settings,
        }
        outside.images.settings = Settings(latency_ms=500)
        outside.github.rate_limit.limit = _REQUESTS
        hooks = []
        for number in range(webs):
            web = machine(outside, f"web-{number}", "serve", "--no-worker", patience=120)
            hooks.append((await stack.enter_async_context(web))[1])
        outside.github.webhooks.webhook = Webhook(hooks[0], SECRET, ToAll(hooks))
        yield outside


@asynccontextmanager
async def _meanwhile(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Do something beside the block, and leave it at its end; its own errors are raised."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled():
            task.result()


async def _order(outside: World, plan: Plan) -> None:
    """A command for each run, each in an issue of its own, until all have their last word."""
    commands: list[Comment] = []
    for run in range(plan.runs):
        await _fewer(outside, commands, plan)
        issue = await outside.open_issue()
        lines = "".join(f"- fox {run}-{image}\n" for image in range(plan.images))
        words = f"/batch --quality low --size 1024x1024\n\n{lines}"
        commands.append(await outside.say(words, issue))
    await _fewer(outside, commands, replace(plan, at_once=1))


async def _fewer(outside: World, commands: Sequence[Comment], plan: Plan) -> None:
    """Until fewer are open than people have at once; something moves within the patience."""

    def standing() -> tuple[int, int]:
        return len(outside.open_ones(commands)), len(outside.images.calls)

    now = standing()
    while now[0] >= plan.at_once:
        async with asyncio.timeout(plan.patience):
            while now == (now := standing()):
                await asyncio.sleep(0.5)


async def _settled(outside: World, patience: float) -> None:
    await quiet(outside, patience)
    await outside.github.webhooks.settled()


def _threads(outside: World) -> list[str]:
    """Each thread has one summary."""
    summaries = [each.issue for each in outside.answers if "| Estimated |" in each.body]
    return [f"issue {n} has two" for n in set(summaries) if summaries.count(n) > 1]


# --- the long form ----------------------------------------------------------------------------


async def _main(plan: Plan) -> Seen:
    with postgres_server() as server, TemporaryDirectory(prefix="machines") as folder:
        async with fresh_database(server) as database:
            return await survive(Path(folder), database, plan)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the page; gives the exit code."""
    parser = argparse.ArgumentParser(prog="make crash-machines", description=__doc__)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--images", type=int, default=10)
    parser.add_argument("--webs", type=int, default=3)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--at-once", type=int, default=40, help="commands that are open")
    parser.add_argument("--every", type=float, default=5.0, help="seconds from kill to kill")
    parser.add_argument("--seed", type=int, default=SystemRandom().randrange(10**6))
    wish = parser.parse_args(arguments)
    plan = Plan(
        *(wish.runs, wish.images, wish.webs, wish.workers, wish.seed),
        deaths=10**6,
        at_once=wish.at_once,
        every_seconds=wish.every,
    )
    seen = asyncio.run(_main(plan))
    if seen.kills < _PACE * seen.seconds / plan.every_seconds:
        seen.violations.append(f"{seen.kills} kills in {seen.seconds:.0f} s are too few")
    if not seen.still or not seen.kept:
        seen.violations.append("no death left a run, or an answer, to any other machine")
    if (seconds := p95(seen.still)) > MOST_SECONDS:
        seen.violations.append(f"an heir takes {seconds:.1f} s (p95)")
    sys.stdout.write(f"{seen.log}\n{seen.page()}\n".lstrip())
    return int(bool(seen.violations))


if __name__ == "__main__":
    sys.exit(main())
