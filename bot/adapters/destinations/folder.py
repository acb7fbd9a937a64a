"""A folder of the server for each run, for operators who hand out the files themselves."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from bot.adapters.destinations.directory import DirectoryDestination
from bot.core.errors import because
from bot.core.ports import File, Publication, Published
from bot.core.run import Run
from bot.core.said import said


class FolderDestination:
    """Writes a run's files to `<root>/<run id>`; they have no address, and the note says so."""

    def __init__(self, root: Path) -> None:
        self._root = root

    async def publish(self, run: Run, files: Sequence[File]) -> Published:
        """Write the files; again for the same files changes nothing."""
        folder = self._root / run.id
        try:
            await asyncio.to_thread(_take_away, [folder / f.name for f in files if f.item is None])
            done = await DirectoryDestination(folder).publish(run, files)
        except OSError as error:
            note = said(
                "The images could not be written to the server's folder: {why}."
                " They are kept in spool/{run} there.",
                why=because(error),
                run=run.id,
            )
            return Published((), note=note)
        note = said("The images are files on the server, in its folder {folder}.", folder=run.id)
        return Published(tuple(self._below_root(each) for each in done.files), note=note)

    def _below_root(self, publication: Publication) -> Publication:
        """Where the root is on the server is nobody's business in a thread."""
        return replace(publication, path=str(Path(publication.path).relative_to(self._root)))


def _take_away(reports: Iterable[Path]) -> None:
    """A report takes the place of the one before; pictures are never overwritten."""
    for report in reports:
        report.unlink(missing_ok=True)
