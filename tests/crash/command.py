"""The command line, killed at a step or at any moment, and gone on with."""

import asyncio
import json
import signal
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from random import Random

from bot.core.killpoints import Point
from bot.simulators.images import Settings
from tests.crash import judge, ledger
from tests.crash.driver import KILLED, Process, World, until
from tests.crash.judge import Witness
from tests.crash.stories import PATIENCE
from tests.crash.walk import Site

POINTS = (
    *(Point.ITEMS_STORED, Point.RUN_CLAIMED, Point.INTENT_COMMITTED, Point.REQUEST_SENT),
    *(Point.ANSWER_HALF_READ, Point.SPOOL_HALF_WRITTEN, Point.ANSWER_SPOOLED),
    *(Point.ATTEMPT_SETTLED, Point.FILES_PUBLISHED, Point.REPORT_STORED),
)
PROMPTS = ("ant", "bee", "cat")
MANY = tuple(f"fox {number}" for number in range(24))
_LONGEST_LIFE = 4.0  # seconds from its birth to its death at any moment
_AT_A_POINT = 0.7
_LEFT_ALIVE = 0.25  # so often the next one lives until it has called for an image
_AT_LATEST = 20.0  # at a point: some have no more to do
_FURTHEST = 4


async def walk_command(site: Site, point: str) -> None:
    """`gptimage run`, killed there, again while it is gone on with, and then left alone."""
    async with site.world() as outside:
        command = _Command(site, outside, PROMPTS, places=1)
        if await command.died(point):
            await command.died(f"{point.partition(':')[0]}:1")
        await command.conclude()


async def storm_command(site: Site, chance: Random) -> None:
    """A long batch, gone on with and killed again until it is done."""
    async with site.world() as outside:
        outside.images.settings = Settings(latency_ms=chance.choice((50, 300)))
        command = _Command(site, outside, MANY, places=chance.randint(1, 4))
        while await command.died(*_end(chance)):
            if chance.random() < _LEFT_ALIVE and not await command.recovered(chance.uniform(0, 1)):
                break
        await command.conclude()


def _end(chance: Random) -> tuple[str, float]:
    """Where a process dies, and when at the latest."""
    if chance.random() < _AT_A_POINT:
        return f"{chance.choice(POINTS)}:{chance.randint(1, _FURTHEST)}", _AT_LATEST
    return "", chance.uniform(0, _LONGEST_LIFE)


class _Command:
    """One batch, and all the processes that were at it."""

    def __init__(self, site: Site, outside: World, prompts: Sequence[str], places: int) -> None:
        jobs = [{"prompt": p, "quality": "low", "output_path": f"{p}.png"} for p in prompts]
        batch = {"jobs": jobs, "output_dir": "out", "max_concurrent": places}
        (site.folder / "batch.json").write_text(json.dumps(batch))
        self.witness = Witness()
        self._site = site
        self._outside = outside
        self._prompts = prompts
        self._died_at: datetime | None = None

    async def died(self, point: str, life: float = PATIENCE) -> bool:
        """Whether a process that goes on, if there is anything, died in that time."""
        async with self._site.places:
            process = await self._start(point)
            return await self._dies(process, point, life)

    async def recovered(self, life: float) -> bool:
        """The same for one that lives until it has called for an image, and for a moment more."""
        async with self._site.places:
            process = await self._start()
            await until(lambda: self._moved() or process.returncode is not None, PATIENCE)
            self._note(self._moved() or datetime.now(UTC))
            return await self._dies(process, "", life)

    async def _start(self, point: str = "") -> Process:
        more = ("--resume",) if self._died_at else ()
        process, _ = await self._outside.start("run", "batch.json", *more, kill_point=point)
        return process

    async def _dies(self, process: Process, point: str, life: float) -> bool:
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), life)
        where = f"run, {point or 'any moment'}"
        if process.returncode is None:
            where = "run, any moment"
            process.send_signal(signal.SIGKILL)
            await process.wait()
        if process.returncode != KILLED:
            return False
        self._died_at = datetime.now(UTC)
        self._site.result.kills.append(where)
        await self.witness.look(self._outside)
        return True

    def _moved(self) -> datetime | None:
        """When the first image was called for since the last death."""
        calls = (call.at for call in self._outside.images.calls)
        return next((at for at in calls if self._died_at and at > self._died_at), None)

    def _note(self, moved_at: datetime) -> None:
        if self._died_at:
            self._site.result.recoveries.append((moved_at - self._died_at).total_seconds())

    async def conclude(self) -> None:
        """Let it come to its end, judge, and see that going on with what is done does nothing."""
        result, outside = self._site.result, self._outside
        process = await self._resumed()
        if self._died_at:
            self._note(self._moved() or datetime.now(UTC))
            result.ends.append((datetime.now(UTC) - self._died_at).total_seconds())
        result.violations += await self._verdict(process)
        before = _seen(outside), (await ledger.read(outside)).tables
        await self._resumed()
        after = await ledger.read(outside)
        if before != (_seen(outside), after.tables):
            result.violations.append("going on with what is done has changed something")
        result.doubts = sum("in_doubt" in states for states in after.states.values())
        result.kept = len(self.witness.kept)

    async def _resumed(self) -> Process:
        process, _ = await self._outside.start("run", "batch.json", "--resume")
        async with asyncio.timeout(PATIENCE):
            await process.wait()
        return process

    async def _verdict(self, process: Process) -> list[str]:
        outside = self._outside
        out = outside.data_dir / f"{outside.starts:04}.out"
        report = json.loads(out.read_text() or '{"results": []}')
        doubts = {job["prompt"] for job in report["results"] if job["charge"] == "in_doubt"}
        paid = {job["prompt"] for job in report["results"] if job["charge"] == "paid"}
        found = judge.command_verdict(outside, await ledger.read(outside), self.witness)
        if names := set(outside.calls) - paid - doubts:
            found.append(f"unreported charges: {names} were billed, and the report names neither")
        if doubts and not report["in_doubt"]:
            found.append("unreported charges: something is in doubt, and the report says $0")
        if _seen(outside) != sorted(f"{prompt}.png" for prompt in paid):
            found.append(f"lost paid images: of {sorted(paid)} there are {_seen(outside)}")
        if process.returncode != (1 if doubts else 0):
            found.append(f"it ended with {process.returncode}, and {len(doubts)} are in doubt")
        if sorted([*paid, *doubts]) != sorted(self._prompts):
            found.append("lost orders: an image is neither made nor in doubt")
        return found


def _seen(outside: World) -> list[str]:
    return sorted(path.name for path in (outside.data_dir / "out").glob("*.png"))
