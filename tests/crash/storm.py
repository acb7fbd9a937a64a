"""Commands without a pause, and a server that is killed at any moment, again and again."""

import asyncio
import os
import signal
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from bot.core.killpoints import Point
from bot.simulators.github.threads import Comment
from bot.simulators.images import Settings
from tests.crash.driver import KILLED, Process, World, serving, until
from tests.crash.judge import Witness
from tests.crash.recovery import interrupted, recovery
from tests.crash.stories import CHEAP, PATIENCE, ended
from tests.crash.walk import Site, conclude, quiet

KILLS = 40
_NEW = 0.5  # so often a command comes before the next death
_AT_A_POINT = 0.5  # so often a death is at a step of the product, if it comes by in time
_FURTHEST = 4  # the last pass of a point at which it may be
_WHILE_STARTING = 0.1  # so often it is before anybody listens
_LONGEST_START, _LONGEST_LIFE = 1.0, 2.0  # seconds to the death, once it is born, or listens
_LEFT_ALIVE = 0.25  # so often the next one lives until all that was interrupted has moved
_TIGHT = 0.3  # so often the day has money for half of the orders
_TIGHT_CAP = 150_000  # micro-dollars; an image holds some 6,000, and a storm orders some 50
_WITH_VALKEY = 0.2  # so often the queue is killed a moment before the server


async def storm(site: Site, chance: Random) -> None:
    """Kill a server many times while people go on commenting; then let it live, and judge."""
    witness, result, commands = Witness(), site.result, list[Comment]()
    async with site.world() as outside:
        outside.images.settings = Settings(latency_ms=chance.choice((0, 50, 300)))
        destination = chance.choice(("release", "release", "branch", "directory"))
        outside.environment["GPTIMAGE_DESTINATION"] = destination
        if tight := chance.random() < _TIGHT:
            witness.cap = _TIGHT_CAP
            outside.environment["GPTIMAGE_MAX_COST_PER_DAY"] = str(_TIGHT_CAP / 1_000_000)
        while len(result.kills) < KILLS and not result.violations:
            now = Random(chance.random())  # what is seen meanwhile changes no later choice
            if not commands or now.random() < _NEW:
                commands.append(await _order(outside, now, len(commands)))
            died_at = await _one_death(site, outside, Random(now.random()))
            waiting = interrupted(outside, commands)
            await witness.look(outside)
            if waiting and now.random() < _LEFT_ALIVE and len(result.kills) < KILLS:
                await _recovered(site, outside, waiting, died_at, now.uniform(0, 1))
                await witness.look(outside)
        began = time.monotonic()
        await _live_on(site, outside, commands)
        result.ends.append(time.monotonic() - began)
        if not result.violations:
            result.refused = len(outside.refused) if tight else 0  # else nobody may be
            await conclude(site, outside, witness, len(commands) - result.refused)


async def _recovered(
    site: Site, outside: World, waiting: list[Comment], died_at: datetime, life: float
) -> None:
    """A server that lives until all that waited has moved, and for a moment more."""
    async with site.places, serving(outside) as process:
        try:
            await until(lambda: recovery(outside, waiting, died_at) is not None, PATIENCE)
        except TimeoutError:
            still = [each for each in waiting if recovery(outside, [each], died_at) is None]
            words = [f"never moves: {outside.state_of(command)}" for command in still]
            site.result.violations += words
        else:
            site.result.recoveries.append(recovery(outside, waiting, died_at) or 0)
        await _end(site, process, life, "")


async def _order(outside: World, chance: Random, number: int) -> Comment:
    """A comment in an issue of its own, whether anybody listens or not."""
    issue = 1 if number == 0 else await outside.open_issue()
    lines = "".join(f"- fox {number}-{n}.\n" for n in range(chance.randint(1, 4)))
    flags = f"{CHEAP} --max-concurrent {chance.randint(1, 3)}"
    return await outside.say(f"/batch {flags}\n\n{lines}", issue)


async def _one_death(site: Site, outside: World, chance: Random) -> datetime:
    """A server that lives for a moment; gives when it died."""
    at = chance.choice(list(Point)) if chance.random() < _AT_A_POINT else None
    point = f"{at}:{chance.randint(1, _FURTHEST)}" if at else ""
    starting, queue_too = chance.random() < _WHILE_STARTING, chance.random() < _WITH_VALKEY
    async with site.places:
        if starting:
            process, _ = await outside.start("serve", kill_point=point)
            await _end(site, process, chance.uniform(0, _LONGEST_START), "starting")
            return datetime.now(UTC)
        async with serving(outside, point) as process:
            life = chance.uniform(0, _LONGEST_LIFE)
            await _end(site, process, life, point, queue_too=queue_too)
            return datetime.now(UTC)


async def _end(
    site: Site, process: Process, life: float, point: str, *, queue_too: bool = False
) -> None:
    """Kill the process after that time, if it has not died at its point before."""
    with suppress(TimeoutError):
        await asyncio.wait_for(process.wait(), life)
    where = point or "any moment"
    if process.returncode is None:
        where = "any moment" if point != "starting" else point
        if queue_too:
            where = "any moment, the queue first"
            for each in _descendants(process.pid):
                with suppress(ProcessLookupError):
                    os.kill(each, signal.SIGKILL)
            await asyncio.sleep(life / 8)
        process.send_signal(signal.SIGKILL)
        await process.wait()
    if process.returncode != KILLED:
        site.result.violations.append(f"the process ended by itself with {process.returncode}")
    site.result.kills.append(where)


def _descendants(pid: int) -> list[int]:
    """The processes that a process has started: the queue's."""
    children = [
        int(child)
        for file in Path(f"/proc/{pid}/task").glob("*/children")
        for child in _words(file)
    ]
    return [*children, *(each for child in children for each in _descendants(child))]


def _words(file: Path) -> list[str]:
    with suppress(OSError):
        return file.read_text().split()
    return []


async def _live_on(site: Site, outside: World, commands: list[Comment]) -> None:
    """A server that nobody kills brings everything to its end."""
    async with site.places, serving(outside) as process:
        try:
            await ended(outside, *commands)
            await quiet(outside)
        except TimeoutError:
            open_ = [outside.state_of(each) for each in outside.open_ones(commands)]
            site.result.violations += [
                f"of {len(commands)} commands never ends: {words}" for words in open_
            ]
    if process.returncode != 0:
        site.result.violations.append(f"told to stop, it ended with {process.returncode}")
