"""Releases and their assets: drafts, publishing, and what a published one still allows."""

import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

from bot.simulators.github.refusals import ApiError, invalid, not_found

MOST_ASSETS = 1_000


@dataclass(slots=True)
class Asset:
    """A file of a release; in state `starter` its upload broke off and it holds nothing."""

    id: int
    name: str
    label: str
    content_type: str
    data: bytes
    created_at: datetime
    state: str = "uploaded"
    downloads: int = 0

    @property
    def digest(self) -> str:
        return f"sha256:{sha256(self.data).hexdigest()}"

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "name": self.name,
            "state": self.state,
            "content_type": self.content_type,
            "size": len(self.data),
            "digest": self.digest,
        }


@dataclass(slots=True)
class Release:
    id: int
    tag: str
    created_at: datetime
    name: str = ""
    body: str = ""
    draft: bool = False
    prerelease: bool = False
    make_latest: str = "true"
    published_at: datetime | None = None
    immutable: bool = False
    assets: dict[int, Asset] = field(default_factory=dict)
    untagged: str = field(default_factory=lambda: f"untagged-{secrets.token_hex(10)}")

    @property
    def address(self) -> str:
        """The last part of its addresses, which change when a draft is published."""
        return self.untagged if self.draft else self.tag

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "tag": self.tag,
            "name": self.name,
            "draft": self.draft,
            "prerelease": self.prerelease,
            "immutable": self.immutable,
            "assets": [asset.as_json() for asset in self.assets.values()],
        }


class Releases:
    """All releases of the repository, newest last; refuses what the repository does not allow.

    Two drafts may name one tag, as on the real GitHub: only publishing makes it anybody's.
    """

    def __init__(self, ids: Iterator[int], *, empty_repository: bool, immutable: bool) -> None:
        self._ids = ids
        self.empty_repository = empty_repository
        self.immutable = immutable
        self.entries: dict[int, Release] = {}
        self.tags: list[str] = []

    def create(self, wanted: Mapping[str, Any], now: datetime) -> Release:
        if self.empty_repository:
            raise invalid("Release", "target_commitish", "custom", "Repository is empty.")
        tag = wanted.get("tag_name")
        if not tag or not isinstance(tag, str):
            raise invalid("Release", "tag_name", "missing_field")
        self._check_free(tag)
        release = Release(next(self._ids), tag, now, draft=True)
        self._apply(release, wanted)
        if not wanted.get("draft", False):
            self._publish(release, now)
        self.entries[release.id] = release
        return release

    def change(self, number: int, wanted: Mapping[str, Any], now: datetime) -> Release:
        release = self.get(number)
        tag = wanted.get("tag_name", release.tag)
        if tag != release.tag and release.immutable:
            raise _immutable("tag_name")
        self._check_free(tag, but=release)
        release.tag = tag
        self._apply(release, wanted)
        if release.draft and wanted.get("draft") is False:
            self._publish(release, now)
        return release

    def get(self, number: int) -> Release:
        if number not in self.entries:
            raise not_found()
        return self.entries[number]

    def by_tag(self, tag: str) -> Release:
        """A published release: drafts have no tag yet."""
        for release in self.entries.values():
            if release.tag == tag and not release.draft:
                return release
        raise not_found()

    def named(self, tag: str) -> Release | None:
        """Whichever has the tag or is a draft that is to have it, the newest of several."""
        entries = reversed(self.entries.values())
        return next((release for release in entries if release.tag == tag), None)

    def latest(self) -> Release:
        for release in reversed(self.entries.values()):
            if not (release.draft or release.prerelease or release.make_latest == "false"):
                return release
        raise not_found()

    def delete(self, number: int) -> None:
        del self.entries[self.get(number).id]

    def upload(
        self, number: int, name: str, label: str, *, content_type: str, data: bytes, now: datetime
    ) -> Asset:
        """Store a file under the name that GitHub makes of the one it was given."""
        release = self._writable(number)
        if len(release.assets) >= MOST_ASSETS:
            text = f"Release cannot have more than {MOST_ASSETS} assets"
            raise invalid("ReleaseAsset", "base", "custom", text)
        given = asset_name(name)
        if any(asset.name == given for asset in release.assets.values()):
            raise invalid("ReleaseAsset", "name", "already_exists")
        asset = Asset(next(self._ids), given, label, content_type, data, now)
        release.assets[asset.id] = asset
        return asset

    def asset(self, number: int) -> tuple[Release, Asset]:
        for release in self.entries.values():
            if number in release.assets:
                return release, release.assets[number]
        raise not_found()

    def public_asset(self, tag: str, name: str) -> Asset:
        """What a browser gets: whole files of published releases, and nothing else."""
        for asset in self.by_tag(tag).assets.values():
            if asset.name == name and asset.state == "uploaded":
                asset.downloads += 1
                return asset
        raise not_found()

    def delete_asset(self, number: int) -> None:
        release, asset = self.asset(number)
        del self._writable(release.id).assets[asset.id]

    def _writable(self, number: int) -> Release:
        release = self.get(number)
        if release.immutable:
            raise _immutable("base")
        return release

    def _check_free(self, tag: str, but: Release | None = None) -> None:
        taken = (entry for entry in self.entries.values() if not entry.draft and entry is not but)
        if any(entry.tag == tag for entry in taken):
            raise invalid("Release", "tag_name", "already_exists")

    def _apply(self, release: Release, wanted: Mapping[str, Any]) -> None:
        release.name = wanted.get("name", release.name) or ""
        release.body = wanted.get("body", release.body) or ""
        release.prerelease = bool(wanted.get("prerelease", release.prerelease))
        latest = str(wanted.get("make_latest", release.make_latest))
        if latest not in {"true", "false", "legacy"}:
            raise invalid("Release", "make_latest", "invalid")
        release.make_latest = latest

    def _publish(self, release: Release, now: datetime) -> None:
        release.draft = False
        release.published_at = now
        release.immutable = self.immutable
        if release.tag not in self.tags:
            self.tags.append(release.tag)


def asset_name(name: str) -> str:
    """The name GitHub stores: odd characters and points at either end do not survive.

    Source: https://docs.github.com/rest/releases/assets#upload-a-release-asset
    """
    kept = re.sub(r"\.{2,}", ".", re.sub(r"[^A-Za-z0-9._-]+", ".", name)).strip(".")
    if not kept:
        raise invalid("ReleaseAsset", "name", "missing_field")
    return kept


def _immutable(field_name: str) -> ApiError:
    text = "Cannot change the tag or the assets of an immutable release."
    return invalid("Release", field_name, "custom", text)
