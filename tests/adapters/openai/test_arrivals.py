"""Reading what is kept waits while something comes in, but not for ever."""

import asyncio
import json
from collections.abc import Callable
from math import inf

import pytest
from starlette.types import Receive, Scope, Send

from bot.adapters.openai_images import OpenAIImages
from bot.adapters.openai_images.arrivals import Arrivals
from bot.adapters.spool import LocalSpool
from bot.core.killpoints import Point, install
from bot.core.plan import ImageCall
from tests.adapters.openai.conftest import Door

FOX = ImageCall(model="gpt-image-2", prompt="a red fox")
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5Erk"
    "JggolFTkSuQmCC"
)


async def test_when_nothing_comes_in_nobody_waits() -> None:
    await Arrivals().over(0)
    await Arrivals().over(inf)


async def test_all_that_comes_in_is_waited_for() -> None:
    arrivals, told = Arrivals(), list[str]()

    async def wait() -> None:
        await arrivals.over(inf)
        told.append("over")

    with arrivals.one():
        with arrivals.one():
            waiting = asyncio.create_task(wait())
        await asyncio.sleep(0)
        told.append("one is left")
    with arrivals.one():  # what follows at once counts as the same rush
        await asyncio.wait([waiting], timeout=0.1)
        told.append("the next")
    await waiting
    assert told == ["one is left", "the next", "over"]


async def test_patience_ends() -> None:
    arrivals = Arrivals()
    with arrivals.one():
        await arrivals.over(0)
        await arrivals.over(asyncio.get_running_loop().time() + 0.01)


class Slow:
    """Sends half of its first answer, and the rest when it is told to; all others at once."""

    def __init__(self) -> None:
        self._go_on: Callable[[], object] | None = None

    def go_on(self) -> None:
        assert self._go_on
        self._go_on()

    async def __call__(self, _: Scope, receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body"):
            pass
        body = json.dumps({"data": [{"b64_json": PIXEL}]}).encode()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body[:50], "more_body": True})
        if self._go_on is None:
            loop, told = asyncio.get_running_loop(), asyncio.Event()
            self._go_on = lambda: loop.call_soon_threadsafe(told.set)
            await told.wait()
        await send({"type": "http.response.body", "body": body[50:]})


@pytest.fixture
def slow(other: Door) -> Slow:
    other.app = Slow()
    return other.app


async def half_come(provider: OpenAIImages, key: str) -> asyncio.Task[object]:
    """A call whose answer has begun and does not go on."""
    begun = asyncio.Event()
    install(lambda point: begun.set() if point is Point.ANSWER_HALF_READ else None)
    task: asyncio.Task[object] = asyncio.create_task(provider.create(FOX, key))
    await begun.wait()
    return task


async def test_an_answer_is_kept_at_once_and_read_when_no_other_comes_in(
    provide: Callable[..., OpenAIImages], spool: LocalSpool, other: Door, slow: Slow
) -> None:
    provider, kept = provide(base_url=other.url, patience=600), asyncio.Event()
    coming = await half_come(provider, "slow")
    quick = asyncio.create_task(provider.create(FOX, "quick", kept.set))
    await kept.wait()
    assert await spool.fetch("quick.answer")
    await asyncio.wait([quick], timeout=0.3)
    assert not quick.done()
    slow.go_on()
    await asyncio.gather(coming, quick)
    assert await spool.fetch("quick.image")


async def test_answers_that_never_stop_coming_do_not_keep_others_from_being_read(
    provide: Callable[..., OpenAIImages], spool: LocalSpool, other: Door, slow: Slow
) -> None:
    provider = provide(base_url=other.url, patience=0.05)
    coming = await half_come(provider, "slow")
    await provider.create(FOX, "quick")
    assert await spool.fetch("quick.image")
    assert not coming.done()
    slow.go_on()
    await coming


async def test_recovery_waits_for_nobody(
    provide: Callable[..., OpenAIImages], other: Door, slow: Slow
) -> None:
    provider = provide(base_url=other.url, patience=600)
    earlier = provide(base_url=other.url)
    coming = await half_come(provider, "slow")
    made = await earlier.create(FOX, "earlier")
    assert await provider.recall("earlier") == made
    slow.go_on()
    await coming
