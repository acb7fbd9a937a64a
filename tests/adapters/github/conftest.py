"""A bot's view of a simulated GitHub, over a real connection on a free port."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.adapters.github import AppCredentials, GitHubHost
from bot.core import killpoints
from bot.core.run import Thread
from bot.entrypoints.loopback import served
from bot.simulators.github import Fault, FaultKind, GitHubState, create_github_app
from bot.simulators.github.auth import AppKey
from bot.simulators.github.threads import Comment
from tests.adapters.github.publishing import Files, die_at, files_in


@dataclass
class Octo:
    """A host, the GitHub that it talks to, and the pauses that it made."""

    state: GitHubState
    credentials: AppCredentials
    thread: Thread
    connections: set[object]
    hosts: list[GitHubHost] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)
    late: timedelta = timedelta()

    def __post_init__(self) -> None:
        self.host = self.connect()

    def connect(self, read_seconds: float = 20.0, **changes: Any) -> GitHubHost:
        """A host with less patience, or with other credentials."""
        host = GitHubHost(
            replace(self.credentials, **changes),
            clock=self.now,
            sleep=self.pause,
            read_seconds=read_seconds,
        )
        self.hosts.append(host)
        return host

    async def close(self) -> None:
        for host in self.hosts:
            await host.aclose()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.late

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)

    def breaks(self, kind: FaultKind = FaultKind.ERROR, **how: Any) -> None:
        self.state.faults.add(Fault(kind, **how))

    def calls(self, method: str, path_end: str) -> int:
        return sum(c.method == method and c.path.endswith(path_end) for c in self.state.calls)

    @property
    def url(self) -> str:
        """Where people read."""
        return self.credentials.api_url.removesuffix("/api/v3")

    @property
    def tokens(self) -> int:
        """How many tokens were asked for."""
        return self.calls("POST", "/access_tokens")

    @property
    def comments(self) -> list[Comment]:
        """What stands in the thread below the command."""
        return [c for c in self.state.threads.issue(1).comments.values() if c.by_app]


Meet = Callable[..., Any]


@pytest.fixture(scope="session")
def app_key() -> AppKey:
    return AppKey.generate()


@pytest.fixture
async def meet(app_key: AppKey) -> AsyncIterator[Meet]:
    """Serve a GitHub with the given options, and connect a host to it."""
    async with AsyncExitStack() as stack:

        async def start(**options: Any) -> Octo:
            state, connections = GitHubState(public_key=app_key.public, **options), set[object]()
            app = Watched(create_github_app(state), connections)
            url = await stack.enter_async_context(served(app))
            credentials = AppCredentials(
                str(state.app.id), SecretStr(app_key.private), f"{url}/api/v3"
            )
            octo = Octo(state, credentials, _thread(state), connections)
            stack.push_async_callback(octo.close)
            return octo

        yield start


@pytest.fixture
async def octo(meet: Meet) -> Octo:
    found: Octo = await meet()
    return found


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """Files with these names, as they lie in the spool."""
    return files_in(tmp_path)


@pytest.fixture
def dies_at() -> Iterator[Callable[[int], None]]:
    """Let the process die at the n-th upload from now."""
    yield die_at
    killpoints.install(lambda _: None)


def _thread(state: GitHubState) -> Thread:
    """The thread of issue 1, below a command of its owner."""
    command = state.threads.add(1, "/batch", state.people.persons()[0], state.now())
    repository = state.repository
    return Thread(
        state.app.installation_id, repository.id, repository.full_name, False, 1, command.id
    )


class Watched:
    """Passes requests on, and writes down which connections they came over."""

    def __init__(self, app: ASGIApp, connections: set[object]) -> None:
        self._app = app
        self._connections = connections

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            self._connections.add(tuple(scope["client"]))
        await self._app(scope, receive, send)
