"""What is old is removed: first what it has left in the spool, then its rows."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.core.ports import Clock, Leases, Old, Pruning, Spool
from bot.engine.hold import hold

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Pruned:
    """How many of each kind were removed, or would be."""

    runs: int = 0
    deliveries: int = 0
    effects: int = 0
    offers: int = 0
    budgets: int = 0

    def and_(self, old: Old) -> "Pruned":
        """These as well."""
        return replace(
            self,
            runs=self.runs + len(old.runs),
            deliveries=self.deliveries + len(old.deliveries),
            effects=self.effects + len(old.effects),
            offers=self.offers + len(old.offers),
        )


@dataclass(frozen=True, slots=True)
class Prune:
    """Removes a part after the other; whoever dies in between has removed whole parts."""

    leases: Leases
    pruning: Pruning
    spool: Spool
    clock: Clock

    async def count(self, age: timedelta) -> Pruned:
        """What would be removed; changes nothing."""
        now, found, last = self.clock(), Pruned(), Old()
        while part := await self.pruning.old(now - age, now, last):
            found, last = found.and_(part), last.then(part)
        return found

    async def older_than(self, age: timedelta) -> Pruned:
        """Remove what was over before that time."""
        now, done, last = self.clock(), Pruned(), Old()
        while part := await self.pruning.old(now - age, now, last):
            done, last = done.and_(await self._remove(part, now - age, now)), last.then(part)
        return replace(done, budgets=await self.pruning.remove_budgets(now))

    async def daily(self, age: timedelta) -> None:
        """The same, unless some worker has done it within a day, or is at it."""
        if not await self._is_due():
            return
        async with hold(self.leases, "prune:all", self.clock) as held:
            if held and await self._is_due():
                await self.older_than(age)
                await self.pruning.pruned(self.clock())

    async def _is_due(self) -> bool:
        last, now = await self.pruning.pruned_at(), self.clock()
        # What a clock that was ahead has written is no reason to wait for that time.
        return last is None or not last <= now < last + _DAY

    async def _remove(self, part: Old, before: datetime, now: datetime) -> Old:
        """From the mark on nobody asks for anything that the spool has of these runs."""
        marked = replace(part, runs=await self.pruning.mark(part.runs, before, now))
        for run in marked.runs:
            await self.spool.discard(f"{run}/")
        await self.pruning.remove(marked)
        return marked
