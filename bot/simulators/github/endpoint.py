"""One row of the API's table: an address, what it does, and who may ask for it."""

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.simulators.github.auth import Token
from bot.simulators.github.people import User
from bot.simulators.github.refusals import (
    ApiError,
    bad_credentials,
    malformed,
    not_accessible,
    not_found,
)
from bot.simulators.github.shapes import Shapes
from bot.simulators.github.state import GitHubState
from bot.simulators.github.threads import Comment


@dataclass(frozen=True, slots=True)
class ApiCall:
    """A request whose sender may make it."""

    request: Request
    state: GitHubState
    shapes: Shapes

    def number(self, name: str) -> int:
        return int(self.request.path_params[name])

    async def body(self) -> dict[str, Any]:
        """The JSON object that was sent; nothing counts as an empty one."""
        raw = await self.request.body()
        try:
            sent = json.loads(raw or b"{}")
        except ValueError:
            raise malformed() from None
        if not isinstance(sent, dict):
            raise malformed()
        return sent


T = TypeVar("T")
Handler = Callable[[ApiCall], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`needs` names permissions of which one is enough; without any, the App's JWT is asked for."""

    method: str
    path: str
    handler: Handler
    needs: tuple[str, ...] = ()
    level: str = "read"

    def route(self, state: GitHubState) -> Route:
        async def endpoint(request: Request) -> Response:
            try:
                self._admit(request, state)
                return await self.handler(ApiCall(request, state, shapes_for(request, state)))
            except ApiError as error:
                return error.response()

        return Route(self.path, endpoint, methods=[self.method])

    def _admit(self, request: Request, state: GitHubState) -> None:
        scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() not in {"bearer", "token"}:
            raise ApiError(401, "Requires authentication")
        token = self._authenticate(credentials.strip(), state)
        names = {name: request.path_params.get(name) for name in ("owner", "repo")}
        expected = {"owner": state.repository.owner, "repo": state.repository.name}
        if any(name and name.lower() != expected[key].lower() for key, name in names.items()):
            raise not_found()
        if token and not token.allows(self.needs, self.level):
            raise not_accessible()

    def _authenticate(self, credentials: str, state: GitHubState) -> Token | None:
        if self.needs:
            return state.tokens.find(credentials, state.now())
        if credentials.startswith("ghs_"):
            raise bad_credentials()
        state.tokens.check_jwt(credentials, state.now())
        return None


def shapes_for(request: Request, state: GitHubState) -> Shapes:
    """Addresses as the sender of this request can reach them."""
    return Shapes(state, f"{request.url.scheme}://{request.url.netloc}")


def announce(
    shapes: Shapes, action: str, comment: Comment, sender: User, previous: str | None = None
) -> None:
    """Tell the App's webhook what happened to a comment."""
    payload = shapes.comment_event(action, comment, sender, previous)
    shapes.state.webhooks.deliver("issue_comment", payload, shapes.state.app.id)


def paged(call: ApiCall, entries: Sequence[T], shape: Callable[[T], Any]) -> JSONResponse:
    """One page of a list, with the Link header that leads to the next."""
    query = call.request.query_params
    size = min(100, max(1, number_in(query.get("per_page"), 30)))
    page = max(1, number_in(query.get("page"), 1))
    start, last = (page - 1) * size, max(1, -(-len(entries) // size))
    links = {"next": page + 1, "last": last} if page < last else {}
    headers = {"link": _links(call, links)} if links else {}
    return JSONResponse([shape(entry) for entry in entries[start : start + size]], headers=headers)


def _links(call: ApiCall, pages: dict[str, int]) -> str:
    address = call.shapes.base + call.request.url.path
    query = dict(call.request.query_params)
    urls = {rel: f"{address}?{urlencode(query | {'page': page})}" for rel, page in pages.items()}
    return ", ".join(f'<{url}>; rel="{rel}"' for rel, url in urls.items())


def number_in(text: str | None, default: int) -> int:
    """A number of a query; what is none counts as not given."""
    return int(text) if text and text.isdecimal() else default
