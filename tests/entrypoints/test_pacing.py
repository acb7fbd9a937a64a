"""A batch of forty with a key that may make five images a minute: slow, and none of them fails."""

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from pydantic import SecretStr

from bot.adapters.openai_images import OpenAIImages
from bot.adapters.pace import ImagePace, local_pace
from bot.core.parse import parse_batch_data
from bot.core.plan import ImageCall, plan
from bot.core.ports import Answer
from bot.core.run import ItemState, Run, RunState, RunView
from bot.engine.drain import Drain
from bot.entrypoints.loopback import served
from bot.entrypoints.settings import Settings
from bot.entrypoints.wiring.common import utc_now, workshop
from bot.simulators.images import ImagesSimulator, create_images_app
from bot.simulators.images import Settings as Behaviour

JOBS, PER_MINUTE = 40, 5
START = 1_795_000_000.0  # in November 2026
_TICK = 1e-3


class Time:
    """Whoever sleeps moves it, when no call is under way: calls take no time here."""

    def __init__(self, traveller: time_machine.Traveller) -> None:
        self._traveller = traveller
        self._under_way = 0
        self._quiet = asyncio.Event()
        self._quiet.set()

    def count(self, calls: int) -> None:
        """So many calls more, or fewer, are under way."""
        self._under_way += calls
        if self._under_way:
            self._quiet.clear()
        else:
            self._quiet.set()

    async def sleep(self, seconds: float) -> None:
        until = time.time() + seconds + _TICK
        await asyncio.sleep(0)
        await self._quiet.wait()
        if until > time.time():
            self._traveller.move_to(until)


@dataclass
class Counted:
    """A pace and a provider whose calls are under way from their place to their answer."""

    clock: Time
    pace: ImagePace
    provider: OpenAIImages

    async def acquire(self) -> None:
        await self.pace.acquire()
        self.clock.count(1)

    async def slow_down(self, seconds: float) -> None:
        await self.pace.slow_down(seconds)

    async def create(self, call: ImageCall, key: str, kept: Callable[[], None]) -> Answer:
        try:
            return await self.provider.create(call, key, kept)
        finally:
            self.clock.count(-1)

    async def recall(self, key: str) -> Answer | None:
        return await self.provider.recall(key)


class Impatient(Drain):
    """Waits for a retry without waiting."""

    def __init__(self, clock: Time) -> None:
        super().__init__()
        self._clock = clock

    async def wait(self, seconds: float) -> None:
        await self._clock.sleep(seconds)


@pytest.fixture
def clock() -> Iterator[Time]:
    with time_machine.travel(START, tick=False) as traveller:
        yield Time(traveller)


@pytest.mark.parametrize("at_once", [1, 2, 10])
@pytest.mark.parametrize("setting", [PER_MINUTE, None], ids=["set", "learned"])
async def test_forty_jobs_at_five_a_minute_all_succeed(
    tmp_path: Path, clock: Time, setting: int | None, at_once: int
) -> None:
    images = ImagesSimulator(Behaviour(images_per_minute=PER_MINUTE))
    jobs = [{"prompt": f"fox {n}", "quality": "low", "size": "1024x1024"} for n in range(JOBS)]
    batch = parse_batch_data({"jobs": jobs, "max_concurrent": at_once}).config
    async with served(create_images_app(images)) as url:
        env = Settings(
            openai_api_key=SecretStr("sk-simulated"),
            openai_base_url=f"{url}/v1",
            gptimage_data_dir=tmp_path,
        )
        async with workshop(env, local_pace(setting, sleep=clock.sleep)) as shop:
            run = Run("r1", RunState.QUEUED, batch, utc_now())
            items = plan(batch, run.id)
            await shop.ledger.runs.open(run, items)
            lease = await shop.ledger.leases.claim("run:r1", utc_now(), timedelta(days=1))
            assert lease
            begun = await shop.ledger.runs.begin(lease, utc_now())
            opened = await shop.ledger.runs.get(run.id)
            assert opened
            counted = Counted(clock, shop.pace, shop.provider)
            runner = replace(shop.runner, provider=counted, pace=counted, drain=Impatient(clock))
            view = await runner.settle(lease, RunView(begun, opened.items), lambda _: None)

    assert {item.state for item in view.items} == {ItemState.SUCCEEDED}
    assert len(images.billed) == JOBS
    refused = len(images.calls) - JOBS
    assert refused == 0 if setting else refused <= at_once + PER_MINUTE
    assert time.time() - START <= 60 * (JOBS / PER_MINUTE + 2)
