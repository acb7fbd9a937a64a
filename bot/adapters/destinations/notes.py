"""Where a run without a comment keeps its record: at the place where its images will be.

It is there before the first image is. Every method raises HostError.
"""

import asyncio
import tempfile
from pathlib import Path

from bot.adapters.destinations.branch import Branches
from bot.adapters.destinations.release import Release, Releases

_README = "README.md"  # which GitHub shows below a branch


class ReleaseNotes:
    """The words of the run's release, which is a draft until it has images."""

    def __init__(self, releases: Releases, tag: str) -> None:
        self._releases = releases
        self._tag = tag
        self._written: Release | None = None

    async def read(self) -> str:
        """What stands there; nothing if there is no such release."""
        found = await self._releases.find(self._tag)
        return (found and found.body) or ""

    async def write(self, text: str) -> None:
        """Let this stand there."""
        found = self._written or await self._releases.find(self._tag)
        self._written = None  # looked for again if it is gone
        if found:
            await self._releases.note(found, text)
        else:
            found = await self._releases.draft(self._tag, f"Images of {self._tag}", text)
        self._written = found


class BranchNotes:
    """A file of the run's branch."""

    def __init__(self, branches: Branches, branch: str) -> None:
        self._branches = branches
        self._branch = branch

    async def read(self) -> str:
        """What stands there; nothing if there is no such branch."""
        found = await self._branches.find(self._branch)
        return await self._branches.read(found, _README) if found else ""

    async def write(self, text: str) -> None:
        """Let this stand there."""
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / _README
            await asyncio.to_thread(file.write_text, text, encoding="utf-8")
            sha = await self._branches.keep(file)
        found = await self._branches.find(self._branch)
        message = f"The record of {self._branches.asked_at}"
        commit = await self._branches.commit({_README: sha}, message, found)
        await self._branches.point(self._branch, commit, new=found is None)
