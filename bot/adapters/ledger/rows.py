"""Rows of the run's tables as the values of the core, and back."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Any

from sqlalchemy import Row

from bot.core.attempts import Attempt
from bot.core.plan import Item
from bot.core.run import ItemView, Run, RunView

# The columns are named as the fields are.
_RUN = tuple(field.name for field in fields(Run))
_ATTEMPT = tuple(field.name for field in fields(Attempt))


def run_of(row: Row[Any]) -> Run:
    """The run of a row of `runs`."""
    return Run(**{name: getattr(row, name) for name in _RUN})


def run_values(run: Run) -> dict[str, object]:
    """A row of `runs`."""
    place = run.thread.place if run.thread else None
    return {name: getattr(run, name) for name in _RUN} | {"place": place}


def attempt_of(row: Row[Any]) -> Attempt:
    """The attempt of a row of `attempts`."""
    return Attempt(**{name: getattr(row, name) for name in _ATTEMPT})


def attempt_values(attempt: Attempt) -> dict[str, object]:
    """A row of `attempts`, without the item that it belongs to."""
    return {name: getattr(attempt, name) for name in _ATTEMPT}


def item_values(run_id: str, item: Item) -> dict[str, object]:
    """A row of `items` for an image that nobody has asked for before."""
    return {
        "run_id": run_id,
        "item": item.index,
        "wanted": item,
        "order": 1,
        "cancelled": False,
    }


def view_of(run: Run, items: Iterable[Row[Any]], attempts: Iterable[Row[Any]]) -> RunView:
    """The run with its items; both kinds of rows come in their order."""
    tried: dict[int, list[Attempt]] = defaultdict(list)
    for row in attempts:
        tried[row.item].append(attempt_of(row))
    return RunView(run, tuple(_item(row, tried[row.item]) for row in items))


def _item(row: Row[Any], attempts: Sequence[Attempt]) -> ItemView:
    return ItemView(
        item=row.wanted,
        attempts=tuple(attempts),
        order=row.order,
        cancelled=row.cancelled,
        url=row.url,
        path=row.path,
        thumbnail=row.thumbnail,
    )
