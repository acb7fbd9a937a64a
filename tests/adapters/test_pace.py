import asyncio
from math import inf

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


async def test_it_tells_how_long_somebody_waits_and_what_the_limit_is() -> None:
    time = Time()
    pace = ImagePace(2, now=time.now, sleep=time.sleep)
    await starts(pace, time, 2)
    assert (pace.wait, pace.per_minute) == (0, 2), "nobody waits"

    time.seconds += 20
    waiting = asyncio.create_task(pace.acquire())
    await asyncio.sleep(0)
    assert pace.wait == 40

    await waiting
    assert pace.wait == 0


async def test_a_limit_that_a_refusal_taught_is_told() -> None:
    time = Time()
    pace = ImagePace(None, now=time.now, sleep=time.sleep)
    assert pace.per_minute == inf

    await starts(pace, time, 5)
    pace.slow_down(60)

    assert pace.per_minute == 4


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


class Server:
    """Takes so many calls in any minute, and says how long to wait for the next place."""

    def __init__(self, per_minute: int, time: Time) -> None:
        self.per_minute = per_minute
        self.time = time
        self.accepted: list[float] = []
        self.refusals = 0

    def ask(self) -> float:
        """Seconds to wait, or 0 if the call was accepted."""
        now = self.time.now()
        recent = [at for at in self.accepted if at > now - 60]
        if len(recent) < self.per_minute:
            self.accepted.append(now)
            return 0
        self.refusals += 1
        return recent[-self.per_minute] + 60 - now


@pytest.mark.parametrize("per_minute", [5, 20, 50])
@pytest.mark.parametrize("at_once", [1, 2, 10])
async def test_refusals_teach_the_limit_so_that_no_job_is_refused_often(
    per_minute: int, at_once: int
) -> None:
    time = Time()
    server = Server(per_minute, time)
    pace = ImagePace(None, now=time.now, sleep=time.sleep)
    waiting = [0] * 40  # how often each job was refused
    while waiting:
        working = waiting[:at_once]
        waits = []
        for _ in working:
            await pace.acquire()
            waits.append(server.ask())
        for wait in filter(None, waits):  # all were sent before the first answer came
            pace.slow_down(wait)
        left = [count + 1 for count, wait in zip(working, waits, strict=True) if wait]
        assert max(left, default=0) <= 2, "a job would fail: its retries are used up"
        waiting = left + waiting[at_once:]
    assert len(server.accepted) == 40
    assert time.now() - 1000 <= 60 * (40 / per_minute + 3)


async def test_what_was_learned_is_tried_again_bit_by_bit() -> None:
    time = Time()
    pace = ImagePace(None, now=time.now, sleep=time.sleep)
    await starts(pace, time, 3)
    pace.slow_down(1)  # two of three were taken: it may have been somebody else's load
    took = await starts(pace, time, 40)
    assert took[-1] < 60 * 40 / 2  # what two a minute would take
