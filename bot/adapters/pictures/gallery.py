"""What a comment can show of a run: small copies, for originals are too large for image proxies."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path, PurePath

from bot.adapters.pictures.formats import PictureError
from bot.adapters.pictures.sheets import thumbnail
from bot.core import paths
from bot.core.ports import Destination, File, Publication, Published
from bot.core.run import FileKind, Run

# Pages show most of them 160 pixels tall, and screens may have several pixels for one of those.
_EDGE = 480
# Pictures that are decoded at the same time, of all the runs of a process: a small file is large
# in memory, and runs end together.
_AT_ONCE = 2


def _thumb(name: str) -> str:
    return f"thumb-{PurePath(name).stem}.webp"


class Gallery:
    """A destination that has a thumbnail beside each picture.

    One that cannot be copied has none, and is published all the same: it is paid for.
    `name_of` says how the copy is called that belongs to a name.
    """

    def __init__(self, destination: Destination, name_of: Callable[[str], str] = _thumb) -> None:
        self._destination = destination
        self._name_of = name_of
        self._places = asyncio.Semaphore(_AT_ONCE)

    async def publish(self, run: Run, files: Sequence[File]) -> Published:
        """Publish the files and small copies; again for the same files changes nothing."""
        copies = {file.item: copy for file in files if (copy := await self._copied(file))}
        done = await self._destination.publish(run, [*files, *copies.values()])
        shown = {extra.name: extra.url for extra in done.extras}

        def placed(each: Publication) -> Publication:
            copy = copies.get(each.item)
            return replace(each, thumbnail=shown.get(copy.name)) if copy else each

        others = (extra for extra in done.extras if extra.kind is not FileKind.THUMBNAIL)
        return replace(done, files=tuple(map(placed, done.files)), extras=tuple(others))

    async def _copied(self, file: File) -> File | None:
        async with self._places:
            return await _copied(file, self._name_of(file.name))


async def _copied(file: File, name: str) -> File | None:
    """The small copy of a picture; beside it in the spool, which is cleared with it."""
    if file.made is None or paths.problem(name):
        return None
    suffix = PurePath(name).suffix
    copy = Path(f"{file.source}.thumb{suffix}")
    try:
        await asyncio.to_thread(_copy, Path(file.source), copy)
    except (PictureError, OSError):
        return None
    media_type = "image/webp" if suffix == ".webp" else "image/jpeg"
    return File(None, name, str(copy), media_type, kind=FileKind.THUMBNAIL)


def _copy(picture: Path, copy: Path) -> None:
    if not copy.exists():  # an earlier process may have made it, and a file appears whole
        thumbnail(picture, copy, _EDGE)
