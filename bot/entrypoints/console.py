"""What a person at a terminal sees of a run: on stderr, and only there."""

import sys
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bot.core.errors import BatchError, Charge, GptimageError
from bot.core.ports import Effect, Watch
from bot.core.run import ItemState, RunView, Stop

_ENDED = frozenset({ItemState.SUCCEEDED, ItemState.FAILED, ItemState.IN_DOUBT, ItemState.CANCELLED})


def say(*lines: str) -> None:
    """Print lines for a person; stdout carries the report only."""
    for line in lines:
        print(line, file=sys.stderr)  # noqa: T201  (this is the place that talks to people)


def tell(*lines: str) -> None:
    """Print lines on stdout, for commands whose output is a story and not a report."""
    for line in lines:
        print(line, flush=True)  # noqa: T201  (see above)


def problem(error: GptimageError) -> None:
    """Say what is wrong, all of it."""
    if not isinstance(error, BatchError):
        say(f"Error: {error}")
    elif len(error.problems) == 1:
        say(f"Configuration Error: {error.problems[0]}")
    else:
        say(f"Configuration Error: {len(error.problems)} problems")
        say(*(f"  - {problem}" for problem in error.problems))


def warn(warnings: Iterable[str]) -> None:
    """Say what deserves attention but stops nothing."""
    say(*(f"Warning: {warning}" for warning in warnings))


def doubts(view: RunView) -> None:
    """Say which images may have been paid for without being there, and how to order them again."""
    left = [item for item in view.items if item.charge is Charge.IN_DOUBT]
    if not left:
        return
    amount = "an unknown amount" if view.in_doubt is None else f"up to {view.in_doubt}"
    say(f"In doubt: {len(left)} images, {amount} may have been paid for them:")
    say(*(f"  - {item.item.path} ({item.in_doubt or 'unknown'})" for item in left))
    say(f"No machine orders them again. You can: gptimage retry {view.run.id} --retry-in-doubt")


class Terminal:
    """The audience of a run at the command line: a progress bar, if somebody can see it."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._console = Console(stderr=True, quiet=quiet)
        self._quiet = quiet
        self._said: set[str] = set()

    @asynccontextmanager
    async def live(self, view: RunView) -> AsyncIterator[Watch]:
        """Show progress and cost while the block lasts."""
        with Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[cost]}"),
            TimeElapsedColumn(),
            console=self._console,
            disable=self._quiet or not self._console.is_terminal,
            transient=True,
        ) as progress:
            bar = progress.add_task("images", total=len(view.items), cost="")

            def watch(view: RunView) -> None:
                done = sum(item.state in _ENDED for item in view.items)
                progress.update(
                    bar, completed=done, cost="" if view.paid is None else str(view.paid)
                )
                if view.run.stop is Stop.TIMEOUT:
                    self._once("Timeout reached. Cancelling remaining jobs...")

            yield watch

    def last_word(self, view: RunView) -> Sequence[Effect]:
        """Nothing is owed: the report is printed."""
        del view
        return ()

    async def told(self, effects: Sequence[Effect]) -> None:
        """Nothing is owed."""

    def _once(self, line: str) -> None:
        if line not in self._said and not self._quiet:
            self._said.add(line)
            say(line)
