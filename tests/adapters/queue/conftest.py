"""A real Valkey for each test, and a crew's work that can be watched."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from redis.asyncio import Redis

from bot.adapters.queue import ArqScheduler, Worker
from bot.adapters.valkey import embedded_valkey


class Work:
    """Handlers and a sweep that remember what they were asked, and can be held up."""

    def __init__(self) -> None:
        self.begun: asyncio.Queue[str] = asyncio.Queue()
        self.done: list[str] = []
        self.sweeps: asyncio.Queue[None] = asyncio.Queue()
        self.gate = asyncio.Event()
        self.gate.set()

    async def handle(self, subject: str) -> None:
        self.begun.put_nowait(subject)
        await self.gate.wait()
        self.done.append(subject)

    async def fail(self, subject: str) -> None:
        self.begun.put_nowait(subject)
        raise RuntimeError("this subject cannot be handled")

    async def sweep(self) -> None:
        self.sweeps.put_nowait(None)

    async def next(self) -> str:
        """The subject that is begun next."""
        async with asyncio.timeout(30):
            return await self.begun.get()

    async def next_sweep(self) -> None:
        async with asyncio.timeout(30):
            await self.sweeps.get()


@asynccontextmanager
async def working(worker: Worker) -> AsyncIterator[None]:
    """A worker that runs for the block, and is closed after it."""
    async with asyncio.TaskGroup() as group:
        group.create_task(worker.run())
        yield
        await worker.close()


@asynccontextmanager
async def frozen(url: str) -> AsyncIterator[None]:
    """The server at `url` takes connections for the block, but answers nothing."""
    async with Redis.from_url(url) as redis:
        pid = int((await redis.info("server"))["process_id"])
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


class Talk:
    """A way to the server at `url` that holds back what holds `word`, until it is let go."""

    def __init__(self, url: str, front: Path, word: bytes) -> None:
        self.url = f"unix://{front}"
        self.held, self.go_on = asyncio.Event(), asyncio.Event()
        self._target = url.removeprefix("unix://")
        self._word = word

    async def carry(self, asking: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        """Carry one connection's bytes both ways until both sides are done."""
        far, forth = await asyncio.open_unix_connection(self._target)
        async with asyncio.TaskGroup() as ways:
            ways.create_task(self._way(asking, forth))
            ways.create_task(self._way(far, answers))

    async def _way(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(65_536):
            if self._word in data:
                self.held.set()
                await self.go_on.wait()
            sink.write(data)
        sink.close()
        await sink.wait_closed()


@asynccontextmanager
async def held_up(url: str, front: Path, word: bytes) -> AsyncIterator[Talk]:
    """Another address of the server at `url`, where questions that hold `word` have to wait."""
    talk = Talk(url, front, word)
    async with asyncio.TaskGroup() as connections:

        def take(asking: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
            connections.create_task(talk.carry(asking, answers))

        async with await asyncio.start_unix_server(take, front):
            yield talk


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture
async def url(tmp_path: Path) -> AsyncIterator[str]:
    async with embedded_valkey(tmp_path) as address:
        yield address


@pytest.fixture
async def redis(url: str) -> AsyncIterator[Redis]:
    client = Redis.from_url(url)
    yield client
    await client.aclose()


@pytest.fixture
async def scheduler(url: str) -> AsyncIterator[ArqScheduler]:
    scheduler = ArqScheduler(url)
    yield scheduler
    await scheduler.aclose()
