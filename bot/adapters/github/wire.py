"""One exchange with GitHub: sent once, and again only where that changes nothing.

githubkit signs for the App and makes the HTTP client, and no more. Its own way of asking sends a
POST again after a 5xx, misses rate limits that come without a header, and its models reject what
Enterprise Servers and newer GitHubs say. Its client is held here by hand: entered with
`async with`, it lives in a ContextVar that other tasks do not see.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, nullcontext, suppress
from dataclasses import dataclass
from datetime import timedelta
from email.utils import parsedate_to_datetime

import httpx
from githubkit import AppAuthStrategy, GitHub, TokenAuthStrategy
from githubkit.cache import MemCacheStrategy
from pydantic import SecretStr

from bot.adapters.github.bodies import Body
from bot.adapters.github.refusals import is_limit, moved, no_answer, refusal
from bot.core.errors import HostError
from bot.core.ports import Clock
from bot.core.said import said

try:
    from jwt import PyJWTError as SigningError
except ImportError:  # a workflow has its token already, and installs nothing that signs

    class SigningError(Exception):  # type: ignore[no-redef]
        """Nothing is signed."""


Sleep = Callable[[float], Awaitable[None]]
Turn = Callable[[], AbstractAsyncContextManager[None]]
"""What each try is made in: it may have to wait for others, and hears how it ended."""

_HEADERS = {
    "Accept": "application/vnd.github+json",
    "X-GitHub-Api-Version": "2022-11-28",
}

# A request that makes the same, or nothing, the second time.
_REPEATABLE = frozenset({"GET", "PUT", "PATCH", "DELETE"})
_BACKOFF = (0.5, 2.0)  # seconds before the second and the third try
_PATIENCE = 5.0  # a longer wait is the caller's to schedule

_REST = "core"  # what GitHub's headers call the limit of all but GraphQL and searches

_CONNECT_SECONDS = 5.0
_WRITE_SECONDS = 120.0  # one large asset over a slow line


@dataclass(frozen=True, slots=True)
class AppCredentials:
    """Who the App is; `api_url` of an Enterprise Server is `https://HOST/api/v3`."""

    app_id: str
    private_key: SecretStr
    api_url: str = "https://api.github.com"


@dataclass(frozen=True, slots=True)
class TokenCredentials:
    """A token that somebody else has made, such as a workflow's."""

    token: SecretStr
    api_url: str = "https://api.github.com"


Credentials = AppCredentials | TokenCredentials


@dataclass(frozen=True, slots=True)
class Request:
    """A request; `path` is below the API's address, or a whole address.

    `reads` is for a POST that changes nothing, `repeatable` for one that makes nothing twice, and
    `urgent` for what people wait for.
    """

    method: str
    path: str
    json: Mapping[str, object] | None = None
    params: Mapping[str, str | int] | None = None
    body: Body | None = None
    media_type: str | None = None
    accept: str | None = None  # instead of JSON
    reads: bool = False
    repeatable: bool = False
    urgent: bool = False

    @property
    def writes(self) -> bool:
        return self.method != "GET" and not self.reads

    @property
    def may_repeat(self) -> bool:
        return self.repeatable or self.reads or self.method in _REPEATABLE


class Wire:
    """Sends requests to one GitHub, over connections that all tasks share.

    `remaining` is how many it still allows in this hour (GraphQL counts apart), `skew` how far our
    clock is ahead of its own; both by its last answer.
    """

    def __init__(
        self,
        credentials: Credentials,
        *,
        clock: Clock,
        sleep: Sleep,
        read_seconds: float,
    ) -> None:
        self._github = GitHub(
            _strategy(credentials),
            base_url=credentials.api_url,
            user_agent="gptimage",
            timeout=httpx.Timeout(read_seconds, connect=_CONNECT_SECONDS, write=_WRITE_SECONDS),
            http_cache=False,  # would keep bodies
            auto_retry=False,
            # The default belongs to the whole process, and hands one App's JWT to another.
            cache_strategy=MemCacheStrategy(),
        )
        self.graphql_url = _graphql_url(credentials.api_url)
        self._clock = clock
        self._sleep = sleep
        self._open = AsyncExitStack()
        self._opening = asyncio.Lock()
        self._client: httpx.AsyncClient | None = None
        self.remaining: int | None = None
        self.skew: timedelta | None = None

    async def aclose(self) -> None:
        """Close the connections; the next request opens new ones."""
        self._client = None
        await self._open.aclose()

    async def send(
        self, request: Request, token: SecretStr | None = None, turn: Turn = nullcontext
    ) -> httpx.Response:
        """The answer, if it is a success; without a token the App signs for itself.

        Raises HostError. A POST that is not repeatable is sent once, whatever happens.
        """
        for backoff in _BACKOFF:
            try:
                async with turn():
                    return await self._once(request, token)
            except HostError as error:
                pause = _pause_after(error, backoff, request)
                if pause is None:
                    raise
            await self._sleep(pause)
        async with turn():
            return await self._once(request, token)

    async def _once(self, request: Request, token: SecretStr | None) -> httpx.Response:
        try:
            response = await self._exchange(request, token)
        except httpx.RequestError as error:
            raise no_answer(error, writes=request.writes) from error
        except SigningError:
            raise HostError(said("The App's private key cannot be used to sign.")) from None
        self._note(response)
        if not response.is_success or is_limit(response):
            raise refusal(response, self._clock(), writes=request.writes)
        if response.request.method != request.method:
            raise moved(response)
        return response

    def _note(self, response: httpx.Response) -> None:
        left = response.headers.get("x-ratelimit-remaining", "")
        if left.isdecimal() and response.headers.get("x-ratelimit-resource", _REST) == _REST:
            self.remaining = int(left)
        with suppress(TypeError, ValueError):
            theirs = parsedate_to_datetime(response.headers.get("date", ""))
            self.skew = self._clock() - theirs

    async def _exchange(self, request: Request, token: SecretStr | None) -> httpx.Response:
        client = await self._connected()
        headers = dict(_HEADERS)
        if request.accept:
            headers["Accept"] = request.accept
        if request.media_type:
            headers["Content-Type"] = request.media_type
        if request.body:
            headers["Content-Length"] = str(request.body.length)
        if token:
            headers["Authorization"] = f"Bearer {token.get_secret_value()}"
        response = await client.request(
            request.method,
            request.path,
            json=request.json,
            params=request.params,
            content=request.body.pieces() if request.body else None,
            headers=headers,
            auth=None if token else httpx.USE_CLIENT_DEFAULT,
        )
        # httpx ties an answer and its stream into a circle: what it holds, such as a picture, would
        # stay until the collector's next full look.
        for each in (*response.history, response):
            each.stream = httpx.ByteStream(b"")
        return response

    async def _connected(self) -> httpx.AsyncClient:
        async with self._opening:
            if self._client is None:
                client = self._github.get_async_client()
                self._client = await self._open.enter_async_context(client)
            return self._client


def _graphql_url(api_url: str) -> str:
    """Where GraphQL is, beside the REST API.

    Source: https://docs.github.com/enterprise-server@latest/graphql/guides/forming-calls-with-graphql
    """
    return f"{api_url.rstrip('/').removesuffix('/v3')}/graphql"


def _strategy(credentials: Credentials) -> AppAuthStrategy | TokenAuthStrategy:
    match credentials:
        case AppCredentials(app_id, key):
            return AppAuthStrategy(app_id, key.get_secret_value())
        case TokenCredentials(token):
            return TokenAuthStrategy(token.get_secret_value())


def _pause_after(error: HostError, backoff: float, request: Request) -> float | None:
    """Seconds until the same may be asked again; None if that is futile, or takes too long.

    A write that is to wait makes room for others: whoever wrote comes back.
    """
    if not request.may_repeat:
        return None
    if error.retry_after is not None:
        short = error.retry_after <= _PATIENCE and not request.writes
        return error.retry_after if short else None
    transient = error.status is None or error.status >= 500
    return backoff if transient else None
