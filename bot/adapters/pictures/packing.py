"""Very many pictures: archives to fetch, and overviews to look at."""

import asyncio
import hashlib
import shutil
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from bot.adapters.pictures.gallery import Gallery
from bot.adapters.pictures.sheets import contact_sheet
from bot.adapters.pictures.whole import whole
from bot.core import paths
from bot.core.ports import Destination, File, Publication, Published
from bot.core.run import FileKind, Run

MOST = 150
"""So many pictures are published one by one: each of them and its copy is a write on GitHub."""

# GitHub takes larger files only in releases.
_ARCHIVE_BYTES = 48 * 1024 * 1024
# So many that an overview is below the 5 MB of GitHub's image proxy.
_SHEET, _COLUMNS = 36, 6
_THEN = (1980, 1, 1, 0, 0, 0)  # the same pictures make the same archive


@dataclass(frozen=True, slots=True)
class _Picture:
    """A file, and its name inside an archive."""

    file: File
    name: str


class Packing:
    """A destination with a gallery, which takes more than `most` pictures in archives.

    What the ledger has an address for stays where it is: an archive is never made again of a part.
    """

    def __init__(self, destination: Destination, most: int = MOST) -> None:
        self._destination = destination
        self._gallery = Gallery(destination)
        self._most = most

    async def publish(self, run: Run, files: Sequence[File]) -> Published:
        """Publish the files; again for the same files changes nothing."""
        there = [placed for file in files if (placed := _placed(file))]
        items = {placed.item for placed in there}
        left = [file for file in files if file.item is None or file.item not in items]
        done = await self._publish(run, left)
        return replace(done, files=(*there, *done.files))

    async def _publish(self, run: Run, files: Sequence[File]) -> Published:
        pictures = list(_named(files))
        if len(pictures) <= self._most:
            return await self._gallery.publish(run, files)
        archives = await asyncio.to_thread(_archives, pictures)
        sheets = await asyncio.to_thread(_sheets, pictures)
        others = [file for file in files if file.made is None]
        done = await self._destination.publish(run, [*archives, *sheets, *others])
        urls = {extra.name: extra.url for extra in done.extras}
        placed = (
            Publication(picture.file.item, urls.get(archive.name), picture.name)
            for archive, pictures in archives.items()
            for picture in pictures
            if picture.file.item is not None
        )
        return replace(done, files=tuple(placed))


class Overviews:
    """A folder with a small copy beside each picture, and overviews of more than `most`.

    Nothing is archived there: whoever reaches the folder has all pictures before them.
    """

    def __init__(self, destination: Destination, most: int = MOST) -> None:
        self._gallery = Gallery(destination, paths.thumbnail)
        self._most = most

    async def publish(self, run: Run, files: Sequence[File]) -> Published:
        """Publish the files; again for the same files changes nothing."""
        pictures = list(_named(files))
        sheets: list[File] = []
        if len(pictures) > self._most:
            with suppress(OSError):  # what is paid for needs no overview
                sheets = await asyncio.to_thread(_sheets, pictures)
        return await self._gallery.publish(run, [*files, *sheets])


def _placed(file: File) -> Publication | None:
    """Where the ledger says that the file is."""
    if file.item is None or file.made is None or file.made.item.url is None:
        return None
    item = file.made.item
    return Publication(file.item, item.url, item.path or file.name, item.thumbnail)


def _named(files: Sequence[File]) -> Iterator[_Picture]:
    """The pictures by the names that people gave them; ours where an ending made two alike."""
    taken: set[str] = set()
    for file in files:
        if file.made is None:
            continue
        asked = paths.of_media_type(file.made.item.item.path, file.media_type)
        name = file.name if paths.fold(asked) in taken else asked
        taken.add(paths.fold(name))
        yield _Picture(file, name)


# --- archives ---------------------------------------------------------------------------------


def _archives(pictures: Sequence[_Picture]) -> dict[File, Sequence[_Picture]]:
    """Archives, each with its pictures; beside the first one in the spool, and cleared with it."""
    parts = list(_parts(pictures))
    made: dict[File, Sequence[_Picture]] = {}
    for number, part in enumerate(parts, 1):
        place = f"-{number}-of-{len(parts)}" if len(parts) > 1 else ""
        name = f"images{place}-{_digest(part)}.zip"
        target = Path(f"{part[0].file.source}.{name}")
        if not target.exists():  # an earlier process may have made it, and a file appears whole
            _pack(part, target)
        file = File(None, name, str(target), "application/zip", kind=FileKind.ARCHIVE)
        made[file] = part
    return made


def _parts(pictures: Sequence[_Picture]) -> Iterator[Sequence[_Picture]]:
    part: list[_Picture] = []
    size = 0
    for picture in pictures:
        more = Path(picture.file.source).stat().st_size
        if part and size + more > _ARCHIVE_BYTES:
            yield part
            part, size = [], 0
        part.append(picture)
        size += more
    yield part


def _digest(pictures: Sequence[_Picture]) -> str:
    """Other pictures, another name: no archive ever replaces one with more in it."""
    told = "\n".join(f"{picture.file.name}\t{picture.name}" for picture in pictures)
    return hashlib.sha256(told.encode()).hexdigest()[:8]


def _pack(pictures: Sequence[_Picture], target: Path) -> None:
    """Write the archive as a stream; pictures are compressed already, so they are only stored."""
    with whole(target) as partial, zipfile.ZipFile(partial, "w") as archive:
        for picture in pictures:
            entry = zipfile.ZipInfo(picture.name, _THEN)
            entry.external_attr = 0o644 << 16
            with Path(picture.file.source).open("rb") as given, archive.open(entry, "w") as kept:
                shutil.copyfileobj(given, kept, 1024 * 1024)


# --- overviews --------------------------------------------------------------------------------


def _sheets(pictures: Sequence[_Picture]) -> list[File]:
    """Overviews with the names inside the archives."""
    made = []
    for first in range(0, len(pictures), _SHEET):
        part = pictures[first : first + _SHEET]
        name = f"overview-{first + 1}-to-{first + len(part)}-{_digest(part)}.jpg"
        target = Path(f"{part[0].file.source}.{name}")
        shown = [(Path(picture.file.source), picture.name) for picture in part]
        if not target.exists():
            contact_sheet(shown, target, _COLUMNS, first + 1)
        made.append(File(None, name, str(target), "image/jpeg", kind=FileKind.SHEET))
    return made
