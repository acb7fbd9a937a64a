"""Images of earlier runs as reference images: `run:ID/fox.png`."""

import asyncio
import zipfile
from collections.abc import Awaitable, Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Protocol

from bot.adapters.pictures.inputs import UnusableError
from bot.core.ports import NoFile, Runs
from bot.core.run import ItemView, RunView, Thread
from bot.core.said import said

PREFIX = "run:"

Kept = Callable[[str, ItemView], Awaitable[str | None]]
"""The local file of an item's image, as long as the spool has it."""

_MOST_NAMES = 5
_FOOT = said("The id stands at the foot of each run's comment.")
_COMMIT = said("commit the picture to the default branch, and name it by its path")


class PublishedHost(Protocol):
    async def published(self, thread: Thread, url: str, most: int) -> bytes | NoFile: ...


class RunPictures:
    """Reads what the runs of a repository have made, from the spool or where it was published.

    `folder` is where files go that have no address.
    """

    def __init__(self, runs: Runs, kept: Kept, host: PublishedHost, folder: Path | None) -> None:
        self._runs = runs
        self._kept = kept
        self._host = host
        self._folder = folder

    async def fetch(self, thread: Thread, name: str, most: int) -> bytes:
        """The image of this name, `most` bytes at most; raises UnusableError and HostError."""
        run, _, file = name.removeprefix(PREFIX).partition("/")
        view = await self._runs.get(run) if run else None
        if view is None or view.run.thread is None or not view.run.thread.beside(thread):
            raise UnusableError(said("is of no run of this repository"), _FOOT)
        item = next((each for each in _made(view) if file in _names(run, each)), None)
        if item is None:
            raise UnusableError(said("is no image of that run"), _choice(view))
        data = await self._read(thread, run, item, most)
        if data is NoFile.TOO_LARGE or (isinstance(data, bytes) and len(data) > most):
            raise UnusableError(said("is too large; it must be below 50 MB"))
        if isinstance(data, NoFile):
            raise UnusableError(said("is not there any more"), _COMMIT)
        return data

    async def _read(self, thread: Thread, run: str, item: ItemView, most: int) -> bytes | NoFile:
        if kept := await self._kept(run, item):
            return await asyncio.to_thread(_local, Path(kept), most)
        if item.url is None:
            placed = self._folder and item.path and self._folder / item.path
            return await asyncio.to_thread(_local, placed, most) if placed else NoFile.MISSING
        data = await self._host.published(thread, item.url, most)
        if isinstance(data, bytes) and item.url.endswith(".zip"):
            return await asyncio.to_thread(_unpacked, data, item, most)
        return data


def _made(view: RunView) -> Iterator[ItemView]:
    return (item for item in view.items if item.winner)


def _names(run: str, item: ItemView) -> set[str]:
    """What people may call it: as they asked for it, as it was published, as its address ends."""
    address = (item.url or "").partition("?")[0].rpartition("/")[2]
    names = {_shown(run, item), item.item.path, item.item.asset_name, address}
    return names - {""}


def _shown(run: str, item: ItemView) -> str:
    return (item.path or item.item.path).removeprefix(f"{run}/")


def _choice(view: RunView) -> str:
    names = [_shown(view.run.id, item) for item in _made(view)]
    if not names:
        return said("It has made none.")
    more = ", …" if len(names) > _MOST_NAMES else ""
    return said("It has made: {names}", names=", ".join(names[:_MOST_NAMES]) + more)


def _local(file: Path, most: int) -> bytes | NoFile:
    try:
        with file.open("rb") as content:
            return content.read(most + 1)
    except FileNotFoundError:
        return NoFile.MISSING


def _unpacked(archive: bytes, item: ItemView, most: int) -> bytes | NoFile:
    """The image out of the archive in which very many were published."""
    wanted = {item.path, item.item.asset_name}
    try:
        with zipfile.ZipFile(BytesIO(archive)) as opened:
            entry = next((each for each in opened.infolist() if each.filename in wanted), None)
            if entry is None:
                return NoFile.MISSING
            return NoFile.TOO_LARGE if entry.file_size > most else opened.read(entry)
    except zipfile.BadZipFile:
        return NoFile.MISSING
