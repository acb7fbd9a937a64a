from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bot.adapters.pictures.formats import PictureError
from bot.adapters.pictures.metadata import read
from bot.adapters.pictures.sheets import _caption, contact_sheet, thumbnail

WHITE = (255, 255, 255)


def pixels(path: Path) -> set[Any]:
    with Image.open(path) as image:
        colors = image.convert("RGB").getcolors(image.width * image.height)
    return {color for _count, color in colors or ()}


# --- thumbnails -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "edge", "small"),
    [
        ((1536, 1024), 320, (320, 213)),
        ((1024, 1536), 320, (213, 320)),
        ((3000, 10), 300, (300, 1)),
        ((100, 50), 320, (100, 50)),
    ],
)
@pytest.mark.parametrize("suffix", [".jpg", ".webp", ".png"])
def test_a_thumbnail_keeps_the_shape(
    draw: Any, tmp_path: Path, size: tuple[int, int], edge: int, small: tuple[int, int], suffix: str
) -> None:
    out = tmp_path / f"small{suffix}"

    thumbnail(draw(size=size, color="navy"), out, edge)

    with Image.open(out) as image:
        assert image.size == small
        assert Image.MIME[image.format or ""].removeprefix("image/")[:3] in {"jpe", "web", "png"}


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_kind_of_colour_becomes_a_thumbnail(draw: Any, tmp_path: Path, mode: str) -> None:
    thumbnail(draw(mode=mode), tmp_path / "small.jpg")

    assert (tmp_path / "small.jpg").stat().st_size > 0


def test_a_jpeg_is_white_where_the_picture_is_transparent(draw: Any, tmp_path: Path) -> None:
    path = draw(mode="RGBA", color=(0, 0, 0, 0))

    thumbnail(path, tmp_path / "small.jpg")
    thumbnail(path, tmp_path / "small.webp")

    assert pixels(tmp_path / "small.jpg") == {WHITE}
    with Image.open(tmp_path / "small.webp") as image:
        assert image.has_transparency_data


def test_a_thumbnail_of_a_broken_picture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")

    with pytest.raises(PictureError):
        thumbnail(tmp_path / "broken.png", tmp_path / "small.jpg")

    assert not (tmp_path / "small.jpg").exists()


def test_a_name_without_a_format_is_refused(draw: Any, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"small\.txt"):
        thumbnail(draw(), tmp_path / "small.txt")


# --- overviews --------------------------------------------------------------------------------


def test_an_overview_shows_every_picture_once(draw: Any, tmp_path: Path) -> None:
    colors = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 0, 255), (0, 255, 255)]
    shown = [(draw(size=(64, 48), color=color), "words") for color in colors]

    contact_sheet(shown, tmp_path / "sheet.png")

    with Image.open(tmp_path / "sheet.png") as sheet:
        counted = {color: count for count, color in sheet.getcolors(sheet.width * sheet.height)}  # type: ignore[union-attr]  # RGB has as many colours as we allow
    assert [counted[color] for color in colors] == [64 * 48] * 5
    assert max(counted, key=counted.__getitem__) == WHITE


@pytest.mark.parametrize(
    ("count", "columns", "size"),
    [
        (1, None, (352, 380)),
        (4, None, (688, 744)),
        (3, 3, (1024, 380)),
        (3, 9, (1024, 380)),
        (3, 1, (352, 1108)),
    ],
)
def test_an_overview_is_a_grid(
    draw: Any, tmp_path: Path, count: int, columns: int | None, size: tuple[int, int]
) -> None:
    contact_sheet([(draw(), "")] * count, tmp_path / "sheet.png", columns)

    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.size == size


def test_an_overview_of_a_thousand_stays_small(draw: Any, tmp_path: Path) -> None:
    contact_sheet([(draw(size=(64, 64)), "a fox in the snow")] * 1000, tmp_path / "sheet.jpg")

    with Image.open(tmp_path / "sheet.jpg") as sheet:
        assert sheet.width * sheet.height < 20_000_000


def test_a_broken_picture_leaves_an_empty_frame(draw: Any, tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"no picture")
    shown = [(tmp_path / "broken.png", ""), (tmp_path / "gone.png", ""), (draw(color="red"), "")]

    contact_sheet(shown, tmp_path / "sheet.png")

    assert (255, 0, 0) in pixels(tmp_path / "sheet.png")


def test_an_overview_needs_a_picture(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="needs a picture"):
        contact_sheet([], tmp_path / "sheet.png")


def test_an_overview_holds_no_metadata(draw: Any, tmp_path: Path) -> None:
    contact_sheet([(draw(), "a fox")], tmp_path / "sheet.png")

    assert read(tmp_path / "sheet.png") is None


@pytest.mark.parametrize(
    ("caption", "name", "written"),
    [
        ("a red fox", "fox.png", "3  a red fox"),
        ("a red\n\tfox ", "fox.png", "3  a red fox"),
        ("a café – crème", "fox.png", "3  a cafe - creme"),
        ("雪の中の狐", "fox.png", "3  fox.png"),
        ("🦊", "fox.png", "3  fox.png"),
        ("雪の中の狐", "狐.png", "3"),
        ("", "fox.png", "3  fox.png"),
        ("a\0b", "fox.png", "3  fox.png"),
    ],
)
def test_a_caption_is_written_in_letters_that_the_font_has(
    caption: str, name: str, written: str
) -> None:
    assert _caption(3, Path(name), caption) == written


@pytest.mark.parametrize("caption", ["w" * 4000, "a fox " * 900, "{}[]()<>&%$#@"])
def test_a_long_caption_stays_in_its_cell(draw: Any, tmp_path: Path, caption: str) -> None:
    contact_sheet([(draw(size=(320, 320), color="red"), caption)], tmp_path / "sheet.png")

    with Image.open(tmp_path / "sheet.png") as sheet:
        right = sheet.crop((336 + 1, 0, sheet.width, sheet.height))
        assert right.getcolors() == [(right.width * right.height, WHITE)]
