"""`make crash`: kills the product at every step and at any moment, and lets all else go wrong;
prints one page.

`--seed` replays what chance chose; `--minutes` is the time for random kills after the walk.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from random import Random, SystemRandom
from tempfile import TemporaryDirectory

from bot.core.killpoints import Point
from tests.crash import caps, command
from tests.crash.faults import FAULTS
from tests.crash.nursery import Nursery, nursery
from tests.crash.page import few, page, slow, unreached
from tests.crash.postgres import fresh_database, postgres_server
from tests.crash.stage import every_fault, table
from tests.crash.stories import ELSEWHERE, STORIES
from tests.crash.storm import storm
from tests.crash.walk import Result, Site, walk

_MOST_HITS = 40
# Recovery has something to do only after another death; so has the taking over of a dead one's run.
_FIRST = {
    Point.RECOVERING: (
        *(Point.DELIVERY_STORED, Point.RUN_OPENED, Point.REQUEST_SENT),
        *(Point.ANSWER_SPOOLED, Point.FILES_PUBLISHED, Point.COMMENT_INTENDED),
    ),
    Point.INTENT_COMMITTED: (Point.ANSWER_SPOOLED,),
    Point.ATTEMPT_SETTLED: (Point.REQUEST_SENT, Point.ANSWER_SPOOLED),
    Point.FILES_PUBLISHED: (Point.ANSWER_SPOOLED,),
    Point.COMMENT_POSTED: (Point.COMMENT_INTENDED,),
}
_AGAIN = {"batch", "side by side"}  # the others take over in the same way
_MINUTES = 10  # of random kills, if nobody says otherwise
_ONE_COMMAND_IN = 3
_STORMS = {"serve": storm, "run": command.storm_command}


@dataclass
class Crash:
    """All worlds of one evening."""

    nursery: Nursery
    postgres: str
    wish: argparse.Namespace
    places: asyncio.Semaphore
    rooms: asyncio.Semaphore
    results: list[Result] = field(default_factory=list)
    caps: list[str] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)

    async def one(
        self, name: str, play: Callable[[Site], Awaitable[None]], *, on_postgres: bool
    ) -> Result:
        """A world of its own for a play; those of the command line begin with `run`."""
        where = "PostgreSQL" if on_postgres else "SQLite"
        result = Result(f"{name}, {where}", on_postgres, name.startswith("run,"))
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self.rooms)
            self.results.append(result)
            temporary = TemporaryDirectory(prefix="crash-", ignore_cleanup_errors=True)
            folder = Path(stack.enter_context(temporary))
            url = ""
            if on_postgres:
                url = await stack.enter_async_context(fresh_database(self.postgres))
            await play(Site(result, folder, self.nursery, self.places, url))
        for violation in result.violations:
            _say(f"VIOLATION {result.name}: {violation}")
        if result.violations:
            _say(result.log)
        return result

    # --- every step ---------------------------------------------------------------------------

    async def every_step(self) -> None:
        """Each point of each story and of the command line, on both databases."""
        async with asyncio.TaskGroup() as group:
            for on_postgres in (False, True):
                for name, first, point in self._deaths():
                    group.create_task(self._hits(name, first, point, on_postgres=on_postgres))
                for point in command.POINTS if self.wish.command else ():
                    group.create_task(self._command_hits(point, on_postgres=on_postgres))

    def _deaths(self) -> Iterator[tuple[str, str, Point]]:
        """A story, where a process dies in it, and where the one before died, if it did."""
        for name in self.wish.stories:
            for point in self.wish.points:
                if point not in ELSEWHERE or point in STORIES[name].also:
                    yield name, "", point
                    for first in _FIRST.get(point, ()) if name in _AGAIN else ():
                        yield name, first, point

    async def _hits(self, name: str, first: str, point: Point, *, on_postgres: bool) -> None:
        """The first pass, the second one, and so on, until the story is over before."""
        before = [f"{first}:1"] if first else []
        for hit in range(1, _MOST_HITS):
            # The next process dies at its first pass: what it goes on from was no clean start.
            chain = [*before, f"{point}:{hit}", f"{point}:1"]
            play = partial(walk, story=STORIES[name], chain=chain)
            result = await self.one(f"{name}, {' '.join(chain)}", play, on_postgres=on_postgres)
            if f"{point}:{hit}" not in result.kills or result.violations:
                return

    async def _command_hits(self, point: Point, *, on_postgres: bool) -> None:
        for hit in range(1, _MOST_HITS):
            play = partial(command.walk_command, point=f"{point}:{hit}")
            result = await self.one(f"run, {point}:{hit}", play, on_postgres=on_postgres)
            if not result.kills or result.violations:
                return

    # --- any moment ---------------------------------------------------------------------------

    async def any_moment(self) -> None:
        """Worlds with random deaths until the time is over; each has a seed of its own."""
        end = time.monotonic() + 60 * self.wish.minutes
        seeds = count(self.wish.seed)
        async with asyncio.TaskGroup() as group:
            for _ in range(self.wish.storms):
                group.create_task(self._storms(seeds, end))

    async def _storms(self, seeds: Iterator[int], end: float) -> None:
        while time.monotonic() < end:
            seed = next(seeds)
            kind = "run" if self.wish.command and seed // 2 % _ONE_COMMAND_IN == 0 else "serve"
            play = partial(_STORMS[kind], chance=Random(seed))
            await self.one(f"{kind}, seed {seed}", play, on_postgres=bool(seed % 2))

    # --- all at once --------------------------------------------------------------------------

    async def everybody(self) -> None:
        """A hundred orders in a moment, so many times as wished, on both databases in turn."""
        self.caps = await caps.capped(self.nursery, self.postgres, self.wish.caps)

    # --- the page -----------------------------------------------------------------------------

    def page(self) -> str:
        return page(self.results, self.caps, time.monotonic() - self.started, self.wish.seed)

    def missed(self) -> list[str]:
        """The numbers that were to be reached, and were not."""
        wish, found = self.wish, slow(self.results)
        whole = not wish.only_random and {*wish.stories} == {*STORIES}
        if whole:
            points = command.POINTS if wish.command else ()
            found += unreached(self.results, wish.points, points)
        if whole and {*wish.points} == {*Point} and wish.minutes >= _MINUTES:
            found += few(self.results)
        found += [f"{each} of {caps.RUNS}" for each in self.caps if each != str(caps.ACCEPTED)]
        return found


def _say(words: str) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


@asynccontextmanager
async def _crash(wish: argparse.Namespace) -> AsyncIterator[Crash]:
    async with AsyncExitStack() as stack:
        postgres = stack.enter_context(postgres_server())
        there = await stack.enter_async_context(nursery())
        yield Crash(
            there,
            postgres,
            wish,
            asyncio.Semaphore(wish.worlds),
            asyncio.Semaphore(wish.worlds * 8),
        )


async def _main(wish: argparse.Namespace) -> int:
    async with _crash(wish) as crash:

        async def progress() -> None:
            while True:
                await asyncio.sleep(60)
                _say(crash.page().partition("\n\n")[0])

        telling = asyncio.create_task(progress())
        if not wish.only_random:
            await crash.every_step()
        if wish.minutes:
            await crash.any_moment()
        telling.cancel()
        await crash.everybody()
        faults = [fault for fault in FAULTS if fault.name in wish.faults]
        met = await every_fault(crash.nursery, crash.postgres, faults)
        missed = crash.missed()
        _say("\n".join([crash.page(), *missed, "", table(met)]))
        return int(any((missed, *(result.violations for result in (*crash.results, *met)))))


def _wish() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make crash", description=__doc__)
    parser.add_argument("--seed", type=int, default=SystemRandom().randrange(10**6))
    parser.add_argument("--minutes", type=float, default=_MINUTES)
    parser.add_argument("--worlds", type=int, default=2, help="at work at the same time")
    parser.add_argument("--storms", type=int, default=2, help="worlds of random kills at once")
    parser.add_argument("--only-random", action="store_true", help="leave the walk out")
    parser.add_argument("--no-command", dest="command", action="store_false")
    parser.add_argument("--caps", type=int, default=10, help="hundreds of runs under a cap")
    names = [fault.name for fault in FAULTS]
    parser.add_argument("--faults", nargs="*", default=names, choices=names)
    parser.add_argument("--stories", nargs="*", default=[*STORIES], choices=[*STORIES])
    parser.add_argument("--points", nargs="*", type=Point, default=[*Point])
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(asyncio.run(_main(_wish())))
