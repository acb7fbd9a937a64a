"""What every pace promises, alone and shared."""

import asyncio
import time
from math import inf

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.adapters.pace import ImagePace, local_pace
from tests.adapters.pace.conftest import Make, Time


async def starts(pace: ImagePace, clock: Time, count: int) -> list[float]:
    taken = []
    for _ in range(count):
        await pace.acquire()
        taken.append(clock.passed)
    return taken


async def asleep(pace: ImagePace, clock: Time) -> "asyncio.Task[None]":
    """Somebody who waits for a place, and does not get on before the clock goes."""
    clock.going.clear()
    clock.asleep.clear()
    waiting = asyncio.create_task(pace.acquire())
    await clock.asleep.wait()
    return waiting


def about(*seconds: float) -> object:
    return pytest.approx(seconds, abs=0.01)


async def test_a_minute_holds_its_limit_and_the_next_ones_wait(make: Make, clock: Time) -> None:
    pace = await make(3)
    assert await starts(pace, clock, 7) == about(0, 0, 0, 60, 60, 60, 120)


async def test_without_a_limit_nobody_waits(make: Make, clock: Time) -> None:
    pace = await make(None)
    assert await starts(pace, clock, 100) == about(*[0] * 100)


@pytest.mark.parametrize("limit", [None, 10])
async def test_a_pause_holds_everybody_back_and_the_longest_counts(
    make: Make, clock: Time, limit: int | None
) -> None:
    pace = await make(limit)
    await pace.slow_down(12)
    await pace.slow_down(2)
    assert await starts(pace, clock, 2) == about(12, 12)


async def test_no_pause_and_no_place_of_a_wrong_clock_counts_once_that_was_set_back(
    make: Make, clock: Time
) -> None:
    full, paused = await make(2), await make(None)
    await starts(full, clock, 2)
    await paused.slow_down(30)
    clock.pass_(-7200)
    assert await starts(full, clock, 2) == about(-7200, -7200)
    assert await starts(paused, clock, 1) == about(-7200)


async def test_a_pause_asked_for_during_a_wait_is_kept(make: Make, clock: Time) -> None:
    pace = await make(1)
    await pace.acquire()
    waiting = await asleep(pace, clock)
    await pace.slow_down(90)
    clock.going.set()
    await waiting
    assert clock.passed == pytest.approx(90, abs=0.01)


async def test_places_are_given_in_the_order_of_asking(make: Make) -> None:
    pace = await make(1)
    order: list[int] = []

    async def ask(number: int) -> None:
        await pace.acquire()
        order.append(number)

    async with asyncio.TaskGroup() as group:
        for number in range(5):
            group.create_task(ask(number))
    assert order == [0, 1, 2, 3, 4]


async def test_a_cancelled_waiter_takes_no_place(make: Make, clock: Time) -> None:
    pace = await make(2)
    await starts(pace, clock, 2)
    waiting = await asleep(pace, clock)
    waiting.cancel()
    await asyncio.wait([waiting])
    clock.going.set()
    assert await starts(pace, clock, 2) == about(60, 60)


async def test_it_tells_how_long_somebody_waits_and_what_the_limit_is(
    make: Make, clock: Time
) -> None:
    pace = await make(2)
    await starts(pace, clock, 2)
    assert (pace.wait, pace.per_minute) == (0, 2), "nobody waits"

    clock.pass_(20)
    waiting = await asleep(pace, clock)
    assert pace.wait == pytest.approx(40, abs=0.01)

    clock.going.set()
    await waiting
    assert pace.wait == 0


async def test_a_limit_that_a_refusal_taught_is_told(make: Make, clock: Time) -> None:
    pace = await make(None)
    assert pace.per_minute == inf

    await starts(pace, clock, 5)
    await pace.slow_down(60)

    assert pace.per_minute == 4


def test_a_limit_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="images per minute"):
        local_pace(0)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    limit=st.integers(1, 6),
    events=st.lists(st.tuples(st.floats(0, 50), st.sampled_from(["ask", "pause"])), max_size=40),
)
async def test_no_sixty_seconds_see_more_than_the_limit(
    make: Make, clock: Time, limit: int, events: list[tuple[float, str]]
) -> None:
    pace = await make(limit)
    taken: list[float] = []
    for seconds, event in events:
        if event == "pause":
            await pace.slow_down(seconds)
        else:
            clock.pass_(seconds / 4)
            taken += await starts(pace, clock, 1)
    assert all(
        later - sooner >= 60 - 1e-6 for sooner, later in zip(taken, taken[limit:], strict=False)
    )


class Server:
    """Takes so many calls in any minute, and says how long to wait for the next place."""

    def __init__(self, per_minute: int) -> None:
        self.per_minute = per_minute
        self.accepted: list[float] = []
        self.refusals = 0

    def ask(self) -> float:
        """Seconds to wait, or 0 if the call was accepted."""
        now = time.time()
        recent = [at for at in self.accepted if at > now - 60]
        if len(recent) < self.per_minute:
            self.accepted.append(now)
            return 0
        self.refusals += 1
        return recent[-self.per_minute] + 60 - now


@pytest.mark.parametrize("per_minute", [5, 20, 50])
@pytest.mark.parametrize("at_once", [1, 2, 10])
async def test_refusals_teach_the_limit_so_that_no_job_is_refused_often(
    make: Make, clock: Time, per_minute: int, at_once: int
) -> None:
    server = Server(per_minute)
    pace = await make(None)
    waiting = [0] * 40  # how often each job was refused
    while waiting:
        working = waiting[:at_once]
        waits = []
        for _ in working:
            await pace.acquire()
            waits.append(server.ask())
        for wait in filter(None, waits):  # all were sent before the first answer came
            await pace.slow_down(wait)
        left = [count + 1 for count, wait in zip(working, waits, strict=True) if wait]
        assert max(left, default=0) <= 2, "a job would fail: its retries are used up"
        waiting = left + waiting[at_once:]
    assert len(server.accepted) == 40
    assert clock.passed <= 60 * (40 / per_minute + 3)


async def test_what_was_learned_is_tried_again_bit_by_bit(make: Make, clock: Time) -> None:
    pace = await make(None)
    await starts(pace, clock, 3)
    await pace.slow_down(1)  # two of three were taken: it may have been somebody else's load
    took = await starts(pace, clock, 40)
    assert took[-1] < 60 * 40 / 2  # what two a minute would take
