"""A run is cancelled between jobs by a reaction of the workflow's account to the run's comment.

The comment is the leading job's to edit, and what people react there means nothing.
"""

import asyncio
from contextlib import suppress
from dataclasses import replace

from bot.adapters.github import GitHubHost
from bot.adapters.ledger import SqlLedger
from bot.core.errors import HostError
from bot.core.run import Stop, Thread

_MARK = "-1"
_LOOK = 8.0  # seconds between two looks for it


class Cancelling:
    """How one job asks another one to stop, and hears it."""

    def __init__(self, host: GitHubHost, ledger: SqlLedger, thread: Thread) -> None:
        self._host = host
        self._ledger = ledger
        self._thread = thread

    async def ask(self, comment: int) -> None:
        """Ask the job that leads the run of this comment to stop."""
        await self._host.react(replace(self._thread, comment=comment), _MARK)

    async def forget(self, run: str) -> None:
        """An order to go on outlives the wish to stop that came before it."""
        if shown := await self._shown(run):
            await self._host.unreact(replace(self._thread, comment=shown), _MARK)

    async def watch(self, run: str) -> None:
        """Stop the run when another job has asked for it."""
        while True:
            await asyncio.sleep(_LOOK)
            with suppress(HostError):
                shown = await self._shown(run)
                if shown and await self._host.has_reacted(
                    replace(self._thread, comment=shown), _MARK
                ):
                    await self._ledger.runs.request_stop(run, Stop.CANCELLED)
                    return

    async def _shown(self, run: str) -> int | None:
        return await self._ledger.outbox.remote(f"comment-{run}")
