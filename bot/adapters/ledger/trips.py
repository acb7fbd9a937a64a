"""SQLite in a thread of its own, with one trip to that thread for each statement.

aiosqlite makes four: for a cursor, the statement, its rows and the cursor's end. Each comes back
only when the event loop has time for it, and the writer's lock is held for all that time.
"""

import sqlite3
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

import aiosqlite
from aiosqlite.context import contextmanager

_ROWS_AT_ONCE = 64  # aiosqlite's own; nobody here reads in parts


async def connect(path: Path, patience: float) -> aiosqlite.Connection:
    """A connection that begins no transaction by itself, and waits so many seconds for a lock."""
    open_file = partial(sqlite3.connect, path, timeout=patience, isolation_level=None)
    return await _Connection(open_file, _ROWS_AT_ONCE)


class _Connection(aiosqlite.Connection):
    def __init__(self, open_file: partial[sqlite3.Connection], rows_at_once: int) -> None:
        super().__init__(open_file, rows_at_once)
        self._thread.daemon = True  # as SQLAlchemy has it: no forgotten one holds up the end

    @contextmanager
    async def cursor(self) -> aiosqlite.Cursor:
        return _Cursor(self)

    async def run(
        self, sql: str, parameters: Iterable[Any] | None
    ) -> tuple[sqlite3.Cursor, list[Any]]:
        """The cursor after the statement, and all its rows."""
        made: tuple[sqlite3.Cursor, list[Any]]
        made = await self._execute(_run, self._conn, sql, parameters or ())  # type: ignore[no-untyped-call]
        return made

    async def run_many(self, sql: str, parameters: Iterable[Iterable[Any]]) -> sqlite3.Cursor:
        """The cursor after the statement was made with each of the parameters."""
        made: sqlite3.Cursor
        made = await self._execute(self._conn.executemany, sql, parameters)  # type: ignore[no-untyped-call]
        return made


class _Cursor(aiosqlite.Cursor):
    """Has its rows at hand; read to its end, so that there is nothing to close."""

    _cursor: sqlite3.Cursor

    def __init__(self, connection: _Connection) -> None:
        self._connection = connection
        self._rows: list[Any] = []

    async def execute(self, sql: str, parameters: Iterable[Any] | None = None) -> aiosqlite.Cursor:
        self._cursor, self._rows = await self._connection.run(sql, parameters)
        return self

    async def executemany(self, sql: str, parameters: Iterable[Iterable[Any]]) -> aiosqlite.Cursor:
        self._cursor = await self._connection.run_many(sql, parameters)
        return self

    async def fetchall(self) -> Iterable[Any]:
        rows, self._rows = self._rows, []
        return rows

    async def close(self) -> None:
        self._rows = []


def _run(
    connection: sqlite3.Connection, sql: str, parameters: Any
) -> tuple[sqlite3.Cursor, list[Any]]:
    cursor = connection.execute(sql, parameters)
    return cursor, cursor.fetchall()
