"""Batches become runs, or offers that become runs later."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from bot.core import markdown
from bot.core.command import Batch, Estimate, RunEstimate
from bot.core.errors import OfferTaken, OrderError
from bot.core.event import CommentEvent, offer_id, run_id
from bot.core.killpoints import Point, reach
from bot.core.language import spoken
from bot.core.parse import ParsedBatch
from bot.core.plan import Item, plan
from bot.core.policy import cap_of, caps, decide_budget, decide_images
from bot.core.ports import Clock, Host, Lease, Ledger, Pictures
from bot.core.pricing import Estimate as Bill
from bot.core.pricing import estimate
from bot.core.rules import Rules
from bot.core.run import ItemView, Offer, Run, RunState, RunView
from bot.core.said import said
from bot.engine.context import bind
from bot.engine.intake.reading import read_batch
from bot.engine.intake.reply import Reply, answer, words_for
from bot.engine.thread import comment, reaction

_log = logging.getLogger(__name__)

# A price may change, and so may what people remember of an estimate.
_OFFER_LIFE = timedelta(hours=24)
_ASK_AGAIN = said("Ask /estimate again, and copy the line from its answer.")


@dataclass(frozen=True, slots=True)
class Opening:
    """Opens runs, and makes the offers that they may be opened from."""

    ledger: Ledger
    host: Host
    pictures: Pictures
    clock: Clock
    rules: Rules

    async def batch(self, lease: Lease, event: CommentEvent, command: Batch) -> Reply:
        """A run of the batch. Raises CommandError, BatchError and Refused."""
        parsed = await self._read(event, command)
        bill = self._bill(parsed)
        run = Run(
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
            destination=self.rules.destination,
        )
        return await self._open(lease, event, run)

    async def estimate(self, lease: Lease, event: CommentEvent, command: Estimate) -> Reply:
        """What the batch would cost, kept so that exactly it can be run."""
        parsed, bill = await self.priced(event, command)
        words = words_for(event, self.rules)
        offer = self._offer(event, parsed, bill)
        said_of_it = markdown.estimate_answer(bill, parsed.warnings, words, offer.id)
        reply = replace(answer(event, said_of_it), stored=True)
        await self.ledger.offers.keep(offer, reply.effects, delivery=lease, now=offer.created_at)
        reach(Point.ESTIMATE_STORED)
        return reply

    async def priced(self, event: CommentEvent, command: Estimate) -> tuple[ParsedBatch, Bill]:
        """The batch of the command and its price. Raises CommandError and BatchError."""
        parsed = await self._read(event, command)
        return parsed, self._bill(parsed)

    async def run_estimate(self, lease: Lease, event: CommentEvent, command: RunEstimate) -> Reply:
        """A run of what was estimated. Raises OrderError and Refused."""
        offer = await self._kept(event, command.estimate)
        run = Run(
            id=run_id(event.thread),
            state=RunState.QUEUED,
            batch=offer.batch,
            created_at=self.clock(),
            thread=event.thread,
            author=event.author,
            warnings=offer.warnings,
            expected=offer.expected,
            upper_bound=offer.upper_bound,
            language=spoken(self.rules.language, event.body),
            destination=self.rules.destination,
        )
        try:
            return await self._open(lease, event, run, offer.id)
        except OfferTaken:  # between our look and our writing
            taken = await self.ledger.offers.get(offer.id)
            raise _taken(taken or offer) from None

    async def _open(
        self, lease: Lease, event: CommentEvent, run: Run, offer: str | None = None
    ) -> Reply:
        """Store run, items, reservation and first words in one transaction."""
        limits, run_cap = self.rules.limits, self.rules.run_cap
        decide_budget(run.upper_bound, limits, cap_of(run.batch), run_cap=run_cap)
        items = plan(run.batch, run.id)
        decide_images(len(items), self.rules.max_images)
        view = _queued(run, items)
        ahead = await self.ledger.line.length(markdown.COUNTED + 1) or None  # else it hardly waits
        words = markdown.live(view, run.created_at, words_for(event, self.rules), ahead=ahead)
        effects = (reaction(event.thread, "eyes"), comment(event.thread, words))
        budget = caps(event.thread, event.author, run.created_at, limits)
        await self.ledger.runs.open(run, items, budget, effects, delivery=lease, offer=offer)
        reach(Point.RUN_OPENED)
        bind(run=run.id)
        _log.info("the delivery is stored as a run")
        return Reply(effects, stored=True, run=run.id)

    def _offer(self, event: CommentEvent, parsed: ParsedBatch, bill: Bill) -> Offer:
        low, high = bill.total.expected, bill.total.high
        content = f"{parsed.config.model_dump_json()} {low} {high}"
        return Offer(
            id=offer_id(event.thread, content),
            thread=event.thread,
            author=event.author,
            batch=parsed.config,
            warnings=(*parsed.warnings, *bill.warnings),
            expected=bill.total.expected,
            upper_bound=bill.total.high,
            created_at=self.clock(),
        )

    async def _kept(self, event: CommentEvent, name: str) -> Offer:
        offer = await self.ledger.offers.get(name)
        if offer is None or not offer.thread.beside(event.thread):
            message = said("There is no estimate {id} in this repository.", id=name)
            raise OrderError(message, _ASK_AGAIN)
        if offer.run:
            raise _taken(offer)
        if self.clock() - offer.created_at > _OFFER_LIFE:
            raise OrderError(said("The estimate {id} is older than a day.", id=name), _ASK_AGAIN)
        if not await self.pictures.hold(offer.batch):
            message = said("The pictures of estimate {id} are not kept any more.", id=name)
            raise OrderError(message, _ASK_AGAIN)
        return offer

    async def _read(self, event: CommentEvent, command: Batch | Estimate) -> ParsedBatch:
        parsed = await read_batch(command, event.thread, self.host, self.rules.around)
        return await self.pictures.gather(event.thread, parsed)

    def _bill(self, parsed: ParsedBatch) -> Bill:
        rules = self.rules
        return estimate(
            parsed.config,
            images_per_minute=rules.images_per_minute,
            references=parsed.sizes,
            book=rules.prices,
        )


def _taken(offer: Offer) -> OrderError:
    message = said("The estimate {id} has been run already.", id=offer.id)
    return OrderError(message, _ASK_AGAIN, run=offer.run)


def _queued(run: Run, items: Sequence[Item]) -> RunView:
    return RunView(run, tuple(map(ItemView, items)))
