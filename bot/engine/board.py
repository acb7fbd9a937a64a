"""A run as it stands, in the memory of the one process that drives it."""

import asyncio
from dataclasses import replace

from bot.core.attempts import Attempt
from bot.core.ports import Watch
from bot.core.run import ItemView, RunView, Stop

# Every image changes twice, and the view of a thousand takes milliseconds to make and to show.
_EVERY_SECONDS = 0.1


class Board:
    """The newest view of a run; `watch` is told of changes, several at a time if they are many."""

    def __init__(self, view: RunView, watch: Watch) -> None:
        self._run = view.run
        self._items = {item.item.index: item for item in view.items}
        self._watch = watch
        self._telling: asyncio.TimerHandle | None = None

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
        self._changed()

    def stopped(self, stop: Stop) -> None:
        """Start nothing more; the first reason stays."""
        if self._run.stop is None:
            self._run = replace(self._run, stop=stop)
            self._changed()

    def tell(self) -> None:
        """Tell the newest view now, unless it has been told."""
        if self._telling:
            self._telling.cancel()
            self._telling = None
            self._watch(self.view)

    def _changed(self) -> None:
        if not self._telling:
            loop = asyncio.get_running_loop()
            self._telling = loop.call_later(_EVERY_SECONDS, self.tell)
