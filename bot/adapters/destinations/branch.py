"""One branch per run: a commit without a past, made whole before anybody sees it.

No other branch is read or touched. Nothing is there before the last step, and what a step has made
before a crash has the same name when it is made again, so each may be repeated.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha1
from pathlib import Path
from typing import Protocol

from bot.adapters.destinations.names import extras, named, publications
from bot.core.errors import HostError
from bot.core.killpoints import Point, reach
from bot.core.ports import File, Published
from bot.core.run import Run, Thread
from bot.core.said import said


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit, and the names that Git has for the content of its files."""

    sha: str
    tree: str
    files: Mapping[str, str] = field(default_factory=dict)


class Branches(Protocol):
    """The branches of a thread's repository; every method raises HostError."""

    asked_at: str

    async def find(self, branch: str) -> Commit | None: ...
    async def keep(self, file: Path) -> str: ...
    async def read(self, commit: Commit, name: str) -> str: ...
    async def commit(
        self, files: Mapping[str, str], message: str, onto: Commit | None
    ) -> Commit: ...
    async def point(self, branch: str, commit: Commit, *, new: bool) -> None: ...
    def page(self, branch: str) -> str: ...
    def address(self, commit: Commit, name: str) -> str: ...


class BranchHost(Protocol):
    def branches(self, thread: Thread) -> Branches: ...


_REASONS = {
    403: said(
        'nothing may be written here with this token. Grant the App "Contents: write",'
        " or the workflow `contents: write`."
    ),
    404: said("the repository is gone, or hidden from the App."),
    409: said("GitHub makes no branch in an empty repository. It needs at least one commit."),
    422: said("the repository's rules do not let the App make this branch."),
}


_PIECE = 1024 * 1024


class BranchDestination:
    """Publishes a run on a branch `<prefix><run id>`.

    Raises HostError when GitHub may be asked again later; a final refusal is told in the note,
    and what could not be published has no URL.
    """

    def __init__(self, host: BranchHost, *, prefix: str = "gptimage-") -> None:
        self._host = host
        self._prefix = prefix

    async def publish(self, run: Run, files: Sequence[File]) -> Published:
        """Put the files where people can fetch them; again for the same files changes nothing."""
        if run.thread is None:
            raise ValueError(f"run {run.id} has no thread, so it has no repository")
        branches, wanted = self._host.branches(run.thread), named(files)
        branch = f"{self._prefix}{run.id}"
        try:
            commit = await _committed(branches, branch, wanted)
        except HostError as error:
            why = _REASONS.get(error.status or 0, error.message)
            if error.final or error.status == 409:
                return Published(publications(wanted, {}), note=why)
            raise
        addresses = {name: branches.address(commit, name) for name in wanted}
        page, beside = branches.page(branch), extras(wanted, addresses)
        return Published(publications(wanted, addresses), page, extras=beside)


async def _committed(branches: Branches, branch: str, wanted: Mapping[str, File]) -> Commit:
    """The branch's commit with all these files; made if it is not there."""
    found = await branches.find(branch)
    there = found.files if found else {}
    shas: dict[str, str] = {}
    for name, file in wanted.items():
        source = Path(file.source)
        shas[name] = await asyncio.to_thread(_sha, source)
        if there.get(name) != shas[name]:
            shas[name] = await branches.keep(source)
            reach(Point.ASSET_UPLOADED)
    if found and not shas.items() - there.items():
        return found
    commit = await branches.commit(shas, _message(branches), found)
    await branches.point(branch, commit, new=found is None)
    return commit


def _message(branches: Branches) -> str:
    return f"Images for {branches.asked_at}"


def _sha(file: Path) -> str:
    """What Git calls a file of this content.

    Source: https://git-scm.com/book/en/v2/Git-Internals-Git-Objects
    """
    named = sha1(b"blob %d\0" % file.stat().st_size, usedforsecurity=False)
    with file.open("rb") as opened:
        while piece := opened.read(_PIECE):
            named.update(piece)
    return named.hexdigest()
