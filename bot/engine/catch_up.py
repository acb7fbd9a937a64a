"""Deliveries that never arrived are asked for again: GitHub itself sends each of them once."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.core.errors import HostError
from bot.core.killpoints import Point, reach
from bot.core.ports import Clock, HookLog, Leases, Missed, Sending
from bot.core.times import is_ahead
from bot.engine.drain import Drain
from bot.engine.hold import Hold, hold

# GitHub can send again what is younger.
# Source: https://docs.github.com/webhooks/testing-and-troubleshooting-webhooks/redelivering-webhooks
_KEPT = timedelta(days=3)
# What was under way at the last look shows in the log a little later, under its old time; and
# GitHub's clock may differ from ours.
_OVERLAP = timedelta(minutes=5)
_EVERY = timedelta(minutes=10)
# Before the same is asked for again, then twice as long. GitHub waits ten seconds for an answer, so
# by then the log tells what became of it.
_FIRST_PAUSE = timedelta(seconds=30)
_AFTER_A_FAULT = timedelta(minutes=1)
_MOST = 500  # in one look; the next one goes on


@dataclass(slots=True)
class CatchUp:
    """Looks into GitHub's log of deliveries; every step may be repeated after a crash.

    What was asked for shows in the log, so that a look that died is not repeated in vain.
    """

    leases: Leases
    missed: Missed
    log: HookLog
    clock: Clock
    drain: Drain
    _has_looked: bool = field(default=False, init=False)
    _not_before: datetime | None = field(default=None, init=False)

    async def look(self) -> None:
        """Ask again for what has not arrived, unless another worker is about it.

        The log itself is read at the first call, ten minutes after any worker has read it, and
        before anything is asked for once more.
        """
        if self._not_before and is_ahead(self._not_before, self.clock()):
            return
        async with hold(self.leases, "log:deliveries", self.clock) as held:
            if held is None:
                return
            try:
                await self._look(held)
            except HostError as error:
                self._not_before = self.clock() + _pause_after(error)
                raise

    async def _look(self, held: Hold) -> None:
        if not self._has_looked or await self._is_time() or await self._was_asked_for():
            await self._read(held)
            self._has_looked = True
        await self._ask(held)

    async def _is_time(self) -> bool:
        known = await self.missed.read_to()
        return known is None or not is_ahead(known + _EVERY, self.clock())

    async def _was_asked_for(self) -> bool:
        """Whether what is due next may have arrived since."""
        due = await self.missed.next_due(self.clock())
        return due is not None and due.tries > 0

    async def _read(self, held: Hold) -> None:
        now = self.clock()
        oldest, known = now - _KEPT, await self.missed.read_to()
        sendings = await self.log.sendings(max(oldest, known - _OVERLAP) if known else oldest)
        arrived = {sending.guid for sending in sendings if sending.arrived}
        lost = _newest_by_guid(each for each in sendings if each.guid not in arrived)
        # What was sent again and met a dead process waits for no schedule once one has started.
        anew = not self._has_looked
        await self.missed.record(held.lease, arrived, lost, now, anew=anew)
        await self.missed.forget_before(held.lease, oldest)
        reach(Point.MISSED_RECORDED)

    async def _ask(self, held: Hold) -> None:
        now = self.clock()
        for _ in range(_MOST):
            if self.drain.asked or not await self._ask_next(held, now):
                return

    async def _ask_next(self, held: Hold, now: datetime) -> bool:
        """Ask for one that is due at the time; False if none is."""
        lost = await self.missed.next_due(now)
        if lost is None:
            return False
        again_at = now + _FIRST_PAUSE * 2**lost.tries
        held.check()
        try:
            await self.log.send_again(lost.sending)
        except HostError as error:
            if error.final:
                await self.missed.forget(held.lease, lost.guid)
                return True
            await self.missed.asked(held.lease, lost.guid, again_at)  # others first, next time
            raise
        reach(Point.REDELIVERY_ASKED)
        await self.missed.asked(held.lease, lost.guid, again_at)
        return True


def _pause_after(error: HostError) -> timedelta:
    """How long GitHub is left alone: some servers have no such log, and will not have it soon."""
    if error.final:
        return _EVERY
    return max(_AFTER_A_FAULT, timedelta(seconds=error.retry_after or 0))


def _newest_by_guid(sendings: Iterable[Sending]) -> list[Sending]:
    """One for each event, from sendings in falling order."""
    newest: dict[str, Sending] = {}
    for sending in sendings:
        newest.setdefault(sending.guid, sending)
    return list(newest.values())
