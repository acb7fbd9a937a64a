"""A run and its images, as the ledger tells them; everything that can be derived is derived."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Literal

from bot.core.attempts import Attempt, AttemptState, Call, Wait, next_step
from bot.core.batch import BatchConfig
from bot.core.errors import Charge, Failure
from bot.core.language import Language
from bot.core.plan import Item
from bot.core.pricing import Money, PriceBook, calls_in_doubt, upper_bound


@dataclass(frozen=True, slots=True)
class Thread:
    """The comment that started it all, and where it stands; ids are GitHub's."""

    installation: int
    repository_id: int
    repository: str  # "owner/name"
    private: bool
    issue: int
    comment: int

    @property
    def place(self) -> str:
        """What all comments below one issue or pull request share."""
        return f"{self.installation}/{self.repository_id}/{self.issue}"

    def beside(self, other: "Thread") -> bool:
        """Whether both are in one repository, as one installation sees it."""
        return (self.installation, self.repository_id) == (other.installation, other.repository_id)


@dataclass(frozen=True, slots=True)
class Person:
    """Who asked: budgets count the id, sentences say the login."""

    id: int
    login: str


class RunState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    PUBLISHING = "publishing"  # every item is settled; files go out
    DONE = "done"


class Stop(StrEnum):
    """Why a run starts nothing more before its end."""

    CANCELLED = "cancelled"  # a person said so
    TIMEOUT = "timeout"  # the batch's own working time is over
    INTERRUPTED = "interrupted"  # Ctrl-C or SIGTERM at the command line
    REFUSED = "refused"  # the key, the organisation or the credit: no call can succeed
    BUDGET = "budget"  # the next call could exceed what the run may cost
    FAULT = "fault"  # this machine cannot keep answers, so it must not pay for more
    PERMISSION = "permission"  # when its turn came, its author might not spend there any more
    UNCHECKED = "unchecked"  # and this, if nobody could say whether they may
    RULES = "rules"  # and this, if the repository's file had faults by then


class FileKind(StrEnum):
    """What a published file is."""

    IMAGE = "image"
    THUMBNAIL = "thumbnail"  # a small copy of an image, to be shown in its place
    SHEET = "sheet"  # a picture of many images
    ARCHIVE = "archive"  # many images in one file
    REPORT = "report"


@dataclass(frozen=True, slots=True)
class Extra:
    """A published file that is none of the images."""

    kind: FileKind
    name: str
    url: str


SIMULATED = "simulated:"
"""Before the digest of a run whose images are none: they are not those of a real one."""


Wish = Literal["release", "branch"]
"""Where a repository may want its files: the folders of a server are its operator's."""


@dataclass(frozen=True, slots=True)
class Run:
    """One execution of a batch; `thread` and `author` are None at the command line."""

    id: str
    state: RunState
    batch: BatchConfig
    created_at: datetime
    thread: Thread | None = None
    author: Person | None = None
    warnings: tuple[str, ...] = ()
    expected: Money | None = None  # the estimate's middle
    upper_bound: Money | None = None  # what is reserved; None where a price is unknown
    started_at: datetime | None = None
    finished_at: datetime | None = None
    stop: Stop | None = None
    page_url: str | None = None  # where the files are, once they are published
    note: str = ""  # what a reader must know of the publication, such as a fallback
    digest: str | None = None  # of the batch: equal ones make the same images
    resumed_at: datetime | None = None  # when a person last went on with it, or ordered again
    orderer: Person | None = None  # who ordered it again, if that was a comment; last of all
    claims: int = 0  # how often it had been claimed before it was last ordered
    language: Language | None = None  # of its thread; None: whichever the server speaks
    destination: Wish | None = None  # where its repository wants the files; None: it does not say
    extras: tuple[Extra, ...] = ()  # what was published beside the images
    pruned_at: datetime | None = None  # since then its report is all that is kept
    faults: tuple[str, ...] = ()  # of the repository's file, if that is why it was stopped

    def beside(self, kind: FileKind) -> tuple[Extra, ...]:
        """What was published beside the images, of one kind."""
        return tuple(extra for extra in self.extras if extra.kind is kind)

    @property
    def waits_since(self) -> datetime:
        """When it last took its place in the line."""
        return self.resumed_at or self.created_at

    @property
    def simulated(self) -> bool:
        """Whether its images were asked of a simulator, for nothing."""
        return self.digest is not None and self.digest.startswith(SIMULATED)


@dataclass(frozen=True, slots=True)
class Offer:
    """A batch and its price, as an estimate has answered them; `run` is the one made of it."""

    id: str
    thread: Thread
    author: Person
    batch: BatchConfig
    warnings: tuple[str, ...]
    expected: Money | None
    upper_bound: Money | None
    created_at: datetime
    run: str | None = None


class ItemState(StrEnum):
    RESERVED = "reserved"
    STARTED = "started"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    IN_DOUBT = "in_doubt"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class ItemView:
    """One image wanted, and all that was tried for it.

    `order` counts how often a person asked for it. `url` and `path` are set when it is published;
    `path` is where it really went, which may differ from the planned one. `thumbnail` is the
    address of a small copy, if there is one.
    """

    item: Item
    attempts: tuple[Attempt, ...] = ()
    order: int = 1
    cancelled: bool = False
    url: str | None = None
    path: str | None = None
    thumbnail: str | None = None

    @property
    def number(self) -> int:
        """How people call it: the first image of a batch is 1."""
        return self.item.index + 1

    @property
    def last(self) -> Attempt | None:
        """The latest attempt, if there is one."""
        return self.attempts[-1] if self.attempts else None

    @property
    def winner(self) -> Attempt | None:
        """The attempt that gave the image, if one did."""
        won = (a for a in self.attempts if a.state is AttemptState.SUCCEEDED)
        return next(won, None)

    @property
    def state(self) -> ItemState:
        """What became of it so far; an image that is there outranks everything else.

        What may be billed already comes next: no later call that failed for free settles it.
        """
        if self.winner:
            return ItemState.SUCCEEDED
        if self.last is None or (self.last.order < self.order and not self.cancelled):
            return ItemState.CANCELLED if self.cancelled else ItemState.RESERVED
        if self.last.state is AttemptState.STARTED:
            return ItemState.STARTED
        if self.is_doubtful:
            return ItemState.IN_DOUBT
        return ItemState.CANCELLED if self.cancelled else ItemState.FAILED

    @property
    def is_doubtful(self) -> bool:
        """Whether it has no image and may be billed: nobody but a person orders it again."""
        return self.charge is Charge.IN_DOUBT

    @property
    def misses(self) -> Sequence[Attempt]:
        """The calls that say why it has no image: the last one in doubt, and the last of all."""
        doubts = [each for each in self.attempts if each.charge is Charge.IN_DOUBT]
        told = {each.number: each for each in (*doubts[-1:], *self.attempts[-1:])}
        return () if self.winner else tuple(told.values())

    @property
    def failure(self) -> Failure | None:
        """The class of the last failure of an item that has no image."""
        return self.last.failure if self.last and not self.winner else None

    @property
    def paid(self) -> Money | None:
        """What its images cost; None where no price is known."""
        return total(a.cost for a in self.attempts if a.state is AttemptState.SUCCEEDED)

    @property
    def in_doubt(self) -> Money | None:
        """The most that calls without a known outcome may have cost."""
        return total(a.amount for a in self.attempts if a.charge is Charge.IN_DOUBT)

    @property
    def charge(self) -> Charge:
        """Paid, perhaps paid, or not."""
        charges = {a.charge for a in self.attempts}
        if self.winner:
            return Charge.PAID
        return Charge.IN_DOUBT if Charge.IN_DOUBT in charges else Charge.NOT_CHARGED


@dataclass(frozen=True, slots=True)
class RunView:
    """A run with its items, in the batch's order."""

    run: Run
    items: tuple[ItemView, ...] = field(default=())

    @property
    def paid(self) -> Money | None:
        """What the run cost so far; None where no price is known."""
        return total(view.paid for view in self.items)

    @property
    def in_doubt(self) -> Money | None:
        """The most that calls without a known outcome may have cost."""
        return total(view.in_doubt for view in self.items)

    def count(self) -> Counter[ItemState]:
        """How many items are in each state."""
        return Counter(view.state for view in self.items)

    @property
    def unpublished(self) -> int:
        """How many images were made that can be seen nowhere."""
        made = (view for view in self.items if view.state is ItemState.SUCCEEDED)
        return sum(view.url is None for view in made)

    def warned(self, *warnings: str) -> "RunView":
        """The same, with more that its reader must know."""
        return replace(self, run=replace(self.run, warnings=(*self.run.warnings, *warnings)))

    def of_job(self, job: int) -> tuple[ItemView, ...]:
        """The items of one job, by the job's index in the batch."""
        return tuple(view for view in self.items if view.item.job == job)


def total(amounts: Iterable[Money | None]) -> Money | None:
    """The sum; None as soon as one amount is unknown, because a partial bill misleads."""
    known = Money(0)
    for amount in amounts:
        if amount is None:
            return None
        known += amount
    return known


_EVER = datetime.min.replace(tzinfo=UTC)


def working_time(view: RunView, now: datetime) -> timedelta:
    """How long the run has worked: the time in which at least one of its calls was under way.

    Waiting in the queue or for the rate limit does not count, nor does a call whose process died.
    Who goes on with a run gives it its working time anew: only calls since then count.
    """
    since = view.run.resumed_at or _EVER
    spans = sorted(
        (attempt.started_at, attempt.settled_at or now)
        for item in view.items
        for attempt in item.attempts
        if attempt.failure is not Failure.LOST and attempt.started_at >= since
    )
    worked, edge = timedelta(0), _EVER
    for start, end in spans:
        worked += max(end - max(start, edge), timedelta(0))
        edge = max(edge, end)
    return worked


def elapsed(view: RunView, now: datetime) -> timedelta:
    """From the run's start to its end, or to now, without the pause before it was gone on with."""
    run = view.run
    start, end = run.started_at or run.created_at, run.finished_at or now
    resumed = run.resumed_at or start
    ends = (attempt.settled_at for item in view.items for attempt in item.attempts)
    left = max((each for each in ends if each and each <= resumed), default=start)
    return end - start - max(resumed - left, timedelta(0))


def left_over(view: RunView, *, doubts: bool) -> tuple[ItemView, ...]:
    """The items of a finished run that have no image, for a person who orders them again.

    Those that may have been paid for already are among them only with `doubts`.
    """
    return tuple(
        item for item in view.items if item.winner is None and (doubts or not item.is_doubtful)
    )


def most(batch: BatchConfig, items: Iterable[ItemView], prices: PriceBook) -> Money | None:
    """The most that the items may cost if they are called for once more."""
    once = total(upper_bound(batch.jobs[item.item.job], prices) for item in items)
    return None if once is None else once * calls_in_doubt(batch)


def wanted_again(view: RunView, *, doubts: bool) -> tuple[ItemView, ...]:
    """The items that are called if a person goes on with the run as it was left."""
    called = {item.item.index for item in (*left_over(view, doubts=doubts), *unsettled(view))}
    return tuple(item for item in view.items if item.item.index in called)


def unsettled(view: RunView) -> tuple[ItemView, ...]:
    """The items that would still be called if the run went on."""
    policy, moment = view.run.batch.retry_policy, view.run.created_at
    return tuple(
        item
        for item in view.items
        if not (item.winner or item.cancelled)
        and isinstance(next_step(item.attempts, policy, moment, order=item.order), Call | Wait)
    )
