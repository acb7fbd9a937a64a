"""What an installation writes goes out in turns, and waits when GitHub says so."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.github import GitHubHost, Turns
from bot.adapters.ledger import SqlLedger, open_ledger
from bot.core.errors import HostError
from bot.simulators.github import FaultKind

Octo = Any  # of the conftest, which has no name to import
SECOND = timedelta(seconds=1)
OURS, OTHERS = 7, 8


@dataclass
class Time:
    """Time that passes when the test says so; who sleeps wakes when it has come."""

    now: datetime = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
    sleepers: list[tuple[datetime, asyncio.Event]] = field(default_factory=list)

    def __call__(self) -> datetime:
        return self.now

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.Event()
        self.sleepers.append((self.now + timedelta(seconds=seconds), woken))
        await woken.wait()

    async def asleep(self, count: int = 1) -> None:
        """Return when so many sleep."""
        async with asyncio.timeout(10):
            while len(self.sleepers) < count:
                await asyncio.sleep(0.001)

    def pass_(self, span: timedelta = timedelta(0)) -> None:
        """Let time pass: so much, or until the first one wakes."""
        self.now = self.now + span if span else min(due for due, _ in self.sleepers)
        for sleeper in [each for each in self.sleepers if each[0] <= self.now]:
            self.sleepers.remove(sleeper)
            sleeper[1].set()

    async def run(self, *writing: Awaitable[None]) -> None:
        """Let time pass from one awakening to the next, until all is written."""
        done = asyncio.gather(*writing)
        while not done.done():
            if self.sleepers:
                self.pass_()
            await asyncio.sleep(0.001)
        await done


@dataclass
class Street:
    """Turns of one worker, and what was written in them, and when."""

    turns: Turns
    time: Time
    written: list[tuple[datetime, str]] = field(default_factory=list)

    async def write(
        self, words: str = "words", at: int = OURS, *, urgent: bool = False, fails: Any = None
    ) -> None:
        async with self.turns.turn(at, urgent=urgent):
            self.written.append((self.time.now, words))
            if fails:
                raise fails

    @property
    def words(self) -> list[str]:
        return [words for _, words in self.written]

    @property
    def gaps(self) -> list[timedelta]:
        moments = sorted(moment for moment, _ in self.written)
        return [late - early for early, late in pairwise(moments)]


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[SqlLedger]:
    opened = await open_ledger(tmp_path / "ledger.db")
    yield opened
    await opened.close()


@pytest.fixture
def worker(ledger: SqlLedger, time: Time) -> Callable[[], Turns]:
    return lambda: Turns(ledger.leases, time, SECOND, time.sleep)


@pytest.fixture
def street(worker: Callable[[], Turns], time: Time) -> Street:
    return Street(worker(), time)


# --- spacing ----------------------------------------------------------------------------------


async def test_writes_of_an_installation_are_a_second_apart_and_keep_their_order(
    street: Street,
) -> None:
    await street.time.run(*(street.write(f"word {n}") for n in range(5)))

    assert street.words == [f"word {n}" for n in range(5)]
    assert min(street.gaps) >= SECOND
    assert max(street.gaps) < 1.2 * SECOND


async def test_two_workers_share_the_turns_of_an_installation(
    street: Street, worker: Callable[[], Turns]
) -> None:
    other = replace(street, turns=worker())

    await street.time.run(*(each.write() for each in (street, other, street, other)))

    assert len(street.written) == 4
    assert min(street.gaps) >= SECOND


async def test_another_installation_is_not_kept_waiting(street: Street) -> None:
    await street.write()
    waiting = asyncio.create_task(street.write())
    await street.time.asleep()

    await street.write("theirs", at=OTHERS)

    assert street.words == ["words", "theirs"]
    street.time.pass_()
    await waiting


async def test_a_reaction_goes_before_words_that_wait(street: Street) -> None:
    await street.write("first")
    waiting = [asyncio.create_task(street.write(f"word {n}")) for n in range(3)]
    await street.time.asleep()
    waiting.append(asyncio.create_task(street.write("eyes", urgent=True)))
    await street.time.asleep(2)

    await street.time.run(*waiting)

    assert street.words == ["first", "eyes", "word 0", "word 1", "word 2"]
    assert min(street.gaps) >= SECOND


async def test_who_would_wait_long_is_told_when_to_come_back_and_keeps_no_place(
    street: Street,
) -> None:
    await street.write()
    waiting = [asyncio.create_task(street.write()) for _ in range(6)]
    await street.time.asleep()

    with pytest.raises(HostError) as told:
        await street.write()

    assert (told.value.retry_after, told.value.ambiguous, told.value.final) == (6, False, False)
    results = asyncio.gather(*waiting, return_exceptions=True)
    while not results.done():
        if street.time.sleepers:
            street.time.pass_()
        await asyncio.sleep(0.001)
    assert [each for each in results.result() if each is not None] == []


# --- pauses -----------------------------------------------------------------------------------


async def test_a_pause_that_github_asks_for_is_everybodys_at_that_installation(
    street: Street, worker: Callable[[], Turns]
) -> None:
    limit = HostError("GitHub asks for a pause.", status=403, retry_after=60)
    with pytest.raises(HostError):
        await street.write(fails=limit)
    street.time.pass_(10 * SECOND)

    for turns in (street.turns, worker()):
        with pytest.raises(HostError, match="sent first") as told:
            await replace(street, turns=turns).write("too early", urgent=True)
        assert told.value.retry_after == 50
    await street.write("theirs", at=OTHERS)
    street.time.pass_(50 * SECOND)
    await street.write("in time")

    assert street.words == ["words", "theirs", "in time"]


@pytest.mark.parametrize(
    "error",
    [HostError("GitHub has a fault of its own.", status=503, retry_after=60), HostError("no")],
)
async def test_a_fault_is_no_pause_for_others(street: Street, error: HostError) -> None:
    with pytest.raises(HostError):
        await street.write(fails=error)
    street.time.pass_(SECOND)

    await street.write("others")

    assert street.words == ["words", "others"]


async def test_a_limit_that_is_met_after_others_have_written_is_theirs_to_meet(
    street: Street,
) -> None:
    limit = HostError("GitHub asks for a pause.", status=429, retry_after=60)

    async def upload() -> None:
        async with street.turns.turn(OURS):
            street.time.pass_(SECOND)
            await street.write("meanwhile")
            raise limit

    with pytest.raises(HostError) as told:
        await upload()
    assert told.value is limit
    street.time.pass_(SECOND)
    await street.write("afterwards")


# --- what takes a turn ------------------------------------------------------------------------


@pytest.fixture
async def host(octo: Octo, ledger: SqlLedger) -> AsyncIterator[GitHubHost]:
    """A host whose installation is to write nothing for a minute, by GitHub's wish."""
    turns = Turns(ledger.leases, octo.now, SECOND, octo.pause)
    made = GitHubHost(octo.credentials, turns=turns, clock=octo.now, sleep=octo.pause)
    octo.breaks(FaultKind.SECONDARY_LIMIT, method="POST", path="/comments$", retry_after=60)
    with pytest.raises(HostError, match="pause"):
        await made.post(octo.thread, "hello")
    yield made
    await made.aclose()


async def test_a_limited_installation_sends_nothing_more_before_its_time(
    octo: Octo, host: GitHubHost
) -> None:
    sent = len(octo.state.writes)
    for write in (
        host.post(octo.thread, "hello"),
        host.edit(octo.thread, 1, "hello"),
        host.react(octo.thread, "eyes"),
        host.releases(octo.thread).draft("v1", "title", "body"),
    ):
        with pytest.raises(HostError, match="sent first") as told:
            await write
        assert told.value.retry_after == pytest.approx(60, abs=5)

    assert (len(octo.state.writes), octo.pauses) == (sent, [])


async def test_questions_need_no_turn(octo: Octo, host: GitHubHost) -> None:
    assert (await host.role(octo.thread, "maya")).name == "ADMIN"


async def test_a_write_that_is_to_wait_a_little_is_not_waited_for(octo: Octo) -> None:
    comment = await octo.host.post(octo.thread, "Working")
    octo.breaks(method="PATCH", status=429, retry_after=3)
    with pytest.raises(HostError) as told:
        await octo.host.edit(octo.thread, comment, "Done")
    assert (told.value.retry_after, octo.pauses) == (3.0, [])
