"""`gptimage history`: what was made here, and what it cost."""

import asyncio
import csv
import io
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from bot.core.errors import SettingsError
from bot.entrypoints import console

if TYPE_CHECKING:
    from bot.adapters.ledger import SqlLedger
    from bot.adapters.ledger.history import PastRun, Spent
    from bot.core.pricing import Money
    from bot.core.run import RunView

app = typer.Typer(help="What was made here, and what it cost.", rich_markup_mode=None)

T = TypeVar("T")
Row = Mapping[str, object]

_BAR = 30
_PROMPT = 50


class Format(StrEnum):
    TEXT = "text"
    JSON = "json"
    CSV = "csv"


RunId = Annotated[str, typer.Argument(metavar="RUN", help="The id of a run, or its beginning.")]
Output = Annotated[Format, typer.Option("--format", help="How it is printed.")]
Limit = Annotated[int, typer.Option(min=1, max=10_000, help="How many, the latest first.")]
Days = Annotated[int, typer.Option(min=1, max=3_660, help="How many days back.")]


@app.callback(invoke_without_command=True)
def bare(context: typer.Context, limit: Limit = 20, output: Output = Format.TEXT) -> None:
    """What was made here, and what it cost; alone, the latest runs."""
    if context.invoked_subcommand is None:
        list_runs(limit, output)


@app.command("list")
def list_runs(limit: Limit = 20, output: Output = Format.TEXT) -> None:
    """The latest runs."""
    _show(_read(lambda ledger: ledger.history.runs(limit=limit)), output)


@app.command()
def search(
    words: Annotated[str, typer.Argument(help="Part of a prompt, of a path, or of an id.")],
    limit: Limit = 20,
    output: Output = Format.TEXT,
) -> None:
    """Runs whose prompts or files hold the words."""
    _show(_read(lambda ledger: ledger.history.runs(limit=limit, search=words)), output)


@app.command()
def export(days: Days = 3_660, output: Output = Format.CSV) -> None:
    """All runs, for a spreadsheet or a program."""
    since = datetime.now(UTC) - timedelta(days=days)
    _show(_read(lambda ledger: ledger.history.runs(limit=1_000_000, since=since)), output)


@app.command()
def show(run: RunId, output: Output = Format.TEXT) -> None:
    """The report of one run."""
    from bot.core.report import report, to_json, to_text

    view = _read(lambda ledger: _one(ledger, run))
    told = report(view, datetime.now(UTC))
    console.answer(to_text(told) if output is Format.TEXT else to_json(told))


@app.command()
def cost(days: Days = 30, output: Output = Format.TEXT) -> None:
    """What was paid, by day and model."""
    since = datetime.now(UTC) - timedelta(days=days)
    spent = _read(lambda ledger: ledger.history.spent(since))
    if output is Format.TEXT:
        console.answer("\n".join(_chart(spent)) or "Nothing was paid in this time.")
    else:
        _print([_spent_row(each) for each in spent], output)


# --- reading ----------------------------------------------------------------------------------


def _read(question: Callable[["SqlLedger"], Awaitable[T]]) -> T:
    """The answer of this machine's ledger."""
    from bot.entrypoints import settings
    from bot.entrypoints.wiring.common import books

    async def ask() -> T:
        async with books(settings.read()) as ledger:
            return await question(ledger)

    return asyncio.run(ask())


async def _one(ledger: "SqlLedger", prefix: str) -> "RunView":
    """The run whose id begins so; raises SettingsError unless there is exactly one."""
    found = await ledger.history.find(prefix)
    if len(found) > 1:
        raise SettingsError([f"several runs begin with {prefix}: {', '.join(found)}"])
    view = await ledger.runs.get(found[0]) if found else None
    if view is None:
        raise SettingsError([f"no run begins with {prefix}: see `gptimage history list`"])
    return view


# --- printing ---------------------------------------------------------------------------------


def _show(runs: "Sequence[PastRun]", output: Format) -> None:
    if output is Format.TEXT:
        console.answer("\n".join(_line(run) for run in runs) or "No runs yet.")
    else:
        _print([_run_row(run) for run in runs], output)


def _line(run: "PastRun") -> str:
    certain = run.in_doubt is not None and not run.in_doubt.micros
    doubt = "" if certain else f", {_money(run.in_doubt)} in doubt"
    bill = f"{_money(run.paid)}{doubt}"
    images = f"{run.made}/{run.wanted}"
    prompt = " ".join(run.prompt.split())[:_PROMPT]
    at = run.created_at.strftime("%Y-%m-%d %H:%M")
    return f"{run.id}  {at}  {run.state:<10} {images:>9}  {bill:<12} {prompt}"


def _run_row(run: "PastRun") -> Row:
    return {
        "run_id": run.id,
        "created_at": run.created_at.isoformat(),
        "status": run.state,
        "stopped": run.stop,
        "repository": run.repository,
        "model": run.model,
        "prompt": run.prompt,
        "requested": run.wanted,
        "received": run.made,
        "total_cost": _dollars(run.paid),
        "in_doubt": _dollars(run.in_doubt),
    }


def _spent_row(spent: "Spent") -> Row:
    return {
        "day": spent.day.isoformat(),
        "model": spent.model,
        "images": spent.images,
        "cost": _dollars(spent.cost),
    }


def _chart(spent: "Sequence[Spent]") -> Iterable[str]:
    """A line for each day and model, with a bar beside the amount."""
    most = max((each.cost.micros for each in spent if each.cost), default=0)
    width = max((len(each.model) for each in spent), default=0)
    for each in spent:
        share = each.cost.micros / most if each.cost and most else 0
        bar = "#" * max(round(share * _BAR), 1 if share else 0)
        amount = _money(each.cost)
        yield f"{each.day}  {each.model:<{width}}  {each.images:>5}  {amount:>10}  {bar}".rstrip()


def _print(rows: Sequence[Row], output: Format) -> None:
    if output is Format.JSON:
        console.answer(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    sheet = io.StringIO()
    writer = csv.writer(sheet, lineterminator="\n")
    writer.writerow(rows[0] if rows else [])
    writer.writerows([_harmless(value) for value in row.values()] for row in rows)
    console.answer(sheet.getvalue())


def _harmless(value: object) -> object:
    """A spreadsheet takes a text that begins so for a formula."""
    return (
        f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@")) else value
    )


def _money(amount: "Money | None") -> str:
    return "unknown" if amount is None else str(amount)


def _dollars(amount: "Money | None") -> float | None:
    return None if amount is None else float(amount.usd)
