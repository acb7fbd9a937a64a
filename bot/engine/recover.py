"""Whatever is unfinished and not held by anybody is scheduled again."""

from dataclasses import dataclass

from bot.core.killpoints import Point, reach
from bot.core.ports import Clock, Ledger, Scheduler, Task
from bot.engine.positions import Positions


@dataclass(frozen=True, slots=True)
class Recover:
    """Finds what a dead process, or a lost queue, has left behind."""

    ledger: Ledger
    scheduler: Scheduler
    clock: Clock
    positions: Positions

    async def sweep(self) -> None:
        """Schedule every unsettled delivery, unfinished run and owed effect that is free."""
        await self.positions.tell()
        await self.ledger.leases.free_the_dead()
        now = self.clock()
        left = (
            (Task.INTAKE, await self.ledger.inbox.unsettled(now)),
            (Task.RUN, await self.ledger.runs.unfinished(now)),
            (Task.DELIVER, await self.ledger.outbox.owed(now)),
        )
        for task, subjects in left:
            for subject in subjects:
                reach(Point.RECOVERING)
                await self.scheduler.schedule(task, subject)
