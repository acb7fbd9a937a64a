"""`kill -9` of `gptimage run` at any moment, and `--resume`: no image is called for twice.

KILLED_COMMANDS is the number of seeds.
"""

import asyncio
import os
import random
import signal
from collections import Counter

import pytest

from bot.simulators.images import ImagesSimulator, Settings
from tests.entrypoints.conftest import Ended, Shell, images, shell, until

__all__ = ["images", "shell"]  # fixtures

SEEDS = range(int(os.environ.get("KILLED_COMMANDS", "2")))
PROMPTS = ("ant", "bee", "cat", "dog", "elk", "fox")
LATENCY = 0.3


@pytest.mark.parametrize("seed", SEEDS)
async def test_whenever_it_is_killed_only_what_was_in_flight_is_in_doubt(
    shell: Shell, images: ImagesSimulator, seed: int
) -> None:
    chance = random.Random(seed)
    places = chance.randint(1, 3)
    images.settings = Settings(latency_ms=round(LATENCY * 1000))
    batch = shell.batch(*PROMPTS, max_concurrent=places)
    await killed(shell, images, batch, chance)

    resumed = await shell.run("gptimage", "run", batch, "--resume")

    doubts = in_doubt(resumed)
    assert set(Counter(call.sent["prompt"] for call in images.calls).values()) == {1}
    assert len(doubts) <= places, "only what was under way"
    assert resumed.report["succeeded"] == len(PROMPTS) - len(doubts)
    assert shell.images() == [f"{prompt}.png" for prompt in PROMPTS if prompt not in doubts]
    assert resumed.code == (1 if doubts else 0)
    assert (resumed.report["in_doubt"] > 0) == bool(doubts)
    await ordered_again(shell, images, batch, doubts)


async def killed(shell: Shell, images: ImagesSimulator, batch: str, chance: random.Random) -> None:
    """Start the command, and end it at some moment after one of its calls, if it is not quicker."""
    last = chance.randint(1, len(PROMPTS))
    async with shell.start("gptimage", "run", batch) as running:
        await until(lambda: len(images.calls) >= last)
        await asyncio.sleep(chance.uniform(0, 2 * LATENCY))
        if running.process.returncode is None:
            running.send(signal.SIGKILL)


def in_doubt(ended: Ended) -> list[str]:
    jobs = ended.report["results"]
    return [job["prompt"] for job in jobs if job["charge"] == "in_doubt"]


async def ordered_again(
    shell: Shell, images: ImagesSimulator, batch: str, doubts: list[str]
) -> None:
    """A person orders what is in doubt: then all is there, and nothing else was called for."""
    had = len(images.calls)

    ended = await shell.run("gptimage", "run", batch, "--resume", "--retry-in-doubt")

    assert ended.code == 0
    assert sorted(str(call.sent["prompt"]) for call in images.calls[had:]) == sorted(doubts)
    assert shell.images() == [f"{prompt}.png" for prompt in PROMPTS]
