"""Connections: what is written is written alone and durably, what is read is one moment's truth."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.exc import DBAPIError, MissingGreenlet, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionLeft
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bot.adapters.ledger import foreign, trips
from bot.core.errors import LedgerBusy, SettingsError, because
from bot.core.said import said

# SQLAlchemy takes leave of a server for two seconds; of one that is frozen, it may take these.
_GOODBYE = 0.2
# Nobody waits for who stands in our own line, and whoever gave up would only join its end again.
_LINES_PATIENCE = 5
# As many processes may meet at a new file of SQLite's.
_SWITCHES = 20


@dataclass(frozen=True, slots=True)
class Database:
    """One database, SQLite or PostgreSQL, as everything else in the ledger sees it."""

    writer: AsyncEngine
    reader: AsyncEngine
    patience: timedelta
    line: asyncio.Lock | None = None  # where there is one writer; its head alone asks for the turn

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that is committed when the block ends well. Raises LedgerBusy."""
        async with self._in_time(), self._in_line(), self.writer.begin() as connection:
            yield connection

    @asynccontextmanager
    async def write_first(self) -> AsyncIterator[AsyncConnection]:
        """The same before all that stand in line: somebody waits for the answer."""
        async with self._in_time(), self.writer.begin() as connection:
            yield connection

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A snapshot that no writer changes, and that holds up no writer. Raises LedgerBusy."""
        async with self._in_time(), self.reader.connect() as connection:
            yield connection

    async def close(self) -> None:
        """Close every connection."""
        await self.reader.dispose()
        await self.writer.dispose()

    @asynccontextmanager
    async def _in_line(self) -> AsyncIterator[None]:
        if self.line is None:
            yield
            return
        async with asyncio.timeout(self.patience.total_seconds() * _LINES_PATIENCE):
            await self.line.acquire()
        try:
            yield
        finally:
            self.line.release()

    @asynccontextmanager
    async def _in_time(self) -> AsyncIterator[None]:
        """Give up on a server that is frozen; SQLite ends every wait by itself."""
        frozen = goodbye = None
        if self.writer.dialect.name == "postgresql":
            frozen = self.patience.total_seconds()
            goodbye = frozen + _GOODBYE
        with _busy():
            async with asyncio.timeout(goodbye), asyncio.timeout(frozen):
                yield


def connect(url: str | Path, patience: timedelta) -> Database:
    """The database at a path or URL; no wait for it is longer than `patience`.

    Where one connection writes, work that nobody waits for may stand in line for longer.
    """
    text = str(url)
    if isinstance(url, Path) or "://" not in text:
        return _sqlite(Path(url), patience)
    match text.partition("://"):
        case "sqlite" | "sqlite+aiosqlite", _, path:
            return _sqlite(Path(path.removeprefix("/")), patience)
        case "postgres" | "postgresql" | "postgresql+asyncpg", _, rest:
            return _postgresql(f"postgresql://{rest}", patience)
        case scheme, _, _:
            raise SettingsError(
                [
                    said(
                        "DATABASE_URL: {scheme}:// is not known; use postgresql:// or leave it out",
                        scheme=scheme,
                    )
                ]
            )


# --- SQLite -----------------------------------------------------------------------------------


def _sqlite(path: Path, patience: timedelta) -> Database:
    """One connection writes, so that tasks queue in order instead of fighting for the lock.

    Half of the patience is for that queue, half for writers in other processes. Only
    deliveries and renewed leases join that queue at once. All others stand in line before it, so
    that a delivery is next or the one after, however many they are.
    """
    foreign.check(path)
    _private(path)
    half = patience.total_seconds() / 2
    create = partial(
        create_async_engine,
        f"sqlite+aiosqlite:///{path}",
        async_creator=partial(trips.connect, path, half),
        hide_parameters=True,  # errors would quote prompts
        pool_timeout=half,
        pool_reset_on_return=None,  # every transaction is ended by who began it
    )
    writer, reader = create(pool_size=1, max_overflow=0), create(pool_size=4, max_overflow=0)
    for engine, begin in ((writer, "BEGIN IMMEDIATE"), (reader, "BEGIN")):
        event.listen(engine.sync_engine, "connect", _set_up_sqlite)
        event.listen(engine.sync_engine, "begin", partial(_begin, begin))
        event.listen(engine.sync_engine, "close", _let_go)
    return Database(writer, reader, patience, asyncio.Lock())


def _private(path: Path) -> None:
    """Prompts and links are nobody else's business: new directories and files are the owner's."""
    missing = [folder for folder in path.parents if not folder.exists()]
    try:
        for folder in reversed(missing):
            folder.mkdir(mode=0o700, exist_ok=True)
        path.touch(mode=0o600)
    except OSError as error:
        raise _no_ledger(path, because(error)) from None
    if not path.is_file():
        raise _no_ledger(path, said("it is not a file"))


def _no_ledger(path: Path, why: str) -> SettingsError:
    problem = said("GPTIMAGE_DATA_DIR: no ledger at {path}: {why}", path=path, why=why)
    return SettingsError([problem])


def _set_up_sqlite(connection: Any, _: object) -> None:
    cursor = connection.cursor()
    _write_ahead(cursor)
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _write_ahead(cursor: Any) -> None:
    """Switch to WAL, which several processes may try at once at a new file.

    The switch fails at once where a transaction waits for its turn, so it is tried between two.
    """
    for _ in range(_SWITCHES):
        with suppress(sqlite3.OperationalError):
            cursor.execute("PRAGMA journal_mode = WAL")
            return
        cursor.execute("BEGIN IMMEDIATE")
        cursor.execute("COMMIT")
    cursor.execute("PRAGMA journal_mode = WAL")


def _begin(statement: str, connection: Connection) -> None:
    connection.exec_driver_sql(statement)


def _let_go(connection: Any, _: object) -> None:
    """End the transaction of a task that was cancelled before its connection is closed.

    SQLite keeps a closed connection, and its lock, for as long as somebody refers to a cursor
    that was not read to its end; the traceback of the cancelled task does.
    """
    with suppress(sqlite3.Error, MissingGreenlet):
        connection.rollback()


# --- PostgreSQL -------------------------------------------------------------------------------


def _postgresql(url: str, patience: timedelta) -> Database:
    try:
        asyncpg = import_module("asyncpg")  # the command line is installed without it
    except ImportError:
        raise SettingsError(
            [
                said(
                    "DATABASE_URL: PostgreSQL needs the server's parts:"
                    " pip install 'gptimage[server]'"
                )
            ]
        ) from None
    seconds = patience.total_seconds()
    limit = str(int(seconds * 800))  # the server says no before we give up on it
    settings = {
        "application_name": "gptimage",
        "synchronous_commit": "on",
        "statement_timeout": limit,
        "lock_timeout": limit,
        "idle_in_transaction_session_timeout": "60000",
    }
    # asyncpg reads the URL itself, with sslmode, host= and whatever else libpq's URLs may hold.
    writer = create_async_engine(
        "postgresql+asyncpg://",
        async_creator=partial(asyncpg.connect, url, timeout=seconds, server_settings=settings),
        hide_parameters=True,
        isolation_level="READ COMMITTED",
        pool_pre_ping=True,
        pool_size=8,
        pool_timeout=seconds,
    )
    reader = writer.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    return Database(writer, reader, patience)


# --- errors -----------------------------------------------------------------------------------

# Result codes that tell of the file's or the machine's state, not of a fault in a statement.
# Source: sqlite.org/rescode.html
_SQLITE_BUSY = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
    }
)
# Classes of SQLSTATE with the same meaning: connection, transaction, authorization, database,
# rollback, resources, object state, operator, system.
# Source: postgresql.org/docs/current/errcodes-appendix.html
_DISK_FULL = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE, "53100"})
_POSTGRESQL_BUSY = frozenset({"08", "25", "28", "3D", "40", "53", "55", "57", "58"})


@contextmanager
def _busy() -> Iterator[None]:
    """Say LedgerBusy for everything that another time, or another disk, would mend."""
    try:
        yield
    except DBAPIError as error:
        if not _passing(error):
            raise
        if _is_full(error):
            raise LedgerBusy(said("the ledger's disk is full")) from error
        raise LedgerBusy(said("the ledger cannot be used just now")) from error
    except (NoConnectionLeft, TimeoutError) as error:
        raise LedgerBusy(said("the ledger did not answer in time")) from error
    except OSError as error:
        raise LedgerBusy(said("the ledger cannot be reached")) from error


def _is_full(error: DBAPIError) -> bool:
    words = (getattr(error.orig, name, None) for name in ("sqlite_errorcode", "sqlstate"))
    return not _DISK_FULL.isdisjoint(words)


def _passing(error: DBAPIError) -> bool:
    if error.connection_invalidated:
        return True
    code = getattr(error.orig, "sqlite_errorcode", None)
    if code is not None:
        return code & 0xFF in _SQLITE_BUSY
    state = getattr(error.orig, "sqlstate", None)
    if state is not None:
        return state[:2] in _POSTGRESQL_BUSY
    return isinstance(error, OperationalError)
