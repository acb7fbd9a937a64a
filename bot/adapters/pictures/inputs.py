"""Reference images and masks, looked at before any call: a bad one costs nothing."""

import asyncio
import hashlib
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

from PIL import Image

from bot.adapters.pictures import jpeg, png, webp
from bot.adapters.pictures.decoding import MOST_PIXELS, opened
from bot.adapters.pictures.formats import Format, PictureError, end_of, sniff
from bot.core.batch import BatchConfig
from bot.core.catalog import Size
from bot.core.errors import Problem, because
from bot.core.said import said
from bot.core.strict_json import shown

# OpenAI's limit for an input image, and the size above which masks are known to fail.
MOST_BYTES = 50 * 1024 * 1024
_MOST_ADVISED = 4 * 1024 * 1024
# Up to here a picture is decoded to see that it is sound.
_DECODED_PIXELS = 16_000_000
_NAME = 100  # characters of a path in a message
_SMALL = (64, 64)
_SIZES = {Format.PNG: png.size, Format.JPEG: jpeg.size, Format.WEBP: webp.size}
_COMPRESS = said("compress it, or make it smaller: models look at about 1536x1024 pixels of it")
_USE = said("use a PNG, JPEG or WebP picture")
_SAVE = said("save it again as PNG, JPEG or WebP")


@dataclass(frozen=True, slots=True)
class Use:
    """A place in the batch that names a file; a mask also names the image that it masks."""

    field: str
    path: str
    masks: str | None = None


@dataclass(frozen=True, slots=True)
class InputImage:
    """A sound picture; `format` is the content's, whatever the name.

    `file` is absolute, without links on the way: the same from every folder.
    """

    file: Path
    format: Format
    bytes: int
    size: Size
    alpha: bool
    sha256: str


@dataclass(frozen=True, slots=True)
class Inputs:
    """The pictures by the path that the batch gives, and all that is wrong or risky."""

    images: Mapping[str, InputImage]
    problems: tuple[Problem, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def sizes(self) -> Mapping[str, Size]:
        """For `pricing.estimate(references=...)`."""
        return {path: image.size for path, image in self.images.items()}


def uses(config: BatchConfig) -> Iterator[Use]:
    """Every place of a batch that names a file."""
    for number, job in enumerate(config.jobs):
        for index, path in enumerate(job.references):
            yield Use(f"jobs[{number}].reference_image_path[{index}]", path)
        if job.mask_image_path is not None:
            masked = job.references[0] if job.references else None
            yield Use(f"jobs[{number}].mask_image_path", job.mask_image_path, masked)


async def read_inputs(
    wanted: Iterable[Use], root: Path, fetched: Mapping[str, Path] | None = None
) -> Inputs:
    """Look at each file once, one at a time; a relative path starts from `root`.

    `fetched` are files for paths of another machine: with them no other file is ever looked at.
    A file that cannot be used is a problem at the first place that names it. Nothing is raised.
    """
    places = tuple(wanted)
    images: dict[str, InputImage] = {}
    problems: list[Problem] = []
    for path, use in first_uses(places).items():
        match await asyncio.to_thread(_look, use, root, fetched):
            case Problem() as problem:
                problems.append(problem)
            case image:
                images[path] = image
    masks = [use for use in places if use.masks is not None and use.path in images]
    problems += [problem for use in masks for problem in _mask_problems(use, images)]
    return Inputs(images, tuple(problems), tuple(_heavy(masks, images)))


def first_uses(places: Sequence[Use]) -> dict[str, Use]:
    """The first place of each path."""
    first: dict[str, Use] = {}
    for use in places:
        first.setdefault(use.path, use)
    return first


# --- one file ---------------------------------------------------------------------------------


class UnusableError(Exception):
    """Why a file cannot be sent, and what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        self.message = message
        self.hint = hint
        super().__init__(message)


def _look(use: Use, root: Path, fetched: Mapping[str, Path] | None = None) -> InputImage | Problem:
    try:
        file = _regular(use.path, root) if fetched is None else fetched[use.path]
        with file.open("rb") as content:
            return _picture(file, content)
    except UnusableError as error:
        message, hint = error.message, error.hint
    except PictureError as error:
        message, hint = error.message, _SAVE
    except OSError as error:
        message, hint = said("cannot be read: {why}", why=because(error)), ""
    return Problem(use.field, said("{file} {what}", file=named(use), what=message), hint)


def _regular(path: str, root: Path) -> Path:
    """Where the file really is. Opening anything else than a file could wait for ever."""
    if path.startswith("data:") or "://" in path:
        raise UnusableError(said("is an address"), said("download it, and name the file"))
    file = (root / _expanded(path)).absolute()
    try:
        kind = file.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        looked = said("looked for {file}", file=file)
        raise UnusableError(said("does not exist"), looked) from None
    except ValueError:  # a NUL
        raise UnusableError(said("is no path")) from None
    if stat.S_ISDIR(kind):
        raise UnusableError(said("is a folder"), _USE)
    if not stat.S_ISREG(kind):
        raise UnusableError(said("is no ordinary file"), _USE)
    return file.resolve()


def _expanded(path: str) -> Path:
    try:
        return Path(path).expanduser()
    except RuntimeError:  # nobody of that name has a home
        return Path(path)


def _picture(file: Path, content: BufferedReader) -> InputImage:
    length = end_of(content)
    if not length:
        raise UnusableError(said("is empty"), _USE)
    if length >= MOST_BYTES:
        message = said("has {size}; it must be below 50 MB", size=_megabytes(length))
        raise UnusableError(message, _COMPRESS)
    kind = sniff(content)
    size = _SIZES[kind](content)
    if size.pixels > MOST_PIXELS:
        message = said(
            "is {size}; it may have {most} million pixels at most",
            size=size,
            most=MOST_PIXELS // 1_000_000,
        )
        raise UnusableError(message, _COMPRESS)
    alpha = _prove(content, size)
    content.seek(0)
    return InputImage(
        file, kind, length, size, alpha, hashlib.file_digest(content, "sha256").hexdigest()
    )


def _prove(content: BufferedReader, size: Size) -> bool:
    """See that the picture can be decoded; tells whether it has an alpha channel."""
    content.seek(0)
    with opened(content) as image:
        alpha = "A" in image.getbands()
        if image.size != (size.width, size.height):
            raise PictureError(said("has two headers that contradict each other"))
        _decode(image, size)
    return alpha


def _decode(image: Image.Image, size: Size) -> None:
    """All of it, if that takes little memory: a JPEG can be decoded small.

    Of a large one, a PNG has checksums, and the container of a WebP says where it ends.
    """
    image.draft(None, _SMALL)
    if size.pixels <= _DECODED_PIXELS or image.format == "JPEG":
        image.load()
    else:
        image.verify()


# --- masks ------------------------------------------------------------------------------------


def _mask_problems(use: Use, images: Mapping[str, InputImage]) -> Iterator[Problem]:
    mask, masked = images[use.path], images.get(use.masks or "")
    if mask.format is not Format.PNG or not mask.alpha:
        hint = said("what is transparent in it is painted anew: save it as a PNG with transparency")
        message = said("{file} must be a PNG with an alpha channel", file=named(use))
        yield Problem(use.field, message, hint)
    if masked is not None and mask.size != masked.size:
        message = said(
            "{file} is {size}, but the first image is {other}",
            file=named(use),
            size=mask.size,
            other=masked.size,
        )
        yield Problem(use.field, message, said("both must have the same size"))


def _heavy(masks: Iterable[Use], images: Mapping[str, InputImage]) -> Iterator[str]:
    for use in masks:
        if (length := images[use.path].bytes) > _MOST_ADVISED:
            yield said(
                "{where}: a mask of {size} may be refused; keep it below 4 MB",
                where=use.field,
                size=_megabytes(length),
            )


def named(use: Use) -> str:
    """The path as a message shows it."""
    return f'"{shown(use.path, _NAME)}"'


def _megabytes(length: int) -> str:
    return f"{length / 1024 / 1024:.1f} MB"
