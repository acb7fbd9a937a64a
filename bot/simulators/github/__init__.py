"""A simulated GitHub: one repository with its people, one App, and a page to see the thread.

The API is at `/api/v3`, `/api/uploads` and `/api/graphql`, as on an Enterprise Server. It checks
tokens and permissions, keeps comments, reactions, releases, assets and commits, and sends
`issue_comment` webhooks.

Tests hold the `GitHubState` itself; other processes reach it over HTTP: `GET /sim/state`,
`POST /sim/comments` (`{"user", "issue", "body"}`: a person types), `PATCH` and `DELETE
/sim/comments/{id}`, `POST /sim/attachments` (a picture; the answer's `url` is for comments),
`POST /sim/issues`, and `POST /sim/faults` (one or a list: the fields of `Fault`), `POST
/sim/switches` (`{"name"}`) and `POST /sim/visibility`: the page's buttons. The page for people is
at `/`.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from bot.simulators.github import (
    api_app,
    api_git,
    api_releases,
    api_repository,
    attachments,
    control,
    downloads,
    page,
)
from bot.simulators.github.endpoint import Endpoint
from bot.simulators.github.faults import Fault, FaultKind
from bot.simulators.github.gateway import Gateway
from bot.simulators.github.manifests import Manifests
from bot.simulators.github.people import DEFAULT_PEOPLE, Role, User
from bot.simulators.github.refusals import ApiError
from bot.simulators.github.state import GitHubState, RateLimit
from bot.simulators.github.switches import Switch
from bot.simulators.github.webhooks import Webhook

__all__ = [
    "DEFAULT_PEOPLE",
    "Fault",
    "FaultKind",
    "GitHubState",
    "Role",
    "Switch",
    "User",
    "Webhook",
    "create_github_app",
]


def create_github_app(state: GitHubState | None = None) -> Starlette:
    """An ASGI app around the state, which is also its `state.github`."""
    github = state or GitHubState()
    rest = (
        *api_repository.ENDPOINTS,
        *api_releases.ENDPOINTS,
        *api_git.ENDPOINTS,
        *api_app.ENDPOINTS,
    )
    manifests = Manifests(github)
    app = Starlette(
        routes=[
            Mount("/api/v3", _api(github, rest, manifests.endpoints())),
            Mount("/api/uploads", _api(github, api_releases.UPLOADS)),
            Mount("/api", _api(github, api_releases.GRAPHQL, limit=github.graphql_limit)),
            *manifests.pages(),
            *control.routes(github),
            *downloads.routes(github),
            *attachments.routes(github.attachments, lambda: github.repository.private),
            *page.Pages(github).routes(),
        ],
        exception_handlers={HTTPException: _say_error},
        lifespan=_lifespan,
    )
    app.state.github = github
    return app


def _api(
    github: GitHubState,
    endpoints: Sequence[Endpoint],
    others: Sequence[Route] = (),
    limit: RateLimit | None = None,
) -> Gateway:
    routes = [*(endpoint.route(github) for endpoint in endpoints), *others]
    api = Starlette(routes=routes, exception_handlers={HTTPException: _say_error})
    return Gateway(api, github, limit or github.rate_limit)


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    yield
    await app.state.github.webhooks.close()


async def _say_error(_request: Request, error: Exception) -> Response:
    """A wrong address or method, in the shape that the API's clients read."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    return ApiError(status, "Not Found" if status == 404 else "Method Not Allowed").response()
