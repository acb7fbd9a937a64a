"""Serve an ASGI app from the running event loop, on a port that is known before it starts."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any

import uvicorn

from bot.core.errors import SettingsError, because
from bot.core.said import said

HOST = "127.0.0.1"
# Requests under way at the end get this many seconds.
_GRACE = 5


class _Server(uvicorn.Server):
    """A server among others in one process: signals are the process's business."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises SettingsError if it is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio sends small answers at once only where the protocol is named; others wait 40 ms.
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
    except OSError as error:
        sock.close()
        problem = said(
            "cannot listen on {address} ({why}): choose another with --port or --host"
            " (GPTIMAGE_PORT, GPTIMAGE_HOST)",
            address=f"{host}:{port}",
            why=because(error),
        )
        raise SettingsError([problem]) from None
    sock.listen(2048)
    return sock


def bind_next(port: int) -> socket.socket:
    """A listening socket on loopback: this port, or the next one that is free."""
    for candidate in range(port, port + 100):
        with contextlib.suppress(SettingsError):
            return bind(HOST, candidate)
    return bind(HOST, 0)


def url_of(sock: socket.socket) -> str:
    """The address of a socket on which we listen."""
    host, port = sock.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@contextlib.asynccontextmanager
async def served(app: Any, sock: socket.socket | None = None) -> AsyncIterator[str]:
    """Serve the app for the block; gives its URL. Connections wait until it has started."""
    sock = sock or bind(HOST, 0)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE,
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[sock]))
    try:
        yield url_of(sock)
    finally:
        server.should_exit = True
        await serving
        sock.close()
