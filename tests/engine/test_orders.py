"""What people ask of estimates and runs: exactly that, once, and only in their repository."""

import html
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from bot.core import killpoints
from bot.core.attempts import AttemptState
from bot.core.batch import BatchConfig
from bot.core.errors import Failure
from bot.core.event import CommentEvent, run_id
from bot.core.killpoints import Point
from bot.core.policy import Limits, caps
from bot.core.ports import Lease, Role, Settlement, Task
from bot.core.pricing import Money
from bot.core.run import ItemState, Person, RunState, RunView, Stop
from bot.engine.hold import TTL
from tests.engine.desk import Bare, Crash
from tests.engine.test_intake import ADA, FOX, Door, door, event

__all__ = ["door"]

ESTIMATE = FOX.replace("/batch", "/estimate")
DIGEST = run_id(event().thread)
FAILED = Settlement(failure=Failure.MODERATION, message="no")
REFUSED = Settlement(failure=Failure.AUTHENTICATION, message="no such key")
LIMITED = Settlement(failure=Failure.RATE_LIMIT, retry_after=1.0)
DOUBT = Settlement(failure=Failure.TIMEOUT, in_doubt=True)
PAID = Settlement(cost=Money(6_000))


def said(door: Door, number: int = -1) -> str:
    """One of our comments, as people read it."""
    return html.unescape(list(door.desk.comments.values())[number]).replace("\u200b", "")


async def the_run(door: Door, comment: int = 1) -> RunView:
    view = await door.ledger.runs.get(run_id(event(comment=comment).thread))
    assert view is not None
    return view


async def estimated(door: Door, body: str = ESTIMATE, comment: int = 1) -> str:
    """Ask for an estimate, and copy the line from its answer."""
    await door.handle(event(body, comment))
    found = re.search(r"^/batch run [a-z2-7]{10}$", said(door), re.MULTILINE)
    assert found
    return found[0]


async def over(door: Door, outcomes: Sequence[Settlement | None], body: str = "") -> None:
    """A run of as many images, each of which ended like this; None never started."""
    prompts = "".join(f"\n- fox {n}" for n in range(len(outcomes)))
    await door.handle(event(body or f"/batch --quality low --size 1024x1024\n{prompts}"))
    await settled(door, outcomes)


async def settled(door: Door, outcomes: Sequence[Settlement | None], number: int = 1) -> None:
    lease = await held(door)
    view = await the_run(door)
    await door.ledger.runs.begin(lease, door.clock())
    for item, outcome in enumerate(outcomes):
        if outcome:
            order = view.items[item].order
            await door.ledger.runs.start(lease, item, number, order, Money(6_000), door.clock())
            await door.ledger.runs.settle(lease, item, number, outcome, door.clock())
    await door.ledger.runs.settled(lease)
    await door.ledger.runs.finish(lease, "{}", (), door.clock())
    await door.ledger.leases.release(lease)


async def held(door: Door) -> Lease:
    lease = await door.ledger.leases.claim(f"run:{DIGEST}", door.clock(), TTL)
    assert lease
    return lease


def elsewhere(said: CommentEvent, **changes: Any) -> CommentEvent:
    return replace(said, thread=replace(said.thread, **changes))


# --- estimates --------------------------------------------------------------------------------


async def test_an_estimate_runs_exactly_as_it_was_answered(door: Door) -> None:
    line = await estimated(door)
    door.rules = replace(
        door.rules, around=replace(door.rules.around, environment={"size": "auto"})
    )
    await door.handle(event(line, comment=2))
    await door.handle(event(FOX, comment=3))
    ordered, directly = await the_run(door, 2), await the_run(door, 3)
    assert ordered.run.batch == directly.run.batch
    assert ordered.run.upper_bound == directly.run.upper_bound
    assert (Task.RUN, ordered.run.id) in door.queue.tasks


async def test_a_file_that_changes_after_its_estimate_changes_nothing(door: Door) -> None:
    door.desk.files = {"fox.yaml": b"jobs: [{prompt: a fox, quality: low}]"}
    line = await estimated(door, "/estimate fox.yaml")
    door.desk.files = {"fox.yaml": b"jobs: [{prompt: an owl, quality: high}]"}
    await door.handle(event(line, comment=2))
    (job,) = (await the_run(door, 2)).run.batch.jobs
    assert job.prompt == "a fox"


async def test_an_estimate_runs_once_and_the_second_is_shown_the_run(door: Door) -> None:
    line = await estimated(door)
    await door.handle(event(line, comment=2))
    await door.handle(event(line, comment=3))
    assert await door.runs() == [run_id(event(comment=2).thread)]
    assert "has been run already" in said(door)
    assert "https://github.test/octo/fox/issues/3#2" in said(door)


async def test_an_estimate_of_another_repository_is_unknown(door: Door) -> None:
    line = await estimated(door)
    await door.handle(elsewhere(event(line, comment=2), repository_id=2))
    assert await door.runs() == []
    assert "There is no estimate" in said(door)


async def test_an_estimate_from_another_thread_of_the_repository_runs(door: Door) -> None:
    line = await estimated(door)
    await door.handle(elsewhere(event(line, comment=2), issue=4))
    assert len(await door.runs()) == 1


async def test_an_estimate_ends_after_a_day(door: Door) -> None:
    line = await estimated(door)
    door.clock.pass_(hours=24, seconds=1)
    await door.handle(event(line, comment=2))
    assert await door.runs() == []
    assert "is older than a day" in said(door)


async def test_an_estimate_that_is_mended_is_answered_in_place_with_a_line_of_its_own(
    door: Door,
) -> None:
    line = await estimated(door)
    await door.handle(event(ESTIMATE + " and an owl", action="edited"))
    (answer,) = door.desk.comments.values()
    assert line not in answer
    await door.handle(event(line, comment=2))
    (job,) = (await the_run(door, 2)).run.batch.jobs
    assert job.prompt == "a red fox"


async def test_who_may_not_write_gets_no_estimate_and_runs_none(door: Door) -> None:
    line = await estimated(door)
    door.desk.given_role = Role.READ
    await door.handle(event(ESTIMATE, comment=2))
    await door.handle(event(line, comment=3))
    assert await door.runs() == []
    assert len(door.desk.comments) == 1


async def test_an_estimate_of_more_than_is_left_does_not_run_and_is_kept(door: Door) -> None:
    line = await estimated(door)
    door.rules = replace(door.rules, limits=Limits(server_day=Money(1)))
    await door.handle(event(line, comment=2))
    assert await door.runs() == []
    door.rules = replace(door.rules, limits=Limits())
    await door.handle(event(line, comment=3))
    assert len(await door.runs()) == 1


# --- status -----------------------------------------------------------------------------------


async def test_status_tells_of_the_newest_run_and_of_every_budget(door: Door) -> None:
    limits = Limits(run=Money(10_000), person_day=Money(20_000), server_day=Money(50_000))
    door.rules = replace(door.rules, limits=limits)
    await door.handle(event())
    await door.handle(event("/batch status", comment=2))
    answer = said(door)
    assert f"Run `{DIGEST}` is waiting for its turn" in answer
    assert "1 to come" in answer
    assert "| ada in one day | $0.0141 | $0.02 |" in answer
    assert "| this server in one day | $0.0441 | $0.05 |" in answer
    assert "https://github.test/octo/fox/issues/3#1" in answer
    assert "one run" not in answer


async def test_status_tells_that_a_run_was_asked_to_stop_and_that_it_has(door: Door) -> None:
    await door.handle(event())
    await door.handle(event("/batch cancel", comment=2))
    await door.handle(event("/batch status", comment=3))
    assert "It was asked to stop" in said(door)
    await settled(door, [None])
    await door.handle(event("/batch status", comment=4))
    assert "Somebody cancelled this run." in said(door)


async def test_status_of_a_thread_without_runs_tells_the_budgets(door: Door) -> None:
    door.rules = replace(door.rules, limits=Limits(server_day=Money(50_000)))
    await door.handle(event("/batch status"))
    assert "There is no run in this thread yet" in said(door)
    assert "| this server in one day | $0.05 | $0.05 |" in said(door)


async def test_status_shows_nothing_to_people_without_rights(door: Door) -> None:
    await door.handle(event())
    door.desk.given_role = Role.READ
    await door.handle(event("/batch status", comment=2))
    assert len(door.desk.comments) == 1


@pytest.mark.parametrize("word", ["status", "cancel", "retry"])
async def test_a_run_of_another_repository_is_unknown(door: Door, word: str) -> None:
    await door.handle(event())
    await door.handle(elsewhere(event(f"/batch {word} {DIGEST}", comment=2), repository_id=2))
    assert f"There is no run {DIGEST} in this repository." in said(door)
    assert await door.ledger.runs.stop_requested(DIGEST) is None


@pytest.mark.parametrize("word", ["cancel", "retry"])
async def test_without_a_run_there_is_nothing_to_order(door: Door, word: str) -> None:
    await door.handle(event(f"/batch {word}"))
    assert "There is no run in this thread yet." in said(door)


# --- cancel -----------------------------------------------------------------------------------


async def test_a_cancelled_run_is_asked_to_stop_and_answered_by_a_reaction(door: Door) -> None:
    await door.handle(event())
    door.queue.tasks.clear()
    await door.handle(event(f"/batch cancel {DIGEST}", comment=2))
    assert await door.ledger.runs.stop_requested(DIGEST) is Stop.CANCELLED
    assert door.desk.reactions == ["eyes", "rocket"]
    assert len(door.desk.comments) == 1
    assert "It was asked to stop" in said(door)
    assert door.queue.tasks == [(Task.RUN, DIGEST)]


async def test_a_run_that_is_over_is_not_cancelled(door: Door) -> None:
    await over(door, [PAID])
    await door.handle(event("/batch cancel", comment=2))
    assert f"Run {DIGEST} has nothing left to start." in said(door)


async def test_a_cancel_that_is_edited_cancels_nothing_again(door: Door) -> None:
    await over(door, [None])
    await door.handle(event("/batch retry", comment=2))
    await door.handle(event("/batch cancel", comment=3))
    await settled(door, [None])
    await door.handle(event("/batch retry", comment=4))
    await door.handle(event("/batch cancel please", comment=3, action="edited"))
    await door.handle(event(f"/batch cancel {DIGEST}", comment=3, action="edited"))
    assert await door.ledger.runs.stop_requested(DIGEST) is None


# --- retry ------------------------------------------------------------------------------------


async def test_what_failed_and_what_never_started_is_ordered_again(door: Door) -> None:
    await over(door, [PAID, FAILED, None, DOUBT])
    door.queue.tasks.clear()
    await door.handle(event("/batch retry", comment=2))
    view = await the_run(door)
    assert view.run.state is RunState.QUEUED
    assert [item.order for item in view.items] == [1, 2, 2, 1]
    assert door.queue.tasks == [(Task.RUN, DIGEST)]
    assert door.desk.reactions == ["eyes", "rocket"]
    assert "4 images are waiting for their turn" in said(door)
    assert "1 made · 1 in doubt · 2 to come" in said(door)


async def test_what_is_in_doubt_is_ordered_again_only_where_it_is_named(door: Door) -> None:
    await over(door, [DOUBT, PAID, DOUBT])
    await door.handle(event("/batch retry", comment=2))
    line = f"/batch retry {DIGEST} doubt 1 3"
    assert line in said(door)
    assert (await the_run(door)).run.state is RunState.DONE
    await door.handle(event(f"/batch retry {DIGEST} doubt 3", comment=3))
    view = await the_run(door)
    assert [item.order for item in view.items] == [1, 1, 2]


@pytest.mark.parametrize("failed", [FAILED, REFUSED, LIMITED])
async def test_what_is_in_doubt_stays_so_when_it_was_ordered_and_failed_for_free(
    door: Door, failed: Settlement
) -> None:
    await over(door, [DOUBT, PAID])
    await door.handle(event("/batch retry doubt 1", comment=2))
    await settled(door, [failed], number=2)
    await door.handle(event("/batch status", comment=3))
    assert "1 made · 1 in doubt" in said(door)
    await door.handle(event("/batch retry", comment=4))
    assert f"/batch retry {DIGEST} doubt 1" in said(door)
    assert (await the_run(door)).run.state is RunState.DONE
    await door.handle(event(f"/batch retry {DIGEST} doubt 1", comment=5))
    view = await the_run(door)
    assert view.run.state is RunState.QUEUED
    assert [item.order for item in view.items] == [3, 1]


async def test_what_a_policy_repeats_after_a_doubt_stays_in_doubt(door: Door) -> None:
    await over(door, [DOUBT])
    lease = await held(door)
    runs = door.ledger.runs
    await runs.start(lease, 0, 2, 1, Money(6_000), door.clock())
    await runs.settle(lease, 0, 2, FAILED, door.clock())
    await runs.finish(lease, "{}", (), door.clock())
    await door.ledger.leases.release(lease)
    await door.handle(event(f"/batch retry {DIGEST} doubt 1", comment=2))
    assert (await the_run(door)).items[0].order == 2


@pytest.mark.parametrize("word", ["status", "retry", f"retry {DIGEST}", f"cancel {DIGEST}"])
async def test_a_run_whose_report_alone_is_kept_takes_no_orders(door: Door, word: str) -> None:
    await over(door, [FAILED])
    now = door.clock()
    await door.ledger.pruning.mark([DIGEST], now + TTL, now)
    await door.handle(event(f"/batch {word}", comment=2))
    assert f"Run {DIGEST} is too old: only its report is kept." in said(door)


@pytest.mark.parametrize("number", [2, 4, 999_999])
async def test_an_image_that_is_not_in_doubt_cannot_be_named(door: Door, number: int) -> None:
    await over(door, [DOUBT, PAID, FAILED])
    await door.handle(event(f"/batch retry doubt 1 {number}", comment=2))
    assert f"Image {number} of run {DIGEST} is not in doubt." in said(door)
    assert f"/batch retry {DIGEST} doubt 1" in said(door)
    assert (await the_run(door)).run.state is RunState.DONE


async def test_a_run_that_is_complete_or_at_work_is_not_ordered_again(door: Door) -> None:
    await door.handle(event())
    await door.handle(event("/batch retry", comment=2))
    assert f"Run {DIGEST} is still at work." in said(door)
    await settled(door, [PAID])
    await door.handle(event("/batch retry", comment=3))
    assert f"Run {DIGEST} has all its images." in said(door)


async def test_what_a_colleague_orders_again_is_counted_once_and_for_the_author(door: Door) -> None:
    limits = Limits(person_day=Money(50_000), server_day=Money(50_000))
    door.rules = replace(door.rules, limits=limits)
    await over(door, [PAID, FAILED])
    bob = Person(43, "bob")
    await door.handle(replace(event("/batch retry", comment=2), author=bob, sender=bob))
    await settled(door, [None, PAID], number=2)
    view = await the_run(door)
    assert view.paid == Money(12_000)
    budgets = [caps(event().thread, person, door.clock(), limits) for person in (ADA, bob)]
    left = [list(await door.ledger.runs.left(each)) for each in budgets]
    assert left == [[Money(38_000), Money(38_000)], [Money(50_000), Money(38_000)]]


async def test_what_is_ordered_again_has_to_fit_into_the_caps(door: Door) -> None:
    door.rules = replace(door.rules, limits=Limits(person_day=Money(13_000)))
    await over(door, [PAID, FAILED])
    await door.handle(event("/batch retry", comment=2))
    await settled(door, [None, FAILED], number=2)
    door.rules = replace(door.rules, limits=Limits(person_day=Money(11_000)))
    await door.handle(event("/batch retry", comment=3))
    assert (await the_run(door)).run.state is RunState.DONE
    assert "of which" in said(door)


async def test_a_retry_that_could_break_the_cap_of_its_batch_is_refused(door: Door) -> None:
    body = "/batch --quality low --size 1024x1024 --max-cost 0.0125\n\n- a\n- b"
    await over(door, [PAID, DOUBT], body)
    await door.handle(event("/batch retry doubt 2", comment=2))
    assert (await the_run(door)).run.state is RunState.DONE
    assert "max_cost allows $0.0125" in said(door)


async def test_a_retry_happens_once_however_often_its_comment_comes(door: Door) -> None:
    await over(door, [FAILED])
    name = await door.receive(event("/batch retry", comment=2))
    await door.intake.handle(name)
    await settled(door, [FAILED], number=2)
    await door.intake.handle(name)
    await door.handle(event("/batch retry", comment=2))
    await door.handle(event(f"/batch retry {DIGEST}", comment=2, action="edited"))
    view = await the_run(door)
    assert (view.run.state, view.items[0].order) == (RunState.DONE, 2)


class Meanwhile(Bare):
    """Pictures that take so long to look after that somebody else does something first."""

    def __init__(self, door: Door, *others: Callable[[], Awaitable[None]]) -> None:
        self.door = door
        self.others = list(others)

    async def hold(self, batch: BatchConfig) -> bool:
        if self.others:
            await self.others.pop(0)()
        return await super().hold(batch)


def colleague(door: Door, comment: int, *outcomes: Settlement | None) -> Callable[[], Any]:
    """Orders again what the run lacks, which ends like this; without an end it is at work."""

    async def act() -> None:
        held_up, door.pictures = door.pictures, Bare()
        await door.handle(event("/batch retry", comment=comment))
        if outcomes:
            await settled(door, outcomes, number=comment - 1)
        door.pictures = held_up

    return act


async def test_what_came_into_doubt_after_the_look_has_to_be_named(door: Door) -> None:
    await over(door, [PAID, FAILED])
    door.pictures = Meanwhile(door, colleague(door, 3, None, DOUBT))
    await door.handle(event("/batch retry", comment=2))
    view = await the_run(door)
    assert (view.run.state, view.items[1].order) == (RunState.DONE, 2)
    assert f"/batch retry {DIGEST} doubt 2" in said(door)


@pytest.mark.parametrize(
    ("ends", "answer"),
    [
        ([None, PAID], f"Run {DIGEST} has all its images."),
        ([], f"Run {DIGEST} is still at work."),
    ],
)
async def test_what_was_ordered_after_the_look_is_not_ordered_twice(
    door: Door, ends: Sequence[Settlement | None], answer: str
) -> None:
    await over(door, [PAID, FAILED])
    door.pictures = Meanwhile(door, colleague(door, 3, *ends))
    await door.handle(event("/batch retry", comment=2))
    assert (await the_run(door)).items[1].order == 2
    assert answer in said(door)


async def test_a_named_doubt_that_was_paid_for_after_the_look_is_not_ordered(door: Door) -> None:
    await over(door, [DOUBT])

    async def late() -> None:
        lease = await held(door)
        await door.ledger.runs.settle(lease, 0, 1, PAID, door.clock())
        await door.ledger.runs.finish(lease, "{}", (), door.clock())
        await door.ledger.leases.release(lease)

    door.clock.pass_(seconds=1)
    door.pictures = Meanwhile(door, late)
    await door.handle(event("/batch retry doubt 1", comment=2))
    assert (await the_run(door)).items[0].order == 1
    assert f"Image 1 of run {DIGEST} is not in doubt." in said(door)


async def test_what_failed_for_free_once_more_after_the_look_is_ordered(door: Door) -> None:
    await over(door, [FAILED])
    door.pictures = Meanwhile(door, colleague(door, 3, FAILED))
    await door.handle(event("/batch retry", comment=2))
    view = await the_run(door)
    assert (view.run.state, view.items[0].order) == (RunState.QUEUED, 3)


# --- deaths -----------------------------------------------------------------------------------


async def dying_at(door: Door, point: Point, said: CommentEvent) -> None:
    """Handle the comment in a process that dies there, and again after it."""

    def die(reached: Point) -> None:
        if reached is point:
            raise Crash

    name = await door.receive(said)
    killpoints.install(die)
    with pytest.raises(Crash):
        await door.intake.handle(name)
    killpoints.install(lambda _: None)
    await door.intake.handle(name)


async def test_an_estimate_is_told_after_a_death_and_its_line_works(door: Door) -> None:
    await dying_at(door, Point.ESTIMATE_STORED, event(ESTIMATE))
    ((task, effect), _) = sorted(await door.swept())
    assert task is Task.DELIVER
    await door.intake.postman.deliver(effect)
    line = re.search("/batch run .*", said(door))
    assert line
    await door.handle(event(line[0], comment=2))
    assert len(await door.runs()) == 1


async def test_a_cancel_is_carried_out_once_after_a_death(door: Door) -> None:
    await door.handle(event())
    await dying_at(door, Point.CANCEL_STORED, event("/batch cancel", comment=2))
    assert await door.ledger.runs.stop_requested(DIGEST) is Stop.CANCELLED
    assert (Task.DELIVER, f"rocket-{run_id(event(comment=2).thread)}") in await door.swept()


async def test_a_retry_is_carried_out_once_after_a_death(door: Door) -> None:
    await over(door, [FAILED])
    await dying_at(door, Point.RETRY_STORED, event("/batch retry", comment=2))
    view = await the_run(door)
    assert (view.run.state, view.items[0].order) == (RunState.QUEUED, 2)
    assert view.items[0].state is ItemState.RESERVED
    assert view.items[0].attempts[0].state is AttemptState.FAILED
    assert (Task.RUN, DIGEST) in await door.swept()
