"""What a person at a terminal sees of a run: on stderr, and only there."""

import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from rich.console import Console, RenderableType
from rich.live import Live

from bot.core.errors import Failure
from bot.core.ports import Clock, Effect, Lease, Watch
from bot.core.run import RunView, Stop
from bot.core.said import said
from bot.entrypoints.console import messages, say
from bot.entrypoints.table import Tempo, picture

# Seconds and waits tick on between two changes of the run. The view of a thousand images takes
# ten milliseconds and more to draw.
_PER_SECOND = 2


_HOPELESS = {Failure.AUTHENTICATION, Failure.NO_MONEY}


def _stopped(view: RunView) -> str:
    """Why a run starts nothing more, if it does not and nobody at the terminal has asked for it."""
    match view.run.stop:
        case Stop.TIMEOUT:
            return said("Timeout reached. Cancelling remaining jobs...")
        case Stop.BUDGET:
            why: str = said(
                "the next image could exceed max_cost, for what was made cost more than estimated"
            )
        case Stop.REFUSED:
            every = (a for item in view.items for a in item.attempts if a.failure in _HOPELESS)
            last = max(every, key=lambda attempt: attempt.started_at, default=None)
            why = last.message if last else said("the image service refuses every call")
        case Stop.FAULT:
            why = said("an answer could not be kept (is the disk full?)")
        case _:
            return ""
    return said("Stopped: {why}. What was not started is cancelled and costs nothing.", why=why)


class Terminal:
    """The audience of a run at the command line: a table, if somebody can see it.

    Without one only lines that matter are said. A `quiet` one says nothing. `seen` gets the run
    whenever it has changed.
    """

    def __init__(
        self,
        clock: Clock,
        tempo: Callable[[], Tempo],
        *,
        seen: Callable[[RunView], None] = lambda _: None,
        quiet: bool = False,
    ) -> None:
        self._clock = clock
        self._tempo = tempo
        self._seen = seen
        self._quiet = quiet
        self._console = Console(stderr=True)
        self._said: set[str] = set()

    @asynccontextmanager
    async def live(self, lease: Lease, view: RunView) -> AsyncIterator[Watch]:
        """Show the jobs, the cost and the time left while the block lasts."""
        del lease  # nobody else speaks at this terminal
        newest, tell = view, messages().tell
        self._seen(view)

        def watch(view: RunView) -> None:
            nonlocal newest
            newest = view
            self._seen(view)
            if why := _stopped(view):
                self._once(why)

        def drawn() -> RenderableType:
            width, height = self._console.size
            now, tempo = self._clock(), self._tempo()
            return picture(newest, now, tempo, width=width, height=height, tell=tell)

        if not self._visible:
            yield watch
            return
        with Live(
            console=self._console,
            get_renderable=drawn,
            refresh_per_second=_PER_SECOND,
            transient=True,
            redirect_stdout=False,
        ):
            yield watch

    @property
    def _visible(self) -> bool:
        """Whether a table can be drawn over itself; colours forced upon a pipe are no terminal."""
        return not self._quiet and sys.stderr.isatty() and not self._console.is_dumb_terminal

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
