"""The Node tool's history: a SQLite file of another program, read and never written."""

import json
import math
import re
import shutil
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pydantic import ValidationError

from bot.core.attempts import Attempt, AttemptState
from bot.core.batch import BatchConfig, Job
from bot.core.errors import SettingsError, because
from bot.core.plan import plan
from bot.core.pricing import Money, Usage
from bot.core.run import ItemView, Run, RunState, RunView
from bot.core.said import said

Row = Mapping[str, Any]

# Beside the database: what is not yet in it, or must be taken back from it.
_BESIDE = ("-wal", "-journal")
_OPERATIONS = {
    "generate_image": "generate",
    "edit_image": "edit",
    "transform_image": "transform",
}
_FIRST_MODEL = "gpt-image-1"  # of the records that name none
_ESTIMATED = said("imported from the Node tool: the cost is that tool's own estimate")


@dataclass(frozen=True, slots=True)
class Unread:
    """A record that could not be read, and why."""

    uuid: str
    reason: str


@dataclass(frozen=True, slots=True)
class NodeHistory:
    """Its records as finished runs under their uuids, oldest first, and those that are none."""

    runs: Sequence[RunView]
    unread: Sequence[Unread]


def read_node_history(path: Path) -> NodeHistory:
    """All that the file holds; raises SettingsError if it is no history of the Node tool."""
    runs: list[RunView] = []
    unread: list[Unread] = []
    for row in _rows(path):
        try:
            runs.append(_run(row))
        except ValueError as error:
            unread.append(Unread(str(row.get("uuid")), error.args[0]))
    return NodeHistory(sorted(runs, key=lambda view: view.run.created_at), unread)


# --- the file ---------------------------------------------------------------------------------


def _rows(path: Path) -> Sequence[Row]:
    """Every record, from a copy: even a reader leaves traces beside a database."""
    try:
        with TemporaryDirectory(prefix="gptimage-") as folder:
            copy = Path(folder, "history.db")
            shutil.copyfile(path, copy)
            for ending in _BESIDE:
                beside = path.with_name(path.name + ending)
                if beside.is_file():
                    shutil.copyfile(beside, copy.with_name(copy.name + ending))
            return _records(copy)
    except OSError as error:
        raise SettingsError(
            [said("{file}: cannot be read ({why})", file=path, why=because(error))]
        ) from None
    except sqlite3.Error as error:
        message = said("{file}: is no history of the Node tool ({why})", file=path, why=error)
        raise SettingsError([message]) from None


def _records(copy: Path) -> Sequence[Row]:
    with closing(sqlite3.connect(copy)) as connection:
        connection.row_factory = sqlite3.Row
        connection.text_factory = lambda data: data.decode(errors="replace")
        return [dict(row) for row in connection.execute("SELECT * FROM history")]


# --- one record -------------------------------------------------------------------------------


def _run(row: Row) -> RunView:
    """A finished run under the record's uuid; raises ValueError that names the column."""
    at, batch, paths = _time(row), BatchConfig(jobs=(_job(row),)), _paths(row)
    run = Run(
        id=_uuid(row),
        state=RunState.DONE,
        batch=batch,
        created_at=at,
        started_at=at,
        finished_at=at,
        warnings=(_ESTIMATED,),
    )
    items = plan(batch, run.id)
    costs = _shares(_cost(row), len(items))
    return RunView(
        run,
        tuple(
            ItemView(
                item,
                (_made(at, cost, None if item.index else _usage(row)),),
                path=paths[item.index] if paths else None,
            )
            for item, cost in zip(items, costs, strict=True)
        ),
    )


def _uuid(row: Row) -> str:
    """It becomes the id of a run, and so the name of a folder."""
    uuid = row.get("uuid")
    if not isinstance(uuid, str) or not re.fullmatch(r"[0-9A-Za-z][0-9A-Za-z-]{7,63}", uuid):
        raise ValueError(said("uuid: not one"))
    return uuid


def _time(row: Row) -> datetime:
    try:
        at = datetime.fromisoformat(row["created_at"])
    except (KeyError, TypeError, ValueError):
        raise ValueError(said("created_at: not a time in ISO 8601")) from None
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def _job(row: Row) -> Job:
    parameters = _json(row, "parameters", dict)
    try:
        return Job.model_validate(
            {
                "prompt": row.get("prompt"),
                "model": parameters.get("model") or _FIRST_MODEL,
                "operation": _OPERATIONS.get(str(row.get("tool_name")), row.get("tool_name")),
                "size": row.get("size") or "auto",
                "quality": row.get("quality") or "auto",
                "output_format": row.get("output_format") or "png",
                "sample_count": len(_paths(row)) or row.get("sample_count") or 1,
            }
        )
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = {"operation": "tool_name"}.get(str(first["loc"][0]), first["loc"][0])
        raise ValueError(said("{where}: {what}", where=name, what=first["msg"])) from None


def _paths(row: Row) -> Sequence[str]:
    paths: list[object] = _json(row, "output_paths", list)
    if not all(isinstance(path, str) for path in paths):
        raise ValueError(said("output_paths: not a list of paths"))
    return [str(path) for path in paths]


def _json(row: Row, column: str, kind: type[Any]) -> Any:
    text = row.get(column)
    try:
        found = json.loads(text) if text else kind()
    except (TypeError, ValueError):
        raise ValueError(said("{column}: not JSON", column=column)) from None
    if isinstance(found, kind):
        return found
    raise ValueError(
        said("{column}: not an object", column=column)
        if kind is dict
        else said("{column}: not a list", column=column)
    )


def _cost(row: Row) -> Money | None:
    """The tool's estimate; None if it has none, as in files of its first versions."""
    cost = row.get("estimated_cost")
    if not isinstance(cost, int | float) or not math.isfinite(cost) or cost < 0:
        return None
    return Money.from_usd(Decimal(str(cost)))


def _shares(cost: Money | None, count: int) -> Sequence[Money | None]:
    """The cost of all images as one for each; nothing is lost to rounding."""
    if cost is None:
        return [None] * count
    each, rest = divmod(cost.micros, count)
    return [Money(each + (1 if index < rest else 0)) for index in range(count)]


def _usage(row: Row) -> Usage | None:
    """The tokens of the whole record; which went in as text and which as image was not kept."""
    counts = row.get("input_tokens"), row.get("output_tokens")
    match counts:
        case int(sent), int(drawn) if sent >= 0 and drawn >= 0:
            return Usage(text_tokens=sent, image_tokens=0, output_tokens=drawn)
        case _:
            return None


def _made(at: datetime, cost: Money | None, usage: Usage | None) -> Attempt:
    return Attempt(1, 1, AttemptState.SUCCEEDED, at, at, cost=cost, usage=usage)
