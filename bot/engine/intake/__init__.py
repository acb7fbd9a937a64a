"""One delivery becomes a reply, or a stored run."""

import logging
from dataclasses import dataclass

from bot.core import answers, markdown
from bot.core.command import (
    Batch,
    Cancel,
    Command,
    Estimate,
    Help,
    Retry,
    RunEstimate,
    Status,
    parse_command,
)
from bot.core.errors import BatchError, CommandError, OrderError, Reason, Refused
from bot.core.event import CommentEvent, run_id
from bot.core.killpoints import Point, reach
from bot.core.messages import Messages
from bot.core.policy import Ignored, is_addressed
from bot.core.ports import Clock, Delivery, Host, Lease, Ledger, Pictures, Scheduler, Task
from bot.core.rules import Rules
from bot.engine.admission import Admission
from bot.engine.breaker import Breaker
from bot.engine.context import bind, bind_thread
from bot.engine.hold import hold
from bot.engine.intake.opening import Opening
from bot.engine.intake.orders import Orders
from bot.engine.intake.reply import Reply, answer, fault, words_for
from bot.engine.outbox import Postman
from bot.engine.rulebook import Rulebook
from bot.engine.thread import reaction

__all__ = ["Intake", "Rules"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Intake:
    """Answers deliveries; reads the role once, decides, and stores the decision at once."""

    ledger: Ledger
    host: Host
    pictures: Pictures
    postman: Postman
    scheduler: Scheduler
    clock: Clock
    rules: Rules
    rulebook: Rulebook

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
        reply = await self._reply(lease, delivery)
        if not reply.stored:
            await self.ledger.inbox.settle(lease, self.clock(), reply.effects)
        _log.info("the delivery is answered")
        for effect in reply.effects:
            await self.postman.deliver(effect.id)
        if reply.run:
            await self.scheduler.schedule(Task.RUN, reply.run)

    async def _reply(self, lease: Lease, delivery: Delivery) -> Reply:
        """What comes of the comment: whatever it is, it has an answer."""
        event, rules = delivery.event, self.rules
        try:
            command = await self._command(event)
            if command is None:
                return Reply()
            rules = await self._admit(delivery, command)
            if isinstance(command, CommandError):
                raise command
            return await self._carry_out(lease, event, command, rules)
        except CommandError as error:
            return fault(event, markdown.command_problem(error, words_for(event, rules)))
        except BatchError as error:
            return fault(event, markdown.batch_problems(error, words_for(event, rules)))
        except OrderError as error:
            url = await self._orders.url(error.run) if error.run else None
            return fault(event, answers.undone(error, url, words_for(event, rules)))
        except Refused as error:
            return _refusal(event, error, words_for(event, rules))

    async def _carry_out(
        self, lease: Lease, event: CommentEvent, command: Command, rules: Rules
    ) -> Reply:
        opening = Opening(self.ledger, self.host, self.pictures, self.clock, rules)
        orders = Orders(self.ledger, self.host, self.pictures, self.clock, rules)
        match command:
            case Batch():
                return await opening.batch(lease, event, command)
            case Estimate():
                return await opening.estimate(lease, event, command)
            case RunEstimate():
                return await opening.run_estimate(lease, event, command)
            case Help():
                return answer(event, markdown.help_text(words_for(event, rules)))
            case Status() | Cancel() | Retry():
                return await orders.carry_out(lease, event, command)

    @property
    def _orders(self) -> Orders:
        return Orders(self.ledger, self.host, self.pictures, self.clock, self.rules)

    async def _command(self, event: CommentEvent) -> Command | CommandError | None:
        """The command, if it is for us; what is wrong with it is told to those with rights."""
        rules = self.rules
        if isinstance(is_addressed(event, ours=rules.ours, bots=rules.bots), Ignored):
            return None
        if await self.ledger.runs.has_acted(run_id(event.thread)):
            return None  # it cannot be edited; and an edit may be handled before its original
        try:
            return parse_command(event.body)
        except CommandError as error:
            return error

    async def _admit(self, delivery: Delivery, command: Command | CommandError) -> Rules:
        """The rules there; Refused unless the author may spend here, and now; fail closed."""
        rules = await Admission(self.host, self.rulebook).admit(delivery.event)
        if not isinstance(command, Cancel):  # where too much goes on, that is what people want
            words = words_for(delivery.event, rules)
            await Breaker(self.ledger, self.postman, self.clock, words).check(delivery)
        return rules


def _refusal(event: CommentEvent, error: Refused, words: Messages) -> Reply:
    """People without rights get one quiet reaction; strangers and loud threads, nothing."""
    match error.reason:
        case Reason.OWNER | Reason.QUIET:
            return Reply()
        case Reason.PERMISSION:
            return Reply((reaction(event.thread, "confused"),))
        case Reason.UNREACHABLE | Reason.BUDGET | Reason.PRICE:
            return fault(event, markdown.refused(error, words))
