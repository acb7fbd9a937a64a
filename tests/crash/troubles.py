"""What the faults are made with: a small disk, the queue's process, a line that is cut."""

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
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
    """A way to another server that can be cut after so many bytes of its next answer."""

    def __init__(self, target: str) -> None:
        parts = urlsplit(target)
        self._target = (parts.hostname, parts.port)
        self._path = parts.path
        self.cut_after: int | None = None
        self._carrying: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[str]:
        """The address at which the other server is found for the block."""
        server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server:
            yield f"http://127.0.0.1:{port}{self._path}"
        for task in self._carrying:
            task.cancel()
        await asyncio.gather(*self._carrying, return_exceptions=True)

    def _take(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._carry(near, back))
        self._carrying.add(task)
        task.add_done_callback(self._carrying.discard)

    async def _carry(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        far, forth = await asyncio.open_connection(*self._target)
        there = asyncio.create_task(_pump(near, forth))
        try:
            while data := await far.read(65536):
                if self.cut_after is not None:
                    back.write(data[: self.cut_after])
                    self.cut_after = None
                    return
                back.write(data)
                await back.drain()
        except OSError:
            return
        finally:
            there.cancel()
            back.close()
            forth.close()


async def _pump(near: asyncio.StreamReader, far: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await near.read(65536):
            far.write(data)
            await far.drain()
