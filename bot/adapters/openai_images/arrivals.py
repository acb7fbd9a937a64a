"""Calls that are sent and answers that come in go before everything that can wait."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress

# Answers to calls that were sent together come together, and the next calls follow at once.
_STILL_SECONDS = 0.03


class Arrivals:
    """Knows when nothing is sent or comes in, which is the time to read the answers that are kept.

    Reading takes the processor from receiving, and the server's next answers wait for that.
    """

    def __init__(self) -> None:
        self._under_way = 0
        self._still = asyncio.Event()
        self._still.set()
        self._stilling: asyncio.TimerHandle | None = None

    @contextmanager
    def one(self) -> Iterator[None]:
        """Something is sent or comes in during the block."""
        self._under_way += 1
        self._still.clear()
        if self._stilling:
            self._stilling.cancel()
        try:
            yield
        finally:
            self._under_way -= 1
            if not self._under_way:
                loop = asyncio.get_running_loop()
                self._stilling = loop.call_later(_STILL_SECONDS, self._still.set)

    async def over(self, until: float) -> None:
        """Wait until all has been still for a moment, but not past `until` on the loop's clock."""
        with suppress(TimeoutError):
            async with asyncio.timeout_at(until):
                await self._still.wait()
