"""One delivery becomes a reply, or a stored run."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from bot.core import markdown
from bot.core.command import Batch, Command, Estimate, Help, parse_command
from bot.core.errors import BatchError, CommandError, Reason, Refused
from bot.core.event import CommentEvent, run_id
from bot.core.killpoints import Point, reach
from bot.core.language import spoken
from bot.core.messages import Messages, messages
from bot.core.parse import ParsedBatch
from bot.core.plan import Item, plan
from bot.core.policy import (
    Ignored,
    cap_of,
    caps,
    decide_budget,
    is_addressed,
)
from bot.core.ports import Clock, Delivery, Effect, Host, Lease, Ledger, Scheduler, Task
from bot.core.pricing import Estimate as Bill
from bot.core.pricing import estimate
from bot.core.rules import Rules
from bot.core.run import ItemView, Run, RunState, RunView
from bot.engine.admission import Admission
from bot.engine.breaker import Breaker
from bot.engine.context import bind, bind_thread
from bot.engine.hold import hold
from bot.engine.intake.reading import read_batch
from bot.engine.outbox import Postman
from bot.engine.thread import comment, reaction

__all__ = ["Intake", "Rules"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Intake:
    """Answers deliveries; reads the role once, decides, and stores the decision at once."""

    ledger: Ledger
    host: Host
    postman: Postman
    scheduler: Scheduler
    clock: Clock
    rules: Rules

    async def handle(self, delivery_id: str) -> None:
        """Answer the delivery if nobody has, and see to what the answer owes."""
        async with hold(self.ledger.leases, f"delivery:{delivery_id}", self.clock) as held:
            delivery = await self.ledger.inbox.get(delivery_id) if held else None
            if held is None or delivery is None:
                return
            bind(delivery=delivery_id)
            bind_thread(delivery.event.thread)
            reach(Point.INTAKE_CLAIMED)
            await self._answer(held.lease, delivery)

    async def _answer(self, lease: Lease, delivery: Delivery) -> None:
        effects: Sequence[Effect] = ()
        event = delivery.event
        try:
            command = await self._command(delivery)
            match command:
                case None:
                    pass
                case Batch():
                    return await self._open(lease, event, command)
                case Estimate():
                    effects = self._reply(event, await self._estimate(event, command))
                case Help():
                    effects = self._reply(event, markdown.help_text(self._words(event)))
        except CommandError as error:
            effects = self._fault(event, markdown.command_problem(error, self._words(event)))
        except BatchError as error:
            effects = self._fault(event, markdown.batch_problems(error, self._words(event)))
        except Refused as error:
            effects = self._refusal(event, error)
        await self.ledger.inbox.settle(lease, self.clock(), effects)
        _log.info("the delivery is answered")
        await self._deliver(effects)
        return None

    async def _command(self, delivery: Delivery) -> Command | None:
        """The command, if it is for us and its author may give it."""
        event, rules = delivery.event, self.rules
        if isinstance(is_addressed(event, ours=rules.ours, bots=rules.bots), Ignored):
            return None
        if await self.ledger.runs.get(run_id(event.thread)):
            return None  # it cannot be edited; and an edit may be handled before its original
        try:
            command = parse_command(event.body)
        except CommandError:
            await self._admit(delivery)
            raise
        if command is not None:
            await self._admit(delivery)
        return command

    async def _admit(self, delivery: Delivery) -> None:
        """Raise Refused unless the author may spend here, and now; fail closed."""
        await Admission(self.host, self.rules).admit(delivery.event)
        words = self._words(delivery.event)
        await Breaker(self.ledger, self.postman, self.clock, words).check(delivery)

    # --- a run --------------------------------------------------------------------------------

    async def _open(self, lease: Lease, event: CommentEvent, command: Batch) -> None:
        """Store run, items, reservation and first words in one transaction; then say them."""
        parsed = await self._read(event, command)
        run = self._run(event, parsed)
        decide_budget(run.upper_bound, self.rules.limits, cap_of(parsed.config))
        items = plan(parsed.config, run.id)
        words = markdown.live(_queued(run, items), run.created_at, self._words(event))
        effects = (reaction(event.thread, "eyes"), comment(event.thread, words))
        budget = caps(event.thread, event.author, run.created_at, self.rules.limits)
        await self.ledger.runs.open(run, items, budget, effects, delivery=lease)
        reach(Point.RUN_OPENED)
        bind(run=run.id)
        _log.info("the delivery is stored as a run")
        await self._deliver(effects)
        await self.scheduler.schedule(Task.RUN, run.id)

    def _run(self, event: CommentEvent, parsed: ParsedBatch) -> Run:
        bill = self._bill(parsed)
        return Run(
            id=run_id(event.thread),
            state=RunState.QUEUED,
            batch=parsed.config,
            created_at=self.clock(),
            thread=event.thread,
            author=event.author,
            warnings=(*parsed.warnings, *bill.warnings),
            expected=bill.total.expected,
            upper_bound=bill.total.high,
            language=spoken(self.rules.language, event.body),
        )

    async def _estimate(self, event: CommentEvent, command: Estimate) -> str:
        parsed = await self._read(event, command)
        bill, words = self._bill(parsed), self._words(event)
        return markdown.estimate_answer(bill, parsed.warnings, words)

    async def _read(self, event: CommentEvent, command: Batch | Estimate) -> ParsedBatch:
        return await read_batch(command, event.thread, self.host, self.rules.around)

    def _bill(self, parsed: ParsedBatch) -> Bill:
        rules = self.rules
        return estimate(parsed.config, images_per_minute=rules.images_per_minute, book=rules.prices)

    # --- words --------------------------------------------------------------------------------

    def _words(self, event: CommentEvent) -> Messages:
        return messages(spoken(self.rules.language, event.body))

    def _reply(self, event: CommentEvent, words: str) -> Sequence[Effect]:
        return (reaction(event.thread, "rocket"), comment(event.thread, words))

    def _fault(self, event: CommentEvent, words: str) -> Sequence[Effect]:
        return (reaction(event.thread, "confused"), comment(event.thread, words))

    def _refusal(self, event: CommentEvent, error: Refused) -> Sequence[Effect]:
        """People without rights get one quiet reaction; strangers and loud threads, nothing."""
        match error.reason:
            case Reason.OWNER | Reason.QUIET:
                return ()
            case Reason.PERMISSION:
                return (reaction(event.thread, "confused"),)
            case Reason.UNREACHABLE | Reason.BUDGET | Reason.PRICE:
                return self._fault(event, markdown.refused(error, self._words(event)))

    async def _deliver(self, effects: Sequence[Effect]) -> None:
        for effect in effects:
            await self.postman.deliver(effect.id)


def _queued(run: Run, items: Sequence[Item]) -> RunView:
    return RunView(run, tuple(map(ItemView, items)))
