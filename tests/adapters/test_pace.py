import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.adapters.pace import ImagePace


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def now(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)
        self.seconds += seconds


async def starts(pace: ImagePace, time: Time, count: int) -> list[float]:
    taken = []
    for _ in range(count):
        await pace.acquire()
        taken.append(time.now() - 1000)
    return taken


async def test_a_minute_holds_its_limit_and_the_next_ones_wait() -> None:
    time = Time()
    pace = ImagePace(3, now=time.now, sleep=time.sleep)
    assert await starts(pace, time, 7) == [0, 0, 0, 60, 60, 60, 120]


async def test_without_a_limit_nobody_waits() -> None:
    time = Time()
    pace = ImagePace(None, now=time.now, sleep=time.sleep)
    assert await starts(pace, time, 100) == [0] * 100


@pytest.mark.parametrize("limit", [None, 10])
async def test_a_pause_holds_everybody_back_and_the_longest_counts(limit: int | None) -> None:
    time = Time()
    pace = ImagePace(limit, now=time.now, sleep=time.sleep)
    pace.slow_down(12)
    pace.slow_down(2)
    assert await starts(pace, time, 2) == [12, 12]


async def test_a_pause_asked_for_during_a_wait_is_kept() -> None:
    time = Time()
    pace = ImagePace(1, now=time.now, sleep=time.sleep)
    await pace.acquire()
    waiting = asyncio.create_task(pace.acquire())
    await asyncio.sleep(0)
    pace.slow_down(90)
    await waiting
    assert time.now() == 1090


async def test_places_are_given_in_the_order_of_asking() -> None:
    time = Time()
    pace = ImagePace(1, now=time.now, sleep=time.sleep)
    order: list[int] = []

    async def ask(number: int) -> None:
        await pace.acquire()
        order.append(number)

    async with asyncio.TaskGroup() as group:
        for number in range(5):
            group.create_task(ask(number))
    assert order == [0, 1, 2, 3, 4]


async def test_a_cancelled_waiter_takes_no_place() -> None:
    time = Time()
    pace = ImagePace(2, now=time.now, sleep=time.sleep)
    await starts(pace, time, 2)
    waiting = asyncio.create_task(pace.acquire())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    assert await starts(pace, time, 2) == [60, 60]


def test_a_limit_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="images per minute"):
        ImagePace(0)


@given(
    limit=st.integers(1, 6),
    events=st.lists(st.tuples(st.floats(0, 50), st.sampled_from(["ask", "pause"])), max_size=40),
)
async def test_no_sixty_seconds_see_more_than_the_limit(
    limit: int, events: list[tuple[float, str]]
) -> None:
    time = Time()
    pace = ImagePace(limit, now=time.now, sleep=time.sleep)
    taken: list[float] = []
    for seconds, event in events:
        if event == "pause":
            pace.slow_down(seconds)
        else:
            time.seconds += seconds / 4
            taken += await starts(pace, time, 1)
    assert all(
        later - sooner >= 60 - 1e-6 for sooner, later in zip(taken, taken[limit:], strict=False)
    )
