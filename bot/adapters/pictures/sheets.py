"""Small copies of pictures: one overview of many, and thumbnails."""

import math
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from bot.adapters.pictures.decoding import opened
from bot.adapters.pictures.formats import PictureError
from bot.adapters.pictures.whole import whole

_FORMATS = ("PNG", "JPEG", "WEBP")
_WHITE, _INK, _FRAME, _MISSING = "#ffffff", "#333333", "#d0d0d0", "#f0f0f0"
_EDGE, _LEAST_EDGE = 320, 48
_GAP, _FONT, _LINE = 16, 15, 28
# An overview of a thousand pictures has no more pixels than one of a hundred.
_SHEET_PIXELS = 12_000_000
_QUALITY = 85
_CAPTION = 200  # characters that are looked at: no cell is wide enough for more
_ELLIPSIS = "…"
_PLAINER = str.maketrans("–—‘’", "--''")
_UNASSIGNED = "\U0010ffff"

_Shown = tuple[Path, str]
_Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def thumbnail(path: Path, out: Path, edge: int = _EDGE, quality: int = _QUALITY) -> None:
    """Write a copy whose longer edge is at most `edge`, as the suffix says: .jpg, .png or .webp.

    A JPEG has white where the picture is transparent. Raises PictureError and OSError.
    """
    image = _small(path, edge)
    plain = _on_white(image) if out.suffix.lower() in {".jpg", ".jpeg"} else image
    _save(plain, out, quality)


def contact_sheet(
    images: Sequence[_Shown], out: Path, columns: int | None = None, first: int = 1
) -> None:
    """Write one picture of all with their captions, row by row, as the suffix of `out` says.

    They are numbered from `first` on. Only one of them is in memory at a time. One that cannot be
    read leaves an empty frame; a caption that the font cannot write gives way to the file's name,
    or to a number. Raises ValueError without images, and OSError.
    """
    if not images:
        raise ValueError("an overview needs a picture")
    grid = _Grid(len(images), columns)
    sheet = Image.new("RGB", grid.size, _WHITE)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(_FONT)
    for number, ((left, top), (path, caption)) in enumerate(zip(grid, images, strict=True), first):
        _frame(sheet, path, (left, top), grid.edge)
        words = _caption(number, path, caption)
        at = (left, top + grid.edge + (_LINE - _FONT) // 2)
        draw.text(at, _clipped(words, font, grid.edge), fill=_INK, font=font)
    _save(sheet, out)


class _Grid:
    """Where the cells are; iterating gives their upper left corners, row by row."""

    def __init__(self, count: int, columns: int | None) -> None:
        self._count = count
        self._columns = min(columns or math.ceil(math.sqrt(count)), count)
        self._rows = math.ceil(count / self._columns)
        room = math.isqrt(_SHEET_PIXELS // (self._columns * self._rows))
        self.edge = max(min(room - _GAP, _EDGE), _LEAST_EDGE)

    @property
    def size(self) -> tuple[int, int]:
        return (
            _GAP + self._columns * (self.edge + _GAP),
            _GAP + self._rows * (self.edge + _LINE + _GAP),
        )

    def __iter__(self) -> Iterator[tuple[int, int]]:
        for number in range(self._count):
            row, column = divmod(number, self._columns)
            yield (
                _GAP + column * (self.edge + _GAP),
                _GAP + row * (self.edge + _LINE + _GAP),
            )


# --- pictures ---------------------------------------------------------------------------------


def _small(path: Path, edge: int) -> Image.Image:
    """A copy with colours as red, green and blue; a JPEG is decoded small to begin with."""
    with opened(path) as image:
        image.draft("RGB", (edge, edge))
        plain = image.convert("RGBA" if image.has_transparency_data else "RGB")
    plain.thumbnail((edge, edge), reducing_gap=2.0)
    return plain


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode == "RGB":
        return image
    white = Image.new("RGBA", image.size, _WHITE)
    return Image.alpha_composite(white, image).convert("RGB")


def _frame(sheet: Image.Image, path: Path, corner: tuple[int, int], edge: int) -> None:
    """The picture in the middle of its cell, with a line around it: some are white themselves."""
    try:
        image = _on_white(_small(path, edge))
    except (PictureError, OSError):
        image = Image.new("RGB", (edge, edge), _MISSING)
    left = corner[0] + (edge - image.width) // 2
    top = corner[1] + (edge - image.height) // 2
    sheet.paste(image, (left, top))
    box = (left - 1, top - 1, left + image.width, top + image.height)
    ImageDraw.Draw(sheet).rectangle(box, outline=_FRAME)


def _save(image: Image.Image, out: Path, quality: int = _QUALITY) -> None:
    kind = Image.registered_extensions().get(out.suffix.lower())
    if kind not in _FORMATS:
        raise ValueError(f"no format for the name {out.name!r}")
    options = {} if kind == "PNG" else {"quality": quality}
    with whole(out) as partial:
        image.save(partial, kind, **options)


# --- captions ---------------------------------------------------------------------------------


def _caption(number: int, path: Path, caption: str) -> str:
    """The caption in letters that the font has, or what else tells the pictures apart."""
    for words in (" ".join(caption[:_CAPTION].split()), path.name):
        plain = _plainer(words)
        if plain and all(map(_has_letter, plain)):
            return f"{number}  {plain}"
    return str(number)


def _plainer(words: str) -> str:
    """As it is where the font has all letters, else with `e` for `é` and `-` for dashes."""
    if all(map(_has_letter, words)):
        return words
    parts = unicodedata.normalize("NFKD", words.translate(_PLAINER))
    return "".join(part for part in parts if not unicodedata.combining(part))


@cache
def _has_letter(letter: str) -> bool:
    """Whether the font draws something else than the box that stands for all it lacks."""
    return _drawn(letter) != _drawn(_UNASSIGNED)


def _drawn(letter: str) -> bytes:
    return bytes(ImageFont.load_default(_FONT).getmask(letter))


def _clipped(words: str, font: _Font, width: int) -> str:
    if font.getlength(words) <= width:
        return words

    def clipped(length: int) -> str:
        return words[:length].rstrip() + _ELLIPSIS

    def drawn(length: int) -> int:
        return math.ceil(font.getlength(clipped(length)))

    fitting = bisect_right(range(len(words)), width, key=drawn)
    return clipped(max(fitting - 1, 0))
