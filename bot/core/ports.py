"""The outside, as the engine sees it: one page of Protocols, and the values that cross them."""

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from typing import Protocol

from bot.core.attempts import Attempt
from bot.core.errors import Failure
from bot.core.event import CommentEvent
from bot.core.parse import ParsedBatch
from bot.core.plan import ImageCall, Item
from bot.core.pricing import Money, Usage
from bot.core.run import (
    Extra,
    FileKind,
    ItemView,
    Offer,
    Person,
    Run,
    RunView,
    Stop,
    Thread,
)

Clock = Callable[[], datetime]


# --- the image provider and the spool ---------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer, durable in the spool: the image's key there, and what it says of itself.

    `usage` is None where the server does not tell. `size` and `quality` are those really used.
    `kept_at` is when it was complete in the spool, which may be long before it is read again.
    """

    image: str
    media_type: str
    bytes: int
    width: int
    height: int
    usage: Usage | None = None
    size: str | None = None
    quality: str | None = None
    request_id: str | None = None
    kept_at: datetime | None = None


class ImageProvider(Protocol):
    async def create(self, call: ImageCall, key: str, kept: Callable[[], None]) -> Answer:
        """Issue one call, once, and keep its answer in the spool under `key`.

        `kept` is called when the answer is durable there, before it is read.
        Raises ProviderError, which says what the call may have cost. Never repeats a call.
        """
        ...

    async def recall(self, key: str) -> Answer | None:
        """The answer that an earlier call left in the spool under `key`, if it is complete."""
        ...


class SpoolWriter(Protocol):
    async def write(self, data: bytes) -> None: ...


class Spool(Protocol):
    """Answers between their arrival and their publication. Keys look like `run/item-1.answer`."""

    def receive(self, key: str, room: int = 0) -> AbstractAsyncContextManager[SpoolWriter]:
        """Write under `key`: durable when the block ends well, absent when it does not.

        Raises OSError at once where there is no room for so many bytes.
        """
        ...

    async def fetch(self, key: str) -> str | None:
        """The path of a local file with the bytes under `key`; None if there are none."""
        ...

    async def discard(self, prefix: str) -> None:
        """Forget every key that begins with `prefix`; nothing happens if there is none."""
        ...


# --- the ledger -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to act on one subject (`run:…`, `effect:…`, `writes:…`) until it expires.

    Whoever claims the subject next raises the epoch; a write with an old epoch changes nothing.
    """

    subject: str
    epoch: int
    until: datetime


class Leases(Protocol):
    async def claim(self, subject: str, now: datetime, ttl: timedelta) -> Lease | None:
        """Take the subject, unless somebody holds it."""
        ...

    async def renew(self, lease: Lease, now: datetime, ttl: timedelta) -> Lease:
        """Hold on to it; raises LeaseLost if somebody else has taken it."""
        ...

    async def release(self, lease: Lease) -> None:
        """Let it go at once; nothing happens if it is lost already."""
        ...

    async def free_at(self, subject: str) -> datetime:
        """When the subject may be claimed; in the past if it may be now."""
        ...


@dataclass(frozen=True, slots=True)
class Delivery:
    """A command that GitHub told us of; `id` is derived from the comment, `guid` is not signed."""

    id: str
    guid: str
    event: CommentEvent
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Heard:
    """How many commands of people and bots with rights a thread has heard in some time."""

    commands: int
    by_bots: int


class Inbox(Protocol):
    async def receive(self, delivery: Delivery) -> bool:
        """Keep it, durably; False if the same command was received before. Raises LedgerBusy."""
        ...

    async def get(self, delivery_id: str) -> Delivery | None:
        """The delivery while it is unsettled; None once it is, or if it never came."""
        ...

    async def settle(self, lease: Lease, now: datetime, effects: Sequence["Effect"] = ()) -> None:
        """Mark it as answered, and owe the effects, in one transaction. Raises LeaseLost."""
        ...

    async def hear(self, delivery: Delivery, since: datetime) -> Heard:
        """Count it among the commands of its thread, once; says how many came since then."""
        ...

    async def unsettled(self, now: datetime, limit: int = 100) -> Sequence[str]:
        """Ids without a live lease, oldest first."""
        ...


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
    effects: Sequence["Effect"] = ()


class Runs(Protocol):
    async def open(
        self,
        run: Run,
        items: Sequence[Item],
        caps: Sequence[Cap] = (),
        effects: Sequence["Effect"] = (),
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
    ) -> None:
        """Record the intent of one paid call, durably. Raises LeaseLost, before any money."""
        ...

    async def settle(
        self, lease: Lease, item: int, number: int, outcome: Settlement, now: datetime
    ) -> Attempt:
        """Record how the call ended; follows TRANSITIONS. Raises LeaseLost."""
        ...

    async def request_stop(self, run_id: str, stop: Stop, order: Order | None = None) -> bool:
        """Ask a run to start nothing more; False once all its items are settled.

        The first reason stays. An order is settled with it, and carried out once.
        """
        ...

    async def stop_requested(self, run_id: str) -> Stop | None: ...

    async def settled(self, lease: Lease) -> None:
        """Nothing more will be called: what never started is cancelled, the run is publishing."""
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
        self, lease: Lease, report: str, effects: Sequence["Effect"], now: datetime
    ) -> None:
        """Store the report and the last word, and settle the reservations, in one transaction.

        What is in doubt stays reserved until its window ends.
        """
        ...

    async def reopen(
        self,
        run_id: str,
        items: Sequence[int],
        amount: Money | None,
        now: datetime,
        caps: Sequence[Cap] = (),
        order: Order | None = None,
    ) -> bool:
        """A person orders these items again: each gets a new order, the run is queued again.

        `amount` is reserved in the caps, or Refused; the run's upper bound becomes what it has
        spent and `amount`. False unless the run is done. An order is settled with it, and carried
        out once.
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

    async def queued(self) -> int:
        """How many runs wait for their turn."""
        ...

    async def left(self, caps: Sequence[Cap]) -> Sequence[Money]:
        """What each cap still has room for, in their order; never below nothing."""
        ...


class EffectKind(StrEnum):
    COMMENT = "comment"  # posted once, edited from then on
    REACTION = "reaction"


@dataclass(frozen=True, slots=True)
class Effect:
    """Something that must come to stand on GitHub; saying it again under its id replaces it."""

    id: str
    kind: EffectKind
    thread: Thread
    body: str


@dataclass(frozen=True, slots=True)
class OwedEffect:
    """An effect and how far it got. `attempted`: a post may have happened. `remote`: its id."""

    effect: Effect
    version: int
    created_at: datetime
    attempted: bool = False
    remote: int | None = None
    tries: int = 0


class Outbox(Protocol):
    async def say(self, effect: Effect, now: datetime) -> None:
        """Owe it, in place of what was owed under the same id; equal words cost nothing."""
        ...

    async def get(self, effect_id: str, now: datetime) -> OwedEffect | None:
        """The effect, if it is due and what GitHub shows is older than what is owed."""
        ...

    async def remote(self, effect_id: str) -> int | None:
        """GitHub's id of what stands there, if it has been posted."""
        ...

    async def attempting(self, lease: Lease) -> None:
        """Record, before a post, that one may have happened. Raises LeaseLost."""
        ...

    async def delivered(self, lease: Lease, version: int, remote: int) -> None:
        """Record what GitHub shows now. Raises LeaseLost."""
        ...

    async def postpone(self, lease: Lease, until: datetime, *, attempted: bool) -> None:
        """Not before that time: GitHub asked for a pause, or did not answer.

        `attempted` is false where nothing can have been posted so far.
        """
        ...

    async def give_up(self, lease: Lease, version: int, why: str) -> None:
        """These words can never be delivered (the comment is gone); newer ones are tried."""
        ...

    async def owed(self, now: datetime, limit: int = 100) -> Sequence[str]:
        """Ids that are due and that nobody delivers now, oldest first."""
        ...


@dataclass(frozen=True, slots=True)
class Sending:
    """One try of GitHub's to deliver an event to us; those of one event share the guid."""

    id: int
    guid: str
    at: datetime
    arrived: bool


@dataclass(frozen=True, slots=True)
class MissedDelivery:
    """An event of which no sending has arrived; `tries`: how often we asked for another one."""

    guid: str
    sending: int
    tries: int = 0


class Missed(Protocol):
    """What GitHub could not deliver; writes need the lease on `log:deliveries`."""

    async def read_to(self) -> datetime | None:
        """Up to when GitHub's log has been read; None if it never was."""
        ...

    async def record(
        self, lease: Lease, arrived: Collection[str], lost: Sequence[Sending], now: datetime
    ) -> None:
        """Keep what the log says up to now, in one transaction. Raises LeaseLost."""
        ...

    async def next_due(self, now: datetime) -> MissedDelivery | None:
        """The one that is to be asked for next."""
        ...

    async def asked(self, lease: Lease, guid: str, until: datetime) -> None:
        """GitHub was asked for it, and is not to be asked again before then. Raises LeaseLost."""
        ...

    async def forget(self, lease: Lease, guid: str) -> None:
        """GitHub cannot send it again. Raises LeaseLost."""
        ...

    async def forget_before(self, lease: Lease, moment: datetime) -> None:
        """GitHub cannot send again what was noticed before then. Raises LeaseLost."""
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


class Ledger(Protocol):
    """The truth, in four parts; every method commits before it returns."""

    @property
    def leases(self) -> Leases: ...
    @property
    def inbox(self) -> Inbox: ...
    @property
    def runs(self) -> Runs: ...
    @property
    def outbox(self) -> Outbox: ...
    @property
    def offers(self) -> Offers: ...


# --- GitHub -----------------------------------------------------------------------------------


class Role(IntEnum):
    """Roles of a person in a repository, in rising order; a custom role counts as its base."""

    NONE = 0
    READ = 1
    TRIAGE = 2
    WRITE = 3
    MAINTAIN = 4
    ADMIN = 5


class NoFile(StrEnum):
    """Why there is nothing to read under a path."""

    MISSING = "missing"  # or hidden from us
    FOLDER = "folder"
    LINK = "link"  # to something that is no file of the repository
    SUBMODULE = "submodule"
    TOO_LARGE = "too_large"


class Host(Protocol):
    """GitHub, as far as a thread needs it; every method raises HostError and writes once."""

    async def role(self, thread: Thread, login: str) -> Role: ...

    async def owner(self, thread: Thread) -> Person:
        """The account that the thread's repository belongs to now."""
        ...

    async def is_member(self, thread: Thread, team: str, login: str) -> bool:
        """Whether a person is in a team (`org/team`) of the thread's organisation."""
        ...

    async def react(self, thread: Thread, content: str) -> int:
        """React to the command's comment; the same reaction twice is one."""
        ...

    async def post(self, thread: Thread, body: str) -> int:
        """Post a comment in the thread; gives its id."""
        ...

    async def edit(self, thread: Thread, comment: int, body: str) -> None: ...

    async def find(self, thread: Thread, marker: str, since: datetime) -> int | None:
        """The id of our own comment that holds the marker, if there is one."""
        ...

    def page(self, thread: Thread, comment: int) -> str:
        """Where people read a comment of the thread."""
        ...

    async def file(self, thread: Thread, path: str, most: int) -> bytes | NoFile:
        """A file of the default branch, of at most so many bytes; or why there is none."""
        ...

    async def shared_file(self, thread: Thread, path: str, most: int) -> bytes | NoFile:
        """The same from `.github`, the repository in which the thread's owner says things for all.

        It is missing also where we may not see that repository.
        """
        ...


class Pictures(Protocol):
    """The reference images and masks that a comment names."""

    async def gather(self, thread: Thread, parsed: ParsedBatch) -> ParsedBatch:
        """The batch with files of ours in their places, sound ones, and their sizes.

        Raises BatchError with all that cannot be used, each at the field that names it.
        """
        ...


class HookLog(Protocol):
    """GitHub's log of what it sent to our webhook; every method raises HostError."""

    async def sendings(self, since: datetime) -> Sequence[Sending]:
        """Each try to deliver what may be a command, newest first; not those under way."""
        ...

    async def send_again(self, sending: int) -> None:
        """Let GitHub deliver the event of this sending once more."""
        ...


# --- publishing -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Made:
    """How a picture came about."""

    item: ItemView
    answer: Answer


@dataclass(frozen=True, slots=True)
class File:
    """A local file to publish for an item (None: beside the images) under a name."""

    item: int | None
    name: str
    source: str
    media_type: str
    made: Made | None = None
    kind: FileKind = FileKind.IMAGE


@dataclass(frozen=True, slots=True)
class Published:
    """What a destination did; `note` is said in the thread when it is not empty."""

    files: tuple[Publication, ...]
    page_url: str | None = None
    note: str = ""
    extras: tuple[Extra, ...] = ()


class Destination(Protocol):
    async def publish(self, run: Run, files: Sequence[File]) -> Published:
        """Put the files where people can fetch them; again for the same files changes nothing."""
        ...


# --- scheduling and pacing --------------------------------------------------------------------


class Task(StrEnum):
    INTAKE = "intake"
    RUN = "run"
    DELIVER = "deliver"


class Scheduler(Protocol):
    async def schedule(self, task: Task, subject: str) -> None:
        """See that the task is done, now or later, at least once; may be lost, never believed."""
        ...


class Pace(Protocol):
    """How fast images may be asked for; shared by everything that uses the same key."""

    async def acquire(self) -> None:
        """Wait for a place."""
        ...

    async def slow_down(self, seconds: float) -> None:
        """The server asked for a pause; never fails, and takes a second at most."""
        ...


Watch = Callable[[RunView], None]
"""Told what a run has come to, again and again, and at its end; must return at once."""
