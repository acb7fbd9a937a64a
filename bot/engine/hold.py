"""Hold a subject of the ledger while working on it, and notice when it is lost."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

from bot.core.errors import LeaseLost, LedgerBusy
from bot.core.ports import Clock, Lease, Leases

# A dead worker's work is free again after this time, if nobody on its machine can tell. It is
# renewed four times in between, so a call may take much longer than the lease.
TTL = timedelta(seconds=10)


class Hold:
    """A lease that is renewed in the background; `lease` is what the ledger's writes ask for."""

    def __init__(self, leases: Leases, lease: Lease, clock: Clock) -> None:
        self.lease = lease
        self._leases = leases
        self._clock = clock
        self._parked = False

    def check(self) -> None:
        """Raise LeaseLost if it may have expired: say nothing to the outside on its strength."""
        if self._clock() >= self.lease.until:
            raise LeaseLost(f"the lease on {self.lease.subject} has expired")

    async def park(self, seconds: float) -> None:
        """Leave the subject alone for so long: nobody else may claim it either."""
        self._parked = True
        self._leases.untie(self.lease)
        self.lease = await self._leases.renew(self.lease, self._clock(), timedelta(seconds=seconds))

    async def keep(self) -> None:
        """Renew until cancelled, or until the lease is lost."""
        while True:
            await asyncio.sleep(TTL.total_seconds() / 4)
            with suppress(LedgerBusy):  # the next renewal may pass; if none does, it expires
                self.lease = await self._leases.renew(self.lease, self._clock(), TTL)

    async def release(self) -> None:
        """Let others have it at once, unless it was parked."""
        if not self._parked:
            await self._leases.release(self.lease)


@asynccontextmanager
async def hold(leases: Leases, subject: str, clock: Clock) -> AsyncIterator[Hold | None]:
    """Hold `subject` for the block; None if somebody else does.

    A lost lease ends the block quietly: its new holder does the rest.
    """
    lease = await leases.claim(subject, clock(), TTL)
    if lease is None:
        yield None
        return
    leases.tie(lease)
    held = Hold(leases, lease, clock)
    renewal = asyncio.create_task(held.keep())
    try:
        yield held
    except* LeaseLost:  # also that of several tasks at once
        pass
    finally:
        renewal.cancel()
        await asyncio.wait([renewal])
        if not renewal.cancelled():
            renewal.exception()  # LeaseLost: the writes of the block have met it, too
        with suppress(LedgerBusy):  # it expires by itself
            await held.release()
        leases.untie(lease)
