"""The same application behind a real server, with a real queue that misbehaves."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import psutil  # type: ignore[import-untyped]  # it ships no types
import pytest
import uvicorn
from pydantic import SecretStr
from redis.asyncio import Redis
from starlette.applications import Starlette

from bot.adapters.queue import ArqScheduler, Worker
from bot.adapters.valkey import embedded_valkey
from bot.core.ports import Scheduler, Task
from bot.entrypoints.web import create_web
from tests.web.conftest import BATCH, NOW, SECRET, MemoryInbox, comment, headers

MEGABYTE = 1_000_000


@asynccontextmanager
async def served(web: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    """The application on a free port of this machine, and somebody who talks to it."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        server = uvicorn.Server(uvicorn.Config(web, log_level="warning", lifespan="off"))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            base = f"http://127.0.0.1:{port}"
            async with httpx.AsyncClient(base_url=base, timeout=60, trust_env=False) as client:
                yield client
        finally:
            server.should_exit = True
            await serving


def application(inbox: MemoryInbox, scheduler: Scheduler) -> Starlette:
    return create_web(
        inbox=inbox,
        scheduler=scheduler,
        secrets=[SecretStr(SECRET)],
        clock=lambda: NOW,
        checks={"queue": scheduler.ping} if isinstance(scheduler, ArqScheduler) else {},
        max_body=5 * MEGABYTE,
    )


@pytest.fixture
async def queue(tmp_path: Path) -> AsyncIterator[str]:
    async with embedded_valkey(tmp_path) as url:
        yield url


@pytest.fixture
async def arq(queue: str) -> AsyncIterator[ArqScheduler]:
    scheduler = ArqScheduler(queue)
    yield scheduler
    await scheduler.aclose()


async def test_a_delivery_reaches_the_worker_through_the_queue(
    queue: str, arq: ArqScheduler, inbox: MemoryInbox
) -> None:
    taken: asyncio.Queue[str] = asyncio.Queue()

    async def sweep() -> None:
        pass

    worker = Worker(queue, {Task.INTAKE: taken.put}, sweep)
    body = comment(BATCH)
    async with served(application(inbox, arq)) as github, asyncio.TaskGroup() as group:
        group.create_task(worker.run())
        answer = await github.post("/webhook", content=body, headers=headers(body))
        async with asyncio.timeout(30):
            assert await taken.get() == answer.json()["id"]
        await worker.close()


async def test_a_frozen_queue_delays_no_answer_and_loses_nothing(
    queue: str, arq: ArqScheduler, inbox: MemoryInbox
) -> None:
    async with Redis.from_url(queue) as redis:
        pid = int((await redis.info("server"))["process_id"])
    bodies = [comment(BATCH, issue={"number": number}) for number in range(1, 4)]
    async with served(application(inbox, arq)) as github:
        os.kill(pid, signal.SIGSTOP)
        try:
            async with asyncio.timeout(3):
                answers = [
                    await github.post("/webhook", content=body, headers=headers(body))
                    for body in bodies
                ]
            async with asyncio.timeout(3):
                ready = await github.get("/readyz")
        finally:
            os.kill(pid, signal.SIGCONT)
        assert {answer.status_code for answer in answers} == {202}
        assert ready.status_code == 503
        assert ready.json()["parts"]["queue"] in {
            "no answer within 2 s",
            "the queue did not answer within 2 s",
        }
        assert inbox.first == 1  # one comment, whatever else was changed
        assert (await github.get("/readyz")).status_code == 200


async def test_a_queue_that_is_gone_delays_no_answer_and_loses_nothing(
    tmp_path: Path, inbox: MemoryInbox
) -> None:
    gone = ArqScheduler(f"unix://{tmp_path}/gone.sock")
    body = comment(BATCH)
    async with served(application(inbox, gone)) as github, asyncio.timeout(3):
        answer = await github.post("/webhook", content=body, headers=headers(body))
        ready = await github.get("/readyz")
    await gone.aclose()
    assert answer.status_code == 202
    assert inbox.first == 1
    assert ready.json()["parts"] == {"queue": "the queue cannot be reached"}


@pytest.mark.parametrize("announced", [True, False], ids=["announced", "chunked"])
async def test_an_oversized_body_is_a_413_in_flat_memory(
    announced: bool, inbox: MemoryInbox, arq: ArqScheduler
) -> None:
    me, size, peak = psutil.Process(), 200 * MEGABYTE, 0
    before = me.memory_info().rss

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal peak
        for _ in range(size // MEGABYTE):
            peak = max(peak, me.memory_info().rss)
            yield bytes(MEGABYTE)

    sent = {"X-GitHub-Event": "issue_comment"}
    sent |= {"Content-Length": str(size)} if announced else {}
    async with served(application(inbox, arq)) as github:
        answer = await github.post("/webhook", content=chunks(), headers=sent)
        assert (await github.get("/healthz")).status_code == 200
    assert answer.status_code == 413
    assert peak - before < 40 * MEGABYTE


async def test_many_deliveries_of_one_comment_at_once_are_one(
    inbox: MemoryInbox, arq: ArqScheduler, queue: str
) -> None:
    body = comment(BATCH)
    async with served(application(inbox, arq)) as github:
        answers = await asyncio.gather(
            *(
                github.post("/webhook", content=body, headers=headers(body, guid=str(number)))
                for number in range(100)
            )
        )
    assert {answer.status_code for answer in answers} == {202}
    assert inbox.first == 1
    async with Redis.from_url(queue) as redis:
        assert await redis.zcard("gptimage:queue") == 1


async def test_a_sender_that_stops_in_the_middle_leaves_nothing(
    inbox: MemoryInbox, arq: ArqScheduler
) -> None:
    async with served(application(inbox, arq)) as github:
        host, port = github.base_url.host, github.base_url.port
        _, writer = await asyncio.open_connection(host, port)
        writer.write(b"POST /webhook HTTP/1.1\r\nHost: bot\r\nContent-Length: 1000\r\n\r\nhalf")
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        assert (await github.get("/healthz")).status_code == 200
    assert not inbox.deliveries
