"""A story: three runs, a worker that drives one, and what those who wait read meanwhile."""

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from bot.entrypoints.sandbox import sandbox
from tests.stories.conftest import Thread

FOX = "/batch --quality low --size 1024x1024\n\n- a red fox in snow, number {n}"


@pytest.fixture
async def thread(tmp_path: Path) -> AsyncIterator[Thread]:
    """A thread whose bot drives one run at a time."""
    folder = tmp_path / "data"
    async with sandbox(folder, port=0, latency_ms=0, at_once=1, gptimage_live_seconds=0.1) as room:
        yield Thread(room)
        room.images.answering.set()  # a story that broke off leaves nobody waiting


def answered(thread: Thread, count: int) -> bool:
    return len(thread.by_bot) == count


async def test_who_waits_reads_how_the_line_moves_on(thread: Thread) -> None:
    images = thread.room.images
    images.answering.clear()
    for number in (1, 2, 3):
        await thread.write(FOX.format(n=number))
        await thread.until(partial(answered, thread, number))
    await thread.until(lambda: "It is the next one" in thread.answers()[1])
    await thread.until(lambda: "1 run is before it" in thread.answers()[2])
    third = thread.by_bot[2].id
    await thread.until(lambda: len(thread.calls()) == 1)

    def first_is_answered() -> bool:
        """Let what is held back go, but nothing that comes after it."""
        if thread.calls()[0].outcome == "in_flight":
            images.answering.set()
            images.answering.clear()
            return False
        return True

    await thread.until(first_is_answered)
    await thread.until(lambda: "### ✅ 1 image" in thread.answers()[0])
    await thread.until(lambda: "It is the next one" in thread.answers()[2])

    images.answering.set()
    await thread.quiet()
    assert [comment.id for comment in thread.by_bot][2] == third
    assert len(thread.by_bot) == 3
    assert all(answer.startswith("### ✅ 1 image") for answer in thread.answers())
    assert len(thread.calls()) == 3
