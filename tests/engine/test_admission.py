"""Who may spend is asked at the command, and again when the run's turn comes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from shutil import copy
from typing import Any

import pytest

from bot.adapters.ledger import SqlLedger, open_ledger
from bot.core.batch import BatchConfig, Job
from bot.core.errors import HostError, Reason, Refused, RulesError
from bot.core.markdown import final
from bot.core.messages import messages
from bot.core.plan import plan
from bot.core.policy import AllowList
from bot.core.ports import Cap, Delivery, Order, Role
from bot.core.pricing import Money
from bot.core.repository import PATH
from bot.core.rules import Rules
from bot.core.run import Person, Run, RunState, RunView, Stop
from bot.engine.admission import Admission
from bot.engine.drain import Drain
from bot.engine.finish import Finish
from bot.engine.life import Life
from bot.engine.rulebook import Rulebook
from bot.engine.runner import Runner
from tests.engine.desk import START, THREAD, Clock, Desk
from tests.engine.test_intake import ADA, event
from tests.engine.world import Nobody, NoHurry, Shelf

OCTO = frozenset({"octo"})
AWAY = HostError("GitHub has a fault of its own (502).", status=502)
CAP = Cap("the server", "server", "2026-11-21", Money(100))


# --- at the command ---------------------------------------------------------------------------


@pytest.fixture
def desk() -> Desk:
    return Desk()


def admission(desk: Desk, *lists: AllowList, **rules: Any) -> Admission:
    book = Rulebook(desk, Rules(owners=OCTO, lists=lists, **rules), Clock())
    return Admission(desk, book)


async def is_admitted(door: Admission, who: Person = ADA) -> bool:
    try:
        await door.admit(replace(event(), author=who, sender=who))
    except Refused as error:
        return error.reason is not Reason.PERMISSION
    return True


async def test_a_list_narrows_what_the_role_allows(desk: Desk) -> None:
    named = AllowList(frozenset({"ada"}))
    assert await is_admitted(admission(desk, named))
    assert not await is_admitted(admission(desk, named), Person(43, "bob"))
    desk.given_role = Role.READ
    assert not await is_admitted(admission(desk, named))


async def test_whoever_is_in_a_team_is_on_the_list(desk: Desk) -> None:
    art = AllowList(frozenset({"bob"}), frozenset({"octo/ink", "octo/art"}))
    assert not await is_admitted(admission(desk, art))
    desk.teams = {"octo/art": {"ada"}}
    assert await is_admitted(admission(desk, art))


async def test_of_two_lists_both_must_have_the_person(desk: Desk) -> None:
    one, other = AllowList(frozenset({"ada", "bob"})), AllowList(frozenset({"bob"}))
    assert not await is_admitted(admission(desk, one, other))
    assert await is_admitted(admission(desk, one, other), Person(43, "bob"))


async def test_a_team_that_cannot_be_asked_about_admits_nobody(desk: Desk) -> None:
    desk.teams = AWAY
    with pytest.raises(Refused) as refusal:
        await admission(desk, AllowList(teams=frozenset({"octo/art"}))).admit(event())
    assert refusal.value.reason is Reason.UNREACHABLE
    assert "try again" in str(refusal.value)


async def test_a_named_bot_needs_no_role(desk: Desk) -> None:
    desk.given_role = Role.NONE
    assert await is_admitted(admission(desk, AllowList(frozenset({"bob"})), bots={ADA.id}))


async def test_a_repository_narrows_who_may_spend_in_it(desk: Desk) -> None:
    desk.files = {PATH: b"min_role: admin"}
    assert not await is_admitted(admission(desk))
    desk.files = {PATH: b"allowed_users: [bob, 42]"}
    assert await is_admitted(admission(desk))
    assert not await is_admitted(admission(desk), Person(44, "42"))
    desk.shared = {PATH: b"allowed_teams: [octo/art]"}
    assert not await is_admitted(admission(desk))
    desk.teams = {"octo/art": {"ada"}}
    assert await is_admitted(admission(desk))


async def test_strangers_make_us_read_no_file(desk: Desk) -> None:
    desk.given_role = Role.READ
    desk.files = {PATH: b"nonsense"}
    assert not await is_admitted(admission(desk))
    assert desk.reads == 0


@pytest.mark.parametrize("text", [b"allowed_bots: []", b"allowed_users: [ada]"])
async def test_a_bot_is_admitted_unless_the_repository_says_otherwise(
    desk: Desk, text: bytes
) -> None:
    bot = Person(7, "ada")  # a login proves nothing of a bot
    assert await is_admitted(admission(desk, bots=frozenset({7})), bot)
    desk.files = {PATH: text}
    assert not await is_admitted(admission(desk, bots=frozenset({7})), bot)


async def test_a_file_that_cannot_be_read_or_understood_admits_nobody(desk: Desk) -> None:
    desk.files = AWAY
    with pytest.raises(Refused, match=r"gptimage\.yml could not be read") as refusal:
        await admission(desk).admit(event())
    assert refusal.value.reason is Reason.UNREACHABLE
    desk.files = {PATH: b"nonsense"}
    with pytest.raises(RulesError, match="the file must hold settings"):
        await admission(desk).admit(event())


# --- when the run starts ----------------------------------------------------------------------


class Turn:
    """A queued run, whose author was admitted some time ago, and a worker that takes it up."""

    def __init__(self, ledger: SqlLedger, desk: Desk) -> None:
        self.ledger = ledger
        self.desk = desk
        self.clock = Clock()
        self.calls = 0
        self.run = Run(
            id="r1",
            state=RunState.QUEUED,
            batch=BatchConfig(jobs=(Job(prompt="a fox"),)),
            created_at=START,
            thread=THREAD,
            author=ADA,
            upper_bound=Money(60),
        )

    async def create(self, *_: object) -> object:
        self.calls += 1
        raise AssertionError

    async def recall(self, _: str) -> None:
        return None

    async def fetch(self, _: str) -> None:
        return None

    async def discard(self, *_: object) -> None:
        return None

    async def comes(self) -> RunView:
        """Somebody schedules the run; gives what has become of it."""
        port: Any = self
        runner = Runner(self.ledger.runs, port, NoHurry(), self.clock, Drain())
        finish = Finish(
            self.ledger.runs, port, port, Shelf(), self.clock, lambda item: item.asset_name
        )
        gate = Admission(self.desk, Rulebook(self.desk, Rules(owners=OCTO), self.clock))
        await Life(self.ledger, runner, finish, self.clock, gate=gate).execute("r1", Nobody())
        view = await self.ledger.runs.get("r1")
        assert view is not None
        return view

    async def left(self) -> Money:
        (left,) = await self.ledger.runs.left([CAP])
        return left


@asynccontextmanager
async def waiting(folder: Path, desk: Desk) -> AsyncIterator[Turn]:
    ledger = await open_ledger(folder / "ledger.db")
    try:
        turn = Turn(ledger, desk)
        await ledger.runs.open(turn.run, plan(turn.run.batch, "r1"), [CAP])
        yield turn
    finally:
        await ledger.close()


@pytest.fixture
async def turn(empty: Path, tmp_path: Path, desk: Desk) -> AsyncIterator[Turn]:
    copy(empty, tmp_path / "ledger.db")
    async with waiting(tmp_path, desk) as found:
        yield found


async def test_whoever_lost_the_role_meanwhile_starts_nothing(turn: Turn) -> None:
    assert await turn.left() == Money(40)
    turn.desk.given_role = Role.READ
    view = await turn.comes()
    assert (view.run.state, view.run.stop) == (RunState.DONE, Stop.PERMISSION)
    assert turn.calls == 0
    assert await turn.left() == Money(100)


async def test_a_repository_that_moved_to_somebody_else_is_not_served(turn: Turn) -> None:
    turn.desk.given_owner = Person(2, "elsewhere")
    assert (await turn.comes()).run.stop is Stop.PERMISSION


async def test_a_repository_that_is_gone_is_not_asked_about_again(turn: Turn) -> None:
    turn.desk.given_owner = HostError("GitHub does not know this.", status=404)
    view = await turn.comes()
    assert (view.run.state, view.run.stop) == (RunState.DONE, Stop.PERMISSION)


async def test_a_run_waits_while_github_does_not_say(turn: Turn) -> None:
    turn.desk.given_role = AWAY
    assert (await turn.comes()).run.state is RunState.QUEUED
    turn.desk.given_role = Role.READ
    assert (await turn.comes()).run.state is RunState.QUEUED  # not before its pause is over
    turn.clock.pass_(seconds=5)
    assert (await turn.comes()).run.stop is Stop.PERMISSION


async def test_a_run_about_which_nobody_says_anything_is_given_up(turn: Turn) -> None:
    turn.desk.given_owner = AWAY
    pauses = [5, 15, 30, 60, 120, 240]
    for pause in pauses:
        assert (await turn.comes()).run.state is RunState.QUEUED
        turn.clock.pass_(seconds=pause)
    view = await turn.comes()
    assert (view.run.state, view.run.stop) == (RunState.DONE, Stop.UNCHECKED)
    assert await turn.left() == Money(100)


async def ordered_again(turn: Turn, by: Person) -> None:
    """The run is stopped, over, and ordered again by a comment of this person."""
    await turn.ledger.runs.request_stop("r1", Stop.CANCELLED)
    view = await turn.comes()
    assert view.run.state is RunState.DONE
    delivery = Delivery("d9", "g9", event(), START)
    await turn.ledger.inbox.receive(delivery)
    lease = await turn.ledger.leases.claim("delivery:d9", turn.clock(), timedelta(minutes=5))
    assert lease is not None
    order = Order("c9", lease, turn.clock(), person=by)
    assert await turn.ledger.runs.reopen(view, [0], Money(60), turn.clock(), [CAP], order)


async def test_of_a_retry_whoever_ordered_it_is_asked_about(turn: Turn) -> None:
    await ordered_again(turn, Person(43, "bob"))
    turn.desk.roles = {"bob": Role.READ}
    view = await turn.comes()
    assert (view.run.state, view.run.stop) == (RunState.DONE, Stop.PERMISSION)
    assert turn.calls == 0
    assert await turn.left() == Money(100)


async def test_a_retry_waits_as_long_for_github_as_a_first_run(turn: Turn) -> None:
    await ordered_again(turn, Person(43, "bob"))
    turn.desk.given_owner = AWAY
    for pause in (5, 15, 30, 60, 120, 240):
        assert (await turn.comes()).run.state is RunState.QUEUED
        turn.clock.pass_(seconds=pause)
    view = await turn.comes()
    assert (view.run.state, view.run.stop) == (RunState.DONE, Stop.UNCHECKED)


async def test_a_pause_that_github_asks_for_is_kept(turn: Turn) -> None:
    turn.desk.given_role = HostError("GitHub asks for a pause.", status=403, retry_after=900)
    await turn.comes()
    turn.clock.pass_(seconds=899)
    turn.desk.given_role = Role.NONE
    assert (await turn.comes()).run.state is RunState.QUEUED
    turn.clock.pass_(seconds=1)
    assert (await turn.comes()).run.stop is Stop.PERMISSION


async def test_a_run_that_somebody_cancelled_asks_nobody(turn: Turn) -> None:
    await turn.ledger.runs.request_stop("r1", Stop.CANCELLED)
    turn.desk.given_owner = AWAY
    view = await turn.comes()
    assert (view.run.state, view.run.stop) == (RunState.DONE, Stop.CANCELLED)


async def test_a_file_that_breaks_meanwhile_stops_the_run_and_its_line_is_told(turn: Turn) -> None:
    turn.desk.files = {PATH: b"language: en\nmax_jobs: many"}
    view = await turn.comes()
    assert (view.run.state, view.run.stop) == (RunState.DONE, Stop.RULES)
    assert turn.calls == 0
    assert await turn.left() == Money(100)
    told = final(view, turn.clock(), messages("en"))
    assert ".github/gptimage.yml: max&#95;jobs (line 2, column 1)" in told
    assert "GitHub" not in told


async def test_a_file_that_asks_for_more_rights_meanwhile_stops_the_run(turn: Turn) -> None:
    turn.desk.files = {PATH: b"min_role: admin"}
    assert (await turn.comes()).run.stop is Stop.PERMISSION
