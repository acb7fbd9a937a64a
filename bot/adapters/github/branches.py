"""The branches of one repository, made of parts by the API of its Git database."""

from collections.abc import Mapping
from pathlib import Path

import httpx
from pydantic import BaseModel, TypeAdapter

from bot.adapters.destinations.branch import Commit
from bot.adapters.github import bodies
from bot.adapters.github.answers import read
from bot.adapters.github.client import Client
from bot.adapters.github.files import read_file
from bot.adapters.github.wire import Request
from bot.core.errors import HostError
from bot.core.ports import NoFile
from bot.core.run import Thread


class _Object(BaseModel, frozen=True):
    sha: str


class _Ref(BaseModel, frozen=True):
    object: _Object


class _Committed(BaseModel, frozen=True):
    sha: str
    tree: _Object


class _Entry(BaseModel, frozen=True):
    path: str
    sha: str


class _Tree(BaseModel, frozen=True):
    sha: str
    tree: tuple[_Entry, ...] = ()


_LONGEST_TEXT = 1024 * 1024

_OBJECT, _REF = TypeAdapter(_Object), TypeAdapter(_Ref)
_COMMITTED, _TREE = TypeAdapter(_Committed), TypeAdapter(_Tree)


class GitHubBranches:
    """Makes commits and branches; every method raises HostError.

    Git names things by their content, so a part that is made twice is one.
    """

    def __init__(self, client: Client, thread: Thread, home: str, asked_at: str) -> None:
        self._client = client
        self._thread = thread
        self._home = home
        self.asked_at = asked_at

    async def find(self, branch: str) -> Commit | None:
        """The newest commit of a branch, with its files; None if there is no such branch."""
        try:
            ref = read(_REF, await self._get(f"/git/ref/heads/{branch}"))
        except HostError as error:
            if error.status == 404:
                return None
            raise
        commit = read(_COMMITTED, await self._get(f"/git/commits/{ref.object.sha}"))
        tree = read(_TREE, await self._get(f"/git/trees/{commit.tree.sha}"))
        return Commit(commit.sha, tree.sha, {entry.path: entry.sha for entry in tree.tree})

    async def keep(self, file: Path) -> str:
        """Store the content of a file; gives its name."""
        request = Request(
            "POST",
            "/git/blobs",
            body=await bodies.blob(file),
            media_type="application/json",
            repeatable=True,
        )
        return read(_OBJECT, await self._client.ask(self._thread, request)).sha

    async def read(self, commit: Commit, name: str) -> str:
        """What a file of the commit holds; nothing if it is not there."""
        found = await read_file(self._client, self._thread, name, _LONGEST_TEXT, commit.sha)
        return "" if isinstance(found, NoFile) else found.decode(errors="replace")

    async def commit(self, files: Mapping[str, str], message: str, onto: Commit | None) -> Commit:
        """A commit that nothing points to yet: these files, beside those of `onto`."""
        entries = [
            {"path": name, "mode": "100644", "type": "blob", "sha": sha}
            for name, sha in files.items()
        ]
        base = {"base_tree": onto.tree} if onto else {}
        tree = read(_TREE, await self._make("/git/trees", {"tree": entries, **base})).sha
        wanted = {"message": message, "tree": tree, "parents": [onto.sha] if onto else []}
        made = read(_COMMITTED, await self._make("/git/commits", wanted))
        return Commit(made.sha, tree, {**(onto.files if onto else {}), **files})

    async def point(self, branch: str, commit: Commit, *, new: bool) -> None:
        """Let the branch end in the commit."""
        if new:
            wanted = {"ref": f"refs/heads/{branch}", "sha": commit.sha}
            # Not repeatable: a second one is refused, and the next look finds the first.
            request = Request("POST", "/git/refs", json=wanted)
        else:
            request = Request("PATCH", f"/git/refs/heads/{branch}", json={"sha": commit.sha})
        await self._client.ask(self._thread, request)

    def page(self, branch: str) -> str:
        """Where people see the branch."""
        return f"{self._home}/tree/{branch}"

    def address(self, commit: Commit, name: str) -> str:
        """Where a browser gets a file: by the commit, so that it stays what it is.

        Shown inline also in private repositories, to whoever may read them.
        """
        return f"{self._home}/blob/{commit.sha}/{name}?raw=true"

    async def _get(self, path: str) -> httpx.Response:
        return await self._client.ask(self._thread, Request("GET", path))

    async def _make(self, path: str, wanted: Mapping[str, object]) -> httpx.Response:
        request = Request("POST", path, json=wanted, repeatable=True)
        return await self._client.ask(self._thread, request)
