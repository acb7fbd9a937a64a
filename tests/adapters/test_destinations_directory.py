"""Images in a folder: whole or not at all, and nothing is ever overwritten."""

import asyncio
import errno
import os
import signal
import stat
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.adapters.destinations import DirectoryDestination
from bot.core.batch import BatchConfig, Job
from bot.core.errors import BatchError
from bot.core.ports import Destination, File, Publication
from bot.core.run import Run, RunState

RUN = Run("r1", RunState.PUBLISHING, BatchConfig(jobs=(Job(prompt="a fox"),)), datetime.now(UTC))


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    folder = tmp_path / "spool"
    folder.mkdir()
    return folder


@pytest.fixture
def umask() -> Iterator[None]:
    before = os.umask(0o027)
    yield
    os.umask(before)


def file(spool: Path, name: str, content: bytes = b"picture", item: int | None = 0) -> File:
    source = spool / f"{abs(hash((name, content)))}.answer"
    source.write_bytes(content)
    source.chmod(0o600)
    return File(item, name, str(source), "image/png")


def publish(out: Path, *files: File) -> list[str]:
    """The paths, seen from the output directory."""
    return asyncio.run(_publish(out, files))


def publish_at_once(out: Path, *files: File) -> list[str]:
    """Each file by a call of its own, all at the same time."""

    async def gather() -> list[list[str]]:
        return await asyncio.gather(*(_publish(out, [each]) for each in files))

    return [path for paths in asyncio.run(gather()) for path in paths]


async def _publish(out: Path, files: Sequence[File]) -> list[str]:
    destination: Destination = DirectoryDestination(out)
    done = await destination.publish(RUN, files)
    return [str(Path(each.path).relative_to(out)) for each in done.files]


def contents(out: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()
    }


def test_folders_are_made_and_the_path_is_as_the_person_wrote_it(out: Path, spool: Path) -> None:
    image = file(spool, "project-a/狐_v1.png")
    done = asyncio.run(DirectoryDestination(out).publish(RUN, [image]))
    assert done.files == (Publication(0, None, str(out / "project-a/狐_v1.png")),)
    assert contents(out) == {"project-a/狐_v1.png": b"picture"}


def test_a_report_is_written_and_is_no_items_file(out: Path, spool: Path) -> None:
    assert publish(out, file(spool, "report.json", b"{}", None)) == []
    assert contents(out) == {"report.json": b"{}"}


def test_a_taken_name_gets_a_number(out: Path, spool: Path) -> None:
    out.mkdir()
    (out / "fox.png").write_bytes(b"mine")
    (out / "fox_1.png").mkdir()
    assert publish(out, file(spool, "fox.png")) == ["fox_2.png"]
    assert contents(out) == {"fox.png": b"mine", "fox_2.png": b"picture"}


def test_publishing_again_changes_nothing(out: Path, spool: Path) -> None:
    out.mkdir()
    (out / "fox.png").write_bytes(b"mine")
    wanted = file(spool, "fox.png")
    first = publish(out, wanted)
    seen = [path.stat() for path in sorted(out.iterdir())]
    assert publish(out, wanted) == first == ["fox_1.png"]
    assert [path.stat() for path in sorted(out.iterdir())] == seen


def test_a_link_in_place_of_a_file_is_not_followed(out: Path, spool: Path) -> None:
    out.mkdir()
    elsewhere = spool / "elsewhere.png"
    (out / "fox.png").symlink_to(elsewhere)
    assert publish(out, file(spool, "fox.png")) == ["fox_1.png"]
    assert not elsewhere.exists()


@pytest.mark.parametrize(
    "name",
    ["../fox.png", "/fox.png", "a/../../fox.png", "C:fox.png", "a\\fox.png", "", ".", "a\0.png"],
)
def test_a_name_that_leaves_the_folder_is_refused(out: Path, spool: Path, name: str) -> None:
    image = file(spool, "fox.png")
    with pytest.raises(BatchError, match="cannot be written to the output directory"):
        publish(out, File(0, name, image.source, image.media_type))
    assert not out.exists()


@pytest.mark.parametrize("target", ["elsewhere", "out/real"])
def test_a_folder_that_is_a_link_is_refused(
    tmp_path: Path, out: Path, spool: Path, target: str
) -> None:
    out.mkdir()
    (tmp_path / target).mkdir()
    (out / "project").symlink_to(tmp_path / target)
    with pytest.raises(BatchError, match="symbolic link"):
        publish(out, file(spool, "project/fox.png"))
    assert list((tmp_path / target).iterdir()) == []


def test_the_folder_itself_may_be_a_link(tmp_path: Path, out: Path, spool: Path) -> None:
    (tmp_path / "disk").mkdir()
    out.symlink_to(tmp_path / "disk")
    assert publish(out, file(spool, "a/fox.png")) == ["a/fox.png"]


def test_all_names_are_checked_before_anything_is_paid_for(out: Path) -> None:
    out.mkdir()
    (out / "link").symlink_to(out)
    with pytest.raises(BatchError) as refused:
        DirectoryDestination(out).check(["fox.png", "../a.png", "link/b.png"])
    assert [problem.path for problem in refused.value.problems] == [
        "output_path '../a.png'",
        "output_path 'link/b.png'",
    ]
    DirectoryDestination(out / "new").check(["fox.png", "a/b/c.png"])


def test_many_at_once_share_a_name_without_loss(out: Path, spool: Path) -> None:
    files = [file(spool, "fox.png", b"picture %d" % n) for n in range(12)]
    publish_at_once(out, *files)
    assert sorted(contents(out).values()) == sorted(b"picture %d" % n for n in range(12))


def test_the_same_image_many_times_at_once_is_one_file(out: Path, spool: Path) -> None:
    wanted = file(spool, "fox.png")
    assert set(publish_at_once(out, *[wanted] * 12)) == {"fox.png"}
    assert contents(out) == {"fox.png": b"picture"}


@pytest.mark.usefixtures("umask")
def test_rights_follow_the_umask_and_not_the_spool(out: Path, spool: Path) -> None:
    publish(out, file(spool, "fox.png"))
    assert stat.S_IMODE((out / "fox.png").stat().st_mode) == 0o640


def test_what_the_dead_left_is_removed_and_what_the_living_write_is_not(
    out: Path, spool: Path
) -> None:
    out.mkdir()
    old, new = out / ".gptimage-1.part", out / ".gptimage-2.part"
    for path in (old, new):
        path.touch()
    long_ago = time.time() - 2 * 24 * 3600
    os.utime(old, (long_ago, long_ago))
    publish(out, file(spool, "fox.png"))
    assert sorted(contents(out)) == [".gptimage-2.part", "fox.png"]


# A limit on the size of files ends the copy in its middle, as a full disk or a kill would.
CHILD = textwrap.dedent("""
    import asyncio, resource, signal, sys
    from datetime import UTC, datetime
    from pathlib import Path
    from bot.adapters.destinations import DirectoryDestination
    from bot.core.batch import BatchConfig, Job
    from bot.core.ports import File
    from bot.core.run import Run, RunState

    source, out, ending = sys.argv[1:]
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL if ending == "killed" else signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_500_000, 1_500_000))
    batch = BatchConfig(jobs=(Job(prompt="a fox"),))
    run = Run("r1", RunState.PUBLISHING, batch, datetime.now(UTC))
    files = [File(0, "fox.png", source, "image/png")]
    try:
        asyncio.run(DirectoryDestination(Path(out)).publish(run, files))
    except OSError as error:
        sys.exit(error.errno)
""")


def _publish_in_a_child(out: Path, image: File, ending: str) -> int:
    command = [sys.executable, "-c", CHILD, image.source, str(out), ending]
    return subprocess.run(command, check=False).returncode


@pytest.mark.skipif(sys.platform == "win32", reason="limits on files are POSIX")
def test_a_process_killed_in_the_middle_leaves_no_half_file(out: Path, spool: Path) -> None:
    image = file(spool, "fox.png", b"x" * 3_000_000)
    assert _publish_in_a_child(out, image, "killed") == -signal.SIGXFSZ
    assert not (out / "fox.png").exists()
    assert publish(out, image) == ["fox.png"]
    assert (out / "fox.png").stat().st_size == 3_000_000


@pytest.mark.skipif(sys.platform == "win32", reason="limits on files are POSIX")
def test_a_disk_that_refuses_is_an_error_and_leaves_nothing(out: Path, spool: Path) -> None:
    image = file(spool, "fox.png", b"x" * 3_000_000)
    assert _publish_in_a_child(out, image, "refused") == errno.EFBIG
    assert contents(out) == {}
