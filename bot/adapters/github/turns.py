"""Turns to write: what an installation writes goes out one after the other, never in a crowd.

GitHub answers a crowd with a limit that nobody can foresee, and asks for a second in between.
Source: https://docs.github.com/rest/using-the-rest-api/best-practices-for-using-the-rest-api
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta

from bot.adapters.github.wire import Sleep
from bot.core.errors import HostError, LeaseLost, LedgerBusy
from bot.core.ports import Clock, Lease, Leases
from bot.core.said import said

# Whoever would wait longer is told when to come back, so that nobody's writes keep a place from
# those of another installation.
_PATIENCE = timedelta(seconds=5)
_COURTESY = 0.1  # of the time between two turns: so much later than the urgent ones come the others


@dataclass(slots=True)
class _Line:
    """Those of this process who wait for a turn, in their order."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    length: int = 0


class Turns:
    """Gives every installation a turn `every` so often, to all workers that share the leases.

    A turn is a lease that nobody lets go before its time; GitHub's wish for a pause makes it
    longer.
    """

    def __init__(
        self, leases: Leases, clock: Clock, every: timedelta, sleep: Sleep = asyncio.sleep
    ) -> None:
        self._leases = leases
        self._clock = clock
        self._every = every
        self._sleep = sleep
        self._lines: dict[tuple[int, bool], _Line] = {}

    @asynccontextmanager
    async def turn(self, installation: int, *, urgent: bool = False) -> AsyncIterator[None]:
        """Wait for a turn, and write in the block; urgent writes come before others.

        Raises HostError, with the time to come back, if that takes too long; nothing is sent then.
        """
        lease = await self._wait_in_line(installation, urgent=urgent)
        try:
            yield
        except HostError as error:
            if error.limited and error.retry_after:
                await self._pause(lease, timedelta(seconds=error.retry_after))
            raise

    async def _wait_in_line(self, installation: int, *, urgent: bool) -> Lease:
        line = self._lines.setdefault((installation, urgent), _Line())
        if line.length * self._every > _PATIENCE:
            raise _later(line.length * self._every)
        line.length += 1
        try:
            async with line.lock:
                return await self._take(installation, urgent=urgent)
        finally:
            line.length -= 1

    async def _take(self, installation: int, *, urgent: bool) -> Lease:
        subject, courtesy = f"writes:{installation}", self._every * (not urgent) * _COURTESY
        give_up_at = self._clock() + _PATIENCE
        while True:
            lease = await self._leases.claim(subject, self._clock(), self._every)
            if lease:
                return lease
            free_at = await self._leases.free_at(subject)
            wait = max(free_at - self._clock(), timedelta(0))
            if free_at > give_up_at:
                raise _later(wait)
            await self._sleep((wait + courtesy).total_seconds())

    async def _pause(self, lease: Lease, wanted: timedelta) -> None:
        with suppress(LeaseLost, LedgerBusy):  # whoever is next hears of the limit, too
            await self._leases.renew(lease, self._clock(), wanted)


def _later(wait: timedelta) -> HostError:
    sentence = said("Other words for GitHub are sent first.")
    return HostError(sentence, retry_after=wait.total_seconds())
