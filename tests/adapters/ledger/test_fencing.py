"""Whoever lost the lease changes nothing, whichever write they try."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from bot.adapters.ledger import SqlLedger
from bot.adapters.ledger.tables import metadata
from bot.core.errors import LeaseLost
from bot.core.plan import plan
from bot.core.ports import Delivery, Effect, EffectKind, Lease, Publication, Settlement
from bot.core.pricing import Money
from bot.core.run import Run, Thread

Write = Callable[[SqlLedger, Lease, datetime], Awaitable[object]]
EFFECT = Effect("comment-2", EffectKind.COMMENT, Thread(1, 2, "a/b", False, 3, 4), "new")
PAID = Settlement(cost=Money(1))
FILES = [Publication(0, "https://x", "x.png")]

WRITES: dict[str, tuple[str, Write]] = {
    "inbox.settle": ("delivery:d1", lambda to, lease, now: to.inbox.settle(lease, now, [EFFECT])),
    "runs.begin": ("run:r1", lambda to, lease, now: to.runs.begin(lease, now)),
    "runs.start": ("run:r1", lambda to, lease, now: to.runs.start(lease, 1, 1, 1, None, now)),
    "runs.settle": ("run:r1", lambda to, lease, now: to.runs.settle(lease, 0, 1, PAID, now)),
    "runs.settled": ("run:r1", lambda to, lease, _: to.runs.settled(lease)),
    "runs.published": ("run:r1", lambda to, lease, _: to.runs.published(lease, FILES, "u", "n")),
    "runs.finish": ("run:r1", lambda to, lease, now: to.runs.finish(lease, "{}", [EFFECT], now)),
    "outbox.attempting": ("effect:comment-1", lambda to, lease, _: to.outbox.attempting(lease)),
    "outbox.delivered": (
        "effect:comment-1",
        lambda to, lease, _: to.outbox.delivered(lease, 1, 5),
    ),
    "outbox.postpone": (
        "effect:comment-1",
        lambda to, lease, now: to.outbox.postpone(lease, now, attempted=True),
    ),
    "outbox.give_up": (
        "effect:comment-1",
        lambda to, lease, _: to.outbox.give_up(lease, 1, "gone"),
    ),
    "leases.renew": (
        "run:r1",
        lambda to, lease, now: to.leases.renew(lease, now, timedelta(hours=1)),
    ),
}


async def everything(ledger: SqlLedger) -> dict[str, list[Any]]:
    async with ledger.database.read() as connection:
        return {
            table.name: list((await connection.execute(select(table))).all())
            for table in metadata.sorted_tables
        }


@pytest.fixture
async def filled(
    ledger: SqlLedger,
    make_run: Callable[..., Run],
    make_delivery: Callable[..., Delivery],
    make_effect: Callable[..., Effect],
    hold: Callable[..., Awaitable[Lease]],
    now: datetime,
) -> SqlLedger:
    """A ledger in which every one of the writes would change something."""
    run = make_run()
    await ledger.inbox.receive(make_delivery())
    await ledger.runs.open(run, plan(run.batch, "r1"), (), [make_effect()])
    lease = await hold("run:r1")
    await ledger.runs.start(lease, 0, 1, 1, Money(5), now)
    await ledger.leases.release(lease)
    return ledger


@pytest.mark.parametrize("name", WRITES)
async def test_a_write_under_an_old_epoch_changes_nothing(
    filled: SqlLedger, hold: Callable[..., Awaitable[Lease]], now: datetime, name: str
) -> None:
    subject, write = WRITES[name]
    old = await hold(subject)
    await hold(subject, old.until)
    before = await everything(filled)
    with pytest.raises(LeaseLost):
        await write(filled, old, now)
    assert await everything(filled) == before


@pytest.mark.parametrize("name", WRITES)
async def test_the_same_write_under_the_newest_epoch_passes_even_when_it_has_expired(
    filled: SqlLedger, hold: Callable[..., Awaitable[Lease]], now: datetime, name: str
) -> None:
    subject, write = WRITES[name]
    lease = await hold(subject)
    before = await everything(filled)
    await write(filled, lease, now + timedelta(days=1))
    assert await everything(filled) != before


async def test_opening_a_run_for_a_lost_delivery_changes_nothing(
    filled: SqlLedger,
    make_run: Callable[..., Run],
    hold: Callable[..., Awaitable[Lease]],
) -> None:
    old = await hold("delivery:d1")
    await hold("delivery:d1", old.until)
    before = await everything(filled)
    run = make_run("r2")
    with pytest.raises(LeaseLost):
        await filled.runs.open(run, plan(run.batch, "r2"), (), [EFFECT], delivery=old)
    assert await everything(filled) == before


async def test_a_lease_on_something_else_is_a_fault(
    filled: SqlLedger, hold: Callable[..., Awaitable[Lease]], now: datetime
) -> None:
    with pytest.raises(ValueError, match="a lease on a run is needed"):
        await filled.runs.begin(await hold("delivery:r1"), now)
