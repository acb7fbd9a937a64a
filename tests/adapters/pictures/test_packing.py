"""Very many pictures go in archives, with overviews to look at."""

import zipfile
from collections.abc import Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from bot.adapters.pictures import packing
from bot.adapters.pictures.packing import Overviews, Packing
from bot.core.plan import plan
from bot.core.ports import File, Made, Publication, Published
from bot.core.run import FileKind
from tests.adapters.pictures.test_gallery import RUN, Shelf, files

__all__ = ["files"]

MANY = 1  # more than one picture is very many here


def packed(shelf: Shelf) -> list[zipfile.ZipFile]:
    return [zipfile.ZipFile(BytesIO(data)) for name, data in shelf.files.items() if "zip" in name]


def recorded(files: Sequence[File], done: Published) -> list[File]:
    """The files, when the ledger knows where their items went."""
    places = {each.item: each for each in done.files}

    def known(file: File) -> File:
        if file.item is None or file.made is None or file.item not in places:
            return file
        place = places[file.item]
        item = replace(file.made.item, url=place.url, path=place.path)
        return replace(file, made=replace(file.made, item=item))

    return [known(file) for file in files]


async def test_few_pictures_stay_as_they_are(files: list[File]) -> None:
    shelf = Shelf()
    done = await Packing(shelf, most=2).publish(RUN, files)

    assert packed(shelf) == []
    assert all(each.thumbnail for each in done.files)


async def test_many_are_stored_in_one_archive_by_the_names_that_people_gave_them(
    files: list[File],
) -> None:
    shelf = Shelf()
    done = await Packing(shelf, MANY).publish(RUN, files)

    (archive,) = packed(shelf)
    assert archive.namelist() == ["a-fox.png", "an-owl.png"]
    assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_STORED}
    assert archive.testzip() is None
    (kept,) = [extra for extra in done.extras if extra.kind is FileKind.ARCHIVE]
    assert done.files == (
        Publication(0, kept.url, "a-fox.png"),
        Publication(1, kept.url, "an-owl.png"),
    )
    assert {extra.kind for extra in done.extras} == {
        FileKind.ARCHIVE,
        FileKind.SHEET,
        FileKind.REPORT,
    }


async def test_overviews_are_pictures_below_the_limit_of_the_proxy(files: list[File]) -> None:
    shelf = Shelf()
    await Packing(shelf, MANY).publish(RUN, files)

    (sheet,) = [data for name, data in shelf.files.items() if name.startswith("overview-1-to-2-")]
    with Image.open(BytesIO(sheet)) as image:
        assert image.format == "JPEG"
    assert len(sheet) < 5_000_000


async def test_large_archives_are_several(
    files: list[File], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packing, "_ARCHIVE_BYTES", 10)
    shelf = Shelf()
    done = await Packing(shelf, MANY).publish(RUN, files)

    assert [archive.namelist() for archive in packed(shelf)] == [["a-fox.png"], ["an-owl.png"]]
    assert len({each.url for each in done.files}) == 2
    assert [name[:13] for name in shelf.files if "zip" in name] == [
        "images-1-of-2",
        "images-2-of-2",
    ]


async def test_names_that_an_ending_made_alike_stay_apart(files: list[File]) -> None:
    first, second, report = files
    made = second.made
    assert first.made is not None
    assert made is not None
    item = replace(plan(RUN.batch, RUN.id)[1], path="A-FOX.jpg")
    twin = replace(second, made=Made(replace(made.item, item=item), made.answer))
    shelf = Shelf()
    await Packing(shelf, MANY).publish(RUN, [first, twin, report])

    (archive,) = packed(shelf)
    assert archive.namelist() == ["a-fox.png", second.name]


async def test_packing_again_changes_nothing_even_in_another_process(files: list[File]) -> None:
    shelf = Shelf()
    first = await Packing(shelf, MANY).publish(RUN, files)
    before = dict(shelf.files)
    for copy in Path(files[0].source).parent.glob("*.image.*"):
        copy.unlink()

    assert await Packing(shelf, MANY).publish(RUN, files) == first
    assert shelf.files == before


async def test_no_archive_is_made_of_what_is_left_of_one(files: list[File]) -> None:
    shelf = Shelf()
    first = await Packing(shelf, MANY).publish(RUN, files)
    before = set(shelf.files)
    left = [file for file in recorded(files, first) if file.item != 0]

    again = await Packing(shelf, MANY).publish(RUN, left)

    assert set(shelf.files) == before
    assert again.files == first.files[1:]


async def test_an_archive_that_was_refused_leaves_its_pictures_without_an_address(
    files: list[File],
) -> None:
    done = await Packing(Shelf("images-"), MANY).publish(RUN, files)
    assert [each.url for each in done.files] == [None, None]


# --- in a folder ------------------------------------------------------------------------------


async def test_a_folder_has_copies_by_the_names_of_its_pictures_and_no_archive(
    files: list[File],
) -> None:
    fox, owl, report = files
    named = [replace(fox, name="animals/fox.png"), replace(owl, name="owl.png"), report]
    shelf = Shelf()
    await Overviews(shelf, MANY).publish(RUN, named)

    (sheet,) = [name for name in shelf.files if name.startswith("overview-1-to-2-")]
    pictures = {"animals/fox.png", "owl.png"}
    copies = {"animals/fox_thumb.jpg", "owl_thumb.jpg"}
    assert set(shelf.files) == {"report.json", sheet, *pictures, *copies}
    with Image.open(BytesIO(shelf.files["owl_thumb.jpg"])) as image:
        assert image.format == "JPEG"


async def test_a_copy_whose_name_would_be_too_long_is_left_out(files: list[File]) -> None:
    long = replace(files[0], name="f" * 250 + ".png")
    shelf = Shelf()
    await Overviews(shelf).publish(RUN, [long])
    assert set(shelf.files) == {long.name}
