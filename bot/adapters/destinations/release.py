"""One GitHub release per run: drafted, filled, and only then published.

A published release may be immutable, a setting of its owner, so everything is uploaded before.
Each step begins with a look at what an earlier, interrupted one has left.
"""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from pydantic import BaseModel

from bot.adapters.destinations.names import extras, named, publications
from bot.core.errors import HostError
from bot.core.killpoints import Point, reach
from bot.core.markup import address, escape
from bot.core.ports import File, Published
from bot.core.run import FileKind, Run, Thread
from bot.core.said import said


class Release(BaseModel, frozen=True):
    """A release, by the API's names; `upload_url` ends in a template of parameters."""

    id: int
    tag_name: str
    draft: bool
    html_url: str
    upload_url: str
    immutable: bool = False
    body: str | None = None


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

    asked_at: str

    async def find(self, tag: str) -> Release | None: ...
    async def draft(self, tag: str, title: str, body: str) -> Release: ...
    async def publish(self, release: Release) -> Release: ...
    async def note(self, release: Release, body: str) -> None: ...
    async def assets(self, release: Release) -> Sequence[Asset]: ...
    async def upload(self, release: Release, name: str, media_type: str, file: Path) -> Asset: ...
    async def remove(self, asset: Asset) -> None: ...


class ReleaseHost(Protocol):
    def releases(self, thread: Thread) -> Releases: ...


_REASONS = {
    403: said(
        'nothing may be written here with this token. Grant the App "Contents: write",'
        " or the workflow `contents: write`."
    ),
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
        releases, wanted = self._host.releases(run.thread), named(files)
        try:
            release = await self._release(releases, run, wanted)
            return await _fill(releases, release, wanted)
        except HostError as error:
            if not error.final:
                raise
            why = _REASONS.get(error.status or 0, error.message)
            return Published(publications(wanted, {}), note=why)

    async def _release(self, releases: Releases, run: Run, wanted: Mapping[str, File]) -> Release:
        tag = f"{self._tag_prefix}{run.id}"
        found = await releases.find(tag)
        if found:
            return found
        return await releases.draft(tag, f"Images of {run.id}", _body(releases.asked_at, wanted))


async def _fill(releases: Releases, release: Release, wanted: Mapping[str, File]) -> Published:
    """Upload what is missing, publish, and say what GitHub shows then."""
    refused = await _upload_missing(releases, release, wanted)
    if release.draft and len(refused) < len(wanted):
        release = await releases.publish(release)
    shown = {asset.name: asset for asset in await releases.assets(release) if asset.is_whole}
    missing = [name for name, file in wanted.items() if _holds_images(file) and name not in shown]
    addresses = {name: asset.browser_download_url for name, asset in shown.items()}
    note = next((refused[name] for name in missing), "")
    page = release.html_url if shown else None
    return Published(publications(wanted, addresses), page, note, extras(wanted, addresses))


async def _upload_missing(
    releases: Releases, release: Release, wanted: Mapping[str, File]
) -> dict[str, str]:
    """Upload each file that is not there, one at a time; gives those that are refused, and why."""
    present = {asset.name: asset for asset in await releases.assets(release)}
    refused: dict[str, str] = {}
    for name, file in wanted.items():
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
    await releases.upload(release, name, file.media_type, Path(file.source))
    reach(Point.ASSET_UPLOADED)


def _holds_images(file: File) -> bool:
    return file.item is not None or file.kind is FileKind.ARCHIVE


def _body(asked_at: str, wanted: Mapping[str, File]) -> str:
    names = (name for name, file in wanted.items() if file.kind is not FileKind.THUMBNAIL)
    entries = "\n".join(f"- {escape(name)}" for name in names)
    return f"Asked for [here]({address(asked_at)}).\n\n{entries}"
