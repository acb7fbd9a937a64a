"""Small copies of a run's images: a thumbnail beside each, and one overview of all."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.core import paths
from bot.core.errors import BatchError, GptimageError, Problem, because
from bot.core.plan import Item
from bot.core.ports import File
from bot.core.run import ItemView, RunView
from bot.core.said import said

SHEET = "contact-sheet.jpg"
_LEAVE = said("name it otherwise, or leave the small copies out")


@dataclass(frozen=True, slots=True)
class Copies:
    """Which copies are wanted; a thumbnail's longer edge in pixels, and its quality in per cent."""

    thumbnails: bool = False
    contact_sheet: bool = False
    edge: int = 128
    quality: int = 60


@dataclass(frozen=True, slots=True)
class Copied:
    """Where the overview is, if there is one, and the copies that could not be made."""

    sheet: str | None
    warnings: tuple[str, ...]


def check(items: Sequence[Item], wanted: Copies) -> None:
    """Raise BatchError if a copy would have the name of an image, or of another copy."""
    if problems := list(_clashes(items, wanted)):
        raise BatchError(problems)


def _clashes(items: Sequence[Item], wanted: Copies) -> Iterator[Problem]:
    claimed = {paths.fold(item.path): _image_of(item) for item in items}
    for place, what, name in _planned(items, wanted):
        if why := paths.problem(name):
            yield Problem(
                place, said("{what} cannot be written: {why}", what=what, why=why), _LEAVE
            )
        elif owner := claimed.get(paths.fold(name)):
            message = said(
                '{what} would be "{name}", which is {owner} already',
                what=what,
                name=name,
                owner=owner,
            )
            yield Problem(place, message, _LEAVE)
        claimed[paths.fold(name)] = what


def _image_of(item: Item) -> str:
    return said("an image of {place}", place=f"jobs[{item.job}]")


def _planned(items: Sequence[Item], wanted: Copies) -> Iterator[tuple[str, str, str]]:
    """Where each copy is asked for, what it is, and its name."""
    for item in items if wanted.thumbnails else ():
        what = said('the thumbnail of "{path}"', path=item.path)
        yield f"jobs[{item.job}].output_path", what, paths.thumbnail(item.path)
    if wanted.contact_sheet:
        yield "--contact-sheet", said("the contact sheet"), SHEET


# --- making them ------------------------------------------------------------------------------


async def make(view: RunView, folder: Path, wanted: Copies) -> Copied:
    """Write the copies of the images that are there; made again they are the same files.

    Nothing is raised: an image without its copy is an image all the same.
    """
    there = [item for item in view.items if item.path]
    warnings: list[str] = []
    sheet = None
    for item in there if wanted.thumbnails else ():
        warnings += await _thumbnail(view, item, wanted)
    if there and wanted.contact_sheet:
        try:
            sheet = await _sheet(view, there, folder)
        except (GptimageError, OSError) as error:
            warnings.append(said("no contact sheet was made ({why})", why=_why(error)))
    return Copied(sheet, tuple(warnings))


async def _thumbnail(view: RunView, item: ItemView, wanted: Copies) -> Sequence[str]:
    from bot.adapters.pictures.sheets import thumbnail

    path = Path(item.path or "")
    try:
        with TemporaryDirectory(prefix="gptimage-") as room:
            small = Path(room, "small.jpg")
            await asyncio.to_thread(thumbnail, path, small, wanted.edge, wanted.quality)
            await _publish(view, small, path.parent, paths.thumbnail(path.name))
    except (GptimageError, OSError) as error:
        return [said("{path} has no thumbnail ({why})", path=path, why=_why(error))]
    return []


def _why(error: GptimageError | OSError) -> str:
    return because(error) if isinstance(error, OSError) else error.message


async def _sheet(view: RunView, there: Sequence[ItemView], folder: Path) -> str:
    from bot.adapters.pictures.sheets import contact_sheet

    shown = [(Path(item.path or ""), item.item.call.prompt) for item in there]
    with TemporaryDirectory(prefix="gptimage-") as room:
        sheet = Path(room, SHEET)
        await asyncio.to_thread(contact_sheet, shown, sheet)
        return await _publish(view, sheet, folder, SHEET)


async def _publish(view: RunView, source: Path, folder: Path, name: str) -> str:
    """Put it there as an image is put there: whole, and never over another file."""
    from bot.adapters.destinations import DirectoryDestination

    file = File(0, name, str(source), "image/jpeg")
    done = await DirectoryDestination(folder).publish(view.run, [file])
    return done.files[0].path
