"""Commands without a pause, and a server that is killed at any moment, again and again."""

import asyncio
import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from random import Random

from bot.simulators.github.threads import Comment
from bot.simulators.images import Settings
from tests.crash.driver import World, serving
from tests.crash.judge import Witness
from tests.crash.stories import ended
from tests.crash.walk import Site, conclude, quiet

KILLS = 12
COMMANDS = 8
_LONGEST_LIFE = 5.0  # seconds from the moment it listens to the next kill
_WITH_VALKEY = 0.25  # so often the queue is killed a moment before the server


async def storm(site: Site, chance: Random) -> None:
    """Kill a server many times while people go on commenting; then let it live, and judge."""
    witness, result = Witness(), site.result
    async with site.world() as outside:
        outside.images.settings = Settings(latency_ms=chance.choice((0, 50, 300)))
        talking = asyncio.create_task(_talk(outside, Random(chance.random())))
        for _ in range(KILLS):
            await _one_death(site, outside, chance, witness)
        died_at = time.monotonic()
        commands = await talking
        await _live_on(site, outside, commands)
        result.recovery = time.monotonic() - died_at
        if not result.violations:
            await conclude(site, outside, witness, len(commands))


async def _one_death(site: Site, outside: World, chance: Random, witness: Witness) -> None:
    result = site.result
    life = chance.uniform(0, _LONGEST_LIFE)
    queue_too = chance.random() < _WITH_VALKEY
    async with site.places, serving(outside) as process:
        await asyncio.sleep(life)  # the moment is the point here
        if process.returncode is not None:
            result.violations.append(f"the process ended by itself with {process.returncode}")
            return
        if queue_too:
            for each in _descendants(process.pid):
                with suppress(ProcessLookupError):
                    os.kill(each, signal.SIGKILL)
            await asyncio.sleep(chance.uniform(0, 0.5))
        process.send_signal(signal.SIGKILL)
        await process.wait()
    result.kills.append("any moment, the queue first" if queue_too else "any moment")
    await witness.look(outside)


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


async def _talk(outside: World, chance: Random) -> list[Comment]:
    """Order pictures, each time in an issue of its own, whether anybody listens or not."""
    commands = []
    for number in range(COMMANDS):
        issue = 1 if number == 0 else await outside.open_issue()
        lines = "".join(f"- fox {number}-{n}\n" for n in range(chance.randint(1, 4)))
        flags = f"--quality low --size 1024x1024 --max-concurrent {chance.randint(1, 3)}"
        commands.append(await outside.say(f"/batch {flags}\n\n{lines}", issue))
        await asyncio.sleep(chance.uniform(0, _LONGEST_LIFE))
    return commands


async def _live_on(site: Site, outside: World, commands: list[Comment]) -> None:
    """A server that nobody kills brings everything to its end."""
    async with site.places, serving(outside) as process:
        try:
            await ended(outside, *commands)
            await quiet(outside)
        except TimeoutError:
            open_ = sum(not outside.ended(command) for command in commands)
            site.result.violations.append(f"{open_} of {len(commands)} commands never end")
    if process.returncode != 0:
        site.result.violations.append(f"told to stop, it ended with {process.returncode}")
