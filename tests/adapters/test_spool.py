import asyncio
import os
import resource
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.adapters.spool import LocalSpool
from bot.core.killpoints import Point, install
from bot.core.ports import Spool, SpoolWriter
from tests.buckets import Bucket

# --- what every spool promises ----------------------------------------------------------------


@pytest.fixture(params=["local", "shared"])
def spool(request: pytest.FixtureRequest, tmp_path: Path) -> Spool:
    if request.param == "local":
        return LocalSpool(tmp_path / "spool")
    bucket: Bucket = request.getfixturevalue("bucket")
    return bucket.spool(tmp_path)


async def keep(spool: Spool, key: str, *chunks: bytes) -> None:
    async with spool.receive(key) as writer:
        for chunk in chunks:
            await writer.write(chunk)


async def kept(spool: Spool, key: str) -> bytes | None:
    path = await spool.fetch(key)
    return await asyncio.to_thread(Path(path).read_bytes) if path else None


async def test_what_is_received_can_be_fetched(spool: Spool) -> None:
    await keep(spool, "run/item-1.answer", b"one ", b"", b"two")
    assert await kept(spool, "run/item-1.answer") == b"one two"


async def test_chunks_of_every_size_arrive_in_order(spool: Spool) -> None:
    chunks = [os.urandom(size) for size in (3_000_000, 1, 1_048_576, 0, 1_048_575, 7)]
    await keep(spool, "big", *chunks)
    assert await kept(spool, "big") == b"".join(chunks)


async def test_an_empty_block_leaves_an_empty_file(spool: Spool) -> None:
    await keep(spool, "run/nothing")
    assert await kept(spool, "run/nothing") == b""


async def test_a_key_that_was_never_received_is_none(spool: Spool) -> None:
    await keep(spool, "run/item", b"x")
    assert await spool.fetch("run/other") is None
    assert await spool.fetch("run") is None


async def test_a_block_that_fails_leaves_the_key_absent(spool: Spool) -> None:
    with pytest.raises(RuntimeError, match="cut"):
        await _fail_half_way(spool, "run/item")
    assert await spool.fetch("run/item") is None


async def test_a_block_that_fails_leaves_the_earlier_bytes(spool: Spool) -> None:
    await keep(spool, "run/item", b"first")
    with pytest.raises(RuntimeError, match="cut"):
        await _fail_half_way(spool, "run/item")
    assert await kept(spool, "run/item") == b"first"


async def _fail_half_way(spool: Spool, key: str) -> None:
    async with spool.receive(key) as writer:
        await writer.write(bytes(2_000_000))
        raise RuntimeError("cut")


async def test_a_key_is_absent_until_the_block_ends(spool: Spool) -> None:
    async with spool.receive("run/item") as writer:
        await writer.write(bytes(2_000_000))
        assert await spool.fetch("run/item") is None
    assert await spool.fetch("run/item") is not None


async def test_the_last_block_to_end_wins(spool: Spool) -> None:
    async with spool.receive("run/item") as outer:
        await outer.write(b"outer")
        await keep(spool, "run/item", b"inner")
    assert await kept(spool, "run/item") == b"outer"


async def test_many_keys_are_received_at_once(spool: Spool) -> None:
    async with asyncio.TaskGroup() as group:
        for number in range(20):
            group.create_task(keep(spool, f"run/{number}", b"%d" % number * 100_000))
    assert [len(await kept(spool, f"run/{n}") or b"") for n in (0, 19)] == [100_000, 200_000]


async def test_a_cancelled_block_leaves_the_key_absent(spool: Spool) -> None:
    writing = asyncio.Event()

    async def receive() -> None:
        async with spool.receive("run/item") as writer:
            await writer.write(bytes(2_000_000))
            writing.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(receive())
    await writing.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await spool.fetch("run/item") is None


async def test_discard_forgets_what_begins_with_the_prefix_and_nothing_else(spool: Spool) -> None:
    keys = ("run-1/a.answer", "run-1/a.image", "run-1/b.answer", "run-10/a.image", "run-2")
    for key in keys:
        await keep(spool, key, b"x")
    await spool.discard("run-1/a")
    assert [key for key in keys if await spool.fetch(key)] == list(keys[2:])
    await spool.discard("run-1/")
    assert [key for key in keys if await spool.fetch(key)] == list(keys[3:])
    await spool.discard("run-1")
    assert [key for key in keys if await spool.fetch(key)] == ["run-2"]


async def test_of_what_has_the_prefix_only_some_names_may_be_forgotten(spool: Spool) -> None:
    keys = ("run/a-1.answer", "run/a-1.image", "run/a-10.answer", "run/b-1", "run/c-1", "b-1")
    for key in keys:
        await keep(spool, key, b"x")
    await spool.discard("run/", {"a-1", "b-1", "d-1"})
    left = ["run/a-10.answer", "run/c-1", "b-1"]
    assert [key for key in keys if await spool.fetch(key)] == left
    await spool.discard("run/", ())
    assert [key for key in keys if await spool.fetch(key)] == left


async def test_a_discarded_key_can_be_received_again(spool: Spool) -> None:
    await keep(spool, "run/item", b"old")
    await spool.discard("run/")
    await keep(spool, "run/item", b"new")
    assert await kept(spool, "run/item") == b"new"


async def test_discarding_what_is_not_there_changes_nothing(spool: Spool) -> None:
    await keep(spool, "run/item", b"x")
    await spool.discard("other/")
    await spool.discard("run/item-2")
    assert await kept(spool, "run/item") == b"x"


@pytest.mark.parametrize(
    "key",
    [
        *("", "/", "/etc/passwd", "a//b", "a/", "..", "../a", "a/../b", "a/./b", ".hidden", "a/.b"),
        *("A", "ü", "~", "a b", "a\0", "a\n", "a\\b", "c:/a"),
    ],
)
async def test_other_keys_are_refused(spool: Spool, key: str) -> None:
    with pytest.raises(ValueError, match="not a key"):
        spool.receive(key)
    with pytest.raises(ValueError, match="not a key"):
        await spool.fetch(key)
    with pytest.raises(ValueError, match="not a key"):
        await spool.discard(f"{key}/")


# --- what the local one promises besides ------------------------------------------------------


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "data" / "spool"


@pytest.fixture
def _hooks() -> Iterator[None]:
    yield
    install(lambda _: None)


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def modes(root: Path) -> set[tuple[bool, int]]:
    return {(path.is_dir(), stat.S_IMODE(path.stat().st_mode)) for path in (root, *root.rglob("*"))}


async def test_what_is_old_is_forgotten_unless_it_is_wanted_or_renewed(
    root: Path,
) -> None:
    spool = LocalSpool(root)
    for key in ("inputs/old", "inputs/wanted", "inputs/renewed", "inputs/new", "run/old"):
        await keep(spool, key, b"x")
        path = await spool.fetch(key)
        assert path
        if key != "inputs/new":
            os.utime(path, (1000, 1000))
    assert await spool.renew("inputs/renewed")
    await spool.discard_old("inputs/", datetime.fromtimestamp(2000, UTC), {"inputs/wanted"})
    left = [
        key for key in ("old", "wanted", "renewed", "new") if await spool.fetch(f"inputs/{key}")
    ]
    assert left == ["wanted", "renewed", "new"]
    assert await kept(spool, "run/old") == b"x"
    assert not await spool.renew("inputs/old")
    await spool.discard_old("nothing/", datetime.fromtimestamp(2000, UTC), ())


async def test_only_the_owner_may_read_it(root: Path) -> None:
    await keep(LocalSpool(root), "run/deep/item", b"x")
    assert modes(root.parent) == {(True, 0o700), (False, 0o600)}


async def test_a_failed_block_leaves_no_file_at_all(root: Path) -> None:
    spool = LocalSpool(root)
    with pytest.raises(RuntimeError):
        await _fail_half_way(spool, "item")
    assert names(root) == []


async def test_discard_removes_the_emptied_directory(root: Path) -> None:
    spool = LocalSpool(root)
    await keep(spool, "run/deep/item", b"x")
    await spool.discard("run/")
    assert names(root) == []
    await keep(spool, "run/item.answer", b"x")
    await spool.discard("run/", {"item"})
    assert names(root) == []


async def test_discard_spares_what_is_being_received(root: Path) -> None:
    spool = LocalSpool(root)
    async with spool.receive("run/item") as writer:
        await writer.write(b"x")
        await spool.discard("run/")
    assert await kept(spool, "run/item") == b"x"


async def test_a_new_spool_sweeps_old_halves_and_spares_young_ones(root: Path) -> None:
    spool = LocalSpool(root)
    await keep(spool, "run/item", b"x")
    old, young = (root / "run" / f".partial-{name}" for name in ("old", "young"))
    for path in (old, young, root / "run/item"):
        path.write_bytes(b"half")
        os.utime(path, (0, 0))
    os.utime(young, (time.time() - 3600,) * 2)

    again = LocalSpool(root)

    assert names(root / "run") == [".partial-young", "item"]
    assert await kept(again, "run/item") == b"half"


@pytest.mark.usefixtures("_hooks")
@pytest.mark.parametrize("size", [1, 3_000_000])
async def test_the_kill_point_lies_between_the_first_bytes_and_the_name(
    root: Path, size: int
) -> None:
    spool = LocalSpool(root)
    seen: list[tuple[Point, list[bool]]] = []
    install(lambda point: seen.append((point, [path.stat().st_size > 0 for path in files(root)])))

    await keep(spool, "run/item", bytes(size))

    assert seen == [(Point.SPOOL_HALF_WRITTEN, [True])]


def files(root: Path) -> list[Path]:
    return [path for path in root.rglob(".partial-*") if path.is_file()]


async def test_the_bytes_then_the_name_are_forced_to_the_disk(root: Path) -> None:
    spool = LocalSpool(root)
    calls: list[str] = []

    def watch(_: object, event: str, function: object) -> None:
        if event == "c_call" and function in {os.fsync, os.replace}:
            calls.append("fsync" if function is os.fsync else "replace")

    threading.setprofile(watch)  # of the threads that begin from now on
    try:
        await keep(spool, "new/item", b"x")
    finally:
        threading.setprofile(None)

    assert calls == ["fsync", "fsync", "replace", "fsync"]  # the first for the new directory


@pytest.mark.usefixtures("_hooks")
async def test_a_cancel_during_a_write_waits_for_the_disk(root: Path) -> None:
    spool, loop = LocalSpool(root), asyncio.get_running_loop()
    writing, go_on = asyncio.Event(), threading.Event()

    def hold(_: Point) -> None:
        loop.call_soon_threadsafe(writing.set)
        go_on.wait()

    install(hold)
    task = asyncio.create_task(keep(spool, "run/item", bytes(2_000_000)))
    await writing.wait()
    task.cancel()
    done, _ = await asyncio.wait([task], timeout=0.05)
    go_on.set()
    assert not done
    with pytest.raises(asyncio.CancelledError):
        await task
    assert names(root / "run") == []


async def test_a_writer_that_is_done_holds_no_bytes(root: Path) -> None:
    data = bytes(1000)
    before = sys.getrefcount(data)
    async with LocalSpool(root).receive("run/item") as writer:
        await writer.write(data)
    assert sys.getrefcount(data) == before
    del writer  # it lived until here


_FULL_DISK = """
import asyncio, errno, resource, signal, sys
from bot.adapters.spool import LocalSpool

async def main() -> None:
    spool = LocalSpool(sys.argv[1])
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_500_000, 1_500_000))
    try:
        async with spool.receive("run/item") as writer:
            for _ in range(4):
                await writer.write(bytes(700_000))
    except OSError as error:
        print(errno.errorcode[error.errno], await spool.fetch("run/item"))

asyncio.run(main())
"""


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_FSIZE"), reason="needs a limit on file sizes")
def test_a_disk_that_takes_no_more_is_an_oserror_and_leaves_nothing(root: Path) -> None:
    """A limit on the file's size stands for the full disk: both fail in the midst of a write."""
    done = subprocess.run(
        [sys.executable, "-c", _FULL_DISK, str(root)], check=True, capture_output=True, text=True
    )
    assert done.stdout.split() == ["EFBIG", "None"]
    assert [path.name for path in root.rglob("*")] == ["run"]


_KILLED = """
import asyncio, os, sys
from bot.adapters.spool import LocalSpool
from bot.core.killpoints import install

async def main() -> None:
    spool = LocalSpool(sys.argv[1])
    install(lambda _: os._exit(9))
    async with spool.receive("run/item") as writer:
        await writer.write(bytes(2_000_000))

asyncio.run(main())
"""


async def test_a_process_killed_half_way_leaves_the_key_absent(root: Path) -> None:
    killed = await asyncio.create_subprocess_exec(sys.executable, "-c", _KILLED, str(root))
    assert await killed.wait() == 9
    spool = LocalSpool(root)
    assert await spool.fetch("run/item") is None
    await keep(spool, "run/item", b"again")
    assert await kept(spool, "run/item") == b"again"


async def test_a_writer_is_what_the_port_asks_for(root: Path) -> None:
    async with LocalSpool(root).receive("item") as writer:
        taken: SpoolWriter = writer
        await taken.write(b"x")
