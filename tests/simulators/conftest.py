"""A simulated GitHub for each test, in this process or on a free port."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt
import pytest

from bot.simulators.github import GitHubState, create_github_app
from bot.simulators.github.auth import AppKey

REPO = "/api/v3/repos/acme/posters"


class Clock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.time = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def advance(self, **time: float) -> None:
        self.time += timedelta(**time)


class GitHubClient:
    """Speaks plain HTTP to a simulated GitHub in the same process, as the App or as a person."""

    def __init__(self, state: GitHubState, private_key: str) -> None:
        self.state = state
        self.private_key = private_key
        transport = httpx.ASGITransport(create_github_app(state))
        self.http = httpx.AsyncClient(transport=transport, base_url="http://github.test")

    def jwt(self, **changes: Any) -> str:
        now = self.state.now()
        claims = {"iss": str(self.state.app.id), "iat": now, "exp": now + timedelta(minutes=9)}
        return jwt.encode(claims | changes, self.private_key, algorithm="RS256")

    async def as_app(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.jwt()}"}
        return await self.http.request(method, f"/api/v3{path}", headers=headers, **options)

    async def token(self, **narrowed: Any) -> httpx.Response:
        path = f"/app/installations/{self.state.app.installation_id}/access_tokens"
        return await self.as_app("POST", path, json=narrowed)

    async def as_bot(
        self, method: str, path: str, *, token: str = "", **options: Any
    ) -> httpx.Response:
        """Ask below the repository with a token of all permissions, or with the given one."""
        value = token or self.state.tokens.issue({}, self.state.now()).value
        headers = {"authorization": f"Bearer {value}", **options.pop("headers", {})}
        url = path if path.startswith("http") else REPO + path
        return await self.http.request(method, url, headers=headers, **options)

    async def comment(self, body: str, issue: int = 1) -> dict[str, Any]:
        answer = await self.as_bot("POST", f"/issues/{issue}/comments", json={"body": body})
        assert answer.status_code == 201, answer.text
        shape: dict[str, Any] = answer.json()
        return shape

    async def types(self, user: str, body: str) -> dict[str, Any]:
        answer = await self.http.post("/sim/comments", json={"user": user, "body": body})
        assert answer.status_code == 201, answer.text
        shape: dict[str, Any] = answer.json()
        return shape


@pytest.fixture(scope="session")
def app_key() -> AppKey:
    return AppKey.generate()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make_github(app_key: AppKey, clock: Clock) -> Callable[..., GitHubClient]:
    def make(**options: Any) -> GitHubClient:
        state = GitHubState(public_key=app_key.public, **{"now": clock, **options})
        return GitHubClient(state, app_key.private)

    return make


@pytest.fixture
def github(make_github: Callable[..., GitHubClient]) -> GitHubClient:
    return make_github()
