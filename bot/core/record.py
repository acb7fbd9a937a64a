"""The record of a run that stands hidden in its comment, for the next process that meets it.

A workflow's job keeps nothing but what GitHub shows, so the rule of the intent becomes: **an image
is called for only while the newest comment that GitHub has taken names it as perhaps called.**
Such images are those of calls under way and the next few, and an image that was named stays named
until what became of it is named instead. So whoever finds the comment of a dead job knows all that
may have been paid for: what is named as perhaps called is in doubt, and nobody but a person
orders it again; what is named as done is done; what is not named was never called.

The block is signed with a key that nobody in the thread has: our account's comments may hold
words of strangers, and people with write access can edit them.
"""

import base64
import hashlib
import hmac
import re
import zlib
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import datetime
from typing import Literal, NamedTuple

from pydantic import BaseModel, TypeAdapter

from bot.core import typed_json
from bot.core.attempts import Attempt, AttemptState
from bot.core.errors import Failure
from bot.core.plan import Item
from bot.core.pricing import Money
from bot.core.run import Extra, ItemView, Person, Run, RunState, RunView, Stop
from bot.core.said import restored, said, stored

MOST = 16_000
"""Characters of a block; what has no room loses the addresses of its files."""

MOST_IMAGES = 1_000
"""So many have room in a block, whatever became of each."""

_MOST_JSON = 2_000_000
_BLOCK = re.compile(
    r"<!-- gptimage-run:1:(?P<run>[a-z2-7]{10}):(?P<data>[\w-]+):(?P<mac>[0-9a-f]{32}) -->",
    re.ASCII,
)


class Try(NamedTuple):
    """One attempt; amounts are micro-dollars."""

    state: AttemptState
    order: int
    amount: int | None
    cost: int | None
    failure: Failure | None


class Entry(NamedTuple):
    """One image."""

    order: int
    cancelled: bool
    tries: tuple[Try, ...]
    url: str | None = None
    path: str | None = None
    thumbnail: str | None = None


class Lead(NamedTuple):
    """The job that leads a run: the workflow run that it is of, and which attempt of that."""

    workflow_run: int
    attempt: int


class Record(BaseModel, frozen=True):
    """What the next process has to know, beside the batch that it reads again.

    `comment` is the command's, `digest` the batch's, `offer` the estimate that it is of,
    `orders` are the comments that have ordered something of the run, and `lead` wrote this, with
    its `mark` on the comment.
    """

    v: Literal[1] = 1
    comment: int
    digest: str
    offer: str | None = None
    orders: tuple[str, ...] = ()
    lead: Lead
    mark: int | None = None
    state: RunState
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    resumed_at: datetime | None
    stop: Stop | None
    expected: int | None
    bound: int | None
    page: str | None
    note: str
    orderer: Person | None
    extras: tuple[Extra, ...]
    items: tuple[Entry, ...]

    @property
    def may_be_called(self) -> frozenset[int]:
        """The images for which a call may be under way, or may begin at any moment."""
        return frozenset(
            index
            for index, item in enumerate(self.items)
            if item.tries and item.tries[-1].state is AttemptState.STARTED
        )


_RECORD = TypeAdapter(Record)


class Signer:
    """Writes blocks, and reads those alone that it wrote."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def block(self, run: str, record: Record) -> str:
        """The block of the run, at most `MOST` characters; ValueError for one that is larger."""
        for each in (record, _plain(record)):
            data = _packed(each)
            text = f"<!-- gptimage-run:1:{run}:{data}:{self._mac(run, data)} -->"
            if len(text) <= MOST:
                return text
        raise ValueError(f"the record of {len(record.items)} images has no room")

    def read(self, comment: str) -> tuple[str, Record] | None:
        """The run of the comment and its record, if there is one of ours."""
        for found in _BLOCK.finditer(comment):
            if hmac.compare_digest(found["mac"], self._mac(found["run"], found["data"])):
                return found["run"], _unpacked(found["data"])
        return None

    def _mac(self, run: str, data: str) -> str:
        return hmac.new(self._key, f"{run}:{data}".encode(), hashlib.sha256).hexdigest()[:32]


def claims(comment: str) -> AbstractSet[str]:
    """The runs of which the comment says that it holds their record, whoever signed that."""
    return {found["run"] for found in _BLOCK.finditer(comment)}


def _packed(record: Record) -> str:
    packed = zlib.compress(record.model_dump_json().encode(), level=9)
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def _unpacked(data: str) -> Record:
    """Raises ValueError for what another version has written."""
    try:
        packed = base64.urlsafe_b64decode(data + "=" * (-len(data) % 4))
        text = zlib.decompressobj().decompress(packed, _MOST_JSON)
        return typed_json.read(_RECORD, text)
    except (ValueError, zlib.error) as error:
        raise ValueError("the record is of another version") from error


def _plain(record: Record) -> Record:
    items = (each._replace(url=None, path=None, thumbnail=None) for each in record.items)
    return record.model_copy(update={"items": tuple(items), "extras": ()})


# --- from a run, and back ---------------------------------------------------------------------


def record_of(
    view: RunView,
    digest: str,
    ahead: AbstractSet[int],
    bounds: tuple[Money | None, ...],
    lead: Lead,
) -> Record:
    """The record of a run that the job `lead` writes; images `ahead` are named as perhaps called.

    `bounds` are the most that a call may cost, for each job.
    """
    run = view.run
    if run.thread is None:
        raise ValueError("a run of the command line has no comment")
    return Record(
        comment=run.thread.comment,
        digest=digest,
        lead=lead,
        state=run.state,
        created_at=run.created_at,
        started_at=run.started_at,
        finished_at=run.finished_at,
        resumed_at=run.resumed_at,
        stop=run.stop,
        expected=_micros(run.expected),
        bound=_micros(run.upper_bound),
        page=run.page_url,
        note=stored(run.note),
        orderer=run.orderer,
        extras=run.extras,
        items=tuple(
            _named(item, bounds[item.item.job]) if item.item.index in ahead else _entry(item)
            for item in view.items
        ),
    )


def _entry(item: ItemView) -> Entry:
    tries = tuple(_try(attempt) for attempt in sorted(item.attempts, key=lambda a: a.number))
    return Entry(item.order, item.cancelled, tries, item.url, item.path, item.thumbnail)


def _named(item: ItemView, bound: Money | None) -> Entry:
    """The image as perhaps called, also if nothing was started so far."""
    entry = _entry(item)
    if entry.tries and entry.tries[-1].state is AttemptState.STARTED:
        return entry
    perhaps = Try(AttemptState.STARTED, item.order, _micros(bound), None, None)
    return entry._replace(tries=(*entry.tries, perhaps))


def _try(attempt: Attempt) -> Try:
    amount, cost = _micros(attempt.amount), _micros(attempt.cost)
    return Try(attempt.state, attempt.order, amount, cost, attempt.failure)


def view_of(record: Record, run: Run, items: tuple[Item, ...]) -> RunView:
    """The run as the record tells it, with what may have been called in doubt."""
    told = replace(
        run,
        state=record.state,
        created_at=record.created_at,
        started_at=record.started_at,
        finished_at=record.finished_at,
        resumed_at=record.resumed_at,
        stop=record.stop,
        expected=_money(record.expected),
        upper_bound=_money(record.bound),
        page_url=record.page,
        note=restored(record.note),
        orderer=record.orderer,
        extras=record.extras,
    )
    at = record.started_at or record.created_at
    views = (_item(item, entry, at) for item, entry in zip(items, record.items, strict=True))
    return RunView(told, tuple(views))


def _item(item: Item, entry: Entry, at: datetime) -> ItemView:
    attempts = tuple(_attempt(each, number, at) for number, each in enumerate(entry.tries, 1))
    return ItemView(
        item, attempts, entry.order, entry.cancelled, entry.url, entry.path, entry.thumbnail
    )


def _attempt(told: Try, number: int, at: datetime) -> Attempt:
    attempt = Attempt(
        number,
        told.order,
        told.state,
        at,
        settled_at=at,
        amount=_money(told.amount),
        cost=_money(told.cost),
        failure=told.failure,
    )
    if told.state is not AttemptState.STARTED:
        return attempt
    gone = said("the job ended during the call, or just before it")
    return replace(attempt, state=AttemptState.IN_DOUBT, failure=Failure.LOST, message=gone)


def _micros(money: Money | None) -> int | None:
    return None if money is None else money.micros


def _money(micros: int | None) -> Money | None:
    return None if micros is None else Money(micros)
