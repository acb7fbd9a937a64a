"""Paid calls: the intent before, the outcome after, and nothing that is known overwritten."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.adapters.ledger.columns import among
from bot.adapters.ledger.rows import attempt_of, attempt_values
from bot.adapters.ledger.tables import attempts
from bot.core.attempts import TRANSITIONS, Attempt, AttemptState
from bot.core.ports import Settlement

Key = tuple[int, int]
"""Item and number: an attempt within its run."""


@dataclass(frozen=True, slots=True)
class Intent:
    """The provider is about to be called for an item."""

    item: int
    attempt: Attempt

    @property
    def key(self) -> Key:
        """Whose intent it is."""
        return self.item, self.attempt.number


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a call for an item ended, and when."""

    item: int
    number: int
    settlement: Settlement
    at: datetime

    @property
    def key(self) -> Key:
        """Whose outcome it is."""
        return self.item, self.number


async def record(
    connection: AsyncConnection, run_id: str, writes: Sequence[Intent | Outcome]
) -> Sequence[Attempt]:
    """Record intents and outcomes of one run; gives each attempt as it stands then.

    Where TRANSITIONS knows no way to an outcome the record stays as it is: an outcome whose
    commit was not confirmed comes a second time.
    """
    outcomes = [write.key for write in writes if isinstance(write, Outcome)]
    recorded = await _recorded(connection, run_id, outcomes) if outcomes else {}
    known = dict(recorded)
    after = [_take(known, write) for write in writes]
    intents = [(write.item, write.attempt) for write in writes if isinstance(write, Intent)]
    changed = [
        (key[0], known[key]) for key in dict.fromkeys(outcomes) if known[key] != recorded.get(key)
    ]
    await _insert(connection, run_id, intents)
    await _update(connection, run_id, changed)
    return after


def _take(known: dict[Key, Attempt], write: Intent | Outcome) -> Attempt:
    """What the write makes of what is known, which later ones of the same group meet."""
    match write:
        case Intent(attempt=attempt):
            known[write.key] = attempt
        case Outcome(settlement=settlement, at=at):
            if write.key not in known:
                raise LookupError(f"no intent is recorded for (item, number) {write.key}")
            if _state(settlement) in TRANSITIONS[known[write.key].state]:
                known[write.key] = _settled(known[write.key], settlement, at)
    return known[write.key]


async def _recorded(
    connection: AsyncConnection, run_id: str, keys: Sequence[Key]
) -> dict[Key, Attempt]:
    """The attempts with these keys, locked; perhaps also others of the same items."""
    items = among(attempts.c.item, sorted({item for item, _ in keys}))
    locked = select(attempts).where(attempts.c.run_id == run_id, items).with_for_update()
    rows = await connection.execute(locked)
    return {(row.item, row.number): attempt_of(row) for row in rows}


async def _insert(
    connection: AsyncConnection, run_id: str, intents: Iterable[tuple[int, Attempt]]
) -> None:
    rows = [{"run_id": run_id, "item": item, **attempt_values(new)} for item, new in intents]
    if rows:
        await connection.execute(insert(attempts), rows)


async def _update(
    connection: AsyncConnection, run_id: str, changed: Iterable[tuple[int, Attempt]]
) -> None:
    rows = [{"at_item": item, "at": new.number, **attempt_values(new)} for item, new in changed]
    if rows:
        await connection.execute(_UPDATE, [{"at_run": run_id, **row} for row in rows])


_UPDATE = update(attempts).where(
    attempts.c.run_id == bindparam("at_run"),
    attempts.c.item == bindparam("at_item"),
    attempts.c.number == bindparam("at"),
)


def _state(outcome: Settlement) -> AttemptState:
    if outcome.failure is None:
        return AttemptState.SUCCEEDED
    return AttemptState.IN_DOUBT if outcome.in_doubt else AttemptState.FAILED


def _settled(attempt: Attempt, outcome: Settlement, now: datetime) -> Attempt:
    return replace(
        attempt,
        state=_state(outcome),
        settled_at=now,
        cost=outcome.cost,
        usage=outcome.usage,
        failure=outcome.failure,
        message=outcome.message,
        retry_after=outcome.retry_after,
        request_id=outcome.request_id,
    )
