"""Workers that share a key share its places, and do without Redis when they must."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path

import pytest
from redis.asyncio import Redis

from bot.adapters.pace import ImagePace
from bot.adapters.pace.shared import shared_pace
from tests.adapters.pace.conftest import Time
from tests.adapters.pace.test_pace import about, starts
from tests.crash.troubles import Queue

ENOUGH = 5.0  # a run that stands still for Redis would stand still for longer

Worker = Callable[..., AbstractAsyncContextManager[ImagePace]]


@pytest.fixture
def worker(url: str, clock: Time) -> Worker:
    def pace(
        per_minute: int | None, account: str = "a", at: str = url
    ) -> AbstractAsyncContextManager[ImagePace]:
        return shared_pace(at, account, per_minute, sleep=clock.sleep)

    return pace


@pytest.fixture
async def two(worker: Worker) -> AsyncIterator[tuple[ImagePace, ImagePace]]:
    async with worker(4) as one, worker(4) as other:
        yield one, other


async def test_workers_together_keep_the_limit(
    two: tuple[ImagePace, ImagePace], clock: Time
) -> None:
    one, other = two
    taken = []
    for pace in (one, one, other, one, other, other, one, other, other):
        taken += await starts(pace, clock, 1)
    assert taken == about(*[0] * 4, *[60] * 4, 120)


async def test_workers_that_ask_at_once_keep_the_limit(
    two: tuple[ImagePace, ImagePace], clock: Time
) -> None:
    async with asyncio.TaskGroup() as group:
        for pace in two:
            for _ in range(10):
                group.create_task(pace.acquire())
    assert clock.passed >= 4 * 60, "twenty places at four a minute"


async def test_what_a_refusal_teaches_one_worker_all_of_them_know(
    worker: Worker, clock: Time
) -> None:
    async with worker(None) as one, worker(None) as other:
        await starts(one, clock, 3)
        await starts(other, clock, 3)
        await one.slow_down(30)

        assert await starts(other, clock, 1) == about(60)
        assert other.per_minute == 5


async def test_other_keys_have_places_of_their_own(worker: Worker, clock: Time) -> None:
    async with worker(1, "a") as one, worker(1, "b") as other:
        await one.acquire()
        await one.slow_down(90)

        assert await starts(other, clock, 1) == about(0)


async def test_everything_in_redis_goes_by_itself(worker: Worker, url: str) -> None:
    async with worker(5) as pace, Redis.from_url(url) as redis:
        await pace.acquire()
        await pace.slow_down(1)

        keys = await redis.keys("*")
        assert len(keys) == 3
        assert all([0 < await redis.ttl(key) <= 6 * 3600 for key in keys])


async def test_a_redis_that_hangs_costs_a_moment_and_the_own_places_are_remembered(
    worker: Worker, url: str, clock: Time, caplog: pytest.LogCaptureFixture
) -> None:
    async with worker(2) as pace:
        await starts(pace, clock, 1)
        async with Queue(url).frozen(), asyncio.timeout(ENOUGH):
            assert await starts(pace, clock, 3) == about(0, 60, 60)
            await pace.slow_down(100)
            assert await starts(pace, clock, 1) == about(160)

    assert [each.message for each in caplog.records if each.levelno >= logging.WARNING] == [
        "Redis is away (TimeoutError): until it is back, this process keeps the pace alone"
    ]


async def test_a_redis_that_is_gone_is_done_without(
    worker: Worker, clock: Time, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with worker(2, at=f"unix://{tmp_path}/nobody.sock") as pace, asyncio.timeout(ENOUGH):
        assert await starts(pace, clock, 5) == about(0, 0, 60, 60, 120)
        await pace.slow_down(60)

    assert len(caplog.records) == 1


async def test_the_pace_is_shared_again_when_redis_is_back(
    worker: Worker, url: str, clock: Time
) -> None:
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(worker(1))
        other = await stack.enter_async_context(worker(1))
        async with Queue(url).frozen():
            await one.acquire()
        clock.pass_(61)
        await one.acquire()

        assert await starts(other, clock, 1) == about(121)
