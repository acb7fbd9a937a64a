"""One holder at a time, and a way to notice that it is somebody else by now."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bot.adapters.ledger import SqlLedger
from bot.core.errors import LeaseLost
from bot.core.ports import Lease

Hold = Callable[..., Awaitable[Lease]]
TTL = timedelta(seconds=10)


async def test_a_held_subject_cannot_be_claimed_until_it_expires(
    ledger: SqlLedger, hold: Hold, now: datetime
) -> None:
    first = await hold("run:a")
    assert first == Lease("run:a", 1, now + TTL)
    almost = first.until - timedelta(microseconds=1)
    assert await ledger.leases.claim("run:a", almost, TTL) is None
    assert await ledger.leases.claim("run:a", first.until, TTL) == Lease(
        "run:a", 2, first.until + TTL
    )


async def test_other_subjects_are_free(hold: Hold) -> None:
    await hold("run:a")
    await hold("run:b")
    await hold("delivery:a")


async def test_a_renewed_lease_lasts_longer(ledger: SqlLedger, hold: Hold, now: datetime) -> None:
    lease = await ledger.leases.renew(await hold("run:a"), now + TTL / 2, TTL)
    assert lease == Lease("run:a", 1, now + TTL / 2 + TTL)
    assert await ledger.leases.claim("run:a", now + TTL, TTL) is None


async def test_an_expired_lease_that_nobody_has_taken_can_be_renewed(
    ledger: SqlLedger, hold: Hold, now: datetime
) -> None:
    lease = await hold("run:a")
    assert (await ledger.leases.renew(lease, now + 3 * TTL, TTL)).epoch == lease.epoch


async def test_a_taken_lease_cannot_be_renewed(
    ledger: SqlLedger, hold: Hold, now: datetime
) -> None:
    old = await hold("run:a")
    new = await hold("run:a", now + TTL)
    with pytest.raises(LeaseLost):
        await ledger.leases.renew(old, now + 5 * TTL, TTL)
    assert await ledger.leases.claim("run:a", new.until - TTL / 2, TTL) is None


async def test_a_released_subject_is_free_at_once_under_a_higher_epoch(
    ledger: SqlLedger, hold: Hold, now: datetime
) -> None:
    await ledger.leases.release(await hold("run:a"))
    assert (await hold("run:a", now)).epoch == 2


async def test_a_subject_says_when_it_is_free(ledger: SqlLedger, hold: Hold, now: datetime) -> None:
    assert await ledger.leases.free_at("run:a") < now
    lease = await hold("run:a")
    assert await ledger.leases.free_at("run:a") == lease.until
    await ledger.leases.release(lease)
    assert await ledger.leases.free_at("run:a") < now


async def test_releasing_a_lost_lease_does_not_free_it(
    ledger: SqlLedger, hold: Hold, now: datetime
) -> None:
    old = await hold("run:a")
    await hold("run:a", now + TTL)
    await ledger.leases.release(old)
    assert await ledger.leases.claim("run:a", now + TTL, TTL) is None


async def test_an_epoch_from_the_future_is_lost_too(
    ledger: SqlLedger, hold: Hold, now: datetime
) -> None:
    with pytest.raises(LeaseLost):
        await ledger.leases.renew(replace(await hold("run:a"), epoch=9), now, TTL)


async def test_of_many_tasks_one_gets_the_lease(ledger: SqlLedger, now: datetime) -> None:
    claims = [ledger.leases.claim("run:a", now, TTL) for _ in range(20)]
    won = [lease for lease in await asyncio.gather(*claims) if lease]
    assert [lease.epoch for lease in won] == [1]


CLAIMER = """
import asyncio, sys
from datetime import datetime, timedelta
from bot.adapters.ledger import open_ledger

async def main(url, now):
    ledger = await open_ledger(url)
    print("ready", flush=True)
    sys.stdin.readline()
    ttl = timedelta(seconds=10)
    for turn in range(20):
        lease = await ledger.leases.claim(f"run:{turn}", datetime.fromisoformat(now), ttl)
        print(turn if lease else "", end=" ")
    await ledger.close()

asyncio.run(main(*sys.argv[1:]))
"""


async def test_of_two_processes_one_gets_each_lease(url: str, now: datetime) -> None:
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable,
            *("-c", CLAIMER, url, now.isoformat()),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        for _ in range(2)
    ]
    for process in processes:
        assert process.stdout
        assert await process.stdout.readline() == b"ready\n"
    said = await asyncio.gather(*(process.communicate(b"go\n") for process in processes))
    won = [int(turn) for out, _ in said for turn in out.split()]
    assert sorted(won) == list(range(20))


async def test_a_lease_of_a_wrong_clock_is_free_once_that_was_set_back(
    ledger: SqlLedger, hold: Hold, now: datetime
) -> None:
    await hold("run:a", now + timedelta(hours=2))
    await ledger.leases.claim("quiet:1", now, timedelta(hours=1))
    assert await ledger.leases.claim("run:a", now, TTL) == Lease("run:a", 2, now + TTL)
    assert await ledger.leases.claim("quiet:1", now, TTL) is None
