"""Several jobs that meet at one run: which of them may go on with it."""

import asyncio
from collections.abc import Awaitable, Callable

from bot.adapters.github import GitHubHost
from bot.core.command import Batch, Cancel, Retry, RunEstimate
from bot.core.run import RunState
from bot.core.said import said
from bot.entrypoints.action.asked import Order
from bot.entrypoints.action.cancelling import Cancelling
from bot.entrypoints.action.claim import Claim
from bot.entrypoints.action.elsewhere import Leader, goes_on, leader_of, led_by, own_lead, untold
from bot.entrypoints.action.memory import Kept, Memory

_LOOK, _LOOKS = 1.0, 8  # seconds between two looks for who leads a run, and how many


class YieldsError(Exception):
    """Another job does what this one is asked for."""


class Meeting:
    """A command that may be about a run of another job."""

    def __init__(
        self,
        order: Order,
        host: GitHubHost,
        claim: Claim,
        cancelling: Cancelling,
        remember: Callable[[], Awaitable[Memory]],
    ) -> None:
        self._order = order
        self._host = host
        self._thread = order.event.thread
        self._claim = claim
        self._cancelling = cancelling
        self._remember = remember

    async def met(self, memory: Memory) -> tuple[Memory, bool]:
        """The thread once no other job leads the run of the command, and whether to settle it.

        A run is to be settled first if its job is gone. Raises YieldsError if another job does
        what this one is asked for, and CommandError if it leads the run or nobody tells.
        """
        command, own = self._order.command, own_lead(self._order.given)
        kept = memory.wanted(self._order.event, command)
        if kept is None:
            return memory, False
        who = await leader_of(kept, own, self._host, self._thread)
        leads = isinstance(command, Batch | RunEstimate)
        if who is Leader.AT_WORK and leads:
            raise YieldsError(said("Another job is at work on this comment: nothing to do here"))
        if who is Leader.AT_WORK and isinstance(command, Retry):
            raise led_by(kept, self._order.given)
        if who is Leader.UNKNOWN:
            if isinstance(command, Cancel):
                await self._cancelling.ask(kept.comment)
            raise untold(kept, self._order.given, command)
        settles = who is Leader.GONE and not leads and not goes_on(kept, own, self._thread)
        if not settles and not isinstance(command, Batch | RunEstimate | Retry):
            return memory, False
        found = await self._claimed(kept)
        return (found, settles) if found else (memory, False)

    async def _claimed(self, kept: Kept) -> Memory | None:
        """The thread as it is now that this job alone may lead the run.

        None if it only settles the run, which another job does. Raises as `met` does.
        """
        command, over = self._order.command, kept.record.state is RunState.DONE
        if await self._claim.take(kept.comment, kept.record.mark, over=over):
            memory = await self._remember()
            now = memory.wanted(self._order.event, command)
            if now and (now.run, now.record) == (kept.run, kept.record):
                return memory
        if isinstance(command, Batch | RunEstimate):
            raise YieldsError(said("Another job is at work on this comment: nothing to do here"))
        if isinstance(command, Retry):
            raise led_by(await self._led_meanwhile(kept), self._order.given)
        return None

    async def _led_meanwhile(self, before: Kept) -> Kept | None:
        """The run as the job tells it that has taken it over, as soon as that does."""
        for _ in range(_LOOKS):
            runs = {kept.run: kept for kept in (await self._remember()).runs}
            if (now := runs.get(before.run)) and now.record.lead != before.record.lead:
                return now
            await asyncio.sleep(_LOOK)
        return None
