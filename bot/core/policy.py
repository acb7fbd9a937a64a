"""Who may spend, and how much: decided on values, before anything is asked of anybody."""

from dataclasses import dataclass
from datetime import datetime

from bot.core.event import CommentEvent
from bot.core.ports import Cap, Role
from bot.core.pricing import Money
from bot.core.run import Person, Thread


@dataclass(frozen=True, slots=True)
class Proceed:
    """The event may be a command for us."""


@dataclass(frozen=True, slots=True)
class Ignored:
    """The event is none of ours; `reason` is for the log, nobody is answered."""

    reason: str


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that may be spent in each scope; None is no limit. Days and months are UTC's."""

    run: Money | None = None
    person_day: Money | None = None
    repository_day: Money | None = None
    installation_month: Money | None = None
    server_day: Money | None = None


def is_addressed(event: CommentEvent, *, ours: int | None = None) -> Proceed | Ignored: ...
def decide_owner(event: CommentEvent, owners: frozenset[str]) -> None: ...
def decide_author(event: CommentEvent, role: Role, min_role: Role) -> None: ...
def decide_budget(upper_bound: Money | None, limits: Limits) -> None: ...
def caps(thread: Thread, author: Person, now: datetime, limits: Limits) -> tuple[Cap, ...]: ...
def narrow(limits: Limits, other: Limits) -> Limits: ...
