"""Runs, their items and calls, and the money set aside for them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.core.attempts import Attempt
from bot.core.batch import BatchConfig
from bot.core.errors import Failure
from bot.core.plan import Item
from bot.core.ports.leases import Lease
from bot.core.ports.outbox import Effect
from bot.core.pricing import Money, Usage
from bot.core.run import Extra, Offer, Person, Run, RunView, Stop, Thread


@dataclass(frozen=True, slots=True)
class Cap:
    """No more than `limit` may be reserved, in doubt or paid in one window of one scope.

    Examples: scope `server`, window `2026-11-21`; scope `installation:7`, window `2026-11`.
    `name` is for the sentence that refuses.
    """

    name: str
    scope: str
    window: str
    limit: Money


@dataclass(frozen=True, slots=True)
class Settlement:
    """How an attempt ended; without a failure it succeeded."""

    cost: Money | None = None
    usage: Usage | None = None
    failure: Failure | None = None
    in_doubt: bool = False
    message: str = ""
    retry_after: float | None = None
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Publication:
    """Where one item's file went, and a small copy of it."""

    item: int
    url: str | None
    path: str
    thumbnail: str | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """What a comment orders of a run that is there: once, whoever redelivers or edits it."""

    id: str  # of the comment, as runs are called after theirs
    delivery: Lease
    at: datetime
    effects: Sequence[Effect] = ()
    person: Person | None = None


class Runs(Protocol):
    async def open(
        self,
        run: Run,
        items: Sequence[Item],
        caps: Sequence[Cap] = (),
        effects: Sequence[Effect] = (),
        *,
        delivery: Lease | None = None,
        offer: str | None = None,
    ) -> bool:
        """Store run, items, reservations and effects and settle the delivery, all or nothing.

        False if the run exists already (then only the delivery is settled). Raises Refused when
        a cap would be exceeded: the reservation is the run's upper bound. Raises OfferTaken when
        another run was made of the offer, and LeaseLost.
        """
        ...

    async def has_acted(self, comment: str) -> bool:
        """Whether the comment of this id has a run of its own, or has ordered something of one."""
        ...

    async def newest(self, thread: Thread) -> str | None:
        """The id of the newest run below the issue or pull request of the thread."""
        ...

    async def get(self, run_id: str) -> RunView | None: ...

    async def begin(self, lease: Lease, now: datetime) -> Run:
        """The run is being worked on: queued becomes running; anything later stays."""
        ...

    async def start(
        self, lease: Lease, item: int, number: int, order: int, amount: Money | None, now: datetime
    ) -> Stop | None:
        """Record the intent of one paid call, durably. Raises LeaseLost, before any money.

        Once a stop is stored nothing is recorded any more: it is the answer, and nobody may call.
        Only one for the budget lets those begin that it has counted.
        """
        ...

    async def settle(
        self, lease: Lease, item: int, number: int, outcome: Settlement, now: datetime
    ) -> Attempt:
        """Record how the call ended; follows TRANSITIONS. Raises LeaseLost."""
        ...

    async def request_stop(
        self,
        run_id: str,
        stop: Stop,
        order: Order | None = None,
        faults: Sequence[str] = (),
        *,
        lease: Lease | None = None,
    ) -> bool:
        """Ask a run to start nothing more; False once it no longer waits or works.

        The first reason stays; `faults` are what it is about. An order is settled with it, and
        carried out once. Whoever drives the run names its lease: raises LeaseLost.
        """
        ...

    async def stop_requested(self, run_id: str) -> Stop | None: ...

    async def ended_in_doubt(self, run_ids: Sequence[str]) -> Sequence[str]:
        """Those of the runs that are done, and of which a call was given up without an outcome."""
        ...

    async def settled(self, lease: Lease) -> None:
        """Nothing more will be called: what never started is cancelled, the run is publishing.

        Raises LeaseLost, also where a run that was done has been ordered again meanwhile.
        """
        ...

    async def published(
        self,
        lease: Lease,
        files: Sequence[Publication],
        page_url: str | None,
        note: str,
        extras: Sequence[Extra] = (),
    ) -> None:
        """Record where the files went; extras of other names stay."""
        ...

    async def finish(
        self, lease: Lease, report: str, effects: Sequence[Effect], now: datetime
    ) -> None:
        """Store the report and the last word, and settle the reservations, in one transaction.

        What is in doubt stays reserved until its window ends.
        """
        ...

    async def reopen(
        self,
        seen: RunView,
        items: Sequence[int],
        amount: Money | None,
        now: datetime,
        caps: Sequence[Cap] = (),
        order: Order | None = None,
    ) -> bool:
        """A person orders these items again: each gets a new order, the run is queued again.

        `amount` is reserved in the caps, or Refused; the run's upper bound becomes what it has
        spent and `amount`. False unless the run is done, and nothing became of it since it was
        seen: what has come into doubt meanwhile nobody has ordered. An order is settled with it,
        and carried out once; its person is the run's `orderer`.
        """
        ...

    async def resume(self, run: Run, now: datetime) -> bool:
        """A person goes on with the run of this id, within the limits of this batch.

        It has its working time anew, and nothing stops it any more. False while somebody holds it.
        """
        ...

    async def unfinished(self, now: datetime, limit: int = 100) -> Sequence[str]:
        """Ids of runs that are not done and that nobody holds, oldest first."""
        ...

    async def batches(self) -> Sequence[BatchConfig]:
        """What the runs want that are not done."""
        ...

    async def left(self, caps: Sequence[Cap]) -> Sequence[Money]:
        """What each cap still has room for, in their order; never below nothing."""
        ...


class Offers(Protocol):
    async def keep(
        self, offer: Offer, effects: Sequence[Effect], *, delivery: Lease, now: datetime
    ) -> None:
        """Store it, owe the effects and settle the delivery, in one transaction.

        One of the same id stays as it is. Raises LeaseLost.
        """
        ...

    async def get(self, offer_id: str) -> Offer | None: ...
