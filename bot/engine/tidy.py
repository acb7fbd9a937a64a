"""Reference images that nobody will ask for any more."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from bot.core.ports import INPUTS, Clock, Runs, Spool

# Longer than an estimate may be run, and long enough to order again what a run lacks.
KEPT_FOR = timedelta(days=7)
_EVERY = timedelta(hours=1)


@dataclass(slots=True)
class Tidy:
    """Takes out of the spool what no open run names and nobody has named for a week."""

    runs: Runs
    spool: Spool
    clock: Clock
    _next: datetime = field(default=datetime.min.replace(tzinfo=UTC))

    async def tidy(self) -> None:
        """Look once an hour, however often it is called.

        Whoever orders a picture renews it first, so one that is wanted after our look is not old.
        """
        now = self.clock()
        if now < self._next:
            return
        self._next = now + _EVERY
        wanted = {
            INPUTS + path.rpartition("/")[2]
            for batch in await self.runs.batches()
            for job in batch.jobs
            for path in (*job.references, job.mask_image_path or "")
        }
        await self.spool.discard_old(INPUTS, now - KEPT_FOR, wanted)
