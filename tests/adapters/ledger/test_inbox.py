"""A delivery is kept once, answered once, and found until it is answered."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bot.adapters.ledger import SqlLedger
from bot.core.errors import LeaseLost
from bot.core.ports import Delivery, Effect, Heard, Lease
from tests.adapters.ledger.conftest import commits

Hold = Callable[..., Awaitable[Lease]]
MakeDelivery = Callable[..., Delivery]


async def test_a_delivery_comes_back_as_it_came(
    ledger: SqlLedger, make_delivery: MakeDelivery
) -> None:
    assert await ledger.inbox.receive(make_delivery())
    assert await ledger.inbox.get("d1") == make_delivery()
    assert await ledger.inbox.get("d2") is None


async def test_the_same_command_a_hundred_times_at_once_is_kept_once(
    ledger: SqlLedger, make_delivery: MakeDelivery
) -> None:
    kept = await asyncio.gather(*(ledger.inbox.receive(make_delivery()) for _ in range(100)))
    assert sum(kept) == 1


async def test_many_commands_at_once_are_kept_in_few_commits_each_under_its_own_id(
    ledger: SqlLedger, make_delivery: MakeDelivery
) -> None:
    names = [f"d{number}" for number in range(100)]
    with commits(ledger) as seen:
        await asyncio.gather(*(ledger.inbox.receive(make_delivery(name)) for name in names))
        again = await asyncio.gather(
            *(ledger.inbox.receive(make_delivery(name)) for name in ("d7", "new", "new"))
        )
    assert len(seen) <= 4
    assert again == [False, True, False]
    assert all([await ledger.inbox.get(name) for name in (*names, "new")])


async def test_what_a_thread_hears_is_counted_once_and_for_itself(
    ledger: SqlLedger, make_delivery: MakeDelivery, now: datetime
) -> None:
    def heard_by(name: str, issue: int, age: int, sender: str) -> Delivery:
        delivery = make_delivery(name, now - timedelta(minutes=age))
        event = delivery.event
        event = replace(event, sender_type=sender, thread=replace(event.thread, issue=issue))
        return replace(delivery, event=event)

    since = now - timedelta(minutes=10)
    rows = [(3, 11, "Bot"), (3, 10, "User"), (3, 1, "Bot"), (4, 1, "User")]
    counts = []
    for number, row in enumerate(rows):
        delivery = heard_by(f"d{number}", *row)
        await ledger.inbox.receive(delivery)
        counts.append(await ledger.inbox.hear(delivery, since))
        assert await ledger.inbox.hear(delivery, since) == counts[-1]
    await ledger.inbox.receive(heard_by("stranger", 3, 0, "User"))
    assert counts == [Heard(0, 0), Heard(1, 0), Heard(2, 1), Heard(1, 0)]


async def test_a_settled_delivery_is_gone_and_its_effects_are_owed(
    ledger: SqlLedger,
    make_delivery: MakeDelivery,
    make_effect: Callable[..., Effect],
    hold: Hold,
    now: datetime,
) -> None:
    await ledger.inbox.receive(make_delivery())
    await ledger.inbox.settle(await hold("delivery:d1"), now, [make_effect()])
    assert await ledger.inbox.get("d1") is None
    assert not await ledger.inbox.receive(make_delivery())
    assert await ledger.outbox.owed(now) == ["comment-1"]


async def test_a_settled_delivery_owes_nothing_if_the_lease_was_lost(
    ledger: SqlLedger,
    make_delivery: MakeDelivery,
    make_effect: Callable[..., Effect],
    hold: Hold,
    now: datetime,
) -> None:
    await ledger.inbox.receive(make_delivery())
    old = await hold("delivery:d1")
    await hold("delivery:d1", old.until)
    with pytest.raises(LeaseLost):
        await ledger.inbox.settle(old, now, [make_effect()])
    assert await ledger.inbox.get("d1")
    assert await ledger.outbox.owed(now) == []


async def test_unsettled_deliveries_are_listed_oldest_first_without_those_in_work(
    ledger: SqlLedger, make_delivery: MakeDelivery, hold: Hold, now: datetime
) -> None:
    ages = {"c": 1, "a": 2, "d": 0, "b": 3}
    for name, age in ages.items():
        await ledger.inbox.receive(make_delivery(name, now - timedelta(seconds=age)))
    lease = await hold("delivery:a")
    await ledger.inbox.settle(await hold("delivery:d"), now)
    assert await ledger.inbox.unsettled(now) == ["b", "c"]
    assert await ledger.inbox.unsettled(now, limit=1) == ["b"]
    assert await ledger.inbox.unsettled(lease.until) == ["b", "a", "c"]
