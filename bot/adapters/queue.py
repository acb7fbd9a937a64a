"""The queue: arq on Redis carries ids from whoever schedules to whoever works.

It may lose what it holds; the ledger is the truth, and the sweep schedules again what is left. So
an arq job does not do the work, it only hands its id to the crew of this process and is done: no
worker that is killed keeps an id blocked, and an id can be scheduled again at any time.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from ipaddress import ip_address
from typing import Any

import arq
from arq import cron
from arq.connections import ArqRedis
from arq.constants import expires_extra_ms, job_key_prefix
from arq.cron import CronJob
from arq.jobs import serialize_job
from arq.utils import timestamp_ms
from arq.worker import Function, func
from redis.asyncio.connection import ConnectionPool, SSLConnection, parse_url
from redis.exceptions import RedisError

from bot.adapters.crew import Crew, Work
from bot.core.errors import GptimageError, SettingsError
from bot.core.ports import Task
from bot.core.said import said

_log = logging.getLogger(__name__)

_QUEUE = "gptimage:queue"
_PATIENCE = 2.0  # seconds for one question to Redis; a stalled one must not stall a delivery
_SOCKET_SECONDS = 5.0  # a Redis that vanished without a word is noticed after this time
_HAND_OVER_SECONDS = 1.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 10.0
_POLL_SECONDS = 0.1
_READ_AT_ONCE = 100
_EVERY_AT_MOST = timedelta(minutes=1)  # between two sweeps, or two looks
_KEEPS = "noeviction"
_START = "start"  # where a job leaves its work in arq's context

Handler = Callable[[str], Awaitable[None]]


class QueueUnavailable(GptimageError):  # noqa: N818  (the queue's state, not a fault)
    """Redis did not take the id, or did not answer in time; the sweep will schedule it again."""


# --- the connection ---------------------------------------------------------------------------


def connect(url: str) -> ArqRedis:
    """A client for `redis://`, `rediss://` or `unix://`, which connects when it is first used.

    Both ways are JSON: arq's default is pickle, with which whoever can write to Redis runs code
    here. Raises SettingsError for an address that cannot be read, or that anybody may use.
    """
    options: dict[str, Any] = {
        "socket_timeout": _SOCKET_SECONDS,
        "socket_connect_timeout": _PATIENCE,
        **_options(url),
    }
    return ArqRedis(
        ConnectionPool(**options),
        job_serializer=_to_json,
        job_deserializer=json.loads,
        default_queue_name=_QUEUE,
    )


def _options(url: str) -> dict[str, Any]:
    try:
        options: dict[str, Any] = dict(parse_url(url))
    except ValueError:
        hint = "redis://:password@host:6379/0, rediss://… or unix:///path"
        problem = said("REDIS_URL: this is not the address of a Redis ({example})", example=hint)
        raise SettingsError([problem]) from None
    if not (_is_local(options) or options.get("password")):
        problem = said(
            "REDIS_URL: a Redis on another machine needs a password ({example})",
            example="redis://:password@host:6379",
        )
        raise SettingsError([problem])
    if options.get("connection_class") is SSLConnection:
        options.setdefault("ssl_check_hostname", True)  # redis-py 5 does not by default
    return options


def _is_local(options: Mapping[str, Any]) -> bool:
    host = options.get("host", "localhost")
    if "path" in options or host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _to_json(value: Mapping[str, object]) -> bytes:
    # arq hands over exceptions as results, also where results are not kept.
    return json.dumps(value, default=repr).encode()


@dataclass(frozen=True, slots=True)
class QueueState:
    """How a Redis is set up: whether it throws ids away, and whether it survives a restart."""

    evicts: bool
    durable: bool


async def look_at(url: str) -> QueueState:
    """How the Redis at an address is set up; raises QueueUnavailable and SettingsError."""
    redis = connect(url)
    try:
        async with _translated():
            memory, disk = await redis.info("memory"), await redis.info("persistence")
    finally:
        await redis.aclose(close_connection_pool=True)
    return QueueState(_policy(memory) != _KEEPS, durable=bool(disk.get("aof_enabled", 1)))


def _policy(memory: Mapping[str, Any]) -> str:
    return str(memory.get("maxmemory_policy", _KEEPS))


async def _warn_of_eviction(redis: ArqRedis) -> None:
    policy = _policy(await redis.info("memory"))
    if policy != _KEEPS:
        _log.warning(
            "Redis may throw ids away (maxmemory-policy %s): that costs time, not images; "
            "set it to noeviction",
            policy,
        )


# --- scheduling -------------------------------------------------------------------------------


@dataclass(slots=True)
class _Group:
    """Ids that leave together."""

    ids: list[tuple[Task, str]] = field(default_factory=list)
    sent: bool = False


class ArqScheduler:
    """Puts ids into the queue; an id that waits there already is not put twice.

    Ids that come while others are on their way leave together: a burst costs few round trips.
    """

    def __init__(self, url: str) -> None:
        self._redis = connect(url)
        self._next = _Group()
        self._way = asyncio.Lock()

    async def schedule(self, task: Task, subject: str) -> None:
        """See that the task is done; raises QueueUnavailable within two seconds."""
        group = self._next
        group.ids.append((task, subject))
        async with _translated(), self._way:
            if group is self._next:
                self._next = _Group()
                await self._put(group.ids)
                group.sent = True
        if not group.sent:
            raise QueueUnavailable("the queue did not take the id")

    async def _put(self, ids: Sequence[tuple[Task, str]]) -> None:
        """What arq's enqueue_job does for one id, for all of them in one round trip."""
        now = timestamp_ms()
        async with self._redis.pipeline(transaction=True) as pipe:
            for task, subject in ids:
                name = f"{task}:{subject}"
                job = serialize_job(task.value, (subject,), {}, None, now, serializer=_to_json)
                pipe.set(job_key_prefix + name, job, px=expires_extra_ms, nx=True)
                pipe.zadd(_QUEUE, {name: now}, lt=True)  # the place it has, if it has one
            await pipe.execute()

    async def ping(self) -> None:
        """Raise QueueUnavailable unless Redis answers within two seconds."""
        async with _translated():
            await self._redis.ping()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._redis.aclose(close_connection_pool=True)


@asynccontextmanager
async def _translated() -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(_PATIENCE):
            yield
    except TimeoutError:
        raise QueueUnavailable(f"the queue did not answer within {_PATIENCE:g} s") from None
    except (RedisError, OSError):
        raise QueueUnavailable("the queue cannot be reached") from None


# --- working ----------------------------------------------------------------------------------


async def _end(task: asyncio.Task[None], patience: float) -> None:
    await asyncio.wait([task], timeout=patience)
    # Python 3.11's wait_for, which redis-py uses, may swallow a cancellation (gh-86296).
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=1)


async def _begin(ctx: Mapping[Any, Any]) -> None:
    # Only now is the id off the queue: arq refuses an id while it holds it, so whoever schedules
    # it from here on is heard, and whoever was refused before is served by the work that begins.
    if start := ctx.get(_START):
        start()


class _Ended(Exception):  # noqa: N818  (what was asked for, not a fault)
    """The taker was told to end."""


class _Taker(arq.Worker):
    """Takes ids until `allow_pick_jobs` is withdrawn; it then ends between two of them.

    A cancellation in the middle of its talk would leave redis-py's pipeline with a connection.
    """

    async def start_jobs(self, job_ids: list[bytes]) -> None:
        """Start them one by one; raises _Ended as soon as no more is to be taken."""
        for job_id in job_ids:
            self._heed()
            await super().start_jobs([job_id])

    async def heart_beat(self) -> None:
        """Do what arq does between two looks at the queue; raises _Ended after it."""
        await super().heart_beat()
        self._heed()

    def _heed(self) -> None:
        if not self.allow_pick_jobs:
            raise _Ended

    async def run_cron(self, n: datetime, delay: float, num_windows: int = 2) -> None:
        """Plan anew what would wait for over a minute: the clock was set back meanwhile."""
        for job in self.cron_jobs:
            if job.next_run and job.next_run - n > _EVERY_AT_MOST:
                job.next_run = None
        await super().run_cron(n, delay, num_windows)


class Worker:
    """Takes ids from the queue and does what they stand for, until it is closed.

    `sweep` runs at start, after every reconnection and every `sweep_every` seconds (a divisor of
    60), on one of the workers that share the queue; `look` likewise, every 15 seconds. At most
    `max_jobs` subjects of one task are worked on at once, so that long runs never keep an answer
    waiting.
    """

    def __init__(
        self,
        url: str,
        handlers: Mapping[Task, Handler],
        sweep: Work,
        *,
        look: Work | None = None,
        sweep_every: int = 3,
        max_jobs: int = 50,
    ) -> None:
        connect(url)  # a wrong address is refused now, not in the background
        self._url = url
        self._crew = Crew()
        self._jobs = [self._job(task, handler, max_jobs) for task, handler in handlers.items()]
        self._crons = [self._cron("sweep", sweep, set(range(0, 60, sweep_every)))]
        if look:
            self._crons.append(self._cron("look", look, set(range(0, 60, 15))))
        self._polling: asyncio.Task[None] | None = None
        self._taker: _Taker | None = None  # while there is a talk with Redis

    async def run(self) -> None:
        """Work until `close` is called; a Redis that is away is waited for."""
        if self._crew.stopped:
            return
        self._polling = asyncio.create_task(self._poll())
        try:
            await asyncio.wait([self._polling])
        finally:
            self._polling.cancel()

    async def close(self, patience: float = 660.0) -> None:
        """Take nothing more, and wait for the work under way; cancel it after `patience` seconds.

        The default outlasts the longest call to the image provider.
        """
        self._crew.stop()
        if self._taker:
            self._taker.allow_pick_jobs = False
        if self._polling:
            await _end(self._polling, _PATIENCE if self._taker else 0)
        await self._crew.close(patience)

    async def _poll(self) -> None:
        # arq's worker ends when Redis goes away or holds a job that it cannot read.
        pause = _FIRST_PAUSE
        while True:
            started = asyncio.get_running_loop().time()
            try:
                await self._take()
            except _Ended:
                return
            except (RedisError, OSError) as error:
                _log.warning("the queue is away (%s), trying again", type(error).__name__)
            except Exception:  # noqa: BLE001  (a job of another program must not end ours)
                _log.exception("the queue holds something unreadable, going on")
            lasted = asyncio.get_running_loop().time() - started
            pause = _FIRST_PAUSE if lasted > _LONGEST_PAUSE else min(pause * 2, _LONGEST_PAUSE)
            await asyncio.sleep(pause)

    async def _take(self) -> None:
        """Take ids for as long as the connection holds."""
        redis = connect(self._url)
        self._taker = taker = self._arq_worker(redis)
        try:
            await _warn_of_eviction(redis)
            await taker.main()
        finally:
            self._taker = None
            await asyncio.gather(*taker.tasks.values(), return_exceptions=True)
            await redis.aclose(close_connection_pool=True)

    def _arq_worker(self, redis: ArqRedis) -> _Taker:
        return _Taker(
            self._jobs,
            queue_name=_QUEUE,
            redis_pool=redis,
            cron_jobs=self._crons,
            handle_signals=False,
            max_jobs=_READ_AT_ONCE,
            queue_read_limit=_READ_AT_ONCE,
            job_timeout=_HAND_OVER_SECONDS,
            after_job_end=_begin,
            keep_result=0,
            retry_jobs=False,
            poll_delay=_POLL_SECONDS,
            job_serializer=_to_json,
            job_deserializer=json.loads,
            log_results=False,
        )

    def _job(self, task: Task, handler: Handler, max_jobs: int) -> Function:
        places = asyncio.Semaphore(max_jobs)

        async def hand_over(ctx: dict[Any, Any], *args: Any, **_: Any) -> None:
            (subject,) = map(str, args)
            ctx[_START] = partial(
                self._crew.start, f"{task}:{subject}", partial(handler, subject), places
            )

        return func(hand_over, name=task.value)

    def _cron(self, name: str, work: Work, seconds: set[int]) -> CronJob:
        place = asyncio.Semaphore(1)

        async def hand_over(ctx: dict[Any, Any], *_: Any, **__: Any) -> None:
            ctx[_START] = partial(self._crew.start, name, work, place)

        return cron(hand_over, name=name, second=seconds, run_at_startup=True)
