"""Workers do what they are told as often as they are told, and outlive the queue's troubles."""

import asyncio
import gc
import pickle
import warnings
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from redis.asyncio import Redis

from bot.adapters.queue import ArqScheduler, QueueUnavailable, Worker
from bot.adapters.valkey import embedded_valkey
from bot.core.errors import LedgerBusy
from bot.core.ports import Task
from tests.adapters.queue.conftest import Work, working
from tests.crash.troubles import Queue, unix_line


def a_worker(url: str, work: Work, **options: Any) -> Worker:
    return Worker(url, {Task.RUN: work.handle, Task.INTAKE: work.fail}, work.sweep, **options)


@pytest.fixture
async def worker(url: str, work: Work) -> AsyncIterator[Worker]:
    worker = a_worker(url, work)
    async with working(worker):
        await work.next_sweep()
        yield worker


@pytest.mark.usefixtures("worker")
async def test_what_is_scheduled_is_done(scheduler: ArqScheduler, work: Work) -> None:
    for subject in ("one", "two"):
        await scheduler.schedule(Task.RUN, subject)
    assert {await work.next(), await work.next()} == {"one", "two"}


async def test_the_same_id_can_be_scheduled_again_after_it_was_done(
    scheduler: ArqScheduler, work: Work, worker: Worker
) -> None:
    for _ in range(3):
        await scheduler.schedule(Task.RUN, "again")
        assert await work.next() == "again"
    await worker.close()
    assert work.done == ["again"] * 3


async def test_what_is_scheduled_while_it_is_done_is_done_once_more(
    scheduler: ArqScheduler, work: Work, worker: Worker
) -> None:
    work.gate.clear()
    await scheduler.schedule(Task.RUN, "busy")
    assert await work.next() == "busy"
    for _ in range(2):
        await scheduler.schedule(Task.RUN, "busy")
    await scheduler.schedule(Task.RUN, "marker")
    assert await work.next() == "marker"  # so the ids before it were taken
    assert work.begun.empty()  # never twice at once
    work.gate.set()
    assert await work.next() == "busy"
    await worker.close()
    assert work.done.count("busy") == 2


@pytest.mark.usefixtures("worker")
async def test_a_subject_that_fails_disturbs_nobody_and_blocks_nothing(
    scheduler: ArqScheduler, work: Work, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):
        await scheduler.schedule(Task.INTAKE, "bad")
        assert await work.next() == "bad"
    await scheduler.schedule(Task.RUN, "good")
    assert await work.next() == "good"
    assert "intake:bad failed" in caplog.text


async def test_long_runs_leave_their_place_only_to_runs_never_to_an_answer(
    url: str, scheduler: ArqScheduler, work: Work
) -> None:
    work.gate.clear()
    async with working(a_worker(url, work, max_jobs=1)):
        await scheduler.schedule(Task.RUN, "long")
        assert await work.next() == "long"
        await scheduler.schedule(Task.RUN, "waits")
        await scheduler.schedule(Task.INTAKE, "quick")
        assert await work.next() == "quick"
        work.gate.set()
        assert await work.next() == "waits"


async def test_closing_waits_for_what_is_under_way_and_starts_nothing_more(
    url: str, scheduler: ArqScheduler, work: Work
) -> None:
    work.gate.clear()
    worker = a_worker(url, work, max_jobs=1)
    async with asyncio.TaskGroup() as group:
        group.create_task(worker.run())
        for subject in ("first", "second"):
            await scheduler.schedule(Task.RUN, subject)
        begun = await work.next()
        closing = asyncio.create_task(worker.close())
        asyncio.get_running_loop().call_soon(work.gate.set)
        await closing
    assert work.done == [begun]


async def test_a_worker_that_is_closed_before_it_runs_does_not_run(url: str, work: Work) -> None:
    worker = a_worker(url, work)
    await worker.close()
    await worker.run()
    assert work.sweeps.empty()


async def test_closing_cancels_what_does_not_end_in_time(
    url: str, scheduler: ArqScheduler, work: Work
) -> None:
    work.gate.clear()
    worker = a_worker(url, work)
    async with asyncio.TaskGroup() as group:
        group.create_task(worker.run())
        await scheduler.schedule(Task.RUN, "endless")
        await work.next()
        await worker.close(patience=0.1)
    assert work.done == []


async def test_the_sweep_runs_at_start_and_again_and_again(url: str, work: Work) -> None:
    async with working(a_worker(url, work, sweep_every=1)):
        for _ in range(3):
            await work.next_sweep()


async def test_the_worker_looks_for_what_it_missed_at_start(url: str, work: Work) -> None:
    async def sweep() -> None:
        return

    async with working(Worker(url, {}, sweep, look=work.sweep)):
        await work.next_sweep()


@pytest.mark.parametrize("tasks", [1, 2])
async def test_a_sweep_that_fails_is_tried_again(
    url: str, work: Work, caplog: pytest.LogCaptureFixture, tasks: int
) -> None:
    async def sweep() -> None:
        await work.sweep()
        busy = [LedgerBusy("the ledger is locked")] * tasks
        raise ExceptionGroup("side by side", [ExceptionGroup("", busy)]) if tasks > 1 else busy[0]

    async with working(Worker(url, {}, sweep, sweep_every=1)):
        for _ in range(2):
            await work.next_sweep()
    assert "sweep failed (the ledger is locked)" in caplog.text
    assert "Traceback" not in caplog.text


async def test_a_worker_outlives_a_queue_that_ends_loses_its_data_and_comes_back(
    tmp_path: Path, work: Work
) -> None:
    work.gate.clear()
    async with AsyncExitStack() as stack:
        async with embedded_valkey(tmp_path / "one") as url:
            scheduler = ArqScheduler(url)
            stack.push_async_callback(scheduler.aclose)
            await stack.enter_async_context(working(a_worker(url, work)))
            await work.next_sweep()
            await scheduler.schedule(Task.RUN, "under way")
            assert await work.next() == "under way"
        (tmp_path / "one" / "valkey").rename(tmp_path / "lost")
        async with embedded_valkey(tmp_path / "one"):
            await work.next_sweep()  # at once, not at the next full minute
            await scheduler.schedule(Task.RUN, "after")
            assert await work.next() == "after"
            work.gate.set()
            await stack.aclose()
        assert sorted(work.done) == ["after", "under way"]


async def test_a_worker_waits_for_a_queue_that_is_not_there_yet(tmp_path: Path, work: Work) -> None:
    url = f"unix://{tmp_path}/valkey/valkey.sock"
    async with working(a_worker(url, work)), embedded_valkey(tmp_path):
        await work.next_sweep()


@pytest.mark.usefixtures("worker")
async def test_a_worker_outlives_a_frozen_queue(
    url: str, scheduler: ArqScheduler, work: Work
) -> None:
    async with Queue(url).frozen():
        with pytest.raises(QueueUnavailable):
            await scheduler.schedule(Task.RUN, "lost")
    await scheduler.schedule(Task.RUN, "after")
    assert await work.next() == "after"


class Bomb:
    """Would leave a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return open, (str(self.path), "w")


@pytest.mark.usefixtures("worker")
async def test_a_pickle_in_the_queue_is_never_executed(
    tmp_path: Path, redis: Redis, scheduler: ArqScheduler, work: Work
) -> None:
    mark = tmp_path / "executed"
    bomb = pickle.dumps({"f": "run", "a": (Bomb(mark),), "k": {}, "t": None, "et": 1})
    await put(redis, "bomb", bomb)
    await scheduler.schedule(Task.RUN, "after")
    assert await work.next() == "after"
    assert not mark.exists()
    assert not await redis.exists("arq:job:bomb")
    pickle.loads(bomb)["a"][0].close()
    assert mark.exists()  # the bomb was real


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize(
    "job",
    [
        b"",
        b"\x00",
        b"[]",
        b"{}",
        b'{"f": "unknown", "a": [], "k": {}, "t": null, "et": 1}',
        b'{"f": ["run"], "a": [], "k": {}, "t": null, "et": 1}',
        b'{"f": "run", "a": [], "k": {}, "t": null, "et": 1}',
        b'{"f": "run", "a": ["x", "y"], "k": {"z": 1}, "t": null, "et": 1}',
        b'{"f": "run", "a": ["x"], "k": {}, "t": "first", "et": "now"}',
    ],
)
async def test_jobs_of_another_program_do_not_end_the_worker(
    job: bytes, redis: Redis, scheduler: ArqScheduler, work: Work
) -> None:
    await put(redis, "strange", job)
    await scheduler.schedule(Task.RUN, "after")
    assert await work.next() == "after"


async def put(redis: Redis, job_id: str, job: bytes) -> None:
    await redis.set(f"arq:job:{job_id}", job, ex=60)
    await redis.zadd("gptimage:queue", {job_id: 1})


async def test_two_workers_share_the_queue_and_each_id_is_done_once(
    url: str, scheduler: ArqScheduler, work: Work
) -> None:
    async with working(a_worker(url, work)), working(a_worker(url, work)):
        subjects = [f"subject-{number}" for number in range(40)]
        for subject in subjects:
            await scheduler.schedule(Task.RUN, subject)
        assert sorted([await work.next() for _ in subjects]) == sorted(subjects)
    assert sorted(work.done) == sorted(subjects)


async def test_closing_lets_the_talk_with_redis_come_to_its_end(
    url: str, redis: Redis, scheduler: ArqScheduler, work: Work, tmp_path: Path
) -> None:
    """Cancelled while it gives a connection back, redis-py would leave it open."""
    await scheduler.schedule(Task.RUN, "elsewhere")
    await redis.set("arq:in-progress:run:elsewhere", b"1")
    with warnings.catch_warnings(record=True) as left:
        warnings.simplefilter("always")
        socket, front = Path(url.removeprefix("unix://")), tmp_path / "front"
        async with unix_line(socket, front) as line:
            line.hold(b"UNWATCH")
            worker = a_worker(f"unix://{front}", work)
            async with working(worker), asyncio.timeout(30):
                await line.held.wait()
                closing = asyncio.create_task(worker.close())
                await asyncio.sleep(0)
                line.free()
                await closing
        gc.collect()
    assert [str(one.message) for one in left] == []


async def test_sweeps_go_on_when_the_clock_is_set_back(url: str, work: Work) -> None:
    with time_machine.travel(datetime.now(UTC), tick=True) as traveller:
        async with working(a_worker(url, work)):
            await work.next_sweep()
            await work.next_sweep()
            traveller.shift(timedelta(hours=-2))
            await work.next_sweep()
            await work.next_sweep()
