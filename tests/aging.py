"""A ledger to which everything happened earlier than it did."""

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from bot.adapters.ledger.columns import Time
from bot.adapters.ledger.tables import metadata

_LONG_AGO = "2020-01-01"  # a day of which no cap is counted any more


def move_back(ledger: Path, by: timedelta) -> None:
    """Move all times of the SQLite file into the past, and its budgets to a day long ago."""
    times = [
        (table.name, column.name)
        for table in metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, Time)
    ]
    with closing(sqlite3.connect(ledger)) as connection, connection:
        for table, column in times:
            moved = f'"{column}" = "{column}" - ?'
            connection.execute(f'UPDATE "{table}" SET {moved}', (by // timedelta(microseconds=1),))
        for table in ("budgets", "reservations"):
            connection.execute(f'UPDATE {table} SET "window" = ?', (_LONG_AGO,))
