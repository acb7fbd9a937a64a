"""A run as it stands, in the memory of the one process that drives it."""

from dataclasses import replace

from bot.core.attempts import Attempt
from bot.core.ports import Watch
from bot.core.run import ItemView, RunView, Stop


class Board:
    """The newest view of a run; every change is told to `watch`."""

    def __init__(self, view: RunView, watch: Watch) -> None:
        self._run = view.run
        self._items = {item.item.index: item for item in view.items}
        self._watch = watch

    @property
    def view(self) -> RunView:
        """The run and its items, in the batch's order."""
        return RunView(self._run, tuple(self._items.values()))

    @property
    def stop(self) -> Stop | None:
        """Why nothing more is started, if so."""
        return self._run.stop

    def item(self, index: int) -> ItemView:
        """One item with all its attempts."""
        return self._items[index]

    def record(self, index: int, attempt: Attempt) -> None:
        """Put an attempt in the place of the one with its number, or at the end."""
        item = self._items[index]
        others = tuple(a for a in item.attempts if a.number != attempt.number)
        self._items[index] = replace(item, attempts=(*others, attempt))
        self._watch(self.view)

    def stopped(self, stop: Stop) -> None:
        """Start nothing more; the first reason stays."""
        if self._run.stop is None:
            self._run = replace(self._run, stop=stop)
            self._watch(self.view)
