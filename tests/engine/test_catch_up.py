"""What GitHub could not deliver is asked for again: each once, and for three days."""

import asyncio
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bot.adapters.ledger import SqlLedger, open_ledger
from bot.core import killpoints
from bot.core.errors import HostError
from bot.core.killpoints import Point
from bot.core.ports import Sending
from bot.engine.catch_up import CatchUp
from bot.engine.drain import Drain
from tests.engine.desk import Clock, Crash


@dataclass
class Log:
    """The port `HookLog`: it sends to a webhook that is up or down, and remembers."""

    clock: Clock
    up: bool = True
    sent: list[Sending] = field(default_factory=list)
    read_since: list[datetime] = field(default_factory=list)
    errors: list[HostError] = field(default_factory=list)
    refusals: list[HostError] = field(default_factory=list)  # to show the log

    def send(self, guid: str) -> None:
        number = len(self.sent) + 1
        self.sent.append(Sending(number, guid, self.clock(), arrived=self.up))

    @property
    def arrived(self) -> Counter[str]:
        return Counter(each.guid for each in self.sent if each.arrived)

    async def sendings(self, since: datetime) -> Sequence[Sending]:
        self.read_since.append(since)
        if self.refusals:
            raise self.refusals.pop()
        return [each for each in reversed(self.sent) if each.at >= since]

    async def send_again(self, sending: int) -> None:
        if self.errors:
            raise self.errors.pop()
        self.send(self.sent[sending - 1].guid)


@dataclass
class Office:
    ledger: SqlLedger
    clock: Clock
    log: Log
    drain: Drain = field(default_factory=Drain)

    def worker(self) -> CatchUp:
        ports = (self.ledger.leases, self.ledger.missed)
        return CatchUp(*ports, self.log, self.clock, self.drain)

    async def look(self) -> None:
        """A worker starts and looks; it may die of it."""
        try:
            await self.worker().look()
        except Crash:
            self.clock.pass_(seconds=11)

    def lose(self, *guids: str) -> None:
        self.log.up = False
        for guid in guids:
            self.log.send(guid)
        self.log.up = True


@pytest.fixture
async def office(empty: Path, tmp_path: Path) -> AsyncIterator[Office]:
    shutil.copy(empty, tmp_path / "ledger.db")
    ledger = await open_ledger(tmp_path / "ledger.db")
    clock = Clock()
    yield Office(ledger, clock, Log(clock))
    await ledger.close()


@pytest.fixture(autouse=True)
def _alive() -> Iterator[None]:
    yield
    killpoints.install(lambda _: None)


async def test_only_what_never_arrived_is_asked_for_and_once(office: Office) -> None:
    office.lose("lost", "mended", "lost too")
    office.log.send("fine")
    office.log.send("mended")

    await office.look()
    await office.look()

    assert [each.guid for each in office.log.sent[5:]] == ["lost", "lost too"]
    assert set(office.log.arrived.values()) == {1}


async def test_after_a_look_only_newer_ones_are_read(office: Office) -> None:
    await office.look()
    first = office.clock()
    office.clock.pass_(minutes=10)
    office.lose("lost")
    await office.look()

    assert office.log.read_since == [first - timedelta(days=3), first - timedelta(minutes=5)]
    assert office.log.arrived == {"lost": 1}


async def test_a_worker_looks_at_its_start_and_when_nobody_has_for_ten_minutes(
    office: Office,
) -> None:
    first = office.worker()
    for _ in range(2):
        await first.look()
        office.clock.pass_(minutes=6)
        await office.look()
    assert len(office.log.read_since) == 3

    office.clock.pass_(minutes=4)
    await first.look()
    assert len(office.log.read_since) == 3
    office.clock.pass_(minutes=6)
    await first.look()
    assert len(office.log.read_since) == 4


async def test_after_a_long_sleep_nothing_is_read_that_github_cannot_send(office: Office) -> None:
    await office.look()
    office.clock.pass_(days=30)
    await office.look()

    assert office.log.read_since[-1] == office.clock() - timedelta(days=3)


async def test_a_webhook_that_stays_down_is_asked_less_and_less_and_at_last_no_more(
    office: Office,
) -> None:
    office.lose("lost")
    office.log.up = False
    worker = office.worker()
    start = office.clock()
    expected = [30 * (2**times - 1) for times in range(14)]  # seconds, the last 2.8 days
    await worker.look()
    for seconds in expected[1:]:
        for early in (1, 0):
            office.clock.now = start + timedelta(seconds=seconds - early)
            await worker.look()
    asked = [(each.at - start).total_seconds() for each in office.log.sent[1:]]
    assert asked == expected

    office.clock.now = start + timedelta(days=3, minutes=1)
    await worker.look()
    assert await office.ledger.missed.next_due(start + timedelta(days=99)) is None


async def test_a_redelivery_that_was_lost_is_asked_for_again_until_it_arrives(
    office: Office,
) -> None:
    office.lose("lost")
    office.log.up = False
    worker = office.worker()
    await worker.look()
    office.log.up = True
    for _ in range(10):
        office.clock.pass_(minutes=10)
        await worker.look()

    assert [each.guid for each in office.log.sent] == ["lost"] * 3
    assert office.log.arrived == {"lost": 1}


async def test_a_redelivery_that_met_a_dead_worker_is_asked_for_by_the_next_one(
    office: Office,
) -> None:
    office.lose("lost")
    office.log.up = False
    await office.look()
    office.log.up = True
    await office.look()

    assert office.log.arrived == {"lost": 1}


async def test_a_redelivery_that_a_living_worker_could_not_take_is_asked_for_half_a_minute_later(
    office: Office,
) -> None:
    office.lose("lost", "another")
    office.log.up = False
    worker = office.worker()
    await worker.look()
    office.log.up = True
    office.log.send("another")
    office.clock.pass_(seconds=29)
    await worker.look()
    assert office.log.arrived == {"another": 1}

    office.clock.pass_(seconds=1)
    await worker.look()
    assert office.log.arrived == {"lost": 1, "another": 1}


async def test_two_workers_at_once_ask_once(office: Office) -> None:
    office.lose("a", "b", "c")
    await asyncio.gather(*(office.look() for _ in range(3)))
    assert office.log.arrived == {"a": 1, "b": 1, "c": 1}


@pytest.mark.parametrize(
    ("point", "hit"),
    [(Point.MISSED_RECORDED, 1), (Point.REDELIVERY_ASKED, 1), (Point.REDELIVERY_ASKED, 3)],
)
async def test_a_crash_loses_none_and_doubles_none(office: Office, point: Point, hit: int) -> None:
    left = [hit]

    def die(reached: Point) -> None:
        left[0] -= reached is point
        if left[0] == 0:
            raise Crash

    office.lose("a", "b", "c")
    killpoints.install(die)
    await office.look()
    assert left == [0]
    killpoints.install(lambda _: None)
    for _ in range(3):
        await office.look()
        office.clock.pass_(minutes=10)

    assert office.log.arrived == {"a": 1, "b": 1, "c": 1}


async def test_a_limit_ends_the_look_and_the_next_one_goes_on(office: Office) -> None:
    office.lose("a", "b")
    office.log.errors = [HostError("GitHub asks for a pause.", status=403, retry_after=60)]
    with pytest.raises(HostError):
        await office.look()
    assert office.log.arrived == {}

    office.clock.pass_(minutes=10)
    await office.look()
    assert office.log.arrived == {"a": 1, "b": 1}


@pytest.mark.parametrize(
    ("error", "minutes"),
    [
        (HostError("GitHub has a fault of its own.", status=502), 1),
        (HostError("GitHub asks for a pause.", status=403, retry_after=180), 3),
        (HostError("GitHub does not know this.", status=404), 10),
    ],
)
async def test_a_worker_that_was_refused_the_log_leaves_github_alone_for_a_while(
    office: Office, error: HostError, minutes: int
) -> None:
    office.log.refusals = [error]
    worker = office.worker()
    with pytest.raises(HostError):
        await worker.look()
    office.clock.pass_(seconds=minutes * 60 - 1)
    await worker.look()
    assert len(office.log.read_since) == 1
    office.clock.pass_(seconds=1)
    await worker.look()
    assert len(office.log.read_since) == 2


async def test_what_github_cannot_send_any_more_is_let_go(office: Office) -> None:
    office.lose("a", "b")
    office.log.errors = [HostError("GitHub does not know this.", status=404)]
    await office.look()
    assert office.log.arrived == {"b": 1}
    assert await office.ledger.missed.next_due(office.clock()) is None


async def test_a_worker_that_is_to_end_asks_for_nothing(office: Office) -> None:
    office.lose("a")
    office.drain.ask()
    await office.look()
    assert office.log.arrived == {}
    assert await office.ledger.missed.next_due(office.clock())
