"""When may the provider be called, so that no image is paid for twice?

The provider has no idempotency key, so the only safe order is: record the intent, call once,
keep the answer, record the outcome. An intent without an outcome is *in doubt*: the image may
exist and be billed, and nobody but a person may ask for it again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot.core.batch import RetryPolicy
from bot.core.errors import Charge, Failure
from bot.core.pricing import Money, Usage

# The clocks of two machines may differ by this much.
_SKEW = timedelta(minutes=1)


class AttemptState(StrEnum):
    STARTED = "started"  # the intent is recorded; the call may be under way
    SUCCEEDED = "succeeded"
    FAILED = "failed"  # provably not charged
    IN_DOUBT = "in_doubt"  # perhaps charged


TRANSITIONS: dict[AttemptState, frozenset[AttemptState]] = {
    AttemptState.STARTED: frozenset(
        {AttemptState.SUCCEEDED, AttemptState.FAILED, AttemptState.IN_DOUBT}
    ),
    AttemptState.SUCCEEDED: frozenset(),
    AttemptState.FAILED: frozenset(),
    # The bytes of a worker that was thought dead may still arrive; what is paid for is kept.
    AttemptState.IN_DOUBT: frozenset({AttemptState.SUCCEEDED}),
}


@dataclass(frozen=True, slots=True)
class Attempt:
    """One paid call, as the ledger knows it.

    `order` counts the times that a person asked for this image (1 is the batch itself);
    `amount` is the most that the call may cost, `cost` what it did cost, None where no price
    is known.
    """

    number: int
    order: int
    state: AttemptState
    started_at: datetime
    settled_at: datetime | None = None
    amount: Money | None = None
    cost: Money | None = None
    usage: Usage | None = None
    failure: Failure | None = None
    message: str = ""
    retry_after: float | None = None
    request_id: str | None = None

    @property
    def charge(self) -> Charge:
        """What the call cost, in one word."""
        return _CHARGES[self.state]


_CHARGES = {
    AttemptState.STARTED: Charge.IN_DOUBT,
    AttemptState.SUCCEEDED: Charge.PAID,
    AttemptState.FAILED: Charge.NOT_CHARGED,
    AttemptState.IN_DOUBT: Charge.IN_DOUBT,
}


@dataclass(frozen=True, slots=True)
class Call:
    """Call the provider; record the intent under this number first."""

    number: int


@dataclass(frozen=True, slots=True)
class Wait:
    """Ask again at this time."""

    until: datetime


@dataclass(frozen=True, slots=True)
class Recall:
    """An intent of a process that is gone: settle it from the spool, or put it in doubt."""

    number: int


@dataclass(frozen=True, slots=True)
class Settled:
    """Nothing more to do: this is what became of the item."""

    state: AttemptState


Step = Call | Wait | Recall | Settled

# Provably free, and likely to pass the next time. A rate limit is retried where the policy names
# it; a connection that was never made has no name in the seed's vocabulary and always is.
_ALWAYS_RETRIED = frozenset({Failure.CONNECTION})


def next_step(
    attempts: Sequence[Attempt], policy: RetryPolicy, now: datetime, *, order: int = 1
) -> Step:
    """Say what to do next for one item, given every attempt recorded for it."""
    number = max((attempt.number for attempt in attempts), default=0)
    ordered = sorted((a for a in attempts if a.order == order), key=lambda a: a.number)
    if not ordered:
        return Call(number + 1)
    if decided := _decided(ordered, policy):
        return decided
    last = ordered[-1]
    if len(ordered) > policy.max_retries or not _retriable(last, policy):
        return Settled(last.state)
    wait = timedelta(seconds=wait_after(last, policy))
    ready = (last.settled_at or last.started_at) + wait
    # Whoever would wait much longer than was asked for has had the clock set back meanwhile.
    return Wait(ready) if now < ready <= now + wait + _SKEW else Call(number + 1)


def _decided(ordered: Sequence[Attempt], policy: RetryPolicy) -> Step | None:
    """What one attempt decides, whatever came after it: late bytes count, doubt forbids."""
    by_state = {attempt.state: attempt for attempt in reversed(ordered)}
    if AttemptState.SUCCEEDED in by_state:
        return Settled(AttemptState.SUCCEEDED)
    if started := by_state.get(AttemptState.STARTED):
        return Recall(started.number)
    if AttemptState.IN_DOUBT in by_state and not policy.retry_in_doubt:
        return Settled(AttemptState.IN_DOUBT)
    return None


def wait_after(attempt: Attempt, policy: RetryPolicy) -> float:
    """Seconds to wait after a failed attempt: what the server asked for, or the policy's delay."""
    return max(attempt.retry_after or 0, policy.retry_delay_ms / 1000)


def _retriable(last: Attempt, policy: RetryPolicy) -> bool:
    named = last.failure is not None and last.failure.value in policy.retry_on_errors
    match last.state:
        case AttemptState.FAILED:
            return named or last.failure in _ALWAYS_RETRIED
        case AttemptState.IN_DOUBT:  # only on the explicit order of the batch's author
            return named and policy.retry_in_doubt
        case AttemptState.STARTED | AttemptState.SUCCEEDED:
            return False
