"""Answers that came in after their run had ended are not left where nobody looks."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from bot.core.ports import Runs, Scheduler, Task

# Whoever holds the run may be telling its thread, and a look meanwhile finds it taken; but an
# answer that holds no picture is not looked at for ever.
_LOOKS = 20
_ANSWER = re.compile(r"(?P<run>[^/]+)/[^/]+\.answer")


@dataclass(frozen=True, slots=True)
class Late:
    """Has ended runs looked at once more whose answers lie in the spool.

    A worker that slept through its lease, or was cut off, brings an answer to a call that its heir
    has put in doubt. It is paid for. Usually the same worker hands it in; it may die before, or
    come while the heir still holds the run.
    """

    runs: Runs
    scheduler: Scheduler
    looked: Counter[str] = field(default_factory=Counter)

    async def look(self, keys: Iterable[str]) -> None:
        """Schedule each run that has ended in doubt, and whose answers are among these keys."""
        found = {match["run"] for key in keys if (match := _ANSWER.fullmatch(key))}
        doubtful = await self.runs.ended_in_doubt(sorted(found)) if found else ()
        for run_id in set(self.looked) - set(doubtful):
            del self.looked[run_id]
        for run_id in doubtful:
            if self.looked[run_id] < _LOOKS:
                self.looked[run_id] += 1
                await self.scheduler.schedule(Task.RUN, run_id)
