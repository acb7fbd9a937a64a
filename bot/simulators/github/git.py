"""The Git database of the repository, as far as its API makes commits."""

import json
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha1
from typing import Any

from bot.simulators.github.refusals import ApiError, invalid, not_found


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit; `tree` is the name of its files."""

    sha: str
    tree: str
    parents: tuple[str, ...]
    message: str


@dataclass(slots=True)
class Git:
    """Blobs, trees, commits and refs, under the names that Git gives to the first; 409 if empty."""

    empty: bool = False
    blobs: dict[str, bytes] = field(default_factory=dict)
    trees: dict[str, dict[str, str]] = field(default_factory=dict)
    commits: dict[str, Commit] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)

    def found(self, default_branch: str, files: Mapping[str, bytes]) -> None:
        """The first commit of a repository that is not empty."""
        if self.empty:
            return
        tree = {path: self._keep(data) for path, data in files.items()}
        first = self._commit(self._plant(tree), (), "Begin")
        self.refs[f"refs/heads/{default_branch}"] = first.sha

    def add_blob(self, content: object, encoding: object) -> str:
        self._check()
        if not isinstance(content, str):
            raise invalid("Blob", "content", "missing_field")
        try:
            data = b64decode(content, validate=True) if encoding == "base64" else content.encode()
        except NotBase64:
            raise invalid("Blob", "content", "invalid") from None
        return self._keep(data)

    def add_tree(self, entries: Any, base: str | None) -> str:
        """A tree of files; its entries come in addition to those of `base`."""
        self._check()
        files = dict(self.tree(base)) if base else {}
        for entry in entries:
            if entry.get("mode") != "100644" or entry.get("type") != "blob":
                raise invalid("Tree", "tree", "invalid", "Only plain files are simulated")
            if entry.get("sha") not in self.blobs:
                raise invalid("Tree", "sha", "invalid", "tree.sha is not a valid blob")
            files[entry["path"]] = entry["sha"]
        return self._plant(files)

    def add_commit(self, message: object, tree: object, parents: Any) -> Commit:
        self._check()
        if tree not in self.trees or any(parent not in self.commits for parent in parents):
            raise invalid("Commit", "tree", "invalid", "Tree or parent does not exist")
        return self._commit(str(tree), tuple(parents), str(message))

    def add_ref(self, ref: object, sha: object) -> str:
        self._check()
        if not isinstance(ref, str) or not ref.startswith("refs/") or ref.count("/") < 2:
            raise invalid("Reference", "ref", "invalid", "Reference name must start with refs/")
        if ref in self.refs:
            raise ApiError(422, "Reference already exists")
        self._point(ref, sha)
        return ref

    def move_ref(self, ref: str, sha: object, *, force: bool) -> None:
        if ref not in self.refs:
            raise ApiError(422, "Reference does not exist")
        if not force and self.refs[ref] not in self.commit(str(sha)).parents:
            raise ApiError(422, "Update is not a fast forward")
        self._point(ref, sha)

    def ref(self, ref: str) -> str:
        self._check()
        if ref not in self.refs:
            raise not_found()
        return self.refs[ref]

    def commit(self, sha: str) -> Commit:
        self._check()
        if sha not in self.commits:
            raise not_found()
        return self.commits[sha]

    def tree(self, sha: str) -> Mapping[str, str]:
        self._check()
        if sha not in self.trees:
            raise not_found()
        return self.trees[sha]

    def file(self, commit: str, path: str) -> bytes:
        """The bytes of a file as a browser gets them from a commit."""
        files = self.trees[self.commit(commit).tree]
        if path not in files:
            raise not_found()
        return self.blobs[files[path]]

    def _check(self) -> None:
        if self.empty:
            raise ApiError(409, "Git Repository is empty.")

    def _keep(self, data: bytes) -> str:
        sha = _name(b"blob", data)
        self.blobs[sha] = data
        return sha

    def _plant(self, files: Mapping[str, str]) -> str:
        sha = _name(b"tree", json.dumps(sorted(files.items())).encode())
        self.trees[sha] = dict(files)
        return sha

    def _commit(self, tree: str, parents: tuple[str, ...], message: str) -> Commit:
        number = len(self.commits)  # the real ones differ by their time
        sha = _name(b"commit", json.dumps([tree, parents, message, number]).encode())
        self.commits[sha] = Commit(sha, tree, parents, message)
        return self.commits[sha]

    def _point(self, ref: str, sha: object) -> None:
        if sha not in self.commits:
            raise ApiError(422, "Object does not exist")
        self.refs[ref] = str(sha)


def _name(kind: bytes, data: bytes) -> str:
    """What Git calls an object.

    Source: https://git-scm.com/book/en/v2/Git-Internals-Git-Objects
    """
    return sha1(kind + b" %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
