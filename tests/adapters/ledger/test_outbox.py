"""The newest words are owed until GitHub shows them."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bot.adapters.ledger import SqlLedger
from bot.core.errors import LeaseLost
from bot.core.ports import Effect, Lease, OwedEffect

Hold = Callable[..., Awaitable[Lease]]
MakeEffect = Callable[..., Effect]
LATER = timedelta(minutes=5)


async def test_what_is_said_is_owed(
    ledger: SqlLedger, make_effect: MakeEffect, now: datetime
) -> None:
    await ledger.outbox.say(make_effect(), now)
    assert await ledger.outbox.get("comment-1", now) == OwedEffect(make_effect(), 1, now)
    assert await ledger.outbox.get("comment-2", now) is None


async def test_new_words_replace_the_old_and_equal_words_cost_nothing(
    ledger: SqlLedger, make_effect: MakeEffect, now: datetime
) -> None:
    for words in ("one", "one", "two", "two"):
        await ledger.outbox.say(make_effect(words), now)
    assert await ledger.outbox.get("comment-1", now) == OwedEffect(make_effect("two"), 2, now)


async def test_what_github_shows_is_owed_no_more_until_it_changes(
    ledger: SqlLedger, make_effect: MakeEffect, hold: Hold, now: datetime
) -> None:
    await ledger.outbox.say(make_effect("one"), now)
    lease = await hold("effect:comment-1")
    await ledger.outbox.attempting(lease)
    await ledger.outbox.delivered(lease, 1, 2**40)
    assert await ledger.outbox.get("comment-1", now) is None
    await ledger.outbox.say(make_effect("one"), now + LATER)
    assert await ledger.outbox.get("comment-1", now) is None
    await ledger.outbox.say(make_effect("two"), now + LATER)
    assert await ledger.outbox.get("comment-1", now) == OwedEffect(
        make_effect("two"), 2, now, attempted=True, remote=2**40
    )


async def test_words_said_during_a_delivery_stay_owed(
    ledger: SqlLedger, make_effect: MakeEffect, hold: Hold, now: datetime
) -> None:
    await ledger.outbox.say(make_effect("one"), now)
    lease = await hold("effect:comment-1")
    await ledger.outbox.say(make_effect("two"), now)
    await ledger.outbox.delivered(lease, 1, 5)
    owed = await ledger.outbox.get("comment-1", now)
    assert owed == OwedEffect(make_effect("two"), 2, now, remote=5)


async def test_words_that_were_shown_too_late_make_the_newest_owed_again(
    ledger: SqlLedger, make_effect: MakeEffect, hold: Hold, now: datetime
) -> None:
    assert await ledger.outbox.again("comment-1") is None
    await ledger.outbox.say(make_effect("new"), now)
    await ledger.outbox.delivered(await hold("effect:comment-1"), 1, 5)
    assert await ledger.outbox.again("comment-1") == 5
    owed = await ledger.outbox.get("comment-1", now)
    assert owed == OwedEffect(make_effect("new"), 2, now, remote=5)


async def test_whoever_has_lost_a_run_does_not_speak_for_it(
    ledger: SqlLedger, make_effect: MakeEffect, hold: Hold, now: datetime
) -> None:
    late = await hold("run:r1")
    await ledger.outbox.say(make_effect("its words"), now, late)
    assert await ledger.leases.claim("run:r1", late.until, LATER)
    with pytest.raises(LeaseLost):
        await ledger.outbox.say(make_effect("late words"), now, late)
    assert await ledger.outbox.get("comment-1", now) == OwedEffect(make_effect("its words"), 1, now)


async def test_a_possible_post_is_remembered(
    ledger: SqlLedger, make_effect: MakeEffect, hold: Hold, now: datetime
) -> None:
    await ledger.outbox.say(make_effect(), now)
    await ledger.outbox.attempting(await hold("effect:comment-1"))
    assert await ledger.outbox.get("comment-1", now) == OwedEffect(
        make_effect(), 1, now, attempted=True
    )


async def test_a_post_that_cannot_have_happened_need_not_be_looked_for(
    ledger: SqlLedger, make_effect: MakeEffect, hold: Hold, now: datetime
) -> None:
    await ledger.outbox.say(make_effect(), now)
    lease = await hold("effect:comment-1")
    for attempted in (True, False):
        await ledger.outbox.attempting(lease)
        await ledger.outbox.postpone(lease, now, attempted=attempted)
        owed = await ledger.outbox.get("comment-1", now)
        assert owed
        assert owed.attempted is attempted


async def test_a_postponed_effect_waits_and_counts_its_tries(
    ledger: SqlLedger, make_effect: MakeEffect, hold: Hold, now: datetime
) -> None:
    await ledger.outbox.say(make_effect(), now)
    lease = await hold("effect:comment-1")
    await ledger.outbox.postpone(lease, now + LATER, attempted=True)
    await ledger.outbox.postpone(lease, now + LATER, attempted=False)
    await ledger.leases.release(lease)
    assert await ledger.outbox.owed(now + LATER - timedelta(microseconds=1)) == []
    assert await ledger.outbox.owed(now + LATER) == ["comment-1"]
    assert await ledger.outbox.get("comment-1", now) is None
    owed = await ledger.outbox.get("comment-1", now + LATER)
    assert owed == OwedEffect(make_effect(), 1, now, tries=2)
    await ledger.outbox.delivered(lease, 1, 5)
    await ledger.outbox.say(make_effect("more"), now)
    assert await ledger.outbox.get("comment-1", now + LATER) == replace(
        owed, effect=make_effect("more"), version=2, remote=5, tries=0
    )


async def test_words_that_can_never_be_delivered_are_owed_no_more_but_new_words_are(
    ledger: SqlLedger, make_effect: MakeEffect, hold: Hold, now: datetime
) -> None:
    await ledger.outbox.say(make_effect(), now)
    lease = await hold("effect:comment-1")
    await ledger.outbox.give_up(lease, 1, "the comment is gone")
    await ledger.leases.release(lease)
    assert await ledger.outbox.owed(now) == []
    assert await ledger.outbox.get("comment-1", now) is None
    await ledger.outbox.say(make_effect("two"), now)
    assert await ledger.outbox.owed(now) == ["comment-1"]


async def test_owed_effects_are_listed_oldest_first_without_those_in_work(
    ledger: SqlLedger, make_effect: MakeEffect, hold: Hold, now: datetime
) -> None:
    for age, name in enumerate(("b", "a", "c")):
        await ledger.outbox.say(make_effect(name=name), now - timedelta(seconds=age))
    lease = await hold("effect:a")
    assert await ledger.outbox.owed(now) == ["c", "b"]
    assert await ledger.outbox.owed(now, limit=1) == ["c"]
    assert await ledger.outbox.owed(lease.until) == ["c", "a", "b"]


async def test_what_a_wrong_clock_has_put_off_is_owed_once_that_was_set_back(
    ledger: SqlLedger, make_effect: MakeEffect, hold: Hold, now: datetime
) -> None:
    await ledger.outbox.say(make_effect(), now)
    lease = await hold("effect:comment-1")
    await ledger.outbox.postpone(lease, now + timedelta(hours=2), attempted=False)
    await ledger.leases.release(lease)
    assert await ledger.outbox.get("comment-1", now)
    assert await ledger.outbox.owed(now) == ["comment-1"]
    assert await ledger.outbox.owed(now + timedelta(hours=1)) == []
