"""A GET of an address that somebody else chose: only from hosts that are meant.

The name is resolved once, every address that it stands for must be public, and the connection goes
to what was resolved: a second answer of the name's server would be of no use. httpx resolves by
itself, so the layer below it is used. Nothing is read from a proxy's or the user's settings.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from urllib.parse import urljoin

import httpcore
import httpx
from pydantic import SecretStr

from bot.adapters.github.addresses import Home, is_public
from bot.core.errors import HostError
from bot.core.said import said

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

_MOST_HOPS = 3  # GitHub leads to where it keeps things, and that may be elsewhere by now
_TIMEOUT = {"connect": 5.0, "read": 20.0, "write": 5.0, "pool": 5.0}
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class NotGivenError(Exception):
    """GitHub has nothing under the address for us."""


class TooLargeError(Exception):
    """There is more than was asked for."""


class ForbiddenError(Exception):
    """The address, or one that it leads to, is none that may be asked; nothing was sent there."""


async def resolve(host: str, port: int) -> Sequence[str]:
    """The IP addresses of a name, as the system tells them."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


class Fetcher:
    """Fetches from one GitHub, and from where it keeps what people attach."""

    def __init__(self, home: Home, resolving: Resolve = resolve) -> None:
        self._home = home
        self._backend = _Guarded(home, resolving)
        self._ssl: ssl.SSLContext | None = None

    async def get(self, address: str, most: int, token: SecretStr | None = None) -> bytes:
        """The bytes, `most` of them at most; the token goes to the configured GitHub alone.

        Raises NotGivenError, TooLargeError, ForbiddenError, and HostError where asking again helps.
        """
        try:
            async with self._pool() as pool:
                return await self._follow(pool, address, most, token)
        except (OSError, httpcore.NetworkError, httpcore.ProtocolError):
            raise HostError(said("The connection to GitHub broke.")) from None
        except httpcore.TimeoutException:
            raise HostError(said("GitHub did not answer in time.")) from None

    def _pool(self) -> httpcore.AsyncConnectionPool:
        if self._ssl is None:
            self._ssl = httpx.create_ssl_context()
        return httpcore.AsyncConnectionPool(ssl_context=self._ssl, network_backend=self._backend)

    async def _follow(
        self, pool: httpcore.AsyncConnectionPool, address: str, most: int, token: SecretStr | None
    ) -> bytes:
        for _ in range(_MOST_HOPS):
            if not self._home.may_ask(address):
                raise ForbiddenError
            headers: dict[bytes | str, bytes | str] = {
                "Accept-Encoding": "identity",
                "User-Agent": "gptimage",
            }
            if token and self._home.is_home(address):
                headers["Authorization"] = f"Bearer {token.get_secret_value()}"
            token = None  # whoever is led on shows nothing
            async with pool.stream(
                "GET", address, headers=headers, extensions={"timeout": _TIMEOUT}
            ) as answer:
                if answer.status not in _REDIRECTS:
                    return await _body(answer, most)
                address = urljoin(address, _header(answer, b"location"))
        raise ForbiddenError


async def _body(answer: httpcore.Response, most: int) -> bytes:
    if answer.status in {401, 403, 404, 410}:
        raise NotGivenError
    if answer.status != 200:
        sentence = said("GitHub has a fault of its own ({status}).", status=answer.status)
        raise HostError(sentence, status=answer.status)
    said_length = _header(answer, b"content-length")
    if said_length.isdecimal() and int(said_length) > most:
        raise TooLargeError
    body = bytearray()
    async for piece in answer.aiter_stream():
        body += piece
        if len(body) > most:
            raise TooLargeError
    return bytes(body)


def _header(answer: httpcore.Response, name: bytes) -> str:
    values = [value for key, value in answer.headers if key.lower() == name]
    return values[0].decode("latin-1") if values else ""


class _Guarded(httpcore.AsyncNetworkBackend):
    """Connects to what a name stands for now, if all of it is public."""

    def __init__(self, home: Home, resolving: Resolve) -> None:
        self._home = home
        self._resolve = resolving
        self._backend = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  (the layer below is called like this)
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        async with asyncio.timeout(timeout):
            found = await self._resolve(host, port)
        if not found or not (self._home.holds(host, port) or all(map(is_public, found))):
            raise ForbiddenError
        options = (port, timeout, local_address, socket_options)
        for address in found[:-1]:
            with suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
                return await self._backend.connect_tcp(address, *options)
        return await self._backend.connect_tcp(found[-1], *options)

    async def sleep(self, seconds: float) -> None:
        await self._backend.sleep(seconds)
