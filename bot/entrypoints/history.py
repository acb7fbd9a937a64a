"""`gptimage history`: what was made here, and what it cost."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

import typer

from bot.core.errors import GptimageError, SettingsError
from bot.core.said import said
from bot.entrypoints import console, past
from bot.entrypoints.past import Format

if TYPE_CHECKING:
    from bot.adapters.ledger import SqlLedger
    from bot.core.report import Report
    from bot.core.run import RunView

app = typer.Typer(help="What was made here, and what it cost.", rich_markup_mode=None)

T = TypeVar("T")
_COMPLETED = 200  # runs among which a shell looks
_MANY = 500  # runs that are stored in one transaction


def run_ids(incomplete: str) -> list[tuple[str, str]]:
    """The latest runs that begin so, for a shell that completes a word; none if it cannot tell."""
    try:
        found = _read(lambda ledger: ledger.history.runs(limit=_COMPLETED))
    except GptimageError:
        return []
    return [(run.id, past.plain(run.prompt)) for run in found if run.id.startswith(incomplete)]


RunId = Annotated[
    str,
    typer.Argument(
        metavar="RUN", help="The id of a run, or its beginning.", autocompletion=run_ids
    ),
]
Output = Annotated[Format, typer.Option("--format", help="How it is printed.")]
ReportFormat = Annotated[
    Literal[Format.TEXT, Format.JSON], typer.Option("--format", help="How it is printed.")
]
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
    runs = _read(lambda ledger: ledger.history.runs(limit=limit))
    console.answer(past.runs(runs, output, said("No runs yet: gptimage run BATCH.json makes one.")))


@app.command()
def search(
    words: Annotated[str, typer.Argument(help="Part of a prompt, of a path, or of an id.")],
    limit: Limit = 20,
    output: Output = Format.TEXT,
) -> None:
    """Runs whose prompts or files hold the words."""
    runs = _read(lambda ledger: ledger.history.runs(limit=limit, search=words))
    console.answer(past.runs(runs, output, said("No run holds {words}.", words=repr(words))))


@app.command()
def export(days: Days = 3_660, output: Output = Format.CSV) -> None:
    """All runs, for a spreadsheet or a program."""
    since = datetime.now(UTC) - timedelta(days=days)
    runs = _read(lambda ledger: ledger.history.runs(limit=1_000_000, since=since))
    console.answer(past.runs(runs, output, said("No runs in this time.")))


@app.command()
def show(run: RunId, output: ReportFormat = Format.TEXT) -> None:
    """The report of one run."""
    from bot.core.report import to_json, to_text

    view, told = _read(lambda ledger: _told(ledger, run))
    try:
        for_people = output is Format.TEXT
        console.answer(to_text(told, console.messages()) if for_people else to_json(told))
    finally:
        console.doubts(view)


@app.command()
def cost(days: Days = 30, output: Output = Format.TEXT) -> None:
    """What was paid, by day (UTC) and model."""
    since = datetime.now(UTC) - timedelta(days=days)
    spent = _read(lambda ledger: ledger.history.spent(since))
    console.answer(past.spent(spent, output, said("Nothing was paid in {days} days.", days=days)))


@app.command("import")
def import_(
    path: Annotated[Path, typer.Argument(help="The history.db of the Node tool; only read.")],
    output: ReportFormat = Format.TEXT,
) -> None:
    """Take over what the Node tool made; again changes nothing."""
    from bot.adapters.node_history import read_node_history

    found = read_node_history(path)
    new = _read(lambda ledger: _keep(ledger, found.runs))
    there = len(found.runs) - new
    console.answer(past.imported(path, new, there, found.unread, output))
    raise typer.Exit(1 if found.unread else 0)


# --- reading ----------------------------------------------------------------------------------


def _read(question: Callable[["SqlLedger"], Awaitable[T]]) -> T:
    """The answer of this machine's ledger."""
    import asyncio

    from bot.entrypoints import settings
    from bot.entrypoints.wiring.common import books

    async def ask() -> T:
        async with books(settings.read()) as ledger:
            return await question(ledger)

    return asyncio.run(ask())


async def _keep(ledger: "SqlLedger", runs: "Sequence[RunView]") -> int:
    """Store the runs, a part at a time; gives how many were not there yet."""
    parts = [runs[start : start + _MANY] for start in range(0, len(runs), _MANY)]
    return sum([await ledger.history.keep(part) for part in parts])


async def _told(ledger: "SqlLedger", prefix: str) -> "tuple[RunView, Report]":
    """The run and its report: as it was stored, where that is all that is kept."""
    from bot.core.report import report

    view = await _one(ledger, prefix)
    kept = await ledger.history.report(view.run.id) if view.run.pruned_at else None
    return view, kept or report(view, datetime.now(UTC))


async def _one(ledger: "SqlLedger", prefix: str) -> "RunView":
    """The run whose id begins so; raises SettingsError unless there is exactly one."""
    found = await ledger.history.find(prefix)
    if len(found) > 1:
        names = ", ".join(found)
        message = said("several runs begin with {prefix}: {names}", prefix=prefix, names=names)
        raise SettingsError([message])
    view = await ledger.runs.get(found[0]) if found else None
    if view is None:
        message = said("no run begins with {prefix}: see `gptimage history list`", prefix=prefix)
        raise SettingsError([message])
    return view
