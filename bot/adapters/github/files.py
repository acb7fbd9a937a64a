"""Files of a repository: of its default branch, or of a commit."""

import base64
import binascii
from dataclasses import replace
from urllib.parse import quote

from pydantic import BaseModel, TypeAdapter

from bot.adapters.github.access import Reach
from bot.adapters.github.answers import read
from bot.adapters.github.client import Client
from bot.adapters.github.refusals import unreadable
from bot.adapters.github.wire import Request
from bot.core.errors import HostError
from bot.core.ports import NoFile
from bot.core.run import Thread


class Content(BaseModel, frozen=True):
    """What stands under a path; GitHub leaves the content out above 1 MB."""

    type: str
    size: int = 0
    encoding: str = ""
    content: str = ""


_CONTENT = TypeAdapter[Content | list[object]](Content | list[object])
# A link to a file of the repository comes as that file.
_OTHERS = {"symlink": NoFile.LINK, "submodule": NoFile.SUBMODULE, "dir": NoFile.FOLDER}
_SHARED = ".github"
_RAW = "application/vnd.github.raw+json"


async def read_shared_file(client: Client, thread: Thread, path: str, most: int) -> bytes | NoFile:
    """The same of `.github`, which belongs to the same owner; missing also where we may not see it.

    That repository's own file is no other: it is not read twice.
    """
    owner, _, name = thread.repository.partition("/")
    if name == _SHARED:
        return NoFile.MISSING
    there = Request("GET", f"repos/{owner}/{_SHARED}/contents/{quote(path)}")
    try:
        return await _read(client, thread, there, most, Reach.SHARED)
    except HostError as error:
        if error.status == 404:
            return NoFile.MISSING
        raise


async def read_file(
    client: Client, thread: Thread, path: str, most: int, commit: str | None = None
) -> bytes | NoFile:
    """The bytes of the file of a commit, or of the default branch; or why there are none."""
    if {"", ".", ".."} & {*path.split("/")}:  # they would change what is asked for
        return NoFile.MISSING
    try:
        there = Request(
            "GET", f"/contents/{quote(path)}", params={"ref": commit} if commit else None
        )
        return await _read(client, thread, there, most)
    except HostError as error:
        if error.status == 404:
            return NoFile.MISSING
        raise


async def _read(
    client: Client, thread: Thread, request: Request, most: int, reach: Reach = Reach.REPOSITORY
) -> bytes | NoFile:
    answer = await client.ask(thread, request, reach)
    found = read(_CONTENT, answer)
    if isinstance(found, list):
        return NoFile.FOLDER
    if found.type in _OTHERS:
        return _OTHERS[found.type]
    if found.size > most:
        return NoFile.TOO_LARGE
    if found.encoding != "base64":
        return (await client.ask(thread, replace(request, accept=_RAW), reach)).content
    try:
        return base64.b64decode(found.content)
    except binascii.Error:
        raise unreadable(answer, writes=False) from None
