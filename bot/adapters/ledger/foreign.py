"""Files of other programs: recognised before anything is written into them."""

import sqlite3
from contextlib import closing
from pathlib import Path

from bot.core.errors import SettingsError
from bot.core.said import said

# In the header of a database, at this place, 2 says that it is written ahead.
# Source: sqlite.org/fileformat.html
_WRITE_VERSION = 18
_WAL = 2


def refusal(path: str | Path | None) -> SettingsError:
    """The error that says what to do with the database of another program."""
    problem = said(
        "HISTORY_DB_PATH or DATABASE_URL: {path} is the database of another program, and is not"
        " written into; leave the setting out, or name a file of its own for gptimage; the Node"
        " tool's history comes in with: gptimage history import {path}",
        path=path,
    )
    return SettingsError([problem])


def check(path: Path) -> None:
    """Raise SettingsError for the database of another program, without touching it.

    Only opening it as a ledger would set it to be written ahead. What cannot be told like this
    is told by the tables, once it is open.
    """
    try:
        with path.open("rb") as file:
            header = file.read(100)
        tables = _tables(path) if len(header) == 100 else set()
    except (OSError, sqlite3.Error):
        return  # whoever opens it will say what is wrong
    if "alembic_version" in tables or not tables:
        return
    # A ledger is written ahead before it has a table, and never has one of this name.
    if header[_WRITE_VERSION] != _WAL or "history" in tables:
        raise refusal(path)


def _tables(path: Path) -> set[str]:
    address = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
    with closing(sqlite3.connect(address, uri=True)) as connection:
        rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        return {name for (name,) in rows}
