"""How one run is driven: how much at once, what a refusal means, and when nothing more starts."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.ledger import SqlLedger, open_ledger
from bot.core.attempts import Attempt, AttemptState
from bot.core.batch import BatchConfig, Job, RetryPolicy
from bot.core.errors import Charge, Failure, LeaseLost, LedgerBusy, ProviderError
from bot.core.plan import ImageCall, plan
from bot.core.ports import Answer, Lease
from bot.core.pricing import BUILT_IN, Money, PriceBook, Usage, upper_bound
from bot.core.run import ItemState, Run, RunState, RunView, Stop
from bot.engine.drain import Drain
from bot.engine.outcomes import lost
from bot.engine.runner import Runner
from tests.engine.desk import START, Clock

ANSWER = Answer("key", "image/png", 1, 1, 1)
Server = Callable[[ImageCall], Awaitable[Answer]]


@dataclass
class Gate:
    """A server that answers when it is let; it counts what is under way."""

    opened: asyncio.Event = field(default_factory=asyncio.Event)
    under_way: list[str] = field(default_factory=list)
    most: int = 0
    waiting: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, call: ImageCall) -> Answer:
        self.under_way.append(call.prompt)
        self.most = max(self.most, len(self.under_way))
        self.waiting.set()
        await self.opened.wait()
        self.under_way.remove(call.prompt)
        return ANSWER


@dataclass
class Provider:
    server: Server
    calls: list[str] = field(default_factory=list)
    recalled: Answer | None = None

    async def create(self, call: ImageCall, _: str, kept: Callable[[], None]) -> Answer:
        self.calls.append(call.prompt)
        answer = await self.server(call)
        kept()
        return answer

    async def recall(self, _: str) -> Answer | None:
        return self.recalled


@dataclass
class Pace:
    pauses: list[float] = field(default_factory=list)

    async def acquire(self) -> None:
        return

    async def slow_down(self, seconds: float) -> None:
        self.pauses.append(seconds)


@dataclass
class Track:
    """What a runner needs, and a place to see what it did."""

    ledger: SqlLedger
    clock: Clock = field(default_factory=Clock)
    pace: Pace = field(default_factory=Pace)
    drain: Drain = field(default_factory=Drain)
    calls: list[str] = field(default_factory=list)
    prices: PriceBook = BUILT_IN
    cap: Money | None = None
    patient: bool = False
    slept: list[float] = field(default_factory=list)
    meanwhile: Callable[[], Awaitable[None]] | None = None  # happens in each pause

    async def run(self, batch: BatchConfig, server: Server, runs: object = None) -> RunView:
        run = Run("r1", RunState.QUEUED, batch, START)
        await self.ledger.runs.open(run, plan(batch, run.id))
        lease = await self.ledger.leases.claim("run:r1", START, timedelta(seconds=10))
        assert lease is not None
        return await self.go_on(lease, server, runs)

    async def go_on(
        self,
        lease: Lease,
        server: Server,
        runs: object = None,
        recalled: Answer | None = None,
    ) -> RunView:
        provider = Provider(server, self.calls, recalled)
        recorded: Any = runs or self.ledger.runs
        runner = Runner(
            *(recorded, provider, self.pace, self.clock, self.drain),
            *(self.prices, self.cap, self.patient, self.sleep),
        )
        begun = await self.ledger.runs.begin(lease, self.clock())
        view = await self.ledger.runs.get("r1")
        assert view is not None
        return await runner.settle(lease, RunView(begun, view.items), lambda _: None)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.clock.pass_(seconds=seconds)
        if self.meanwhile:
            await self.meanwhile()

    async def attempts(self) -> Sequence[AttemptState]:
        view = await self.ledger.runs.get("r1")
        assert view is not None
        return [attempt.state for attempt in view.items[0].attempts]


@pytest.fixture
async def track(empty: Path, tmp_path: Path) -> AsyncIterator[Track]:
    shutil.copy(empty, tmp_path / "ledger.db")
    ledger = await open_ledger(tmp_path / "ledger.db")
    yield Track(ledger)
    await ledger.close()


def batch(*prompts: str, **options: Any) -> BatchConfig:
    samples = options.pop("samples", 1)
    model = options.pop("models", {})
    jobs = tuple(
        Job(prompt=p, sample_count=samples, **({"model": model[p]} if p in model else {}))
        for p in prompts
    )
    return BatchConfig(jobs=jobs, **options)


def refusing(failure: Failure, *prompts: str, **more: Any) -> Server:
    """A server that refuses these prompts, or all of them."""

    async def answer(call: ImageCall) -> Answer:
        if not prompts or call.prompt in prompts:
            raise ProviderError(failure, "no", charge=Charge.NOT_CHARGED, **more)
        return ANSWER

    return answer


async def _image(_: ImageCall) -> Answer:
    return ANSWER


def states(view: RunView) -> list[ItemState]:
    return [item.state for item in view.items]


# --- how much at once -------------------------------------------------------------------------


@pytest.mark.parametrize(("width", "samples", "most"), [(1, 3, 3), (2, 2, 4), (3, 1, 3)])
async def test_the_width_counts_jobs_and_their_samples_run_together(
    track: Track, width: int, samples: int, most: int
) -> None:
    server = Gate()
    running = asyncio.create_task(
        track.run(batch("a", "b", "c", "d", samples=samples, max_concurrent=width), server)
    )
    async with asyncio.timeout(10):
        while len(server.under_way) < most:
            server.waiting.clear()
            await server.waiting.wait()
    server.opened.set()
    assert set(states(await running)) == {ItemState.SUCCEEDED}
    assert server.most == most


# --- what a refusal means ---------------------------------------------------------------------


async def test_a_rate_limit_is_waited_for_as_long_as_the_server_says(track: Track) -> None:
    answers = [refusing(Failure.RATE_LIMIT, retry_after=0.3)]
    started = []

    async def server(call: ImageCall) -> Answer:
        started.append(asyncio.get_running_loop().time())
        track.clock.now = START + timedelta(seconds=started[-1] - started[0])
        return await answers.pop()(call) if answers else ANSWER

    class Real(Clock):
        def __call__(self) -> Any:
            loop = asyncio.get_running_loop()
            return START + timedelta(seconds=loop.time())

    track.clock = Real()
    retry = RetryPolicy(max_retries=1, retry_delay_ms=100)
    view = await track.run(batch("a", retry_policy=retry), server)
    assert states(view) == [ItemState.SUCCEEDED]
    assert started[1] - started[0] >= 0.29
    assert track.pace.pauses == [0.3]


async def test_a_rate_limit_that_the_policy_does_not_name_is_not_retried(track: Track) -> None:
    retry = RetryPolicy(retry_on_errors=("timeout",))
    view = await track.run(batch("a", retry_policy=retry), refusing(Failure.RATE_LIMIT))
    assert states(view) == [ItemState.FAILED]
    assert track.calls == ["a"]


@pytest.mark.parametrize(
    ("failure", "stop"),
    [
        (Failure.AUTHENTICATION, Stop.REFUSED),
        (Failure.NO_MONEY, Stop.REFUSED),
        (Failure.STORAGE, Stop.FAULT),
    ],
)
async def test_what_no_other_call_can_pass_stops_the_run(
    track: Track, failure: Failure, stop: Stop
) -> None:
    view = await track.run(batch("a", "b", "c", max_concurrent=1), refusing(failure))
    assert track.calls == ["a"]
    assert view.run.stop is stop
    assert view.items[0].charge is Charge.NOT_CHARGED


async def test_a_model_that_is_not_served_is_asked_for_once(track: Track) -> None:
    models = {"a": "gone", "b": "gone"}
    view = await track.run(
        batch("a", "b", "c", models=models, max_concurrent=1), refusing(Failure.NO_MODEL, "a", "b")
    )
    assert track.calls == ["a", "c"]
    assert states(view) == [ItemState.FAILED, ItemState.RESERVED, ItemState.SUCCEEDED]
    assert view.run.stop is None


# --- when nothing more starts -----------------------------------------------------------------


async def test_after_the_timeout_nothing_starts_and_calls_under_way_are_kept(
    track: Track,
) -> None:
    async def slow(_: ImageCall) -> Answer:
        track.clock.pass_(seconds=2)
        return ANSWER

    view = await track.run(batch("a", "b", timeout=1_000, max_concurrent=1), slow)
    assert states(view) == [ItemState.SUCCEEDED, ItemState.RESERVED]
    assert view.run.stop is Stop.TIMEOUT


async def test_waiting_is_no_working_time(track: Track) -> None:
    class Slow(Pace):
        async def acquire(self) -> None:
            track.clock.pass_(hours=1)

    async def quick(_: ImageCall) -> Answer:
        track.clock.pass_(seconds=0.2)
        return ANSWER

    track.pace = Slow()
    view = await track.run(batch("a", "b", "c", timeout=1_000, max_concurrent=1), quick)
    assert set(states(view)) == {ItemState.SUCCEEDED}


async def test_who_goes_on_with_a_run_gives_it_its_working_time_anew(track: Track) -> None:
    async def slow(_: ImageCall) -> Answer:
        track.clock.pass_(seconds=2)
        return ANSWER

    stopped = await track.run(batch("a", "b", timeout=1_000, max_concurrent=1), slow)
    lease = await track.ledger.leases.claim("run:r1", track.clock(), timedelta(seconds=10))
    assert lease is None, "its first holder has it"
    track.clock.pass_(seconds=10)
    assert await track.ledger.runs.resume(stopped.run, track.clock())
    lease = await track.ledger.leases.claim("run:r1", track.clock(), timedelta(seconds=10))
    assert lease is not None

    view = await track.go_on(lease, slow)

    assert states(view) == [ItemState.SUCCEEDED] * 2
    assert track.calls == ["a", "b"]


@pytest.mark.parametrize("given_up", [False, True], ids=["under way", "given up"])
async def test_the_hours_until_somebody_reads_a_kept_answer_are_no_working_time(
    track: Track, *, given_up: bool
) -> None:
    run = Run("r1", RunState.QUEUED, batch("fox", "owl", timeout=60_000), START)
    await track.ledger.runs.open(run, plan(run.batch, run.id))
    lease = await track.ledger.leases.claim("run:r1", START, timedelta(seconds=10))
    assert lease is not None
    await track.ledger.runs.start(lease, 0, 1, 1, None, START)
    if given_up:
        await track.ledger.runs.settle(lease, 0, 1, lost("gone"), START + timedelta(seconds=5))
    kept_at = START + timedelta(seconds=20)
    track.clock.now = START + timedelta(hours=9)

    view = await track.go_on(lease, _image, recalled=replace(ANSWER, kept_at=kept_at))

    assert track.calls == ["owl"]
    assert [item.state for item in view.items] == [ItemState.SUCCEEDED] * 2
    assert view.items[0].attempts[0].settled_at == kept_at


async def test_a_clock_that_is_set_back_makes_no_wait_longer_and_hides_no_cancel(
    track: Track,
) -> None:
    waits: list[float] = []

    class SetBack(Drain):
        async def wait(self, seconds: float) -> None:
            if not waits:
                track.clock.pass_(days=-1)
            waits.append(seconds)
            track.clock.pass_(seconds=seconds)
            if len(waits) == 2:
                assert await track.ledger.runs.request_stop("r1", Stop.CANCELLED)
            assert len(waits) < 10

    track.drain = SetBack()
    server = refusing(Failure.RATE_LIMIT, retry_after=5)
    view = await track.run(batch("a", retry_policy=RetryPolicy(max_retries=1)), server)

    assert track.calls == ["a"]
    assert view.run.stop is Stop.CANCELLED
    assert waits == [1, 1]


async def test_a_cancel_is_heard_while_a_place_is_waited_for_and_takes_none(track: Track) -> None:
    class Full(Pace):
        asked, given_up = 0, 0

        async def acquire(self) -> None:
            self.asked += 1
            assert await track.ledger.runs.request_stop("r1", Stop.CANCELLED)
            track.clock.pass_(seconds=2)
            try:
                await asyncio.Event().wait()
            finally:
                self.given_up += 1

    track.pace = pace = Full()
    async with asyncio.timeout(30):
        view = await track.run(batch("a", "b", "c", max_concurrent=1), _image)

    assert track.calls == []
    assert view.run.stop is Stop.CANCELLED
    assert pace.asked == pace.given_up == 1


async def test_no_call_starts_after_a_cancel_though_nobody_has_looked_since(track: Track) -> None:
    async def cancelled_meanwhile(_: ImageCall) -> Answer:
        assert await track.ledger.runs.request_stop("r1", Stop.CANCELLED)
        return ANSWER

    view = await track.run(batch("a", "b", "c", max_concurrent=1), cancelled_meanwhile)
    assert len(track.calls) == 1  # the clock stands still, and a look is due once in a second
    assert view.run.stop is Stop.CANCELLED


async def test_whoever_slept_through_the_timeout_does_not_stop_its_heir(track: Track) -> None:
    """It counts its own sleep as working time, while its heir has hardly begun."""

    async def sleeps(_: ImageCall) -> Answer:
        track.clock.now += timedelta(hours=1)
        assert await track.ledger.leases.claim("run:r1", track.clock(), timedelta(seconds=10))
        raise ProviderError(Failure.AUTHENTICATION, "no", charge=Charge.NOT_CHARGED)

    class Forgetful:
        """A ledger that takes the outcome all the same, so that only the stop is late."""

        def __getattr__(self, name: str) -> Any:
            return getattr(track.ledger.runs, name)

        async def settle(self, *_: object) -> Attempt:
            return Attempt(1, 1, AttemptState.FAILED, START, failure=Failure.AUTHENTICATION)

    with pytest.raises(ExceptionGroup) as caught:
        await track.run(batch("a"), sleeps, Forgetful())

    assert caught.group_contains(LeaseLost)
    assert await track.ledger.runs.stop_requested("r1") is None


async def test_a_call_is_awaited_however_often_its_run_is_cancelled(track: Track) -> None:
    server = Gate()
    running = asyncio.create_task(track.run(batch("a"), server))
    await server.waiting.wait()
    for _ in range(3):
        running.cancel()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    server.opened.set()
    with pytest.raises(asyncio.CancelledError):
        await running
    view = await track.ledger.runs.get("r1")
    assert view is not None
    assert states(view) == [ItemState.SUCCEEDED]


class Ticking(Clock):
    """Time passes whenever somebody looks."""

    def __call__(self) -> datetime:
        self.pass_(seconds=1)
        return super().__call__()


# --- the cap ----------------------------------------------------------------------------------

MOST = upper_bound(Job(prompt="a"))
assert MOST is not None


def tokens(times: int) -> Answer:
    """An answer whose bill is so many times the most that the call could cost."""
    assert MOST is not None
    return replace(ANSWER, usage=Usage(0, 0, MOST.micros * times // 30))


def capped(images: int, *prompts: str, **options: Any) -> BatchConfig:
    """A batch that may cost as much as so many images can."""
    assert MOST is not None
    return batch(*prompts, max_cost=(MOST * images).usd, **options)


async def test_a_bill_above_the_estimate_stops_the_run_before_the_call_that_breaks_the_cap(
    track: Track,
) -> None:
    async def dear(_: ImageCall) -> Answer:
        return tokens(2)

    view = await track.run(capped(4, "a", "b", "c", "d", max_concurrent=1), dear)
    assert track.calls == ["a", "b"]
    assert view.run.stop is Stop.BUDGET
    assert states(view) == [ItemState.SUCCEEDED] * 2 + [ItemState.RESERVED] * 2
    assert await track.ledger.runs.stop_requested("r1") is Stop.BUDGET


async def test_calls_under_way_count_with_the_most_they_can_cost(track: Track) -> None:
    server = Gate()
    running = asyncio.create_task(track.run(capped(3, *"abcdefgh", max_concurrent=8), server))
    server.opened.set()
    view = await running
    assert len(track.calls) == 3
    assert view.run.stop is Stop.BUDGET


async def test_calls_in_doubt_count_with_the_most_they_may_have_cost(track: Track) -> None:
    async def broken(_: ImageCall) -> Answer:
        raise ProviderError(Failure.SERVER_ERROR, "no", charge=Charge.IN_DOUBT)

    view = await track.run(capped(2, "a", "b", "c", max_concurrent=1), broken)
    assert track.calls == ["a", "b"]
    assert view.run.stop is Stop.BUDGET


async def test_a_call_that_is_repeated_is_weighed_again(track: Track) -> None:
    async def broken(_: ImageCall) -> Answer:
        raise ProviderError(Failure.SERVER_ERROR, "no", charge=Charge.IN_DOUBT)

    retry = RetryPolicy(
        retry_in_doubt=True,
        retry_on_errors=("server_error",),
        max_retries=5,
        retry_delay_ms=100,
    )
    track.clock = Ticking()
    view = await track.run(capped(2, "a", retry_policy=retry), broken)
    assert track.calls == ["a", "a"]
    assert view.run.stop is Stop.BUDGET


async def test_a_cap_that_holds_the_whole_estimate_stops_nothing(track: Track) -> None:
    async def usual(_: ImageCall) -> Answer:
        return tokens(1)

    view = await track.run(capped(6, "a", "b", "c", samples=2, max_concurrent=3), usual)
    assert states(view) == [ItemState.SUCCEEDED] * 6
    assert view.run.stop is None


async def test_the_operators_cap_holds_also_for_a_batch_that_names_none(track: Track) -> None:
    track.cap = MOST
    view = await track.run(batch("a", "b", max_concurrent=1), _image)
    assert track.calls == ["a"]
    assert view.run.stop is Stop.BUDGET


async def test_what_has_no_price_has_no_room_under_a_cap(track: Track) -> None:
    models = {"a": "my-model"}
    view = await track.run(capped(1, "a", models=models), _image)
    assert track.calls == []
    assert view.run.stop is Stop.BUDGET


@pytest.mark.parametrize("usage", [None, Usage(1, 0, 1_000_000)])
async def test_a_price_per_image_is_the_bill_with_and_without_usage(
    track: Track, usage: Usage | None
) -> None:
    async def answer(_: ImageCall) -> Answer:
        return replace(ANSWER, usage=usage)

    track.prices = PriceBook({"my-model": Money(40_000)})
    view = await track.run(capped(1, "a", models={"a": "my-model"}), answer)
    assert view.paid == Money(40_000)
    assert view.items[0].attempts[0].amount == Money(40_000)


async def test_without_price_and_usage_the_bill_is_unknown_and_never_0(track: Track) -> None:
    view = await track.run(batch("a", models={"a": "my-model"}), _image)
    assert states(view) == [ItemState.SUCCEEDED]
    assert view.paid is None


# --- what cannot be recorded at once ----------------------------------------------------------


@dataclass
class Away:
    """Runs whose ledger takes no outcome for so many tries; perhaps an intent unconfirmed."""

    track: Track
    tries: int
    unconfirmed: int = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.track.ledger.runs, name)

    async def start(self, *args: Any) -> Stop | None:
        stop = await self.track.ledger.runs.start(*args)
        self.unconfirmed -= 1
        if self.unconfirmed >= 0:
            raise LedgerBusy("it did not answer in time")
        return stop

    async def settle(self, *args: Any) -> Attempt:
        self.tries -= 1
        if self.tries >= 0:
            raise LedgerBusy("not now")
        return await self.track.ledger.runs.settle(*args)


EVER = 10_000  # tries: nobody is as patient


async def test_an_outcome_is_recorded_when_the_ledger_is_free_again(track: Track) -> None:
    view = await track.run(batch("a"), _image, Away(track, 1))
    assert states(view) == [ItemState.SUCCEEDED]
    assert await track.attempts() == [AttemptState.SUCCEEDED]


@pytest.mark.parametrize("failure", [Failure.AUTHENTICATION, Failure.CONNECTION])
async def test_a_free_refusal_is_recorded_however_long_the_ledger_was_away(
    track: Track, failure: Failure
) -> None:
    track.patient = True
    retry = RetryPolicy(max_retries=0)
    view = await track.run(batch("a", retry_policy=retry), refusing(failure), Away(track, EVER - 1))
    assert [item.charge for item in view.items] == [Charge.NOT_CHARGED]
    assert await track.attempts() == [AttemptState.FAILED]
    assert sum(track.slept) > timedelta(hours=1).total_seconds()


async def test_a_process_that_is_to_end_waits_for_the_ledger_no_longer_than_it_may(
    track: Track,
) -> None:
    async def stopped() -> None:
        if len(track.slept) == 500:
            track.drain.ask()

    track.patient, track.meanwhile = True, stopped
    with pytest.raises(ExceptionGroup) as caught:
        await track.run(batch("a"), refusing(Failure.MODERATION), Away(track, EVER))
    assert caught.group_contains(LedgerBusy)
    assert 10 < sum(track.slept[500:]) < 30


async def test_whoever_has_somebody_waiting_gives_the_ledger_up_soon(track: Track) -> None:
    with pytest.raises(ExceptionGroup) as caught:
        await track.run(batch("a"), refusing(Failure.MODERATION), Away(track, EVER))
    assert caught.group_contains(LedgerBusy)
    assert 10 < sum(track.slept) < 30


async def test_nobody_waits_for_a_ledger_to_record_what_an_heir_has_settled(track: Track) -> None:
    runs = Away(track, EVER)

    async def inherited() -> None:
        if len(track.slept) == 50:
            runs.tries = 0
            ttl = timedelta(seconds=10)
            assert await track.ledger.leases.claim("run:r1", track.clock(), ttl)

    track.patient, track.meanwhile = True, inherited
    with pytest.raises(ExceptionGroup) as caught:
        await track.run(batch("a"), refusing(Failure.MODERATION), runs)
    assert caught.group_contains(LeaseLost)
    assert len(track.slept) == 50


@pytest.mark.parametrize(("patient", "tries"), [(False, 0), (True, EVER)])
async def test_an_intent_whose_commit_was_not_confirmed_is_no_doubt(
    track: Track, patient: bool, tries: int
) -> None:
    track.patient = patient
    with pytest.raises(ExceptionGroup):
        await track.run(batch("a"), _image, Away(track, tries, unconfirmed=1))

    assert await track.attempts() == [AttemptState.FAILED]
    assert track.calls == []


async def test_a_disk_that_fails_after_the_call_leaves_doubt_and_stops(track: Track) -> None:
    async def full(_: ImageCall) -> Answer:
        raise OSError(28, "No space left on device")

    view = await track.run(batch("a", "b", max_concurrent=1), full)
    assert view.items[0].attempts[0].state is AttemptState.IN_DOUBT
    assert track.calls == ["a"]
    assert view.run.stop is Stop.FAULT


async def test_an_answer_that_comes_after_the_end_takes_the_run_back_to_its_end(
    track: Track,
) -> None:
    async def lost(_: ImageCall) -> Answer:
        raise OSError(28, "No space left on device")

    class Late(Provider):
        async def recall(self, _: str) -> Answer | None:
            return ANSWER

    view = await track.run(batch("a"), lost)
    runs, lease = track.ledger.runs, Lease("run:r1", 1, START)
    await runs.settled(lease)
    await runs.finish(lease, "{}", (), START)
    runner = Runner(runs, Late(lost), track.pace, track.clock, track.drain)
    assert states(await runner.adopt(lease, view)) == [ItemState.SUCCEEDED]

    found = await runs.get("r1")
    assert found is not None
    assert found.run.state is RunState.PUBLISHING
    assert await runs.unfinished(START + timedelta(minutes=1)) == ["r1"]
