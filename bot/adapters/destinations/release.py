"""One GitHub release per run: drafted, filled, and only then published.

A published release may be immutable, a setting of its owner, so everything is uploaded before.
Each step begins with a look at what an earlier, interrupted one has left.
"""

import asyncio
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from pydantic import BaseModel

from bot.core.errors import HostError
from bot.core.killpoints import Point, reach
from bot.core.markup import address, escape
from bot.core.ports import File, Publication, Published
from bot.core.run import Run, Thread
from bot.core.said import said


class Release(BaseModel, frozen=True):
    """A release, by the API's names; `upload_url` ends in a template of parameters."""

    id: int
    tag_name: str
    draft: bool
    html_url: str
    upload_url: str
    immutable: bool = False


class Asset(BaseModel, frozen=True):
    """A file of a release; any other state than `uploaded` means that the upload broke off."""

    id: int
    name: str
    state: str
    size: int
    browser_download_url: str

    @property
    def is_whole(self) -> bool:
        return self.state == "uploaded"


class Releases(Protocol):
    """The releases of a thread's repository; every method raises HostError."""

    comment_url: str

    async def find(self, tag: str) -> Release | None: ...
    async def draft(self, tag: str, title: str, body: str) -> Release: ...
    async def publish(self, release: Release) -> Release: ...
    async def assets(self, release: Release) -> Sequence[Asset]: ...
    async def upload(self, release: Release, name: str, media_type: str, data: bytes) -> Asset: ...
    async def remove(self, asset: Asset) -> None: ...


class ReleaseHost(Protocol):
    def releases(self, thread: Thread) -> Releases: ...


_REASONS = {
    403: said('the App may not write here. Grant it the permission "Contents: write".'),
    404: said("the repository is gone, or hidden from the App."),
    422: said(
        "GitHub makes no release here. It needs a repository with at least one commit,"
        " and rules that allow the tag."
    ),
}


class ReleaseDestination:
    """Publishes a run as a prerelease with the tag `<tag_prefix><run id>`.

    Raises HostError when GitHub may be asked again later; a final refusal is told in the note,
    and what could not be published has no URL.
    """

    def __init__(self, host: ReleaseHost, *, tag_prefix: str = "gptimage-") -> None:
        self._host = host
        self._tag_prefix = tag_prefix

    async def publish(self, run: Run, files: Sequence[File]) -> Published:
        """Put the files where people can fetch them; again for the same files changes nothing."""
        if run.thread is None:
            raise ValueError(f"run {run.id} has no thread, so it has no repository")
        releases, named = self._host.releases(run.thread), _named(files)
        try:
            release = await self._release(releases, run, named)
        except HostError as error:
            if not error.final:
                raise
            note = said(
                "The images could not be published: {why} The files are kept on the server.",
                why=_REASONS.get(error.status or 0, error.message),
            )
            return Published(_publications(named, {}), note=note)
        return await _fill(releases, release, named)

    async def _release(self, releases: Releases, run: Run, named: Mapping[str, File]) -> Release:
        tag = f"{self._tag_prefix}{run.id}"
        found = await releases.find(tag)
        if found:
            return found
        return await releases.draft(tag, f"Images of {run.id}", _body(releases.comment_url, named))


async def _fill(releases: Releases, release: Release, named: Mapping[str, File]) -> Published:
    """Upload what is missing, publish, and say what GitHub shows then."""
    refused = await _upload_missing(releases, release, named)
    if release.draft and len(refused) < len(named):
        release = await releases.publish(release)
    shown = {asset.name: asset for asset in await releases.assets(release) if asset.is_whole}
    missing = [name for name, file in named.items() if file.item is not None and name not in shown]
    note = _left_out(len(missing), next((refused[name] for name in missing), ""))
    return Published(_publications(named, shown), release.html_url if shown else None, note)


async def _upload_missing(
    releases: Releases, release: Release, named: Mapping[str, File]
) -> dict[str, str]:
    """Upload each file that is not there, one at a time; gives those that are refused, and why."""
    present = {asset.name: asset for asset in await releases.assets(release)}
    refused: dict[str, str] = {}
    for name, file in named.items():
        if await _is_there(file, present.get(name)):
            continue
        if release.immutable:
            refused[name] = said("the release is published already, and may not be changed.")
            continue
        try:
            await _upload(releases, release, name, file, present.get(name))
        except HostError as error:
            if not error.final:
                raise
            refused[name] = error.message
    return refused


async def _is_there(file: File, asset: Asset | None) -> bool:
    if asset is None or not asset.is_whole:
        return False
    stat = await asyncio.to_thread(Path(file.source).stat)
    return stat.st_size == asset.size


async def _upload(
    releases: Releases, release: Release, name: str, file: File, remains: Asset | None
) -> None:
    if remains:
        await releases.remove(remains)
    data = await asyncio.to_thread(Path(file.source).read_bytes)
    await releases.upload(release, name, file.media_type, data)
    reach(Point.ASSET_UPLOADED)


def _named(files: Iterable[File]) -> dict[str, File]:
    """The files by names that GitHub keeps as they are, no two alike."""
    named: dict[str, File] = {}
    for file in files:
        stem, dot, extension = _plain(file.name).rpartition(".")
        name, number = f"{stem}{dot}{extension}", 2
        while name in named:
            name, number = f"{stem}-{number}{dot}{extension}", number + 1
        named[name] = file
    return named


def _plain(name: str) -> str:
    """GitHub renames what has other characters, and points at either end or in a row.

    Source: https://docs.github.com/rest/releases/assets#upload-a-release-asset
    """
    return re.sub(r"\.{2,}", ".", re.sub(r"[^A-Za-z0-9._-]+", ".", name)).strip(".") or "file"


def _publications(named: Mapping[str, File], shown: Mapping[str, Asset]) -> tuple[Publication, ...]:
    return tuple(
        Publication(file.item, shown[name].browser_download_url if name in shown else None, name)
        for name, file in named.items()
        if file.item is not None
    )


def _left_out(count: int, reason: str) -> str:
    if not count:
        return ""
    return said(
        "{files} could not be published: {why} The files are kept on the server.",
        files=said("1 file") if count == 1 else said("{count} files", count=count),
        why=reason,
    )


def _body(comment_url: str, names: Iterable[str]) -> str:
    entries = "\n".join(f"- {escape(name)}" for name in names)
    return f"Made for [this comment]({address(comment_url)}).\n\n{entries}"
