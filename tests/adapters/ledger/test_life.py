"""A run from its order to its pruning, in any order of events: the ledger keeps to its rules.

People order, cancel and order again; workers come, stall, die and write late; seasons pass, old
runs are pruned, and runs of other machines are restored. After each step three promises are
checked: no image is called for more often than people ordered it, no cap is exceeded, and nothing
that may have been paid for is forgotten.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Coroutine
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from bot.adapters.ledger import SqlLedger, open_ledger
from bot.adapters.spool import LocalSpool
from bot.core.attempts import AttemptState, Call, Recall, next_step
from bot.core.errors import Failure, LeaseLost, Refused
from bot.core.plan import plan
from bot.core.ports import Cap, Effect, EffectKind, Lease, Publication, Spool
from bot.core.pricing import Money
from bot.core.report import report, to_json
from bot.core.run import ItemView, RunState, RunView, Stop, left_over
from bot.engine.prune import Prune
from tests.adapters.ledger.life import (
    BATCH,
    BILLED,
    COST,
    GONE,
    ITEMS,
    LIMIT,
    MADE,
    MOST,
    OUTCOMES,
    STATES,
    THREAD,
    Books,
    Fate,
    Paid,
    Rounds,
    Story,
    a_run,
    empty,
    read,
    told_elsewhere,
)

TTL = timedelta(seconds=10)
AGE = timedelta(days=7)
SEASON = timedelta(days=40)
DELAY = timedelta(seconds=1)
NAMES = ("aaaaaaaaaa", "bbbbbbbbbb")
COPIES = {"aaaaaaaaaa": "cccccccccc", "bbbbbbbbbb": "dddddddddd"}
some = st.integers(0, 3)  # of the runs that are there
waits = st.sampled_from([timedelta(0), DELAY, TTL + DELAY])
fates = st.tuples(*[st.sampled_from(Fate)] * ITEMS)
rounds = st.lists(fates, min_size=1, max_size=3)


class Life(RuleBasedStateMachine):
    """Two runs that share a cap, copies of them from elsewhere, and any number of workers."""

    def __init__(self, do: asyncio.Runner, ledger: SqlLedger, spool: Spool) -> None:
        super().__init__()
        self.do = do.run
        self.ledger = ledger
        self.spool = spool
        self.now = datetime(2026, 11, 21, tzinfo=UTC)
        self.stories: dict[str, Story] = {}
        self.let_go: defaultdict[str, Money] = defaultdict(lambda: Money(0))  # of pruned runs
        self.flying: list[tuple[str, int, int, Lease]] = []
        self.do(empty(ledger))

    def cap(self) -> Cap:
        return Cap("the server", "server", f"{self.now:%Y-%m}", LIMIT)

    # --- people -------------------------------------------------------------------------------

    @initialize()
    def order(self) -> None:
        """A comment orders a run, once."""
        for name in (*NAMES, *NAMES):
            opening = self.ledger.runs.open(a_run(name, self.now), plan(BATCH, name), [self.cap()])
            assert self.do(opening) == (name not in self.stories)
            self.stories.setdefault(name, Story())

    @rule(which=some)
    def cancel(self, which: int) -> None:
        name, story = self.pick(which)
        asked = self.do(self.ledger.runs.request_stop(name, Stop.CANCELLED))
        assert asked == (story.state in {RunState.QUEUED, RunState.RUNNING})
        story.stopped |= asked

    @rule(which=some, doubts=st.booleans())
    def order_again(self, which: int, doubts: bool) -> None:
        name, story = self.pick(which)
        view = self.view(name)
        wanted = [item.item.index for item in left_over(view, doubts=doubts)]
        caps = [] if story.restored else [self.cap()]  # the other machine had caps of its own
        again = self.ledger.runs.reopen(view, wanted, MOST * len(wanted), self.now, caps)
        if story.state is not RunState.DONE or story.pruned:
            assert not self.do(again)
        elif self.fits(again, MOST * len(wanted)):
            story.state, story.stopped = RunState.QUEUED, False
            for index in wanted:
                story.orders[index] += 1

    def fits(self, writing: Coroutine[Any, Any, object], amount: Money) -> bool:
        """Whether the cap had room, as it must have said."""
        (left,) = self.do(self.ledger.runs.left([self.cap()]))
        try:
            assert self.do(writing)
        except Refused:
            assert amount > left
            return False
        return True

    # --- workers ------------------------------------------------------------------------------

    def drive(self, which: int, wait: timedelta, rounds: Rounds, ends: bool, leaves: bool) -> None:
        """A worker claims a run and does what is next; perhaps it ends the run, or lets it go."""
        name, story = self.pick(which)
        self.now += wait
        lease = self.do(self.ledger.leases.claim(f"run:{name}", self.now, TTL))
        assert (lease is not None) == (story.until <= self.now)
        if not lease:
            return
        assert lease.epoch == story.epoch + 1
        story.epoch, story.until = lease.epoch, lease.until
        story.leases.append(lease)
        self.adopt(name, lease)
        self.work(name, lease, rounds)
        if ends:
            self.finish(name, lease)
        if leaves:
            self.release(name, lease)

    # Most of what happens: rules are drawn by their number.
    claim = rule(which=some, wait=waits, rounds=rounds, ends=st.booleans(), leaves=st.booleans())
    one, another, a_third = claim(drive), claim(drive), claim(drive)

    @precondition(lambda self: any(story.leases for story in self.stories.values()))
    @rule(which=some, age=st.integers(0, 2), rounds=rounds)
    def go_on(self, which: int, age: int, rounds: Rounds) -> None:
        """A worker that slept goes on; most of the time somebody else holds its run by now."""
        name, story = self.pick(which)
        for lease in story.leases[-1 - age :][:1]:
            self.adopt(name, lease)
            self.work(name, lease, rounds)
            self.finish(name, lease)
            self.release(name, lease)

    def release(self, name: str, lease: Lease) -> None:
        self.do(self.ledger.leases.release(lease))
        if self.holds(name, lease):
            self.stories[name].until = Story.until

    def work(self, name: str, lease: Lease, rounds: Rounds) -> None:
        """What is next for each image, by the rule of payment; again after a while."""
        if self.stories[name].state in {RunState.PUBLISHING, RunState.DONE}:
            return
        if not self.wrote(name, lease, self.ledger.runs.begin(lease, self.now)):
            return
        self.stories[name].state = RunState.RUNNING
        for fates in rounds:
            view = self.view(name)
            for item, fate in zip(view.items, fates, strict=True):
                self.step(name, lease, item, fate)
            self.now += DELAY

    def step(self, name: str, lease: Lease, item: ItemView, fate: Fate) -> None:
        match next_step(item.attempts, BATCH.retry_policy, self.now, order=item.order):
            case Call(number) if not item.cancelled:  # whoever looked before a stop calls, too
                self.call(name, lease, item, number, fate)
            case Recall(number):
                self.recall(name, lease, item.item.index, number)
            case _:
                pass

    def call(self, name: str, lease: Lease, item: ItemView, number: int, fate: Fate) -> None:
        index, story = item.item.index, self.stories[name]
        start = self.ledger.runs.start(lease, index, number, item.order, MOST, self.now)
        stop = self.do(start)
        assert (stop is not None) == story.stopped
        if stop:
            return
        kept = fate in {Fate.MADE, Fate.DIED_WITH_ANSWER}
        call = story.calls[index, number] = Paid(billed=fate in BILLED, kept=kept)
        if fate is Fate.STALLED:
            self.flying.append((name, index, number, lease))
        if fate in OUTCOMES:
            self.do(self.ledger.runs.settle(lease, index, number, OUTCOMES[fate], self.now))
            call.state = STATES[fate]

    def recall(self, name: str, lease: Lease, index: int, number: int) -> None:
        """The call of a worker that is gone, as it seems."""
        call = self.stories[name].calls[index, number]
        outcome = MADE if call.kept else GONE
        self.do(self.ledger.runs.settle(lease, index, number, outcome, self.now))
        call.state = AttemptState.SUCCEEDED if call.kept else AttemptState.IN_DOUBT

    @precondition(lambda self: self.flying)
    @rule(data=st.data())
    def wake(self, data: st.DataObject) -> None:
        """A worker that stalled keeps its answer, and writes what it knows."""
        flight = data.draw(st.sampled_from(self.flying))
        self.flying.remove(flight)
        name, index, number, lease = flight
        story = self.stories[name]
        if story.pruned:
            return  # nobody sleeps for a week
        story.calls[index, number].kept = True
        settling = self.ledger.runs.settle(lease, index, number, MADE, self.now)
        if self.wrote(name, lease, settling):
            self.came(story, index, number)

    def adopt(self, name: str, lease: Lease) -> None:
        """Whoever holds a run takes late answers from the spool, also after its end."""
        view = self.view(name)
        for item in view.items:
            for attempt in () if item.winner else item.attempts:
                index, number = item.item.index, attempt.number
                call = self.stories[name].calls[index, number]
                if attempt.failure is Failure.LOST and call.kept:
                    late = self.ledger.runs.settle(lease, index, number, MADE, self.now)
                    if self.wrote(name, lease, late):
                        self.came(self.stories[name], index, number)
                    break

    def came(self, story: Story, index: int, number: int) -> None:
        """An answer is recorded; a run that was done has something to publish again."""
        story.calls[index, number].state = AttemptState.SUCCEEDED
        if story.state is RunState.DONE:
            story.state = RunState.PUBLISHING

    def finish(self, name: str, lease: Lease) -> None:
        """Publish and report, if no call is open and none is to be made."""
        view, story = self.view(name), self.stories[name]
        if story.state is RunState.DONE or not self.is_settled(view, story):
            return
        if not self.wrote(name, lease, self.ledger.runs.settled(lease)):
            return
        files = [Publication(i.item.index, "https://shelf/fox", "fox.png") for i in view.items]
        self.do(self.ledger.runs.published(lease, files, None, ""))
        over = self.view(name)
        told = report(replace(over, run=replace(over.run, finished_at=self.now)), self.now)
        self.do(self.ledger.runs.finish(lease, to_json(told), (), self.now))
        story.state = RunState.DONE

    def is_settled(self, view: RunView, story: Story) -> bool:
        states = [call.state for call in story.calls.values()]
        policy = BATCH.retry_policy
        steps = [next_step(i.attempts, policy, self.now, order=i.order) for i in view.items]
        ready = story.stopped or not any(isinstance(step, Call) for step in steps)
        return ready and AttemptState.STARTED not in states

    # --- time and other machines --------------------------------------------------------------

    @precondition(lambda self: any(s.state is RunState.DONE for s in self.stories.values()))
    @rule()
    def a_season_passes(self) -> None:
        """Workers that slept are gone for good, and what is old goes, but for its report."""
        self.now += SEASON
        before = self.do(read(self.ledger)).held
        pruning = Prune(self.ledger.leases, self.ledger.pruning, self.spool, lambda: self.now)
        self.do(pruning.older_than(AGE))
        for name, story in self.stories.items():
            view = self.do(self.ledger.runs.get(name))
            assert view
            if view.run.pruned_at and not story.pruned:
                assert story.state is RunState.DONE
                for window, held in before[name].items():
                    self.let_go[window] += held
                assert self.do(self.ledger.history.report(name)) is not None
                story.pruned, story.leases, story.epoch = True, [], 0
                story.until = Story.until

    @rule(name=st.sampled_from(NAMES))
    def restore(self, name: str) -> None:
        """Another machine led such a run: its record in the thread is all that is left of it."""
        copy, view = COPIES[name], self.view(name)
        if self.stories[name].pruned:
            return
        told = told_elsewhere(view, copy)
        shown = Effect(f"comment-{copy}", EffectKind.COMMENT, THREAD, "words")
        restored = self.do(self.ledger.restoring.restore(told, shown, 17))
        assert restored == (copy not in self.stories)
        if restored:
            calls = {key: replace(call) for key, call in self.stories[name].calls.items()}
            for call in calls.values():
                call.kept = False  # in the spool of the other machine
                if call.state is AttemptState.STARTED:
                    call.state = AttemptState.IN_DOUBT
            self.stories[copy] = replace(
                self.stories[name],
                calls=calls,
                orders=[*self.stories[name].orders],
                leases=[],
                restored=True,
                epoch=0,
                until=Story.until,
            )

    # --- what is seen -------------------------------------------------------------------------

    def pick(self, which: int) -> tuple[str, Story]:
        return list(self.stories.items())[which % len(self.stories)]

    def holds(self, name: str, lease: Lease) -> bool:
        return lease.epoch == self.stories[name].epoch

    def view(self, name: str) -> RunView:
        view = self.do(self.ledger.runs.get(name))
        assert view
        return view

    def wrote(self, name: str, lease: Lease, writing: Coroutine[Any, Any, object]) -> bool:
        """Whether the ledger took it, as it must from its holder alone."""
        if self.holds(name, lease):
            self.do(writing)
            return True
        with pytest.raises(LeaseLost):
            self.do(writing)
        return False

    # --- what must hold -----------------------------------------------------------------------

    @invariant()
    def the_promises_hold(self) -> None:
        books = self.do(read(self.ledger))
        for name, story in self.stories.items():
            self.no_image_is_called_for_more_often_than_people_ordered(story)
            if not story.pruned:
                self.the_ledger_tells_what_happened(name, story, books)
                self.the_run_holds_what_it_may_have_spent(name, story, books)
        self.no_cap_is_exceeded(books)
        self.every_bill_is_in_the_figures()

    def no_image_is_called_for_more_often_than_people_ordered(self, story: Story) -> None:
        billed = Counter(index for (index, _), call in story.calls.items() if call.billed)
        assert all(billed[index] <= ordered for index, ordered in enumerate(story.orders))

    def the_ledger_tells_what_happened(self, name: str, story: Story, books: Books) -> None:
        assert books.states[name] is story.state
        assert books.orders[name] == dict(enumerate(story.orders))
        told = books.calls[name]
        assert told == {key: call.state for key, call in story.calls.items()}
        billed = {key for key, call in story.calls.items() if call.billed}
        assert all(told[key] is not AttemptState.FAILED for key in billed)

    def the_run_holds_what_it_may_have_spent(self, name: str, story: Story, books: Books) -> None:
        held = sum(books.held[name].values(), Money(0))
        if not story.restored:  # the other machine had a budget of its own
            assert held >= story.spent
            assert held == story.spent or story.state is not RunState.DONE

    def no_cap_is_exceeded(self, books: Books) -> None:
        for window, committed in books.committed.items():
            of_runs = (held.get(window, Money(0)) for held in books.held.values())
            held = sum(of_runs, Money(0)) + self.let_go[window]
            assert held == committed
            assert committed <= LIMIT

    def every_bill_is_in_the_figures(self) -> None:
        """Also those of runs that were pruned."""
        figures = self.do(self.ledger.figures.read())
        states = [call.state for story in self.stories.values() for call in story.calls.values()]
        assert figures.paid == COST * states.count(AttemptState.SUCCEEDED)
        assert figures.in_doubt == MOST * states.count(AttemptState.IN_DOUBT)


@pytest.mark.parametrize("examples", [10, pytest.param(400, marks=pytest.mark.long)])
def test_the_rules_hold_whatever_happens(url: str, tmp_path: Path, examples: int) -> None:
    with asyncio.Runner() as do:
        ledger = do.run(open_ledger(url, patience=timedelta(minutes=1)))
        try:
            run_state_machine_as_test(
                partial(Life, do, ledger, LocalSpool(tmp_path / "spool")),  # type: ignore[arg-type]  # or a factory
                settings=settings(max_examples=examples, stateful_step_count=30),
            )
        finally:
            do.run(ledger.close())
