"""What GitHub could not deliver is kept until it arrives, or can arrive no more."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import pytest

from bot.adapters.ledger import SqlLedger
from bot.core.errors import LeaseLost
from bot.core.ports import Lease, MissedDelivery, Sending

HOUR = timedelta(hours=1)


@pytest.fixture
async def lease(hold: Callable[..., Awaitable[Lease]]) -> Lease:
    return await hold("log:deliveries")


def lost(number: int, guid: str, now: datetime) -> Sending:
    return Sending(number, guid, now, arrived=False)


async def test_nothing_has_been_read_at_first(ledger: SqlLedger, now: datetime) -> None:
    assert await ledger.missed.read_to() is None
    assert await ledger.missed.next_due(now) is None


async def test_what_was_lost_is_due_at_once(ledger: SqlLedger, lease: Lease, now: datetime) -> None:
    await ledger.missed.record(lease, [], [lost(1, "a", now)], now)

    assert await ledger.missed.read_to() == now
    assert await ledger.missed.next_due(now) == MissedDelivery("a", 1)


async def test_what_has_arrived_is_forgotten(
    ledger: SqlLedger, lease: Lease, now: datetime
) -> None:
    await ledger.missed.record(lease, [], [lost(1, "a", now), lost(2, "b", now)], now)
    await ledger.missed.record(lease, {"a", "c"}, [], now + HOUR)

    assert await ledger.missed.next_due(now) == MissedDelivery("b", 2)
    assert await ledger.missed.read_to() == now + HOUR


async def test_what_was_asked_for_waits_also_when_it_is_lost_again(
    ledger: SqlLedger, lease: Lease, now: datetime
) -> None:
    await ledger.missed.record(lease, [], [lost(1, "a", now)], now)
    await ledger.missed.asked(lease, "a", now + HOUR)
    await ledger.missed.record(lease, [], [lost(7, "a", now)], now)

    assert await ledger.missed.next_due(now + HOUR - timedelta(seconds=1)) is None
    assert await ledger.missed.next_due(now + HOUR) == MissedDelivery("a", 7, tries=1)


async def test_whoever_starts_asks_at_once_for_what_was_lost_again(
    ledger: SqlLedger, lease: Lease, now: datetime
) -> None:
    await ledger.missed.record(lease, [], [lost(1, "a", now), lost(2, "b", now)], now)
    await ledger.missed.asked(lease, "a", now + HOUR)
    await ledger.missed.asked(lease, "b", now + HOUR)
    await ledger.missed.record(lease, [], [lost(7, "a", now), lost(2, "b", now)], now, anew=True)

    assert await ledger.missed.next_due(now) == MissedDelivery("a", 7)
    await ledger.missed.forget(lease, "a")
    assert await ledger.missed.next_due(now) is None


async def test_what_cannot_come_any_more_is_forgotten(
    ledger: SqlLedger, lease: Lease, now: datetime
) -> None:
    await ledger.missed.record(lease, [], [lost(1, "a", now), lost(2, "b", now)], now)
    await ledger.missed.forget(lease, "a")
    assert await ledger.missed.next_due(now) == MissedDelivery("b", 2)

    await ledger.missed.forget_before(lease, now)
    assert await ledger.missed.next_due(now) == MissedDelivery("b", 2)
    await ledger.missed.forget_before(lease, now + HOUR)
    assert await ledger.missed.next_due(now) is None


async def test_who_has_lost_the_lease_changes_nothing(
    ledger: SqlLedger, lease: Lease, now: datetime, hold: Callable[..., Awaitable[Lease]]
) -> None:
    await ledger.missed.record(lease, [], [lost(1, "a", now)], now)
    await hold("log:deliveries", lease.until)

    for write in (
        ledger.missed.record(lease, ["a"], [], now + HOUR),
        ledger.missed.asked(lease, "a", now + HOUR),
        ledger.missed.forget(lease, "a"),
        ledger.missed.forget_before(lease, now + HOUR),
    ):
        with pytest.raises(LeaseLost):
            await write

    assert await ledger.missed.read_to() == now
    assert await ledger.missed.next_due(now) == MissedDelivery("a", 1)
