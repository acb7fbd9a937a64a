"""Who is in a team: what only an App with the permission `members: read` may know."""

from urllib.parse import quote

from pydantic import TypeAdapter

from bot.adapters.github.access import Reach
from bot.adapters.github.answers import Membership, read
from bot.adapters.github.client import Client
from bot.adapters.github.wire import Request
from bot.core.errors import HostError
from bot.core.run import Thread
from bot.core.said import said

_MEMBERSHIP = TypeAdapter(Membership)
_REFUSED = frozenset({403, 422})


async def is_member(client: Client, thread: Thread, team: str, login: str) -> bool:
    """Whether a person is in the team (`org/team`), which has to be of the thread's organisation.

    Raises HostError, also where the App may not know.
    """
    org, _, slug = (quote(part, safe="") for part in team.partition("/"))
    path = f"orgs/{org}/teams/{slug}/memberships/{quote(login, safe='')}"
    try:
        answer = await client.ask(thread, Request("GET", path), Reach.MEMBERS)
    except HostError as error:
        if error.status == 404:
            return False
        if error.status in _REFUSED and error.retry_after is None:
            raise _forbidden(error) from error
        raise
    return read(_MEMBERSHIP, answer).state == "active"


def _forbidden(error: HostError) -> HostError:
    message = said(
        "The App may not see who is in a team: it needs the permission {name}.",
        name="members: read",
    )
    return HostError(message, status=error.status)
