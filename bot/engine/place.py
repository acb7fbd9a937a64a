"""How many jobs of a run call at the same time."""

import asyncio
from collections.abc import Callable


class Place:
    """A job's place among those that call: its first call takes it, its last answer frees it."""

    def __init__(self, slots: asyncio.Semaphore) -> None:
        self._slots = slots
        self._calls = 0
        self._turn = asyncio.Lock()

    async def enter(self) -> Callable[[], None]:
        """Wait for the place; what is returned leaves it, once."""
        async with self._turn:
            if self._calls == 0:
                await self._slots.acquire()
            self._calls += 1
        left = False

        def leave() -> None:
            nonlocal left
            if not left:
                left = True
                self._calls -= 1
                if self._calls == 0:
                    self._slots.release()

        return leave
