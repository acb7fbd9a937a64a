"""The door to the SDK and the network; importing it costs half a second and 50 MB."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import anyio.lowlevel
import httpx2
import openai
from pydantic import SecretStr

from bot.adapters.openai_images import failures
from bot.adapters.openai_images.answer import NotFetched, first_line
from bot.adapters.openai_images.arrivals import Arrivals
from bot.adapters.openai_images.request import Request
from bot.core.errors import Charge, Failure, ProviderError
from bot.core.killpoints import Point, reach
from bot.core.ports import Clock, SpoolWriter
from bot.core.said import said

_CONNECT_SECONDS = 10.0
# A 4K picture is some 45 MB of JSON.
_MOST_BYTES = 256 * 1024 * 1024
_MOST_FETCHED = 50 * 1024 * 1024
_FETCH_SECONDS = 120.0
_MOST_HOPS = 4
_LATER = frozenset({408, 425, 429})  # and all from 500 on
# How long an answer may keep others waiting; one that comes slowly is read beside them.
_TURN_SECONDS = 0.05


class Client:
    """Speaks to one image server; sends every call once, and follows nobody elsewhere."""

    def __init__(
        self,
        api_key: SecretStr,
        *,
        base_url: str,
        organization: str | None,
        issued: bool,
        clock: Clock,
        arrivals: Arrivals,
    ) -> None:
        self._issued = issued
        self._clock = clock
        self._arrivals = arrivals
        self._local = _is_loopback(base_url)
        self._reading = asyncio.Semaphore()
        self._sdk = openai.AsyncOpenAI(
            api_key=api_key.get_secret_value().strip(),  # files end in a newline, headers may not
            organization=organization,
            base_url=base_url,
            max_retries=0,
            http_client=_http(event_hooks={"request": [_watch]}),
        )
        # Its overloads take no mapping. Named here, because the SDK imports it only now.
        self._images: Any = self._sdk.images.with_streaming_response

    async def prepare(self) -> None:
        """Let the network's library import what it would import at the first call."""
        await anyio.lowlevel.checkpoint()

    async def aclose(self) -> None:
        await self._sdk.close()

    async def post(self, request: Request, seconds: float, writer: SpoolWriter) -> None:
        """Issue one call, once, and write down its whole answer; raises ProviderError."""
        with ExitStack() as stack:
            try:
                with self._arrivals.one():  # and for as long after it as sending takes
                    files = request.open_files(stack)
            except OSError:
                raise _unreadable() from None
            sending = self._sending(request, dict(request.parameters) | dict(files))
            try:
                async with asyncio.timeout(seconds), sending as response:
                    with self._arrivals.one():
                        async with self._turn():
                            await _copy(response, writer)
            except failures.UNANSWERED as error:
                raise failures.explain(error, issued=self._issued, now=self._clock()) from None

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """Read answers one after the other while they come quickly.

        Read side by side, all would be ready as late as the last, and all in memory at once.
        """
        await self._reading.acquire()
        pass_on = _once(self._reading.release)
        limit = asyncio.get_running_loop().call_later(_TURN_SECONDS, pass_on)
        try:
            yield
        finally:
            limit.cancel()
            pass_on()

    async def fetch(self, url: str, writer: SpoolWriter) -> None:
        """Get the picture that an answer only names, without our key.

        Raises NotFetched where that may succeed another time, and ValueError where it will not.
        """
        try:
            async with asyncio.timeout(_FETCH_SECONDS), _http() as http:
                await self._follow(http, httpx2.URL(url), writer)
        except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError) as error:
            if _passes(error):
                raise NotFetched from None
            raise ValueError("the picture cannot be fetched") from None

    async def _follow(self, http: httpx2.AsyncClient, url: httpx2.URL, writer: SpoolWriter) -> None:
        for _ in range(_MOST_HOPS):
            self._check(url)
            async with http.stream("GET", url) as response:
                if response.next_request is None:
                    response.raise_for_status()
                    await _write(response.aiter_bytes(), writer, _MOST_FETCHED)
                    return
                url = response.next_request.url
        raise ValueError("too many redirects")

    def _sending(
        self, request: Request, arguments: dict[str, Any]
    ) -> AbstractAsyncContextManager[Any]:
        generates = request.endpoint == "generate"
        send = self._images.generate if generates else self._images.edit
        sending: AbstractAsyncContextManager[Any] = send(**arguments)
        return sending

    def _check(self, url: httpx2.URL) -> None:
        """Only https leads out; a server on this machine may also name itself."""
        if url.scheme == "https" or (
            url.scheme == "http" and self._local and _is_loopback(str(url))
        ):
            return
        raise ValueError("not an https address")


def _http(**options: Any) -> httpx2.AsyncClient:
    """A client that keeps no connection for later.

    A kept one can be closed by the server just as the next call is sent, and then nobody knows
    whether it was paid for; a handshake is nothing beside the drawing of a picture.
    """
    return httpx2.AsyncClient(
        timeout=httpx2.Timeout(None, connect=_CONNECT_SECONDS),
        limits=httpx2.Limits(max_connections=None, max_keepalive_connections=0),
        follow_redirects=False,
        **options,
    )


def _passes(error: Exception) -> bool:
    """Whether the same request may have an answer another time."""
    if isinstance(error, httpx2.HTTPStatusError):
        status = error.response.status_code
        return status >= 500 or status in _LATER
    return isinstance(error, httpx2.TransportError | TimeoutError)


def _once(deed: Callable[[], None]) -> Callable[[], None]:
    """The deed, which is done at the first call and at no other."""
    left = [deed]

    def do() -> None:
        if left:
            left.pop()()

    return do


async def _watch(request: httpx2.Request) -> None:
    async def reached(event: str, _: object) -> None:
        if event.endswith("send_request_body.complete"):
            reach(Point.REQUEST_SENT)

    request.extensions["trace"] = reached


async def _copy(response: Any, writer: SpoolWriter) -> None:
    await writer.write(first_line(failures.request_id(response.headers)))
    await _write(response.iter_bytes(), writer, _MOST_BYTES)


async def _write(chunks: AsyncIterator[bytes], writer: SpoolWriter, most: int) -> None:
    size = 0
    async for chunk in chunks:
        await writer.write(chunk)
        if not size:
            reach(Point.ANSWER_HALF_READ)
        size += len(chunk)
        if size > most:
            raise ValueError("it does not end")


def _unreadable() -> ProviderError:
    return ProviderError(
        Failure.INVALID, said("a reference image cannot be read"), charge=Charge.NOT_CHARGED
    )


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
