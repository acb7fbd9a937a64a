"""A real Valkey for each test, and a crew's work that can be watched."""

import asyncio
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
