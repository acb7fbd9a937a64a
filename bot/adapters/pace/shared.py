"""The pace of all workers that use the same key, in their Redis."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from limits.aio.storage import MemoryStorage, RedisStorage
from redis.asyncio import Redis
from redis.exceptions import RedisError

from bot.adapters.pace.lessons import Lesson, Remembered
from bot.adapters.pace.pace import ImagePace, Sleep
from bot.adapters.pace.window import Window
from bot.adapters.queue import connect

_log = logging.getLogger(__name__)

_PREFIX = "gptimage:pace"
_KEPT = 6 * 3600  # seconds; longer than any pause, shorter than a limit stays true
_PATIENCE = 0.8  # seconds for one question: a run never stands still for Redis
_PAUSE = 10.0  # seconds in which a Redis that was away is not asked again


@asynccontextmanager
async def shared_pace(
    url: str, account: str, per_minute: int | None, *, sleep: Sleep = asyncio.sleep
) -> AsyncIterator[ImagePace]:
    """The pace of everybody who asks with the same `account`, a name that tells nothing of the key.

    The clocks of their machines should agree: a place returns as much too early as they differ.
    """
    redis = connect(url)
    storage = RedisStorage(
        "async+redis://",
        implementation="redispy",
        key_prefix=_PREFIX,
        connection_pool=redis.connection_pool,  # type: ignore[arg-type]  # their type forgets it
    )
    shared = Window(storage, _Written(redis, account), per_minute, name=account)
    alone = Window(MemoryStorage(), Remembered(), per_minute)
    try:
        yield ImagePace(Fallback(shared, alone), sleep=sleep)
    finally:
        await redis.aclose(close_connection_pool=True)


class _Written:
    """Lessons in a sorted set, because Redis can keep the highest of two scores by itself."""

    def __init__(self, redis: Redis, account: str) -> None:
        self._redis = redis
        self._key = f"{_PREFIX}:{account}:lessons"

    async def read(self) -> Lesson:
        scores = await self._redis.zrange(self._key, 0, -1, withscores=True)
        return Lesson(**{name.decode(): score for name, score in scores})

    async def pause(self, until: float) -> None:
        await self._write({"resume_at": until}, longest=True)

    async def learn(self, per_minute: float, now: float) -> None:
        await self._write({"per_minute": per_minute, "learned_at": now}, longest=False)

    async def _write(self, scores: dict[str, float], *, longest: bool) -> None:
        async with self._redis.pipeline() as pipe:
            pipe.zadd(self._key, scores, gt=longest)
            pipe.expire(self._key, _KEPT)
            await pipe.execute()


class Fallback:
    """Asks the shared window, and this process's own while the shared one does not answer.

    Both hear of every place and every refusal, so that the own one knows what to go on with.
    """

    def __init__(self, shared: Window, alone: Window) -> None:
        self._shared = shared
        self._alone = alone
        self._away_until: float | None = None

    @property
    def per_minute(self) -> float:
        """The limit that was set or learned, when somebody last asked."""
        return (self._shared if self._away_until is None else self._alone).per_minute

    async def take(self) -> float:
        """Take a place and give 0, or give the seconds until there may be one."""
        if self._is_away:
            return await self._alone.take()
        try:
            async with asyncio.timeout(_PATIENCE):
                wait = await self._shared.take()
        except (TimeoutError, RedisError, OSError) as error:
            self._leave(error)
            return await self._alone.take()
        self._come_back()
        if not wait:
            await self._alone.note()
        return wait

    async def refused(self, seconds: float) -> None:
        """The server refused a call and asked for a pause."""
        await self._alone.refused(seconds)
        if self._is_away:
            return
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._shared.refused(seconds)
        except (TimeoutError, RedisError, OSError) as error:
            self._leave(error)

    @property
    def _is_away(self) -> bool:
        return self._away_until is not None and time.time() < self._away_until

    def _leave(self, error: Exception) -> None:
        if self._away_until is None:
            _log.warning(
                "Redis is away (%s): until it is back, this process keeps the pace alone",
                type(error).__name__,
            )
        self._away_until = time.time() + _PAUSE

    def _come_back(self) -> None:
        if self._away_until is not None:
            self._away_until = None
            _log.info("Redis is back: the pace is shared again")
