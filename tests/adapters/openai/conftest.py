import socket
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import date
from pathlib import Path
from threading import Thread
from typing import Any, Self

import pytest
import uvicorn
from pydantic import SecretStr
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.adapters.openai_images import OpenAIImages
from bot.adapters.spool import LocalSpool
from bot.core.killpoints import install
from bot.simulators.images import ImagesSimulator, create_images_app

KEY = "sk-canary-1234567890"


class Door:
    """A true server on a free port that outlives the test; behind it stands what the test puts."""

    def __init__(self) -> None:
        self.app: ASGIApp = Response(status_code=500)
        self._listener = socket.create_server(("127.0.0.1", 0))
        config = uvicorn.Config(self, log_config=None, lifespan="off", ws="none", interface="asgi3")
        self._server = uvicorn.Server(config)
        self._thread = Thread(target=self._server.run, args=([self._listener],))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}/v1"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)

    def __enter__(self) -> Self:
        self._thread.start()  # the listener listens already, so nobody has to wait
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._listener.close()


@pytest.fixture(scope="session")
def api() -> Iterator[Door]:
    with Door() as door:
        yield door


@pytest.fixture(scope="session")
def other() -> Iterator[Door]:
    with Door() as door:
        yield door


@pytest.fixture
def simulator() -> ImagesSimulator:
    return ImagesSimulator(today=date(2026, 11, 21))


@pytest.fixture
def base_url(api: Door, simulator: ImagesSimulator) -> str:
    api.app = create_images_app(simulator)
    return api.url


@pytest.fixture
def spool(tmp_path: Path) -> LocalSpool:
    return LocalSpool(tmp_path / "spool")


Provide = Callable[..., OpenAIImages]


@pytest.fixture
async def provide(base_url: str, spool: LocalSpool) -> AsyncIterator[Provide]:
    """Makes providers, by default for the simulator, and closes them."""
    made: list[OpenAIImages] = []

    def make(**options: Any) -> OpenAIImages:
        settings: dict[str, Any] = {"base_url": base_url, "spool": spool} | options
        made.append(OpenAIImages(settings.pop("api_key", SecretStr(KEY)), **settings))
        return made[-1]

    yield make
    for provider in made:
        await provider.aclose()


@pytest.fixture
def provider(provide: Provide) -> OpenAIImages:
    return provide()


@pytest.fixture(autouse=True)
def _no_kill_points() -> Iterator[None]:
    yield
    install(lambda _: None)


class Gateway:
    """Answers everything with one reply, and counts what was asked."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.headers = Headers()
        self.requests: list[tuple[str, str]] = []
        self.replies: dict[str, tuple[int, bytes, dict[str, str]]] = {}

    def reply(self, status: int, body: bytes = b"", path: str = "", **headers: str) -> None:
        """Answer so on the path, or on all that have no reply of their own."""
        self.replies[path] = (status, body, headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        await request.body()
        self.requests.append((request.method, request.url.path))
        self.headers = request.headers
        status, body, headers = self.replies.get(request.url.path) or self.replies[""]
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        await Response(body, status, names)(scope, receive, send)


@pytest.fixture
def gateway(other: Door) -> Gateway:
    gateway = Gateway(other.url)
    other.app = gateway
    return gateway
