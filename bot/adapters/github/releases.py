"""The releases of one repository, as far as a destination needs them."""

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from pydantic import BaseModel, Field, TypeAdapter

from bot.adapters.destinations.release import Asset, Release
from bot.adapters.github import bodies
from bot.adapters.github.answers import read
from bot.adapters.github.client import Client
from bot.adapters.github.wire import Request
from bot.core.errors import HostError
from bot.core.run import Thread

_RELEASE = TypeAdapter(Release)
_RELEASES = TypeAdapter(list[Release])
_ASSET = TypeAdapter(Asset)
_ASSETS = TypeAdapter(list[Asset])

_BY_TAG = """
query ($owner: String!, $name: String!, $tag: String!) {
  repository(owner: $owner, name: $name) { release(tagName: $tag) { databaseId } }
}
"""


class _Numbered(BaseModel, frozen=True):
    database_id: int = Field(alias="databaseId")


class _Repository(BaseModel, frozen=True):
    release: _Numbered | None


class _Data(BaseModel, frozen=True):
    repository: _Repository


class _Found(BaseModel, frozen=True):
    """What the query gives; what is refused is null too, and named as an error."""

    data: _Data
    errors: tuple[()] = ()


_FOUND = TypeAdapter(_Found)

# Neither the newest release nor the badge of the repository is ours to change.
_QUIET = {"prerelease": True, "make_latest": "false"}


class GitHubReleases:
    """Makes releases and fills them; every method raises HostError, and writes with a POST once."""

    def __init__(self, client: Client, thread: Thread, asked_at: str) -> None:
        self._client = client
        self._thread = thread
        self.asked_at = asked_at

    async def find(self, tag: str) -> Release | None:
        """The published release of this tag, else any draft that is to have it."""
        try:
            number = await self._number(tag)
        except HostError as error:
            if error.retry_after is not None:
                raise
            return await self._listed(tag)
        if number is None:
            return None
        published = await self._at(f"tags/{quote(tag)}")
        return published or await self._at(str(number))

    async def _number(self, tag: str) -> int | None:
        """The id of a release that has this tag, or is to have it; raises HostError.

        GraphQL alone finds a draft by its tag; REST only lists all releases that there are.
        Source: https://docs.github.com/graphql/reference/objects#repository
        """
        answer = await self._client.query(self._thread, _BY_TAG, tag=tag)
        repository = read(_FOUND, answer).data.repository
        return repository.release.database_id if repository.release else None

    async def _at(self, place: str) -> Release | None:
        try:
            answer = await self._client.ask(self._thread, Request("GET", f"/releases/{place}"))
        except HostError as error:
            if error.status != 404:
                raise
            return None
        return read(_RELEASE, answer)

    async def _listed(self, tag: str) -> Release | None:
        """The same where GraphQL does not say, from the list, whose order nothing promises."""
        entries = self._client.entries(self._thread, Request("GET", "/releases"), _RELEASES)
        ours = [release async for release in entries if release.tag_name == tag]
        return min(ours, key=lambda release: (release.draft, release.id), default=None)

    async def draft(self, tag: str, title: str, body: str) -> Release:
        """A new draft."""
        wanted = {"tag_name": tag, "name": title, "body": body, "draft": True, **_QUIET}
        answer = await self._client.ask(self._thread, Request("POST", "/releases", json=wanted))
        return read(_RELEASE, answer)

    async def publish(self, release: Release) -> Release:
        """Make a draft public; nothing happens if it is."""
        request = Request("PATCH", f"/releases/{release.id}", json={"draft": False, **_QUIET})
        return read(_RELEASE, await self._client.ask(self._thread, request))

    async def note(self, release: Release, body: str) -> None:
        """Give a release other words, also one that is published."""
        request = Request("PATCH", f"/releases/{release.id}", json={"body": body})
        await self._client.ask(self._thread, request)

    async def assets(self, release: Release) -> Sequence[Asset]:
        """All files of a release, those whose upload broke off included."""
        request = Request("GET", f"/releases/{release.id}/assets")
        return [asset async for asset in self._client.entries(self._thread, request, _ASSETS)]

    async def upload(self, release: Release, name: str, media_type: str, file: Path) -> Asset:
        """Add a file, sent whole to the address that the release names."""
        request = Request(
            "POST",
            release.upload_url.split("{", 1)[0],
            params={"name": name},
            body=await bodies.plain(file),
            media_type=media_type,
        )
        return read(_ASSET, await self._client.ask(self._thread, request))

    async def remove(self, asset: Asset) -> None:
        """Take a file out of its release; nothing happens if it is gone."""
        try:
            request = Request("DELETE", f"/releases/assets/{asset.id}")
            await self._client.ask(self._thread, request)
        except HostError as error:
            if error.status != 404:
                raise
