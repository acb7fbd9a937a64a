"""The line: those who wait for their turn hear how many are still before them."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.core.errors import LedgerBusy
from bot.core.markdown import FOLLOWED
from bot.core.ports import Clock, Ledger
from bot.core.run import RunView
from bot.engine.thread import comment

Position = Callable[[RunView, int], str]
"""What a comment says about a run behind so many others."""


@dataclass(frozen=True, slots=True)
class Positions:
    """Tells the runs at the head of the line, at most once per `every`, whoever sweeps.

    Only the first few: an installation writes one word a second, and two hundred that wait must not
    keep theirs from those that run. What comes and goes within `every` is told nothing.
    """

    ledger: Ledger
    clock: Clock
    words: Position
    every: timedelta = timedelta(seconds=10)

    async def tell(self) -> None:
        """Owe each of them its position; one that has not changed costs nothing."""
        with suppress(LedgerBusy):  # the next sweep tells it
            await self._tell(self.clock())

    async def _tell(self, now: datetime) -> None:
        if not await self.ledger.leases.claim("line:all", now, self.every):
            return
        for ahead, run_id in enumerate(await self.ledger.line.head(FOLLOWED)):
            view = await self.ledger.runs.get(run_id)
            if view is None or view.run.thread is None:
                continue
            if now - view.run.waits_since >= self.every:
                said = comment(view.run.thread, self.words(view, ahead))
                await self.ledger.line.say(run_id, said, now)
