"""Who we are to GitHub: installation tokens, and which comments are our own."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from typing import Protocol

from pydantic import SecretStr, TypeAdapter

from bot.adapters.github.answers import App, Comment, Grant, Reaction, read
from bot.adapters.github.wire import Request, Wire
from bot.core.errors import HostError
from bot.core.ports import Clock
from bot.core.run import Thread


class Reach(Enum):
    """What a token is for; each has its own, so that none can do more than it must."""

    REPOSITORY = "repository"
    SHARED = "shared"  # what the owner of the repository says for all of them
    MEMBERS = "members"  # who is in the organisation's teams


PERMISSIONS = {
    "contents": "write",  # releases
    "issues": "write",
    "metadata": "read",
    "pull_requests": "write",
}

_MEMBERS = {"members": "read"}
_SHARED = {"repositories": [".github"], "permissions": {"contents": "read"}}

# A token lives for an hour; one that ends during a long upload is worth nothing.
_MARGIN = timedelta(minutes=5)

_GRANT = TypeAdapter(Grant)
_APP = TypeAdapter(App)


@dataclass(slots=True)
class _Place:
    """The token for one thing; the lock lets one caller fetch it for all."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    grant: Grant | None = None


class Access(Protocol):
    """Which token a request is made with, and which comments are its account's."""

    async def token(
        self,
        thread: Thread,
        reach: Reach = Reach.REPOSITORY,
        *,
        instead_of: SecretStr | None = None,
    ) -> SecretStr: ...

    async def wrote(self, comment: Comment) -> bool: ...

    def met(self, reaction: Reaction) -> None:
        """The token has made this reaction, so its account is the reaction's."""
        ...


class TokenAccess:
    """The access of a workflow's token, which may be anybody's: a reaction tells whose it is."""

    def __init__(self, token: SecretStr) -> None:
        self._token = token
        self._own: int | None = None

    async def token(
        self,
        _thread: Thread,
        _reach: Reach = Reach.REPOSITORY,
        *,
        instead_of: SecretStr | None = None,
    ) -> SecretStr:
        """The token, whatever it is for: there is no other."""
        del instead_of
        return self._token

    def met(self, reaction: Reaction) -> None:
        """The account is that of the first reaction."""
        if self._own is None and reaction.user:
            self._own = reaction.user.id

    async def wrote(self, comment: Comment) -> bool:
        """Whether the token's account wrote it; nobody's is believed before it has reacted."""
        return self._own is not None and comment.user is not None and comment.user.id == self._own


class AppAccess:
    """The access of a GitHub App, narrowed to one repository at a time."""

    def __init__(self, app_id: str, wire: Wire, clock: Clock) -> None:
        self._app_id = app_id
        self._wire = wire
        self._clock = clock
        self._places: dict[tuple[int, int, Reach], _Place] = {}
        self._login: str | None = None

    async def token(
        self,
        thread: Thread,
        reach: Reach = Reach.REPOSITORY,
        *,
        instead_of: SecretStr | None = None,
    ) -> SecretStr:
        """A token for the thread's repository, other than the one that was refused."""
        key = (thread.installation, thread.repository_id, reach)
        place = self._places.setdefault(key, _Place())
        async with place.lock:
            grant = place.grant
            if grant is None or grant.token == instead_of or self._is_ending(grant):
                grant = place.grant = await self._grant(thread, reach)
            return grant.token

    def met(self, reaction: Reaction) -> None:
        """Nothing new: the App knows itself."""

    async def wrote(self, comment: Comment) -> bool:
        """Whether the App itself wrote the comment."""
        if app := comment.performed_via_github_app:
            return self._app_id in {str(app.id), app.client_id}
        author = comment.user
        # A person cannot be of this type; the login alone would prove nothing.
        return author is not None and author.type == "Bot" and author.login == await self._own()

    async def _own(self) -> str:
        if self._login is None:
            answer = await self._wire.send(Request("GET", "/app"))
            self._login = f"{read(_APP, answer).slug}[bot]"
        return self._login

    def _is_ending(self, grant: Grant) -> bool:
        return grant.expires_at - _MARGIN <= self._clock()

    async def _grant(self, thread: Thread, reach: Reach) -> Grant:
        match reach:
            case Reach.MEMBERS:  # of an organisation, whatever the repository
                return await self._ask(thread, {"permissions": _MEMBERS})
            case Reach.SHARED:
                return await self._shared(thread)
            case Reach.REPOSITORY:
                return await self._own_repository(thread)

    async def _shared(self, thread: Thread) -> Grant:
        try:
            return await self._ask(thread, _SHARED)
        except HostError as error:
            if error.status != 422:
                raise
        # The App is not installed there; but everybody sees a public repository.
        return await self._own_repository(thread)

    async def _own_repository(self, thread: Thread) -> Grant:
        narrow = {"repository_ids": [thread.repository_id]}
        try:
            return await self._ask(thread, {**narrow, "permissions": PERMISSIONS})
        except HostError as error:
            if error.status != 422:
                raise
        # An installation that granted less refuses the list as a whole. What is missing then
        # shows where it is needed: a bot that may not make releases can still talk.
        return await self._ask(thread, narrow)

    async def _ask(self, thread: Thread, wanted: Mapping[str, object]) -> Grant:
        path = f"/app/installations/{thread.installation}/access_tokens"
        # Two tokens instead of one harm nobody.
        request = Request("POST", path, json=wanted, repeatable=True)
        try:
            return read(_GRANT, await self._wire.send(request))
        except HostError as error:
            error.ambiguous = False  # what the token was for has not been sent
            raise
