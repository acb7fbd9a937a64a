"""A disk that is full or cannot be written: nothing is called, or what was paid for is kept."""

import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from bot.simulators.images import ImagesSimulator, Settings
from tests.entrypoints.conftest import Ended, Shell, until

PICTURE = 500_000  # bytes


class Disk:
    """A file system of its own, as small as the test wants it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()

    def mount(self, *options: str) -> None:
        """Raises CalledProcessError where this is not permitted."""
        kind = ["-t", "tmpfs", "-o", ",".join(options), "tmpfs"]
        subprocess.run(["mount", *kind, str(self.path)], check=True, capture_output=True)

    def fill(self) -> None:
        """Leave no room for another byte."""
        with suppress(OSError), (self.path / "fill").open("ab", buffering=0) as file:
            while True:
                file.write(bytes(4096))

    def empty(self) -> None:
        (self.path / "fill").unlink()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """Two megabytes; skipped where no file system may be mounted."""
    disk = Disk(tmp_path / "disk")
    try:
        disk.mount("size=2m")
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("mounting a file system needs rights that this process has not")
    yield disk
    subprocess.run(["umount", str(disk.path)], check=True)


def spelt(ended: Ended) -> str:
    """What it said, which is never a stack trace and never a warning of Python's."""
    assert "Traceback" not in ended.err
    assert "RuntimeWarning" not in ended.err
    return ended.err


async def test_an_output_folder_that_fills_up_loses_nothing_that_was_paid_for(
    shell: Shell, images: ImagesSimulator, disk: Disk
) -> None:
    images.settings = Settings(padding_bytes=PICTURE, latency_ms=500)
    batch = shell.batch(*"abcdefgh", max_concurrent=1, output_dir="disk")
    full = await shell.run("gptimage", "run", batch)
    called = len(images.calls)

    retried = await shell.run("gptimage", "retry")
    disk.mount("remount", "size=8m")
    ended = await shell.run("gptimage", "run", batch, "--resume")

    assert (full.code, retried.code, ended.code) == (1, 1, 0)
    assert 5 <= called <= 6, "the next one is under way when the fifth cannot be written"
    assert "disk/e.png cannot be written (No space left on device)" in spelt(full)
    assert f"is kept in {shell.home}/data/spool/" in full.err
    assert "gptimage retry" in full.err
    assert "No space left on device" in spelt(retried)
    assert len(images.calls) == len(images.billed) == 8, "none of them was called for twice"
    assert shell.images("disk") == [f"{name}.png" for name in "abcdefgh"]


async def test_another_folder_takes_what_the_full_one_could_not(
    shell: Shell, images: ImagesSimulator, disk: Disk
) -> None:
    disk.fill()
    batch = shell.batch("fox", output_dir="disk")
    images.settings = Settings(padding_bytes=PICTURE)
    full = await shell.run("gptimage", "run", batch)

    ended = await shell.run("gptimage", "run", batch, "--resume", "--output-dir", "out")

    assert (full.code, ended.code) == (1, 0)
    assert len(images.calls) == 1
    assert shell.images() == ["fox.png"]
    assert ended.report["results"][0]["output_path"] == "out/fox.png"


async def test_without_room_for_an_answer_nothing_is_called(
    shell: Shell, images: ImagesSimulator, disk: Disk
) -> None:
    env = {"GPTIMAGE_DATA_DIR": "disk", "HISTORY_DB_PATH": "ledger.db"}
    batch = shell.batch("fox", "owl")
    disk.fill()
    full = await shell.run("gptimage", "run", batch, env=env)
    called = len(images.calls)
    disk.mount("remount", "size=64m")

    ended = await shell.run("gptimage", "run", batch, "--resume", env=env)

    assert (full.code, called) == (1, 0)
    assert "Traceback" not in full.err
    assert full.report["stopped"] == "fault"
    assert full.report["in_doubt"] == 0
    assert "there is no room for the answer" in full.report["results"][0]["error"]
    assert (ended.code, len(images.calls)) == (0, 2)


async def test_without_room_in_the_ledger_nothing_is_called(
    shell: Shell, images: ImagesSimulator, disk: Disk
) -> None:
    env = {"HISTORY_DB_PATH": "disk/ledger.db"}
    await shell.run("gptimage", "history", "list", env=env)
    disk.fill()

    ended = await shell.run("gptimage", "run", shell.batch("fox"), env=env)

    assert ended.code == 1
    assert spelt(ended) == "Error: the ledger's disk is full\n"
    assert images.calls == []


async def test_a_ledger_that_fills_up_in_the_run_starts_no_more_and_loses_no_answer(
    shell: Shell, images: ImagesSimulator, disk: Disk
) -> None:
    images.settings = Settings(latency_ms=1000)
    env = {"HISTORY_DB_PATH": "disk/ledger.db"}
    batch = shell.batch("fox", "owl", max_concurrent=1)
    async with shell.start("gptimage", "run", batch, env=env) as running:
        await until(lambda: images.calls)
        disk.fill()
        full = await running.ended()
    called = len(images.calls)
    disk.empty()

    ended = await shell.run("gptimage", "run", batch, "--resume", env=env)

    assert (full.code, called) == (1, 1)
    assert "the ledger's disk is full" in spelt(full)
    assert ended.code == 0
    assert [call.sent["prompt"] for call in images.calls] == ["fox", "owl"]
    assert shell.images() == ["fox.png", "owl.png"]


@pytest.mark.parametrize("folder", ["disk", "disk/new/folder"])
async def test_a_folder_that_may_only_be_read_is_refused_before_any_call(
    shell: Shell, images: ImagesSimulator, disk: Disk, folder: str
) -> None:
    disk.mount("remount", "ro")

    images_there = await shell.run("gptimage", "run", shell.batch("fox", output_dir=folder))
    data_there = await shell.run(
        "gptimage", "run", shell.batch("fox"), env={"GPTIMAGE_DATA_DIR": folder}
    )

    assert (images_there.code, data_there.code) == (2, 2)
    assert images_there.complaint == [
        f"Error: output_dir: {folder} cannot be written (Read-only file system)"
    ]
    assert data_there.complaint[0].startswith("Error: GPTIMAGE_DATA_DIR")
    assert images.calls == []


# --- names that are too long ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("folder", "said"),
    [
        ("a" * 256, "a name in it is longer than 255 bytes"),
        ("狐" * 86, "a name in it is longer than 255 bytes"),
        ("/".join(["x" * 200] * 20), "it leads to paths longer than 3,900 bytes"),
        ("a\0b", "it holds a NUL"),
    ],
)
async def test_a_folder_that_no_disk_can_name_is_refused_before_any_call(
    shell: Shell, images: ImagesSimulator, folder: str, said: str
) -> None:
    ended = await shell.run("gptimage", "run", shell.batch("fox", output_dir=folder))

    assert ended.code == 2
    assert said in ended.complaint[0]
    assert "output_dir" in ended.complaint[0]
    assert images.calls == []


async def test_the_longest_names_are_written_and_numbered(shell: Shell) -> None:
    name, folder = "狐" * 83 + "xx", "狐" * 85  # 255 bytes, the first with .png
    (shell.home / folder).mkdir()
    shell.file(f"{folder}/{name}.png", "somebody's work")

    ended = await shell.run("gptimage", "run", shell.batch(name, output_dir=folder))

    assert ended.code == 0
    assert shell.images(folder) == sorted([f"{name}.png", "狐" * 83 + "_1.png"])
