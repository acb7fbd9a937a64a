"""The command line, killed at a step, and gone on with."""

import asyncio
import json
import time
from collections import Counter

from tests.crash import judge
from tests.crash.driver import KILLED, Process, World
from tests.crash.judge import Witness
from tests.crash.stories import PATIENCE
from tests.crash.walk import Site

PROMPTS = ("ant", "bee", "cat")


async def walk_command(site: Site, point: str) -> None:
    """`gptimage run`, killed there, again while it is gone on with, and then left alone."""
    result, witness = site.result, Witness()
    async with site.world() as outside:
        jobs = [{"prompt": p, "quality": "low", "output_path": f"{p}.png"} for p in PROMPTS]
        batch = {"jobs": jobs, "output_dir": "out", "max_concurrent": 1}
        (site.folder / "batch.json").write_text(json.dumps(batch))
        died_at = await _killed(site, outside, point, witness)
        process = await _resumed(outside)
        result.recovery = died_at and time.monotonic() - died_at
        result.violations += await _verdict(outside, witness, process)
        before = _seen(outside), (await judge.read(outside)).tables
        await _resumed(outside)
        if before != (_seen(outside), (await judge.read(outside)).tables):
            result.violations.append("going on with what is done has changed something")
        result.doubts = sum("in_doubt" in s for s in (await judge.read(outside)).states.values())


async def _killed(site: Site, outside: World, point: str, witness: Witness) -> float | None:
    """When the last of two processes died, if one did."""
    died_at = None
    for more, at in (((), point), (("--resume",), f"{point.partition(':')[0]}:1")):
        async with site.places:
            process, _ = await outside.start("run", "batch.json", *more, kill_point=at)
            async with asyncio.timeout(PATIENCE):
                await process.wait()
        if process.returncode != KILLED:
            break
        died_at = time.monotonic()
        site.result.kills.append(at)
        await witness.look(outside)
    return died_at


async def _resumed(outside: World) -> Process:
    process, _ = await outside.start("run", "batch.json", "--resume")
    async with asyncio.timeout(PATIENCE):
        await process.wait()
    return process


async def _verdict(outside: World, witness: Witness, process: Process) -> list[str]:
    books = await judge.read(outside)
    report = json.loads((outside.data_dir / f"{outside.starts:04}.out").read_text() or "{}")
    doubts = {job["prompt"] for job in report["results"] if job["charge"] == "in_doubt"}
    paid = {job["prompt"] for job in report["results"] if job["charge"] == "paid"}
    found = judge.command_verdict(outside, books, witness)
    called = set(outside.calls)
    if called - paid - doubts:
        found.append(f"{called - paid - doubts} were billed, and the report names neither")
    if doubts and not report["in_doubt"]:
        found.append("something is in doubt, and the report names no amount")
    if _seen(outside) != sorted(f"{prompt}.png" for prompt in paid):
        found.append(f"{sorted(paid)} were paid, and {_seen(outside)} are there")
    if process.returncode != (1 if doubts else 0):
        found.append(f"it ended with {process.returncode}, and {len(doubts)} are in doubt")
    if Counter(paid | doubts).total() != len(PROMPTS):
        found.append("an image is neither made nor in doubt")
    return found


def _seen(outside: World) -> list[str]:
    return sorted(path.name for path in (outside.data_dir / "out").glob("*.png"))
