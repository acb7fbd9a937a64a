"""What faults are made with: a small disk, the queue's process, a line to hold up or to cut."""

import asyncio
import os
import signal
import subprocess
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from arq.constants import job_key_prefix
from redis.asyncio import Redis

_PLACES = "gptimage:queue"


class NotHere(Exception):  # noqa: N818  (no error: this machine cannot make the fault)
    """This machine does not let anybody make the fault, or lacks what it is made with."""


# --- the disk ---------------------------------------------------------------------------------


class SmallDisk:
    """A file system of its own that can be filled and emptied."""

    def __init__(self, path: Path) -> None:
        self._filler = path / "filler"

    def fill(self, but: int = 0) -> None:
        """Leave no room for another byte, or for so many."""
        with suppress(OSError), self._filler.open("ab", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        if but:
            os.truncate(self._filler, self._filler.stat().st_size - but)

    def empty(self) -> None:
        """Make room again."""
        self._filler.unlink()


@contextmanager
def small_disk(path: Path, size: str) -> Iterator[SmallDisk]:
    """Mount one for the block; raises NotHere where this is not permitted."""
    path.mkdir(parents=True, exist_ok=True)
    options = ["-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(path)]
    try:
        subprocess.run(["mount", *options], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        raise NotHere("mounting a file system needs rights that this process has not") from None
    try:
        yield SmallDisk(path)
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=True)


# --- the queue --------------------------------------------------------------------------------


class Queue:
    """A Valkey at an address, whoever has started it."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def kill(self) -> None:
        """End its process without a word."""
        os.kill(await self._pid(), signal.SIGKILL)

    @asynccontextmanager
    async def frozen(self) -> AsyncIterator[None]:
        """It takes connections for the block, but answers nothing."""
        pid = await self._pid()
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    async def empty(self) -> None:
        """It forgets everything."""
        async with Redis.from_url(self._url) as redis:
            await redis.flushall()

    async def holds(self, comment: int) -> bool:
        """Whether the comment waits in it, as arq keeps that: its place, and what is to be done."""
        async with Redis.from_url(self._url, decode_responses=True) as redis:
            for name in await redis.zrange(_PLACES, 0, -1):
                if name.endswith(f"-{comment}"):
                    return bool(await redis.exists(job_key_prefix + name))
        return False

    async def _pid(self) -> int:
        async with Redis.from_url(self._url) as redis:
            return int((await redis.info("server"))["process_id"])


# --- the line ---------------------------------------------------------------------------------


class Line:
    """A way to another server that can be held up, or cut after so many bytes of an answer."""

    def __init__(self, connect: Callable[[], Awaitable[tuple[StreamReader, StreamWriter]]]) -> None:
        self._connect = connect
        self.cut_after: int | None = None  # bytes of the next answer
        self.held = asyncio.Event()  # something waits in it
        self._word = b""
        self._free = asyncio.Event()
        self._free.set()
        self._carrying: set[asyncio.Task[None]] = set()

    def hold(self, word: bytes = b"") -> None:
        """What has `word` in it stays in the line, and what comes behind it, until it is free."""
        self._word = word
        self._free.clear()

    def free(self) -> None:
        """Let all go on."""
        self._free.set()

    def take(self, asking: StreamReader, answers: StreamWriter) -> None:
        """Carry a connection's bytes both ways until one side is done."""
        task = asyncio.create_task(self._carry(asking, answers))
        self._carrying.add(task)
        task.add_done_callback(self._carrying.discard)

    async def aclose(self) -> None:
        """Cut all connections."""
        for task in self._carrying:
            task.cancel()
        await asyncio.gather(*self._carrying, return_exceptions=True)

    async def _carry(self, asking: StreamReader, answers: StreamWriter) -> None:
        far, forth = await self._connect()
        asked = asyncio.create_task(self._ask(asking, forth))
        try:
            async for data in self._through(far):
                answers.write(data[: self.cut_after])
                if self.cut_after is not None:
                    self.cut_after = None
                    return
                await answers.drain()
        except OSError:
            return
        finally:
            asked.cancel()
            answers.close()
            forth.close()

    async def _ask(self, asking: StreamReader, forth: StreamWriter) -> None:
        with suppress(OSError):
            async for data in self._through(asking):
                forth.write(data)
                await forth.drain()
        forth.close()

    async def _through(self, source: StreamReader) -> AsyncIterator[bytes]:
        while data := await source.read(65536):
            if self._word in data and not self._free.is_set():
                self.held.set()
                await self._free.wait()
            yield data


@asynccontextmanager
async def http_line(target: str) -> AsyncIterator[tuple[Line, str]]:
    """A line to the HTTP server at `target` for the block, and the address that it has itself."""
    parts = urlsplit(target)
    line = Line(partial(asyncio.open_connection, parts.hostname, parts.port))
    server = await asyncio.start_server(line.take, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, aclosing(line):
        yield line, f"http://127.0.0.1:{port}{parts.path}"


@asynccontextmanager
async def unix_line(target: Path, near: Path) -> AsyncIterator[Line]:
    """A line from the socket `near` to the server at the socket `target` for the block."""
    line = Line(partial(asyncio.open_unix_connection, target))
    async with await asyncio.start_unix_server(line.take, near), aclosing(line):
        yield line
