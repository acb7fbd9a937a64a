"""Files that a run has published on GitHub, read back through the API."""

import re
from collections.abc import AsyncIterator
from urllib.parse import quote, unquote, urlsplit

from pydantic import TypeAdapter

from bot.adapters.destinations.release import Asset
from bot.adapters.github.answers import Created, read
from bot.adapters.github.client import Client
from bot.adapters.github.files import read_file
from bot.adapters.github.wire import Request
from bot.core.errors import HostError
from bot.core.ports import NoFile
from bot.core.run import Thread

_RELEASE = TypeAdapter(Created)
_ASSETS = TypeAdapter(list[Asset])

# The repository may have another name by now; only what is behind it counts.
_OF_RELEASE = re.compile(r".*/releases/download/(.+)/([^/]+)")
_OF_BRANCH = re.compile(r".*/blob/([0-9a-f]{40})/(.+)")


async def read_published(client: Client, thread: Thread, url: str, most: int) -> bytes | NoFile:
    """The file that a destination gave this address, of the thread's own repository."""
    path = unquote(urlsplit(url).path)
    if found := _OF_RELEASE.fullmatch(path):
        return await _asset(client, thread, *found.groups(), most=most)
    if found := _OF_BRANCH.fullmatch(path):
        return await read_file(client, thread, found[2], most, found[1])
    return NoFile.MISSING


async def _asset(
    client: Client, thread: Thread, tag: str, name: str, *, most: int
) -> bytes | NoFile:
    try:
        async for asset in _assets(client, thread, tag):
            if asset.name == name and asset.is_whole:
                if asset.size > most:
                    return NoFile.TOO_LARGE
                path = f"/releases/assets/{asset.id}"
                request = Request("GET", path, accept="application/octet-stream")
                return (await client.ask(thread, request)).content
    except HostError as error:
        if error.status != 404:
            raise
    return NoFile.MISSING


async def _assets(client: Client, thread: Thread, tag: str) -> AsyncIterator[Asset]:
    answer = await client.ask(thread, Request("GET", f"/releases/tags/{quote(tag)}"))
    request = Request("GET", f"/releases/{read(_RELEASE, answer).id}/assets")
    async for asset in client.entries(thread, request, _ASSETS):
        yield asset
