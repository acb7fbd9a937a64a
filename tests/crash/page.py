"""What an evening of deaths has shown, on one page, and what it should have shown and did not."""

from collections import Counter
from collections.abc import Iterable, Sequence

from bot.core.killpoints import Point
from tests.crash import caps, judge
from tests.crash.recovery import MOST_SECONDS, p95, spread
from tests.crash.walk import Result

LEAST_KILLS = 1_000  # of a whole evening


def page(results: Sequence[Result], under_a_cap: Sequence[str], took: float, seed: int) -> str:
    """Kills, broken promises, doubts, recoveries, and where they died."""
    broken = [violation for result in results for violation in result.violations]
    kills = [kill for result in results for kill in result.kills]
    bots = [result for result in results if not result.of_command]
    lines = [
        f"kills          {len(kills)} in {len(results)} worlds, {took:.0f} s, seed {seed}",
        *judge.counted(broken),
        f"in doubt       {sum(result.doubts for result in results)} images",
        f"kept           {sum(result.kept for result in results)} answers in the spool",
        f"above a cap    {sum(result.refused for result in results)} commands refused",
        spread("recovery", recoveries(bots), "from a death until all has moved"),
        spread("of which start", _all(bots, "starts"), "from birth until it listened"),
        spread("to the end", _all(bots, "ends"), "from the last death to the last word"),
        spread("--resume", recoveries(_commands(results)), "from a death to the next image"),
    ]
    if under_a_cap:
        lines.append(f"under a cap    {', '.join(under_a_cap)} of {caps.RUNS} runs at once")
    kinds = Counter(kill.partition(":")[0] for kill in kills)
    lines += ["", "killed at", *(f"  {kinds[k]:5} {k}" for k in sorted(kinds))]
    return "\n".join([*lines, "", *broken])


def recoveries(results: Iterable[Result]) -> list[float]:
    return _all(results, "recoveries")


def slow(results: Sequence[Result]) -> list[str]:
    """Whether recovery takes too long, of the bot or of the command."""
    fronts = {
        "the bot": [result for result in results if not result.of_command],
        "the command": _commands(results),
    }
    took = {front: p95(recoveries(found)) for front, found in fronts.items()}
    return [
        f"{front} takes {seconds:.1f} s to recover (p95)"
        for front, seconds in took.items()
        if seconds > MOST_SECONDS
    ]


def few(results: Sequence[Result]) -> list[str]:
    """Whether there were too few deaths, or none after which something moved, to say anything."""
    kills = sum(len(result.kills) for result in results)
    found = [f"{kills} kills are too few"] if kills < LEAST_KILLS else []
    return found + ([] if recoveries(results) else ["nobody was seen to recover"])


def unreached(
    results: Sequence[Result], points: Iterable[Point], of_commands: Iterable[Point]
) -> list[str]:
    """The steps at which nobody died, on either database: the product passes them no more."""
    found = []
    for on_postgres in (False, True):
        there = [result for result in results if result.on_postgres == on_postgres]
        died = {kill.partition(":")[0] for result in there for kill in result.kills}
        wanted = [*points, *(f"run, {point}" for point in of_commands)]
        database = "PostgreSQL" if on_postgres else "SQLite"
        found += [f"nobody died at {each} on {database}" for each in wanted if each not in died]
    return found


def _commands(results: Iterable[Result]) -> list[Result]:
    return [result for result in results if result.of_command]


def _all(results: Iterable[Result], name: str) -> list[float]:
    return sorted(seconds for result in results for seconds in getattr(result, name))
