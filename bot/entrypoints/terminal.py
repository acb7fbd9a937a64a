"""What a person at a terminal sees of a run: on stderr, and only there."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bot.core.ports import Effect, Watch
from bot.core.run import ItemState, RunView, Stop
from bot.entrypoints.console import say

_ENDED = frozenset({ItemState.SUCCEEDED, ItemState.FAILED, ItemState.IN_DOUBT, ItemState.CANCELLED})


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
