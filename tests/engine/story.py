"""What may happen to a run, as values."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from bot.core.batch import BatchConfig
from bot.core.errors import Charge, Failure


class Outcome(StrEnum):
    """What the image server does with one call."""

    IMAGE = "image"
    RATE_LIMIT = "rate limit"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    NO_ANSWER = "no answer"
    BROKEN = "broken"
    UNUSABLE = "unusable"
    FULL_DISK = "full disk"


ERRORS = {
    Outcome.RATE_LIMIT: (Failure.RATE_LIMIT, Charge.NOT_CHARGED),
    Outcome.REFUSED: (Failure.MODERATION, Charge.NOT_CHARGED),
    Outcome.UNREACHABLE: (Failure.CONNECTION, Charge.NOT_CHARGED),
    Outcome.NO_ANSWER: (Failure.TIMEOUT, Charge.IN_DOUBT),
    Outcome.BROKEN: (Failure.SERVER_ERROR, Charge.IN_DOUBT),
    Outcome.UNUSABLE: (Failure.BAD_ANSWER, Charge.IN_DOUBT),
}
FREE = frozenset(o for o, (_, charge) in ERRORS.items() if charge is Charge.NOT_CHARGED)


class Ending(StrEnum):
    """How a process ends before its work is done."""

    DIES = "dies"
    FREEZES = "freezes"  # and wakes up after somebody else has taken its lease
    DRAINS = "drains"  # SIGTERM


@dataclass(frozen=True)
class Fate:
    ending: Ending
    step: int


@dataclass(frozen=True)
class Story:
    """One run of the world; `cancel` is the step of the whole story at which a person stops it."""

    batch: BatchConfig
    outcomes: Sequence[Outcome] = ()
    fates: Sequence[Fate] = ()
    cancel: int | None = None
    again: bool = False  # a person orders what failed or is in doubt once more
