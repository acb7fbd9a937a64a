"""Answers that came in after their run had ended are not left where nobody looks."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.core.ports import Clock, Runs, Scheduler, Task

# Whoever holds the run may be telling its thread, and a look meanwhile finds it taken; a store or a
# disk may be away for hours. But an answer that holds no picture is not read all the time.
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(seconds=10), timedelta(hours=1)
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
    clock: Clock
    _pauses: dict[str, tuple[timedelta, datetime]] = field(default_factory=dict)  # and their ends

    async def look(self, keys: Iterable[str]) -> None:
        """Schedule each run that has ended in doubt, and whose answers are among these keys.

        Again and again until it is settled, after longer and longer pauses.
        """
        found = {match["run"] for key in keys if (match := _ANSWER.fullmatch(key))}
        doubtful = await self.runs.ended_in_doubt(sorted(found)) if found else ()
        for run_id in set(self._pauses) - set(doubtful):
            del self._pauses[run_id]
        for run_id in doubtful:
            pause, end = self._pauses.get(run_id, (_FIRST_PAUSE, None))
            now = self.clock()
            if end is None or not now < end <= now + _LONGEST_PAUSE:  # a clock may be set back
                await self.scheduler.schedule(Task.RUN, run_id)
                self._pauses[run_id] = min(2 * pause, _LONGEST_PAUSE), now + pause
