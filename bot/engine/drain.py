"""The wish of a process to end, for everything in it that starts new work."""

import asyncio
from collections.abc import Coroutine


class Drain:
    """Says that this process wants to end: start nothing more, await what is in flight."""

    def __init__(self) -> None:
        self._asked = asyncio.Event()

    def ask(self) -> None:
        """From now on nothing new is started."""
        self._asked.set()

    @property
    def asked(self) -> bool:
        """Whether the process wants to end."""
        return self._asked.is_set()

    async def unless_asked(self, waiting: Coroutine[None, None, None]) -> None:
        """Wait for something that costs nothing to give up, or until the process wants to end."""
        tasks = [asyncio.create_task(waiting), asyncio.create_task(self._wait_for_wish())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _wait_for_wish(self) -> None:
        await self._asked.wait()

    async def wait(self, seconds: float) -> None:
        """Sleep so long, or until the process wants to end."""
        try:
            async with asyncio.timeout(seconds):
                await self._asked.wait()
        except TimeoutError:
            return
