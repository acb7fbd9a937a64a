"""Small copies go where the pictures go."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from bot.adapters.pictures.gallery import Gallery
from bot.core.parse import parse_batch_data
from bot.core.plan import plan
from bot.core.ports import Answer, File, Made, Publication, Published
from bot.core.run import Extra, FileKind, ItemView, Run, RunState

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
BATCH = parse_batch_data({"jobs": [{"prompt": "a fox"}, {"prompt": "an owl"}]}).config
RUN = Run("0123456789", RunState.PUBLISHING, BATCH, NOON)


class Shelf:
    """The port `Destination`: it remembers what it was given, and may refuse names."""

    def __init__(self, *refused: str) -> None:
        self.files: dict[str, bytes] = {}
        self._refused = refused

    async def publish(self, _: Run, files: Sequence[File]) -> Published:
        taken = [file for file in files if not file.name.startswith(self._refused or ("?",))]
        self.files |= {file.name: _content(file) for file in taken}
        placed = [
            Publication(file.item, f"https://shelf/{file.name}", file.name)
            for file in taken
            if file.item is not None
        ]
        extras = [
            Extra(file.kind, file.name, f"https://shelf/{file.name}")
            for file in taken
            if file.item is None
        ]
        return Published(tuple(placed), "https://shelf", "a note", tuple(extras))


def _content(file: File) -> bytes:
    return Path(file.source).read_bytes()


def _spoil(file: File) -> None:
    Path(file.source).write_bytes(b"no picture at all")


@pytest.fixture
def files(tmp_path: Path) -> list[File]:
    """Two pictures in the spool, and the report."""
    made = []
    for item, shape in zip(plan(BATCH, RUN.id), [(1536, 1024), (64, 48)], strict=True):
        source = tmp_path / f"{item.id}-1.image"
        Image.new("RGBA", shape, (200, 40, 40, 128)).save(source, "PNG")
        answer = Answer(source.name, "image/png", 9, *shape)
        picture = Made(ItemView(item), answer)
        made.append(File(item.index, item.asset_name, str(source), "image/png", picture))
    report = tmp_path / "report.json"
    report.write_text("{}")
    name, kind = "report.json", FileKind.REPORT
    return [*made, File(None, name, str(report), "application/json", kind=kind)]


async def test_each_picture_has_a_small_copy_beside_it(files: list[File]) -> None:
    shelf = Shelf()
    done = await Gallery(shelf).publish(RUN, files)

    fox, owl = (file.name.removesuffix(".png") for file in files[:2])
    assert [each.thumbnail for each in done.files] == [
        f"https://shelf/thumb-{fox}.webp",
        f"https://shelf/thumb-{owl}.webp",
    ]
    assert [each.url for each in done.files] == [f"https://shelf/{f.name}" for f in files[:2]]
    assert (done.page_url, done.note) == ("https://shelf", "a note")
    assert [extra.kind for extra in done.extras] == [FileKind.REPORT]


async def test_a_copy_is_small_and_keeps_its_shape_and_what_is_transparent(
    files: list[File],
) -> None:
    shelf = Shelf()
    await Gallery(shelf).publish(RUN, files)

    large, small = (data for name, data in shelf.files.items() if name.startswith("thumb-"))
    with Image.open(BytesIO(large)) as image:
        assert (image.format, image.size, image.mode) == ("WEBP", (480, 320), "RGBA")
    with Image.open(BytesIO(small)) as image:
        assert image.size == (64, 48)
    assert len(large) < 50_000


async def test_a_picture_that_cannot_be_copied_is_published_without_a_copy(
    files: list[File],
) -> None:
    _spoil(files[0])
    done = await Gallery(Shelf()).publish(RUN, files)

    assert [bool(each.thumbnail) for each in done.files] == [False, True]
    assert all(each.url for each in done.files)


async def test_a_copy_that_was_refused_is_not_shown(files: list[File]) -> None:
    done = await Gallery(Shelf("thumb-")).publish(RUN, files)
    assert [each.thumbnail for each in done.files] == [None, None]


async def test_publishing_again_changes_nothing(files: list[File]) -> None:
    shelf = Shelf()
    first = await Gallery(shelf).publish(RUN, files)
    before = dict(shelf.files)

    assert await Gallery(shelf).publish(RUN, files) == first
    assert shelf.files == before


async def test_files_of_no_picture_have_no_copy(files: list[File]) -> None:
    shelf = Shelf()
    await Gallery(shelf).publish(RUN, [replace(file, made=None) for file in files])
    assert len(shelf.files) == 3
