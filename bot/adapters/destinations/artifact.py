"""The folder of a job, whose files a later step hands over."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bot.adapters.destinations.directory import DirectoryDestination
from bot.core import paths
from bot.core.ports import Destination, File, Publication, Published
from bot.core.run import Run
from bot.core.said import said

_KEPT = said("They are in the artifact of this job.")


class ArtifactDestination:
    """Writes files below `root`; people hear their names there, and nothing of the runner's disk.

    Raises as DirectoryDestination does.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._directory = DirectoryDestination(root)

    async def publish(self, run: Run, files: Sequence[File]) -> Published:
        """Write the files; again for the same files changes nothing."""
        done = await self._directory.publish(run, files)
        return Published(tuple(self._below_root(each) for each in done.files))

    def _below_root(self, publication: Publication) -> Publication:
        return replace(publication, path=str(Path(publication.path).relative_to(self._root)))


class Spare:
    """The same folder for what GitHub has refused, under the names that people asked for."""

    def __init__(self, root: Path) -> None:
        self._artifact = ArtifactDestination(root)

    async def publish(self, run: Run, files: Sequence[File]) -> Published:
        """Write the files; again for the same files changes nothing."""
        return await self._artifact.publish(run, [_asked(file) for file in files if file.made])


class InTime:
    """A way to GitHub that is left as soon as the job is to end, for the runner kills it soon.

    All images go to the spare folder then: a folder takes them at once, and GitHub one a second.
    """

    def __init__(self, way: Destination, spare: Spare, ending: asyncio.Event) -> None:
        self._way = way
        self._spare = spare
        self._ending = ending

    async def publish(self, run: Run, files: Sequence[File]) -> Published:
        """Put the files there, or into the folder; again for the same files changes nothing."""
        going = asyncio.create_task(self._way.publish(run, files))
        ending = asyncio.create_task(self._ending.wait())
        try:
            await asyncio.wait({going, ending}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (going, ending):
                task.cancel()  # nothing happens to what is done
        if going.done():
            return await going
        await asyncio.gather(going, return_exceptions=True)
        done = await self._spare.publish(run, files)
        note = said("The job had to end before its images were published. {kept}", kept=_KEPT)
        return replace(done, note=note)


def _asked(file: File) -> File:
    if file.made is None:
        return file
    path = paths.of_media_type(file.made.item.item.path, file.media_type)
    return replace(file, name=path)


def in_artifact(_: Run) -> str:
    """Where people find what GitHub has refused."""
    return _KEPT
