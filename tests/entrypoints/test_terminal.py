"""What a terminal shows of a run, and what it does not."""

import asyncio
import fcntl
import os
import pty
import re
import struct
import termios
from contextlib import suppress

from bot.simulators.images import ImagesSimulator, Settings
from tests.entrypoints.conftest import Ended, Shell


async def seen_on_a_terminal(shell: Shell, *options: str, **env: str) -> tuple[Ended, str]:
    """Run a batch of two whose stderr is a terminal; gives what that showed."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 70, 0, 0))
    try:
        async with shell.start(
            "gptimage",
            "run",
            shell.batch("fox", "owl"),
            *options,
            stderr=theirs,
            env={"TERM": "xterm", **env},
        ) as running:
            os.close(theirs)
            reading_terminal = asyncio.create_task(asyncio.to_thread(_read_all, ours))
            return await running.ended(), await reading_terminal
    finally:
        os.close(ours)


async def test_a_terminal_shows_every_job_while_the_run_works(
    shell: Shell, images: ImagesSimulator
) -> None:
    images.settings = Settings(latency_ms=700)

    ended, seen = await seen_on_a_terminal(shell)

    assert ended.code == 0
    assert ended.report["succeeded"] == 2
    for word in ("fox.png", "owl.png", "making", "images", "so far"):
        assert word in seen
    assert "\x1b[2K" in seen.rpartition("so far")[2], "the table is wiped away at the end"


async def test_without_colours_the_words_stay(shell: Shell, images: ImagesSimulator) -> None:
    images.settings = Settings(latency_ms=700)

    _, seen = await seen_on_a_terminal(shell, NO_COLOR="1")

    assert "making" in seen
    assert re.search(r"\x1b\[[0-9;]*3[0-7]m", seen) is None


async def test_a_terminal_that_cannot_draw_shows_nothing_but_lines_that_matter(
    shell: Shell, images: ImagesSimulator
) -> None:
    images.settings = Settings(latency_ms=700)

    ended, seen = await seen_on_a_terminal(shell, TERM="dumb")

    assert (ended.code, seen) == (0, "")


async def test_colours_forced_upon_a_pipe_make_it_no_terminal(shell: Shell) -> None:
    ended = await shell.run("gptimage", "run", shell.batch("fox"), env={"FORCE_COLOR": "1"})

    assert (ended.code, ended.err) == (0, "")


def _read_all(terminal: int) -> str:
    seen = b""
    with suppress(OSError):  # Linux's way to say that nobody writes any more
        while part := os.read(terminal, 65536):
            seen += part
    return seen.decode()
