"""Paid calls: the intent before, the outcome after, and nothing that is known overwritten."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import ColumnElement, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.adapters.ledger.rows import attempt_of, attempt_values
from bot.adapters.ledger.tables import attempts
from bot.core.attempts import TRANSITIONS, Attempt, AttemptState
from bot.core.ports import Settlement

Key = tuple[str, int, int]
"""Run, item and number."""


async def record_intent(connection: AsyncConnection, key: Key, attempt: Attempt) -> None:
    """Record that the provider is about to be called."""
    run_id, item, _ = key
    await connection.execute(
        insert(attempts).values(run_id=run_id, item=item, **attempt_values(attempt))
    )


async def record_outcome(
    connection: AsyncConnection, key: Key, outcome: Settlement, now: datetime
) -> Attempt:
    """Record how the call ended, and say how it stands now.

    Where TRANSITIONS knows no way to this outcome the record stays as it is: an outcome whose
    commit was not confirmed comes a second time.
    """
    recorded = await _recorded(connection, key)
    if _state(outcome) not in TRANSITIONS[recorded.state]:
        return recorded
    attempt = _settled(recorded, outcome, now)
    await connection.execute(update(attempts).where(*_at(key)).values(**attempt_values(attempt)))
    return attempt


async def _recorded(connection: AsyncConnection, key: Key) -> Attempt:
    locked = select(attempts).where(*_at(key)).with_for_update()
    row = (await connection.execute(locked)).one_or_none()
    if row is None:
        raise LookupError(f"no intent is recorded for (run, item, number) {key}")
    return attempt_of(row)


def _at(key: Key) -> tuple[ColumnElement[bool], ...]:
    run_id, item, number = key
    return attempts.c.run_id == run_id, attempts.c.item == item, attempts.c.number == number


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
