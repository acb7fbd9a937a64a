"""Ids go into the queue quickly or not at all, as JSON, to a Redis that is ours alone."""

import asyncio
import json
import logging
from pathlib import Path

import pytest
import time_machine
from redis.asyncio import Redis

from bot.adapters.queue import ArqScheduler, QueueUnavailable, Worker, connect
from bot.core.errors import SettingsError
from bot.core.ports import Task
from tests.adapters.queue.conftest import Work, working
from tests.crash.troubles import Queue

START = 1_800_000_000


async def test_only_ids_are_kept_and_as_json(scheduler: ArqScheduler, redis: Redis) -> None:
    await scheduler.schedule(Task.RUN, "abc")
    stored = json.loads(await redis.get("arq:job:run:abc"))
    assert {stored["f"], *stored["a"]} == {"run", "abc"}
    assert stored["k"] == {}


async def test_an_id_that_waits_already_waits_once(scheduler: ArqScheduler, redis: Redis) -> None:
    for _ in range(3):
        await scheduler.schedule(Task.RUN, "abc")
    await scheduler.schedule(Task.DELIVER, "abc")
    assert sorted(await redis.zrange("gptimage:queue", 0, -1)) == [b"deliver:abc", b"run:abc"]


async def test_an_id_keeps_its_place_unless_the_clock_was_set_back(
    scheduler: ArqScheduler, redis: Redis
) -> None:
    with time_machine.travel(START, tick=False) as traveller:
        await scheduler.schedule(Task.RUN, "abc")
        traveller.shift(5)
        await scheduler.schedule(Task.RUN, "abc")
        assert await redis.zscore("gptimage:queue", "run:abc") == START * 1000
        traveller.shift(-7200)
        await scheduler.schedule(Task.RUN, "abc")
        assert await redis.zscore("gptimage:queue", "run:abc") == (START + 5 - 7200) * 1000


async def test_a_burst_is_put_in_few_round_trips_and_none_is_left_out(
    scheduler: ArqScheduler, redis: Redis
) -> None:
    before = (await redis.info("commandstats")).get("cmdstat_exec", {"calls": 0})["calls"]
    await asyncio.gather(*(scheduler.schedule(Task.INTAKE, f"{n}") for n in range(100)))
    after = (await redis.info("commandstats"))["cmdstat_exec"]["calls"]
    assert after - before <= 2
    assert await redis.zcard("gptimage:queue") == 100
    assert len(await redis.keys("arq:job:intake:*")) == 100


async def test_whoever_leaves_a_burst_takes_nobody_with_them(
    url: str, scheduler: ArqScheduler, redis: Redis
) -> None:
    await scheduler.ping()
    async with Queue(url).frozen():
        first = asyncio.create_task(scheduler.schedule(Task.RUN, "first"))
        await asyncio.sleep(0)
        others = [asyncio.create_task(scheduler.schedule(Task.RUN, f"{n}")) for n in range(3)]
        await asyncio.sleep(0)
        first.cancel()
        others[0].cancel()
        await asyncio.wait([first, others[0]])
    await asyncio.gather(*others[1:])
    assert {b"run:1", b"run:2"} <= set(await redis.zrange("gptimage:queue", 0, -1))


async def test_a_burst_that_meets_a_redis_that_is_gone_is_said_to_everybody(tmp_path: Path) -> None:
    scheduler = ArqScheduler(f"unix://{tmp_path}/nobody.sock")
    said = await asyncio.gather(
        *(scheduler.schedule(Task.RUN, f"{n}") for n in range(5)), return_exceptions=True
    )
    assert {type(each) for each in said} == {QueueUnavailable}
    await scheduler.aclose()


async def test_a_frozen_redis_is_said_within_three_seconds_and_used_again_when_it_thaws(
    url: str, scheduler: ArqScheduler, redis: Redis
) -> None:
    await scheduler.schedule(Task.RUN, "before")
    async with Queue(url).frozen(), asyncio.timeout(3):
        with pytest.raises(QueueUnavailable, match="did not answer"):
            await scheduler.schedule(Task.RUN, "lost")
    async with Queue(url).frozen(), asyncio.timeout(3):
        with pytest.raises(QueueUnavailable, match="did not answer"):
            await scheduler.ping()
    await scheduler.ping()
    await scheduler.schedule(Task.RUN, "after")
    assert b"run:after" in await redis.zrange("gptimage:queue", 0, -1)


async def test_a_redis_that_is_not_there_is_said_at_once(tmp_path: Path) -> None:
    scheduler = ArqScheduler(f"unix://{tmp_path}/nobody.sock")
    with pytest.raises(QueueUnavailable, match="cannot be reached"):
        await scheduler.schedule(Task.RUN, "abc")
    with pytest.raises(QueueUnavailable, match="cannot be reached"):
        await scheduler.ping()
    await scheduler.aclose()


async def test_a_redis_that_refuses_to_write_is_said(redis: Redis, scheduler: ArqScheduler) -> None:
    await redis.config_set("maxmemory", 1)
    with pytest.raises(QueueUnavailable):
        await scheduler.schedule(Task.RUN, "abc")
    await scheduler.ping()


@pytest.mark.parametrize(
    "address",
    [
        "redis://10.0.0.5:6379",
        "redis://redis:6379/0",
        "rediss://queue.example.com",
        "redis://name@queue.example.com",
        "redis://:@queue.example.com",
        "redis://0.0.0.0:6379",
        "redis://[2001:db8::1]:6379",
        "redis://127.0.0.1.example.com",
    ],
)
def test_a_redis_of_the_network_without_a_password_refuses_to_start(address: str) -> None:
    with pytest.raises(SettingsError, match=r"REDIS_URL: .* needs a password"):
        ArqScheduler(address)
    with pytest.raises(SettingsError, match=r"REDIS_URL: .* needs a password"):
        Worker(address, {}, Work().sweep)


@pytest.mark.parametrize(
    "address", ["", "localhost:6379", "http://localhost", "redis://h:port", "redis://x?db=one"]
)
def test_an_address_that_is_none_is_named_and_never_echoed(address: str) -> None:
    with pytest.raises(SettingsError) as caught:
        ArqScheduler(address)
    (line,) = caught.value.problems
    assert line.startswith("REDIS_URL: this is not the address of a Redis")


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("redis://localhost", {"password": None}),
        ("redis://127.0.0.9:7000/3", {"host": "127.0.0.9", "port": 7000, "db": 3}),
        ("redis://[::1]:6379", {"host": "::1"}),
        ("redis://:p%40ss%2F@queue.example.com", {"password": "p@ss/"}),
        ("redis://ann:secret@queue.example.com:1", {"username": "ann", "password": "secret"}),
        ("redis://queue.example.com?password=secret", {"password": "secret"}),
        ("rediss://:secret@queue.example.com", {"ssl_check_hostname": True}),
        ("unix:///run/my%20redis.sock?db=2", {"path": "/run/my redis.sock", "db": 2}),
    ],
)
def test_addresses_are_read_as_redis_clients_read_them(
    address: str, expected: dict[str, object]
) -> None:
    options = connect(address).connection_pool.connection_kwargs
    assert {name: options.get(name) for name in expected} == expected


async def test_a_redis_that_may_evict_is_warned_about(
    url: str, redis: Redis, work: Work, caplog: pytest.LogCaptureFixture
) -> None:
    await redis.config_set("maxmemory-policy", "allkeys-lru")
    with caplog.at_level(logging.WARNING):
        async with working(Worker(url, {}, work.sweep)):
            await work.next_sweep()
    assert "allkeys-lru" in caplog.text
