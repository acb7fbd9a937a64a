"""What is owed to GitHub comes to stand there: once, with the newest words."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.adapters.ledger import SqlLedger, open_ledger
from bot.core.errors import HostError
from bot.core.markdown import Markers
from bot.core.ports import OwedEffect
from bot.core.run import Thread
from bot.engine.outbox import Postman
from tests.engine.desk import START, Clock, Crash, Desk, Fault, say
from tests.engine.world import Parts

MARKERS = Markers(b"a key for these tests")


@dataclass
class Office:
    ledger: SqlLedger
    desk: Desk
    clock: Clock

    def postman(self, outbox: object = None, host: Desk | None = None) -> Postman:
        mail: Any = outbox or self.ledger.outbox
        books = self.ledger
        parts = Parts(books.leases, books.inbox, books.runs, books.line, mail, books.offers)
        return Postman(parts, host or self.desk, MARKERS, self.clock)

    async def say(self, words: str) -> None:
        await self.ledger.outbox.say(say(words), self.clock())

    async def deliver(self) -> None:
        """One process tries; it may die of it."""
        try:
            await self.postman().deliver("comment-1")
        except Crash:
            self.clock.pass_(seconds=11)

    async def owed(self) -> bool:
        return bool(await self.ledger.outbox.owed(self.clock()))

    @property
    def shown(self) -> list[str]:
        return [body.partition("\n")[0] for body in self.desk.comments.values()]


@asynccontextmanager
async def an_office(empty: Path, *faults: Fault) -> AsyncIterator[Office]:
    with TemporaryDirectory(dir=empty.parent) as folder:
        shutil.copy(empty, Path(folder, "ledger.db"))
        ledger = await open_ledger(Path(folder, "ledger.db"))
        yield Office(ledger, Desk(list(faults)), Clock())
        await ledger.close()


@pytest.fixture
async def office(empty: Path) -> AsyncIterator[Office]:
    async with an_office(empty) as made:
        yield made


# --- any faults -------------------------------------------------------------------------------


async def until_it_stands(empty: Path, faults: list[Fault], words: int) -> list[str]:
    """Say so many words, with the faults in between; says what stands in the thread."""
    async with an_office(empty, *faults) as office:
        for n in range(words):
            await office.say(f"word {n}")
            await office.deliver()
        for _ in range(len(faults) + 1):
            office.clock.pass_(minutes=6)
            await office.deliver()
        return office.shown


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(faults=st.lists(st.sampled_from(Fault), max_size=8), words=st.integers(1, 3))
def test_there_is_one_comment_with_the_last_words(
    faults: list[Fault], words: int, empty: Path
) -> None:
    shown = asyncio.run(until_it_stands(empty, faults, words))
    assert shown == [f"word {words - 1}"]


# --- one at a time ----------------------------------------------------------------------------


async def test_a_post_whose_answer_was_lost_is_found_again(office: Office) -> None:
    office.desk.faults = [Fault.LOST_ANSWER]
    await office.say("hello")
    await office.deliver()
    await office.say("hello again")
    office.clock.pass_(seconds=3)
    await office.deliver()
    assert office.shown == ["hello again"]


async def test_words_said_during_the_post_are_shown_after_it(office: Office) -> None:
    said: list[str] = []

    class Busy:
        """An outbox into which somebody speaks while the post is under way."""

        def __getattr__(self, name: str) -> Any:
            return getattr(office.ledger.outbox, name)

        async def delivered(self, *args: Any) -> None:
            if not said:
                said.append("new")
                await office.say("new")
            await office.ledger.outbox.delivered(*args)

    await office.say("old")
    await office.postman(Busy()).deliver("comment-1")
    assert office.shown == ["new"]
    assert not await office.owed()


async def test_a_pause_that_github_asks_for_is_kept(office: Office) -> None:
    office.desk.faults = [Fault.LIMITED]
    await office.say("hello")
    await office.deliver()
    office.clock.pass_(seconds=59)
    await office.deliver()
    assert office.shown == []
    office.clock.pass_(seconds=1)
    await office.deliver()
    assert office.shown == ["hello"]


@pytest.mark.parametrize(
    ("fault", "searches"), [(Fault.LIMITED, 0), (Fault.UNREACHABLE, 1), (Fault.LOST_ANSWER, 1)]
)
async def test_a_comment_is_looked_for_only_where_it_may_stand(
    office: Office, fault: Fault, searches: int
) -> None:
    office.desk.faults = [fault]
    await office.say("hello")
    await office.deliver()
    office.clock.pass_(minutes=1)
    await office.deliver()
    assert (office.desk.searches, office.shown) == (searches, ["hello"])


async def test_a_comment_that_was_deleted_is_not_posted_again(office: Office) -> None:
    await office.say("hello")
    await office.deliver()
    office.desk.remove(1)
    await office.say("the end")
    await office.deliver()
    assert office.shown == []
    assert not await office.owed()


async def test_whoever_is_refused_for_days_still_has_a_pause_to_wait(office: Office) -> None:
    class Patient:
        """An outbox that has seen very many tries."""

        def __getattr__(self, name: str) -> Any:
            return getattr(office.ledger.outbox, name)

        async def get(self, effect_id: str, now: datetime) -> OwedEffect | None:
            owed = await office.ledger.outbox.get(effect_id, now)
            return owed and OwedEffect(owed.effect, owed.version, START, tries=5_000)

    office.desk.faults = [Fault.UNREACHABLE]
    await office.say("hello")
    await office.postman(Patient()).deliver("comment-1")
    office.clock.pass_(seconds=59)
    assert not await office.owed()
    office.clock.pass_(seconds=1)
    assert await office.owed()


async def test_two_workers_at_once_post_one_comment(office: Office) -> None:
    await office.say("hello")
    await asyncio.gather(office.deliver(), office.deliver(), office.deliver())
    assert office.shown == ["hello"]


@pytest.mark.parametrize("posted", [False, True])
async def test_a_worker_that_wakes_after_its_lease_says_nothing(
    office: Office, posted: bool
) -> None:
    class Frozen:
        """An outbox that stalls for longer than a lease, while another worker delivers."""

        def __getattr__(self, name: str) -> Any:
            return getattr(office.ledger.outbox, name)

        async def get(self, effect_id: str, now: datetime) -> OwedEffect | None:
            owed = await office.ledger.outbox.get(effect_id, now)
            office.clock.now += timedelta(seconds=11)
            await office.say("new")
            await office.deliver()
            return owed

    if posted:
        await office.say("first")
        await office.deliver()
    await office.say("old")
    await office.postman(Frozen()).deliver("comment-1")
    assert office.shown == ["new"]


class Sleeper(Desk):
    """GitHub, to a worker that sleeps before its next request, while another one delivers."""

    def __init__(self, office: Office) -> None:
        super().__init__(comments=office.desk.comments)
        self._office = office

    async def post(self, thread: Thread, body: str) -> int:
        await self._sleep()
        return await self._office.desk.post(thread, body)

    async def edit(self, thread: Thread, comment: int, body: str) -> None:
        await self._sleep()
        await self._office.desk.edit(thread, comment, body)

    async def delete(self, thread: Thread, comment: int) -> None:
        await self._office.desk.delete(thread, comment)

    async def _sleep(self) -> None:
        self._office.clock.now += timedelta(seconds=11)
        await self._office.say("new")
        await self._office.deliver()


@pytest.mark.parametrize("posted", [False, True])
async def test_a_worker_that_sleeps_before_its_request_leaves_the_newest_words(
    office: Office, posted: bool
) -> None:
    if posted:
        await office.say("first")
        await office.deliver()
    await office.say("old")

    await office.postman(host=Sleeper(office)).deliver("comment-1")

    await office.deliver()
    assert office.shown == ["new"]
    assert not await office.owed()


@pytest.mark.parametrize("status", [403, 404, 410, 422])
async def test_a_final_refusal_is_given_up_until_there_are_new_words(
    office: Office, status: int
) -> None:
    class Refusing(Desk):
        async def post(self, *_: object) -> int:
            raise HostError("no", status=status)

    desk = office.desk
    office.desk = Refusing()
    await office.say("hello")
    await office.deliver()
    assert not await office.owed()
    office.desk = desk
    await office.say("hello again")
    await office.deliver()
    assert office.shown == ["hello again"]
