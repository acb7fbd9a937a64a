"""Keeps the record of a run in its comment, and calls for nothing that it does not name.

The rule and why it is enough: see `bot.core.record`. What GitHub has taken is what counts, so a
call waits until its image is named there; the next few images are named with it, so that most
calls need not wait. An edit leaves when one of them is wanted, and at most ten seconds after the
one before it where the run changes.
"""

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from bot.core.batch import BatchConfig
from bot.core.errors import Charge, Failure, LedgerBusy, ProviderError
from bot.core.plan import ImageCall
from bot.core.ports import Answer, Clock, ImageProvider, Ledger
from bot.core.pricing import PriceBook, upper_bound
from bot.core.record import Lead, Signer, record_of
from bot.core.run import ItemState, RunState, RunView, unsettled
from bot.core.said import said
from bot.engine.drain import Drain
from bot.engine.outbox import Postman
from bot.engine.thread import comment

_OVER = frozenset({RunState.PUBLISHING, RunState.DONE})
_LOOK = 1.0  # seconds between two edits that calls wait for
_PATIENCE = 120  # looks, after which a run stops whose comment cannot be edited
_STRIKES = 3  # refusals for good, after which it stops at once
_LATER = timedelta(days=1)


def digest(batch: BatchConfig, home: str) -> str:
    """Of the batch as any job reads it, wherever its pictures are kept."""
    text = batch.model_dump_json().replace(home, "")
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def named_ahead(view: RunView, named: frozenset[int]) -> frozenset[int]:
    """What was named and is not settled, and the next few of a run that goes on."""
    if view.run.state in _OVER:
        return frozenset()
    left = [item.item.index for item in unsettled(view)]
    under_way = {i.item.index for i in view.items if i.state is ItemState.STARTED}
    few = 0 if view.run.stop else 2 * view.run.batch.max_concurrent
    return (named & {*left, *under_way}) | under_way | frozenset(left[:few])


@dataclass(frozen=True, slots=True)
class Subject:
    """The run that this job follows, and what its record tells beside it.

    `links` are the lines of the comment that lead to artifacts of earlier jobs, `mark` is the job's
    own on the comment.
    """

    run: str
    lead: Lead
    offer: str | None = None
    orders: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    mark: int | None = None


class Scribe:
    """What stands hidden in the run's comment; nothing in others."""

    def __init__(self, ledger: Ledger, signer: Signer, prices: PriceBook, home: str) -> None:
        self._ledger = ledger
        self._signer = signer
        self._prices = prices
        self._home = home
        self._subject: Subject | None = None
        self._named: frozenset[int] = frozenset()
        self._given: frozenset[int] = frozenset()
        self._taken: frozenset[int] = frozenset()

    def follow(self, subject: Subject | None) -> None:
        """From now on the record of this run is kept; of None, no record."""
        self._subject = subject

    def names(self, image: int) -> bool:
        """Whether GitHub shows that this image may be called for."""
        return image in self._taken

    async def beside(self, effect_id: str) -> str:
        """The record of the run as it is now, in its own comment, below links to artifacts."""
        subject = self._subject
        if subject is None or effect_id != f"comment-{subject.run}":
            return ""
        view = await self._ledger.runs.get(subject.run)
        if view is None:
            return ""
        self._named = named_ahead(view, self._named)
        bounds = tuple(upper_bound(job, self._prices) for job in view.run.batch.jobs)
        record = record_of(
            view, digest(view.run.batch, self._home), self._named, bounds, subject.lead
        ).model_copy(update=await self._told(subject))
        self._given = record.may_be_called
        shown = "".join(f"{line}\n\n" for line in subject.links)
        return f"{shown}{self._signer.block(subject.run, record)}\n"

    def stands(self, effect_id: str) -> None:
        """GitHub has taken what `beside` gave last."""
        if self._subject and effect_id == f"comment-{self._subject.run}":
            self._taken = self._given

    async def _told(self, subject: Subject) -> Mapping[str, object]:
        orders = await self._orders(subject)
        return {"offer": subject.offer, "orders": orders, "mark": subject.mark}

    async def _orders(self, subject: Subject) -> tuple[str, ...]:
        """Those comments of which an order has been carried out."""
        return tuple(
            [order for order in subject.orders if await self._ledger.runs.has_acted(order)]
        )


class Announced:
    """The port `ImageProvider`, whose calls wait until the run's comment names their images."""

    def __init__(
        self,
        provider: ImageProvider,
        scribe: Scribe,
        ledger: Ledger,
        postman: Postman,
        drain: Drain,
        clock: Clock,
        words: Callable[[RunView], str],
    ) -> None:
        self._provider = provider
        self._scribe = scribe
        self._ledger = ledger
        self._postman = postman
        self._drain = drain
        self._clock = clock
        self._words = words
        self._showing = asyncio.Lock()
        self._shows = 0
        self._given_up = asyncio.Event()

    def give_up(self) -> None:
        """Await no call any more, for this process is to end: those under way are in doubt."""
        self._given_up.set()

    async def create(self, call: ImageCall, key: str, kept: Callable[[], None]) -> Answer:
        """Issue the call when GitHub shows that it may be. Raises ProviderError."""
        run, _, name = key.partition("/")
        await self._named(run, name.rpartition("-")[0])
        calling = asyncio.create_task(self._provider.create(call, key, kept))
        giving_up = asyncio.create_task(self._given_up.wait())
        await asyncio.wait({calling, giving_up}, return_when=asyncio.FIRST_COMPLETED)
        giving_up.cancel()
        if not calling.done():
            calling.cancel()
            await asyncio.wait({calling})
        if calling.cancelled():
            message = said("the job ended during the call, or just before it")
            raise ProviderError(Failure.LOST, message, charge=Charge.IN_DOUBT)
        return calling.result()

    async def recall(self, key: str) -> Answer | None:
        """The answer in the spool, if there is one."""
        return await self._provider.recall(key)

    async def _named(self, run: str, item: str) -> None:
        strikes = 0
        for _ in range(_PATIENCE):
            view = await self._view(run)
            image = next(each.item.index for each in view.items if each.item.id == item)
            if self._scribe.names(image):
                return
            if self._drain.asked or view.run.stop:
                message = said("the run was stopped before this call")
                raise ProviderError(Failure.CONNECTION, message, charge=Charge.NOT_CHARGED)
            async with self._showing:
                if not self._scribe.names(image):
                    await self.show(await self._view(run))
            if not self._scribe.names(image):
                strikes += await self._is_refused(run)
                if strikes == _STRIKES:
                    break
                await self._drain.wait(_LOOK)
        message = said("the comment that records the run could not be edited")
        raise ProviderError(Failure.STORAGE, message, charge=Charge.NOT_CHARGED)

    async def show(self, view: RunView) -> None:
        """Edit the run's comment, also where its words are the same as before."""
        if view.run.thread is None:
            return
        self._shows += 1
        effect = comment(view.run.thread, f"{self._words(view)}\n<!-- {self._shows} -->")
        try:
            await self._ledger.outbox.say(effect, self._clock())
        except LedgerBusy:
            return
        await self._postman.deliver(effect.id)

    async def _is_refused(self, run: str) -> bool:
        """Whether GitHub has refused the newest words for good: then they are owed no more."""
        owed = await self._ledger.outbox.owed(self._clock() + _LATER)
        return f"comment-{run}" not in owed

    async def _view(self, run: str) -> RunView:
        view = await self._ledger.runs.get(run)
        if view is None:
            raise LookupError(run)
        return view
