"""How past runs are printed: in columns, as a chart, as JSON and as CSV."""

import csv
import io
import json
import shutil
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size

from bot.core.said import said
from bot.entrypoints.console import messages, words

if TYPE_CHECKING:
    from bot.adapters.ledger.history import PastRun, Spent
    from bot.adapters.node_history import Unread
    from bot.core.pricing import Money

Row = Mapping[str, object]

_GAP = "  "
_PIPE = 120  # columns where there is no window
_NARROW = 80
_LEAST = 8  # columns of a prompt, however narrow the window
_MOST_BAR = 30
_ID = 10  # characters of a run's id; its beginning is enough to name it
_UNREAD = 20  # records that are named


class Format(StrEnum):
    TEXT = "text"
    JSON = "json"
    CSV = "csv"


def runs(found: "Sequence[PastRun]", output: Format, nothing: str) -> str:
    """The runs, one line each; `nothing` is said if there are none."""
    if output is not Format.TEXT:
        return _data([_run(run) for run in found], output, _RUN)
    return "\n".join(_columns(_lines(found), "lllrrrl")) if found else words(nothing)


def spent(found: "Sequence[Spent]", output: Format, nothing: str) -> str:
    """The bill by day and model with a bar beside each amount, and the totals by model."""
    if output is not Format.TEXT:
        return _data([_spent(each) for each in found], output, _SPENT)
    return "\n".join(_columns(_chart(found), "llrrl")) if found else words(nothing)


def imported(path: Path, new: int, there: int, unread: "Sequence[Unread]", output: Format) -> str:
    """What came of an import, with the reason for each record that did not come."""
    if output is not Format.TEXT:
        rows = [{"uuid": each.uuid, "reason": each.reason} for each in unread]
        return _json({"imported": new, "already_there": there, "unread": rows})
    lines = [
        said(
            "{path}: imported {new}, already there {there}, not readable {unread}",
            path=path,
            new=new,
            there=there,
            unread=len(unread),
        ),
        *(f"  - {plain(each.uuid)}: {plain(words(each.reason))}" for each in unread[:_UNREAD]),
    ]
    if len(unread) > _UNREAD:
        lines.append(said("  - and {count} more", count=len(unread) - _UNREAD))
    return "\n".join(map(words, lines))


# --- columns ----------------------------------------------------------------------------------


def _lines(found: "Sequence[PastRun]") -> Iterable[Sequence[str]]:
    doubtful = any(_doubt(run) for run in found)
    day = "%m-%d" if _width() < _NARROW else "%Y-%m-%d %H:%M"
    yield (
        said("run"),
        said("when"),
        said("state"),
        said("images"),
        said("paid"),
        said("in doubt") if doubtful else "",
        said("prompt"),
    )
    for run in found:
        yield (
            run.id[:_ID],
            run.created_at.astimezone().strftime(day),
            _state(run),
            f"{run.made}/{run.wanted}",
            said("simulated") if run.simulated else _money(run.paid),
            _doubt(run),
            plain(run.prompt),
        )


def _state(run: "PastRun") -> str:
    """One word for where it stands; what it was stopped by says more than what it lacks."""
    if run.state != "done":
        return said("unfinished")
    if run.made == run.wanted:
        return said("complete")
    if run.stop:
        return _STOPS.get(run.stop, run.stop)
    return said("partial") if run.made else said("failed")


_STOPS = {
    "cancelled": said("cancelled"),
    "timeout": said("timeout"),
    "interrupted": said("interrupted"),
    "refused": said("refused"),
    "budget": said("budget"),
    "fault": said("fault"),
}


def _doubt(run: "PastRun") -> str:
    return "" if run.in_doubt is not None and not run.in_doubt.micros else _money(run.in_doubt)


def _chart(found: "Sequence[Spent]") -> Iterable[Sequence[str]]:
    most = max((each.cost.micros for each in found if each.cost), default=0)
    models: dict[str, list[Spent]] = defaultdict(list)
    yield said("day"), said("model"), said("images"), said("cost"), ""
    for each in found:
        models[each.model].append(each)
        share = each.cost.micros / most if each.cost and most else 0
        yield each.day.isoformat(), each.model, f"{each.images:,}", _money(each.cost), _bar(share)
    for model, of_model in models.items() if len(models) > 1 else ():
        yield said("total"), model, *_sum(of_model), ""
    yield said("total"), "", *_sum(found), ""


def _bar(share: float) -> str:
    return _block() * max(round(share * _MOST_BAR), 1 if share else 0)


def _block() -> str:
    """A block, where the terminal can show one."""
    try:
        "█".encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return "#"
    return "█"


def _sum(found: "Sequence[Spent]") -> tuple[str, str]:
    """Images and cost; what has no price is not passed over in silence."""
    known = [each.cost for each in found if each.cost is not None]
    amount = _money(sum(known[1:], known[0])) if known else ""
    unknown = words(said("unknown")) if len(known) < len(found) else ""
    return f"{sum(each.images for each in found):,}", " + ".join(filter(None, (amount, unknown)))


def _columns(rows: Iterable[Sequence[str]], sides: str) -> Iterable[str]:
    """Rows as aligned lines that fit the window; the last column is cut, an empty one left out."""
    tell = messages().tell
    table = [[*map(tell, row)] for row in rows]
    widths = [max(cell_len(row[column]) for row in table) for column in range(len(sides))]
    room = _width() - sum(width + len(_GAP) for width in widths[:-1] if width)
    for row in table:
        cells = [
            _aligned(cell, width, side)
            for cell, width, side in zip(row[:-1], widths, sides, strict=False)
            if width
        ]
        yield _GAP.join([*cells, _fit(row[-1], max(room, _LEAST))]).rstrip()


def _aligned(cell: str, width: int, side: str) -> str:
    """The cell as wide as its column; Japanese takes two places a character."""
    space = " " * (width - cell_len(cell))
    return space + cell if side == "r" else cell + space


def _fit(text: str, room: int) -> str:
    return text if cell_len(text) <= room else set_cell_size(text, room - 1).rstrip() + "…"


def _width() -> int:
    return shutil.get_terminal_size((_PIPE, 24)).columns if sys.stdout.isatty() else _PIPE


def plain(text: str) -> str:
    """The text on one line, and without what would do something to the terminal."""
    return "".join(char for char in " ".join(text.split()) if char.isprintable())


def _money(amount: "Money | None") -> str:
    return said("unknown") if amount is None else str(amount)


# --- data -------------------------------------------------------------------------------------

_RUN = (
    "run_id",
    "created_at",
    "status",
    "stopped",
    "repository",
    "model",
    "prompt",
    "requested",
    "received",
    "total_cost",
    "in_doubt",
    "simulated",
)
_SPENT = ("day", "model", "images", "cost")


def _run(run: "PastRun") -> Row:
    values = (
        run.id,
        run.created_at.isoformat(),
        run.state,
        run.stop,
        run.repository,
        run.model,
        run.prompt,
        run.wanted,
        run.made,
        _dollars(run.paid),
        _dollars(run.in_doubt),
        run.simulated,
    )
    return dict(zip(_RUN, values, strict=True))


def _spent(each: "Spent") -> Row:
    values = (each.day.isoformat(), each.model, each.images, _dollars(each.cost))
    return dict(zip(_SPENT, values, strict=True))


def _data(rows: Sequence[Row], output: Format, names: Sequence[str]) -> str:
    if output is Format.JSON:
        return _json(rows)
    sheet = io.StringIO()
    writer = csv.writer(sheet, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([_harmless(value) for value in row.values()] for row in rows)
    return sheet.getvalue()


def _json(data: object) -> str:
    return json.dumps(data, indent=2, ensure_ascii=False)


def _harmless(value: object) -> object:
    """A spreadsheet takes a text that begins so for a formula."""
    return (
        f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@")) else value
    )


def _dollars(amount: "Money | None") -> float | None:
    return None if amount is None else float(amount.usd)
