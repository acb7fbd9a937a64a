"""A server's folder: a place for each run, without a word of where it is."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.adapters.destinations import FolderDestination
from bot.core.batch import BatchConfig, Job
from bot.core.ports import File, Publication
from bot.core.run import FileKind, Run, RunState

RUN = Run("r1", RunState.PUBLISHING, BatchConfig(jobs=(Job(prompt="a"),)), datetime.now(UTC))
Make = Callable[[str], File]


@pytest.fixture
def image(tmp_path: Path) -> Make:
    def make(name: str) -> File:
        source = tmp_path / "0.answer"
        source.write_bytes(b"a picture")
        return File(0, name, str(source), "image/png")

    return make


async def test_files_lie_below_their_run_and_tell_nothing_of_the_server(
    tmp_path: Path, image: Make
) -> None:
    done = await FolderDestination(tmp_path / "out").publish(RUN, [image("animals/fox.png")])

    assert (tmp_path / "out" / "r1" / "animals" / "fox.png").read_bytes() == b"a picture"
    assert done.files == (Publication(0, None, "r1/animals/fox.png"),)
    assert done.note == "The images are files on the server, in its folder r1."


async def test_publishing_again_changes_nothing(tmp_path: Path, image: Make) -> None:
    folder = FolderDestination(tmp_path / "out")
    first = await folder.publish(RUN, [image("fox.png")])
    assert await folder.publish(RUN, [image("fox.png")]) == first
    assert [path.name for path in (tmp_path / "out" / "r1").iterdir()] == ["fox.png"]


async def test_a_newer_report_takes_the_place_of_the_old_one(tmp_path: Path, image: Make) -> None:
    source, folder = tmp_path / "report", FolderDestination(tmp_path / "out")
    name, kind = "report.json", FileKind.REPORT
    report = File(None, name, str(source), "application/json", kind=kind)
    for words in ("old", "new"):
        source.write_text(words)
        await folder.publish(RUN, [image("fox.png"), report])

    there = {path.name: path.read_bytes() for path in (tmp_path / "out" / "r1").iterdir()}
    assert there == {"fox.png": b"a picture", "report.json": b"new"}


async def test_a_copy_never_takes_the_place_of_a_picture(tmp_path: Path, image: Make) -> None:
    source, folder = tmp_path / "small", FolderDestination(tmp_path / "out")
    source.write_bytes(b"a copy")
    copy = File(None, "fox_thumb.jpg", str(source), "image/jpeg", kind=FileKind.THUMBNAIL)
    for _ in range(2):
        done = await folder.publish(RUN, [copy, image("fox_thumb.jpg")])

    assert done.files == (Publication(0, None, "r1/fox_thumb.jpg"),)
    there = {path.name: path.read_bytes() for path in (tmp_path / "out" / "r1").iterdir()}
    assert there == {"fox_thumb.jpg": b"a picture", "fox_thumb_1.jpg": b"a copy"}


async def test_a_copy_that_cannot_be_written_harms_no_picture(tmp_path: Path, image: Make) -> None:
    copy = File(None, "small.jpg", str(tmp_path / "gone"), "image/jpeg", kind=FileKind.SHEET)
    done = await FolderDestination(tmp_path / "out").publish(RUN, [image("fox.png"), copy])
    assert done.files == (Publication(0, None, "r1/fox.png"),)


async def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path, image: Make) -> None:
    (tmp_path / "out").write_text("in the way")
    done = await FolderDestination(tmp_path / "out").publish(RUN, [image("fox.png")])
    assert done.files == ()
    assert done.note == (
        "The images could not be written to the server's folder: Not a directory."
        " They are kept in spool/r1 there."
    )
