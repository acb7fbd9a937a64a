"""A folder of the server for each run, for operators who hand out the files themselves."""

import asyncio
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from bot.adapters.destinations.directory import DirectoryDestination
from bot.core.errors import BatchError, because
from bot.core.ports import File, Publication, Published
from bot.core.run import FileKind, Run
from bot.core.said import said

_COPIES = frozenset({FileKind.THUMBNAIL, FileKind.SHEET})


class FolderDestination:
    """Writes a run's files to `<root>/<run id>`; they have no address, and the note says so."""

    def __init__(self, root: Path) -> None:
        self._root = root

    async def publish(self, run: Run, files: Sequence[File]) -> Published:
        """Write the files; again for the same files changes nothing."""
        folder = self._root / run.id
        destination = DirectoryDestination(folder)
        copies = [file for file in files if file.kind in _COPIES]
        reports = [folder / file.name for file in files if file.kind is FileKind.REPORT]
        try:
            await asyncio.to_thread(_take_away, reports)
            done = await destination.publish(run, [f for f in files if f not in copies])
        except OSError as error:
            note = said(
                "The images could not be written to the server's folder: {why}."
                " They are kept in spool/{run} there.",
                why=because(error),
                run=run.id,
            )
            return Published((), note=note)
        with suppress(OSError, BatchError):  # an image without its copy is an image all the same
            await destination.publish(run, copies)
        placed = tuple(self._below_root(each) for each in done.files)
        return Published(placed, note=_note(run, {file.kind for file in copies}))

    def _below_root(self, publication: Publication) -> Publication:
        """Where the root is on the server is nobody's business in a thread."""
        return replace(publication, path=str(Path(publication.path).relative_to(self._root)))


def _note(run: Run, copies: Collection[FileKind]) -> str:
    if FileKind.SHEET in copies:
        return said(
            "The images are files on the server, in its folder {folder}, with small copies beside"
            " them; the files {overviews} there show many at once.",
            folder=run.id,
            overviews="overview-*.jpg",
        )
    if FileKind.THUMBNAIL in copies:
        return said(
            "The images are files on the server, in its folder {folder}, with small copies beside"
            " them.",
            folder=run.id,
        )
    return said("The images are files on the server, in its folder {folder}.", folder=run.id)


def _take_away(reports: Iterable[Path]) -> None:
    """A report takes the place of the one before; pictures are never overwritten."""
    for report in reports:
        report.unlink(missing_ok=True)
