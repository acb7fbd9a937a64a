"""`make soak`: a server at work for long, in a world in which one call in a hundred goes wrong.

It fails if memory or file descriptors keep growing, or if a micro-dollar is unexplained. Both are
read when it has nothing to do: pictures under way take megabytes, and their number comes and goes.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from random import Random, SystemRandom
from statistics import median
from tempfile import TemporaryDirectory

from bot.core import policy
from bot.simulators.github.faults import Fault as GitHubFault
from bot.simulators.github.faults import FaultKind as GitHubFaultKind
from bot.simulators.github.threads import Comment
from bot.simulators.images import Settings
from bot.simulators.images.faults import Fault, FaultKind
from tests.crash import judge, ledger
from tests.crash.driver import Process, World, answered, serving, until, world
from tests.crash.judge import Witness
from tests.crash.stories import PATIENCE
from tests.crash.walk import quiet

ONE_IN = 100
MOST_KB_A_MINUTE = 128.0
MOST_FILES_A_MINUTE = 0.2
MOST_REFUSED = 2 / ONE_IN  # of the commands
# Libraries keep each statement, pattern and connection once it has been made. Two steps come later
# than those, and once: Python doubles its table of interned strings after some 400 runs (1.9 MB),
# and SQLite fills its page cache (2 MB). So what a server adds after its thousandth run is what
# counts. Runs warm it, not minutes.
_WARM_UP = 1000  # runs
# Who waits for the next hour at 5,000 requests, or is refused at a cap, shows nothing of long work.
_LIMIT = 10**6  # requests an hour
_CAP = 100_000  # dollars
# A refusal teaches as many images a minute as such pauses leave room for, at least. After a longer
# one the soak would be as slow as the first minute in which one came, and too short to judge.
_PAUSE_MS = 100
_EVERY = 0.3  # seconds between two comments, on average
_REST = 30.0  # seconds of work between two rests, in which it is read what the server holds
_SHOWN = 6  # readings on the page, after the first
_NOTHING = "Nothing was started"  # what whoever is turned away can read
_REQUESTS = 12  # that GitHub gets for one comment, or more

_IMAGE_FAULTS = (
    *(FaultKind.RATE_LIMIT, FaultKind.SERVER_ERROR, FaultKind.HTML_ERROR, FaultKind.CUT_BODY),
    *(FaultKind.HALF_JSON, FaultKind.NO_IMAGE, FaultKind.MODERATED_OUTPUT, FaultKind.DATA_PREFIX),
)
_GITHUB_FAULTS = (
    GitHubFault(),
    GitHubFault(after_effect=True),
    GitHubFault(GitHubFaultKind.CUT),
    GitHubFault(GitHubFaultKind.SECONDARY_LIMIT, retry_after=1),
    GitHubFault(GitHubFaultKind.STARTER, path="/assets"),
)


def resident(process: int | str) -> int:
    """Kilobytes in memory of the process with this number, or of this one: "self"."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


@dataclass
class Gauge:
    """What the server holds when it rests, as the kernel counts it; first before any work."""

    process: Process
    seconds: list[float] = field(default_factory=list)
    runs: list[int] = field(default_factory=list)  # asked for until then
    kilobytes: list[float] = field(default_factory=list)
    files: list[float] = field(default_factory=list)

    def read(self, runs: int) -> None:
        self.seconds.append(time.monotonic())
        self.runs.append(runs)
        self.kilobytes.append(float(resident(self.process.pid)))
        files = Path(f"/proc/{self.process.pid}/fd")
        self.files.append(float(len(list(files.iterdir()))))

    @property
    def minutes(self) -> float:
        """From the first reading to the last one."""
        return (self.seconds[-1] - self.seconds[0]) / 60

    def slope(self, values: Sequence[float]) -> float | None:
        """How much a minute adds after the warm-up.

        None where fewer runs came after the warm-up than half of those in it.
        """
        if 2 * self.runs[-1] < 3 * _WARM_UP:
            return None
        first = next(n for n, runs in enumerate(self.runs) if runs >= _WARM_UP)
        return 60 * steepness(self.seconds[first:], values[first:])


def steepness(xs: Sequence[float], ys: Sequence[float]) -> float:
    """The middle one of the slopes between any two points, as Theil and Sen have it.

    A rest may come while connections of the last run are still open, or while a late answer is
    looked for. One such reading turns the line of least squares, and says nothing of what stays.
    """
    pairs = combinations(zip(xs, ys, strict=True), 2)
    return median((y - before) / (x - earlier) for (earlier, before), (x, y) in pairs)


async def _soak(minutes: float, chance: Random) -> int:
    with TemporaryDirectory(prefix="soak-") as folder:
        async with world(Path(folder)) as outside:
            outside.environment |= dict.fromkeys(policy.SETTINGS.values(), str(_CAP))
            outside.images.settings = Settings(latency_ms=200)
            for each in (outside.github.rate_limit, outside.github.graphql_limit):
                each.limit = _LIMIT
            async with serving(outside) as process:
                gauge = Gauge(process)
                gauge.read(0)
                commands: list[Comment] = []
                still: list[str] = []
                end = time.monotonic() + 60 * minutes
                while (now := time.monotonic()) < end and not still:
                    new = await _talk(outside, chance, min(end, now + _REST))
                    commands += new
                    still = await _ended(outside, new)
                    if not still:  # else it may be dead
                        gauge.read(len(commands))
            return await _page(outside, gauge, commands, still)


async def _talk(outside: World, chance: Random, end: float) -> list[Comment]:
    """Comment after comment, each in an issue of its own, and faults among what follows."""
    commands: list[Comment] = []
    while time.monotonic() < end:
        issue, images = await outside.open_issue(), chance.randint(1, 4)
        lines = "".join(f"- fox {issue}-{n}\n" for n in range(images))
        for _ in range(images):
            if chance.randrange(ONE_IN) == 0:
                fault = Fault(chance.choice(_IMAGE_FAULTS), wait_ms=_PAUSE_MS)
                outside.images.faults.append(fault)
        for _ in range(_REQUESTS):
            if chance.randrange(ONE_IN) == 0:
                outside.github.faults.add(chance.choice(_GITHUB_FAULTS))
        flags = "--quality low --size 1024x1024"
        commands.append(await outside.say(f"/batch {flags}\n\n{lines}", issue))
        await asyncio.sleep(chance.uniform(0, 2 * _EVERY))
    return commands


async def _ended(outside: World, commands: Sequence[Comment]) -> list[str]:
    """Wait until all is done, and gives what is known of commands that never have their end."""
    try:
        await until(lambda: all(map(answered, commands)), PATIENCE)
        await quiet(outside)
    except TimeoutError:
        return ["it never becomes quiet", *judge.unfinished(await ledger.read(outside))] + [
            line
            for each in commands
            if not answered(each)
            for line in (outside.state_of(each), *_logged(outside, each))
        ]
    return []


def _logged(outside: World, command: Comment) -> list[str]:
    return [line for line in outside.log if f'"issue": {command.issue}}}' in line]


async def _page(
    outside: World, gauge: Gauge, commands: Sequence[Comment], still: Sequence[str]
) -> int:
    books = await ledger.read(outside)
    paid, doubt = judge.spent(books)
    # Where GitHub could not say who asked, the command was refused in words, and no run made.
    turned_away = outside.open_ones(commands)
    told = {answer.issue for answer in outside.answers if _NOTHING in answer.body}
    refused, runs = len(turned_away), len(commands) - len(turned_away)
    # Nobody died here: what is in doubt is so for what the simulator did.
    witness = Witness(under_way=set(books.attempts), cap=_CAP * 1_000_000)
    broken = await judge.verdict(outside, witness, runs)
    broken += [*still, *_grown(gauge)]
    silent = [command for command in turned_away if command.issue not in told]
    broken += [f"no run, and no word: {outside.state_of(command)}" for command in silent]
    if refused > 1 + len(commands) * MOST_REFUSED:
        broken.append(f"{refused} of {len(commands)} commands were refused")
    if gauge.process.returncode != 0:
        broken.append(f"told to stop, it ended with {gauge.process.returncode}")
    calls, requests = len(outside.images.calls), len(outside.github.calls)
    billed = judge.bill(outside.images.billed)
    lines = [
        f"soak           {gauge.minutes:.1f} min, {runs} runs, {refused} refused",
        f"calls          {calls} of images, {requests} of GitHub",
        *_held(gauge),
        f"money          {billed} billed, {paid} paid, {doubt} at most in doubt (micro-dollars)",
        *judge.counted(broken),
        *broken,
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    return int(bool(broken))


def _held(gauge: Gauge) -> list[str]:
    """What it held at first, at some rests in equal distances, and at the last one."""
    memory, files = gauge.slope(gauge.kilobytes), gauge.slope(gauge.files)
    return [
        f"memory at rest {_some(gauge.kilobytes, 1024)} MB, {_pace(memory, ' kB')}",
        f"files at rest  {_some(gauge.files, 1)} open, {_pace(files, '')}",
    ]


def _pace(slope: float | None, unit: str) -> str:
    return "too short to judge" if slope is None else f"{slope:+.3g}{unit} a minute when warm"


def _some(values: Sequence[float], unit: float) -> str:
    last = len(values) - 1
    places = sorted({last * n // _SHOWN for n in range(_SHOWN + 1)})
    return ", ".join(f"{values[place] / unit:.0f}" for place in places)


def _grown(gauge: Gauge) -> list[str]:
    """What is not flat."""
    memory, files = gauge.slope(gauge.kilobytes) or 0.0, gauge.slope(gauge.files) or 0.0
    return [
        *([f"memory grows by {memory:.0f} kB a minute"] if memory > MOST_KB_A_MINUTE else []),
        *([f"open files grow by {files:.2f} a minute"] if files > MOST_FILES_A_MINUTE else []),
    ]


def _main() -> int:
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=SystemRandom().randrange(10**6))
    wish = parser.parse_args()
    sys.stdout.write(f"seed           {wish.seed}\n")
    return asyncio.run(_soak(wish.minutes, Random(wish.seed)))


if __name__ == "__main__":
    sys.exit(_main())
