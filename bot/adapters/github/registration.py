"""What GitHub knows of the App: asked in its own name, for whoever looks for a fault."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from pydantic import BaseModel, TypeAdapter

from bot.adapters.github.access import PERMISSIONS
from bot.adapters.github.answers import Author, Sent, read
from bot.adapters.github.wire import AppCredentials, Request, Wire

_LEVELS = {"read": 1, "write": 2, "admin": 3}


class Registered(BaseModel, frozen=True):
    """The App itself; `permissions` are what it asks for, by name and level."""

    slug: str = ""
    html_url: str = ""
    owner: Author | None = None
    permissions: Mapping[str, str] = {}
    events: Sequence[str] = ()

    @property
    def lacks(self) -> Mapping[str, str]:
        """The permissions that the bot needs and this App does not ask for."""
        return {
            name: level
            for name, level in PERMISSIONS.items()
            if _LEVELS.get(self.permissions.get(name, ""), 0) < _LEVELS[level]
        }


class Hook(BaseModel, frozen=True):
    """Where deliveries go; `insecure_ssl` is "1" if certificates are not checked."""

    url: str | None = None
    content_type: str = "form"
    insecure_ssl: str | int = "0"


class Installed(BaseModel, frozen=True):
    """An account that has the App."""

    account: Author


_REGISTERED = TypeAdapter(Registered)
_HOOK = TypeAdapter(Hook)
_SENT = TypeAdapter(list[Sent])
_INSTALLED = TypeAdapter(list[Installed])


class Registration:
    """Asks for the App's own page on GitHub; every method raises HostError."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    @property
    def skew(self) -> timedelta | None:
        """How far this machine's clock is ahead of GitHub's, by its last answer."""
        return self._wire.skew

    async def app(self) -> Registered:
        """The App as it is registered."""
        return read(_REGISTERED, await self._wire.send(Request("GET", "/app")))

    async def hook(self) -> Hook:
        """The webhook of the App."""
        return read(_HOOK, await self._wire.send(Request("GET", "/app/hook/config")))

    async def sent(self, limit: int = 20) -> Sequence[Sent]:
        """The last tries to deliver, newest first."""
        request = Request("GET", "/app/hook/deliveries", params={"per_page": limit})
        return read(_SENT, await self._wire.send(request))

    async def accounts(self) -> Sequence[str]:
        """The logins of those who have installed the App; at most a hundred."""
        request = Request("GET", "/app/installations", params={"per_page": 100})
        installed = read(_INSTALLED, await self._wire.send(request))
        return [each.account.login for each in installed]


@asynccontextmanager
async def registration(credentials: AppCredentials) -> AsyncIterator[Registration]:
    """The registration of the App with these credentials."""
    wire = Wire(credentials, clock=lambda: datetime.now(UTC), sleep=asyncio.sleep, read_seconds=10)
    try:
        yield Registration(wire)
    finally:
        await wire.aclose()
