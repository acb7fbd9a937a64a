"""A clock that only sleeping moves, and paces of both kinds: alone, and shared in a real Valkey."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from itertools import count
from pathlib import Path

import pytest
import time_machine

from bot.adapters.pace import ImagePace, local_pace
from bot.adapters.pace.shared import shared_pace
from bot.adapters.valkey import embedded_valkey

START = 1_800_000_000.0


_TICK = 1e-4  # a sleep of no time at all would never end


class Time:
    """The time of this process: `limits` looks at it by itself."""

    def __init__(self, traveller: time_machine.Traveller) -> None:
        self._traveller = traveller
        self.asleep = asyncio.Event()  # somebody has begun to sleep
        self.going = asyncio.Event()  # while it is clear, sleepers sleep on
        self.going.set()

    @property
    def passed(self) -> float:
        """Seconds since the start."""
        return time.time() - START

    async def sleep(self, seconds: float) -> None:
        until = time.time() + seconds + _TICK
        self.asleep.set()
        await asyncio.sleep(0)
        await self.going.wait()
        if until > time.time():
            self._traveller.move_to(until)

    def pass_(self, seconds: float) -> None:
        self._traveller.shift(seconds)


Make = Callable[[int | None], Awaitable[ImagePace]]
"""Makes a pace that shares its places with no other."""


@pytest.fixture
def clock() -> Iterator[Time]:
    with time_machine.travel(START, tick=False) as traveller:
        yield Time(traveller)


@pytest.fixture
async def url(tmp_path: Path) -> AsyncIterator[str]:
    async with embedded_valkey(tmp_path) as address:
        yield address


@pytest.fixture(params=["alone", "shared"])
async def make(request: pytest.FixtureRequest, clock: Time) -> AsyncIterator[Make]:
    numbers = count()
    async with AsyncExitStack() as stack:
        if request.param == "alone":

            async def alone(per_minute: int | None) -> ImagePace:
                return local_pace(per_minute, sleep=clock.sleep)

            yield alone
            return
        folder = request.getfixturevalue("tmp_path")
        url = await stack.enter_async_context(embedded_valkey(folder))

        async def shared(per_minute: int | None) -> ImagePace:
            name = f"account-{next(numbers)}"
            return await stack.enter_async_context(
                shared_pace(url, name, per_minute, sleep=clock.sleep)
            )

        yield shared
