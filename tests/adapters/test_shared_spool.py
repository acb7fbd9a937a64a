"""Machines that share a store: what one of them has received, the others find."""

import asyncio
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.adapters.spool import LocalSpool
from bot.adapters.spool.shared import SharedSpool, connect
from bot.core.errors import SettingsError
from bot.core.ports import Spool
from tests.buckets import Bucket

BIG = os.urandom(20_000_000)  # in several pieces


async def keep(spool: Spool, key: str, data: bytes, room: int = 0) -> None:
    async with spool.receive(key, room) as writer:
        await writer.write(data)


async def kept(spool: Spool, key: str) -> bytes | None:
    path = await spool.fetch(key)
    return await asyncio.to_thread(Path(path).read_bytes) if path else None


async def test_a_machine_finds_what_a_dead_one_has_received(bucket: Bucket, tmp_path: Path) -> None:
    await keep(bucket.spool(tmp_path / "one"), "run/item.answer", BIG)

    other = bucket.spool(tmp_path / "two")

    assert list(other.on_disk()) == []
    assert await kept(other, "run/item.answer") == BIG
    assert list(other.on_disk()) == ["run/item.answer"]


async def test_the_time_of_arrival_goes_along(bucket: Bucket, tmp_path: Path) -> None:
    one, two = (bucket.spool(tmp_path / name) for name in ("one", "two"))
    await keep(one, "run/item", b"x")
    paths = [await spool.fetch("run/item") or "" for spool in (one, two)]
    here, there = map(os.path.getmtime, paths)
    assert abs(here - there) < 5


async def test_what_was_discarded_is_gone_for_others(bucket: Bucket, tmp_path: Path) -> None:
    one, two, three = (bucket.spool(tmp_path / name) for name in ("one", "two", "three"))
    await keep(one, "run/item", b"x")
    await kept(two, "run/item")
    await two.discard("run/")
    assert await kept(three, "run/item") is None


async def test_an_answer_that_the_store_did_not_take_waits_on_this_disk(
    bucket: Bucket, tmp_path: Path
) -> None:
    one, two = (bucket.spool(tmp_path / name) for name in ("one", "two"))
    bucket.wreck()
    with pytest.raises(OSError, match="no such bucket"):
        await keep(one, "run-1/item", b"paid")
    with pytest.raises(OSError, match="no such bucket"):
        await one.fetch("run-1/item")
    with pytest.raises(OSError, match="no such bucket"):
        await two.fetch("run-1/item")  # nobody knows: it is not absent
    with pytest.raises(OSError, match="no such bucket"):
        await one.send_late()

    bucket.make()
    absent = await kept(two, "run-1/item")
    again = bucket.spool(tmp_path / "one")  # after a restart

    assert absent is None
    await again.send_late()
    assert await kept(two, "run-1/item") == b"paid"
    assert list(again.on_disk()) == ["run-1/item"]


async def test_nothing_begins_while_the_store_takes_nothing(bucket: Bucket, tmp_path: Path) -> None:
    bucket.wreck()
    spool = bucket.spool(tmp_path)
    with pytest.raises(OSError, match="no such bucket"):
        async with spool.receive("run/item", 1000):
            pytest.fail("the call would be made now")
    with pytest.raises(OSError, match="no such bucket"):
        await spool.check()


async def test_what_is_old_is_forgotten_unless_it_is_wanted(bucket: Bucket, tmp_path: Path) -> None:
    one, two = (bucket.spool(tmp_path / name) for name in ("one", "two"))
    for key in ("inputs/old", "inputs/wanted", "run/old"):
        await keep(one, key, b"x")

    await one.discard_old("inputs/", datetime.now(UTC) - timedelta(hours=1), ())
    there = await two.renew("inputs/old")
    await one.discard_old("inputs/", datetime.now(UTC) + timedelta(hours=1), {"inputs/wanted"})
    three = bucket.spool(tmp_path / "three")
    left = [key for key in ("inputs/old", "inputs/wanted", "run/old") if await three.fetch(key)]

    assert there
    assert left == ["inputs/wanted", "run/old"]
    assert not await three.renew("inputs/old")


async def test_a_store_that_is_not_there_is_a_plain_fault(tmp_path: Path) -> None:
    store = connect(SecretStr("s3://id:key@bucket?endpoint=http://127.0.0.1:9"), 0.2)
    with pytest.raises(OSError, match="did not answer or refuses"):
        await SharedSpool(store, tmp_path / "a", tmp_path / "b").fetch("run/item")


async def test_a_folder_of_before_goes_to_the_store(bucket: Bucket, tmp_path: Path) -> None:
    await keep(LocalSpool(tmp_path / "one" / "spool"), "run/item", b"x")
    await bucket.spool(tmp_path / "one").send_late()
    assert await kept(bucket.spool(tmp_path / "two"), "run/item") == b"x"


@pytest.mark.parametrize("url", ["nonsense", "/tmp/x", "s3://", "gs://bucket", "s3://b?what=1"])
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(SettingsError, match="SPOOL_URL"):
        connect(SecretStr(url))
