"""Where a repository is to the App: for programs that know its name and heard of no event."""

from pydantic import BaseModel, TypeAdapter

from bot.adapters.github.answers import Created, read
from bot.adapters.github.wire import Request, Wire
from bot.core.run import Thread


class _Place(BaseModel, frozen=True):
    id: int
    full_name: str
    private: bool


class _Places(BaseModel, frozen=True):
    repositories: tuple[_Place, ...]


_INSTALLATION = TypeAdapter(Created)
_PLACES = TypeAdapter(_Places)


async def locate(wire: Wire, repository: str, issue: int) -> Thread:
    """The thread of an issue, below no comment. Raises HostError; 404 without an installation."""
    found = await wire.send(Request("GET", f"/repos/{repository}/installation"))
    installation = read(_INSTALLATION, found).id
    # Only a token says which repository it is for.
    wanted = {"repositories": [repository.rpartition("/")[2]], "permissions": {"metadata": "read"}}
    path = f"/app/installations/{installation}/access_tokens"
    granted = await wire.send(Request("POST", path, json=wanted, repeatable=True))
    (place,) = read(_PLACES, granted).repositories
    return Thread(installation, place.id, place.full_name, place.private, issue, comment=0)
