"""What a terminal shows of a run, and what it does not."""

import asyncio
import fcntl
import os
import pty
import re
import signal
import struct
import termios
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from bot.simulators.images import Fault, FaultKind, ImagesSimulator, Settings
from tests.entrypoints.conftest import Ended, Running, Shell, until


class Screen:
    """A terminal of 70 by 24, and all that was written to it."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._written = b""

    @property
    def text(self) -> str:
        return self._written.decode(errors="replace")

    def watch(self) -> None:
        """Read until nobody writes any more."""
        with suppress(OSError):  # Linux's way to say so
            while part := os.read(self._descriptor, 65536):
                self._written += part


@asynccontextmanager
async def on_a_terminal(shell: Shell, **env: str) -> AsyncIterator[tuple[Running, Screen]]:
    """A run of two pictures whose stderr is a terminal; after the block all of it is read."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 70, 0, 0))
    command = ("gptimage", "run", shell.batch("fox", "owl"))
    screen = Screen(ours)
    try:
        async with shell.start(*command, stderr=theirs, env={"TERM": "xterm", **env}) as running:
            os.close(theirs)
            watching = asyncio.create_task(asyncio.to_thread(screen.watch))
            yield running, screen
        await watching
    finally:
        os.close(ours)


async def seen_on_a_terminal(shell: Shell, **env: str) -> tuple[Ended, str]:
    """How such a run ended, and what it showed."""
    async with on_a_terminal(shell, **env) as (running, screen):
        ended = await running.ended()
    return ended, screen.text


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


async def test_whoever_leaves_at_once_has_the_cursor_back(
    shell: Shell, images: ImagesSimulator
) -> None:
    images.faults.append(Fault(FaultKind.HANG))

    async with on_a_terminal(shell) as (running, screen):
        await until(lambda: "making" in screen.text)
        running.send(signal.SIGINT)
        await until(lambda: "stopping" in screen.text)
        running.send(signal.SIGINT)
        ended = await running.ended()

    assert ended.code == 130
    assert "\x1b[?25l" in screen.text, "the table hides it"
    assert screen.text.endswith("\x1b[?25h\r\n")
