"""What people ask of runs that are there: how they are, to stop, and to try again."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.core import answers
from bot.core.command import Cancel, Retry, Status, retry_line
from bot.core.errors import OrderError
from bot.core.event import CommentEvent, run_id
from bot.core.killpoints import Point, reach
from bot.core.markdown import live
from bot.core.messages import messages
from bot.core.policy import cap_of, caps, decide_budget
from bot.core.ports import Clock, Host, Lease, Ledger, Order, Pictures
from bot.core.rules import Rules
from bot.core.run import (
    ItemView,
    RunState,
    RunView,
    Stop,
    Thread,
    left_over,
    most,
    total,
)
from bot.core.said import said
from bot.engine.intake.reply import Reply, answer, words_for
from bot.engine.thread import comment, reaction


@dataclass(frozen=True, slots=True)
class Orders:
    """Answers and carries out what is asked of a run; each comment orders once."""

    ledger: Ledger
    host: Host
    pictures: Pictures
    clock: Clock
    rules: Rules

    async def carry_out(
        self, lease: Lease, event: CommentEvent, command: Status | Cancel | Retry
    ) -> Reply:
        """What comes of the command. Raises OrderError and Refused."""
        match command:
            case Status():
                return await self.status(event, command)
            case Cancel():
                return await self.cancel(lease, event, command)
            case Retry():
                return await self.retry(lease, event, command)

    async def status(self, event: CommentEvent, command: Status) -> Reply:
        """How the run is doing, and what is left of each budget."""
        view = await self._seen(event, command.run)
        limits = replace(self.rules.limits, run=None)  # which each run has anew
        budget = caps(event.thread, event.author, self.clock(), limits)
        left = await self.ledger.runs.left(budget)
        url = await self.url(view.run.id) if view else None
        budgets = list(zip(budget, left, strict=True))
        return answer(event, answers.status(view, url, budgets, words_for(event, self.rules)))

    async def cancel(self, lease: Lease, event: CommentEvent, command: Cancel) -> Reply:
        """The run starts nothing more; its own comment shows it. Raises OrderError."""
        view = await self._named(event, command.run)
        run = view.run
        stopping = replace(view, run=replace(run, stop=run.stop or Stop.CANCELLED))
        order = self._order(lease, event, stopping)
        if not await self.ledger.runs.request_stop(run.id, Stop.CANCELLED, order):
            message = said("Run {run} has nothing left to start.", run=run.id)
            raise OrderError(message, run=run.id)
        reach(Point.CANCEL_STORED)
        return Reply(order.effects, stored=True, run=run.id)

    async def retry(self, lease: Lease, event: CommentEvent, command: Retry) -> Reply:
        """What the run lacks is ordered again. Raises OrderError and Refused."""
        view = await self._named(event, command.run)
        order = await self._order_again(lease, event, view, command.doubts)
        if order is None:  # somebody was faster: what is left may not be what was asked for
            view = await self._named(event, view.run.id)
            order = await self._order_again(lease, event, view, command.doubts)
        if order is None:
            raise _at_work(view.run.id)
        reach(Point.RETRY_STORED)
        return Reply(order.effects, stored=True, run=view.run.id)

    async def _order_again(
        self, lease: Lease, event: CommentEvent, view: RunView, doubts: Sequence[int]
    ) -> Order | None:
        """The order, once it is stored; None if the run is no longer as it was seen."""
        run = view.run
        if run.state is not RunState.DONE:
            raise _at_work(run.id)
        items = _ordered(view, doubts)
        if not await self.pictures.hold(run.batch):
            raise _without_pictures(run.id)
        order = self._order(lease, event, _waiting(view, items))
        amount = most(run.batch, items, self.rules.prices)
        limits, run_cap = self.rules.limits, self.rules.run_cap
        bound = total((view.paid, view.in_doubt, amount))
        decide_budget(bound, limits, cap_of(run.batch), run_cap=run_cap)
        # A run's money is counted for one person, whoever orders it again.
        budget = caps(run.thread or event.thread, run.author or event.author, order.at, limits)
        indexes = [item.item.index for item in items]
        stored = await self.ledger.runs.reopen(view, indexes, amount, order.at, budget, order)
        return order if stored else None

    async def url(self, run: str) -> str | None:
        """Where people read of the run: its comment, or the command if that is not there yet."""
        view = await self.ledger.runs.get(run)
        if view is None or view.run.thread is None:
            return None
        thread = view.run.thread
        shown = await self.ledger.outbox.remote(comment(thread, "").id)
        return self.host.page(thread, shown or thread.comment)

    async def _named(self, event: CommentEvent, name: str | None) -> RunView:
        view = await self._seen(event, name)
        if view is None:
            message = said("There is no run in this thread yet.")
            raise OrderError(message, said("Name one of this repository by its id."))
        return view

    async def _seen(self, event: CommentEvent, name: str | None) -> RunView | None:
        """The run of this id in the same repository; without one the newest of the thread."""
        found = name or await self.ledger.runs.newest(event.thread)
        view = await self.ledger.runs.get(found) if found else None
        if name and not (view and _is_beside(view, event.thread)):
            message = said("There is no run {run} in this repository.", run=name)
            raise OrderError(message, said("The id stands at the foot of each run's comment."))
        if view and view.run.pruned_at:
            message = said("Run {run} is too old: only its report is kept.", run=view.run.id)
            raise OrderError(message, run=view.run.id)
        return view

    def _order(self, lease: Lease, event: CommentEvent, view: RunView) -> Order:
        """The order, with the run as it will be: its comment shows it before a worker does."""
        now, run = self.clock(), view.run
        words = messages(run.language) if run.language else words_for(event, self.rules)
        shown = (comment(run.thread, live(view, now, words)),) if run.thread else ()
        effects = (reaction(event.thread, "rocket"), *shown)
        return Order(run_id(event.thread), lease, now, effects, event.author)


def _is_beside(view: RunView, thread: Thread) -> bool:
    return view.run.thread is not None and view.run.thread.beside(thread)


def _at_work(run: str) -> OrderError:
    message = said("Run {run} is still at work.", run=run)
    return OrderError(message, said("What it lacks can be ordered when it is over."), run=run)


def _without_pictures(run: str) -> OrderError:
    message = said("The pictures that run {run} was made from are not kept any more.", run=run)
    hint = said("Comment its batch anew: they are fetched again then, and kept for a week.")
    return OrderError(message, hint, run=run)


def _ordered(view: RunView, doubts: Sequence[int]) -> Sequence[ItemView]:
    """What failed or never started, and of what is in doubt what was named."""
    run, doubtful = view.run.id, _in_doubt(view)
    if strange := [number for number in doubts if number not in doubtful]:
        raise OrderError(
            said("Image {number} of run {run} is not in doubt.", number=strange[0], run=run),
            _doubts_line(run, doubtful),
            run=run,
        )
    free = {item.item.index for item in left_over(view, doubts=False)}
    wanted = free | {number - 1 for number in doubts}
    items = [item for item in view.items if item.item.index in wanted]
    if not items and doubtful:
        raise OrderError(
            said("What run {run} lacks may have been paid for, so each has to be named.", run=run),
            _doubts_line(run, doubtful),
            run=run,
        )
    if not items:
        raise OrderError(said("Run {run} has all its images.", run=run), run=run)
    return items


def _waiting(view: RunView, ordered: Sequence[ItemView]) -> RunView:
    """The run when these items are ordered again."""
    again = {item.item.index for item in ordered}
    items = (
        replace(item, order=item.order + 1, cancelled=False) if item.item.index in again else item
        for item in view.items
    )
    return RunView(replace(view.run, state=RunState.QUEUED, stop=None), tuple(items))


def _in_doubt(view: RunView) -> Sequence[int]:
    return [item.number for item in view.items if item.is_doubtful]


def _doubts_line(run: str, doubtful: Sequence[int]) -> str:
    if not doubtful:
        return said("Leave out the word doubt and what follows it.")
    return said("To pay for them again: {command}", command=retry_line(run, doubtful))
