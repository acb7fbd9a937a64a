"""The folder of a job, whose files a later step hands over."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bot.adapters.destinations.directory import DirectoryDestination
from bot.core import paths
from bot.core.ports import File, Publication, Published
from bot.core.run import Run
from bot.core.said import said


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


def _asked(file: File) -> File:
    if file.made is None:
        return file
    path = paths.of_media_type(file.made.item.item.path, file.media_type)
    return replace(file, name=path)


def in_artifact(_: Run) -> str:
    """Where people find what GitHub has refused."""
    return said("They are in the artifact of this job.")
