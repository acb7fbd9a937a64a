"""Work side by side in one process, never twice at once under one name."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from bot.core.errors import GptimageError

Work = Callable[[], Awaitable[None]]

_log = logging.getLogger(__name__)


class Crew:
    """Runs work side by side in this process, but never twice at once under the same name.

    A name that is started again while its work goes on is worked on once more afterwards: what it
    was started for may have come too late for the present round.
    """

    def __init__(self) -> None:
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._again: set[str] = set()
        self.stopped = False

    def start(self, name: str, work: Work, places: asyncio.Semaphore) -> None:
        """Do the work as soon as there is a place."""
        if name in self._tasks:
            self._again.add(name)
        elif not self.stopped:
            self._tasks[name] = asyncio.create_task(self._run(name, work, places), name=name)

    def stop(self) -> None:
        """Start nothing more; what is under way goes on."""
        self.stopped = True

    async def close(self, patience: float) -> None:
        """Stop, and wait for what is under way; cancel it after `patience` seconds."""
        self.stop()
        tasks = list(self._tasks.values())
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=patience)
            for task in late:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, name: str, work: Work, places: asyncio.Semaphore) -> None:
        try:
            async with places:
                self._again.add(name)
                while name in self._again and not self.stopped:
                    self._again.discard(name)
                    await _once(name, work)
        finally:
            self._again.discard(name)
            del self._tasks[name]


async def _once(name: str, work: Work) -> None:
    try:
        await work()
    except Exception as error:  # noqa: BLE001  (one subject's trouble must not end the others' work)
        if told := _told(error):
            _log.warning("%s failed (%s); the sweep will see to it again", name, told)
        else:
            _log.exception("%s failed; the sweep will see to it again", name)


def _told(error: Exception) -> GptimageError | None:
    """The error if it says enough; of several tasks' errors the first, if all of them do."""
    match error:
        case ExceptionGroup():
            each = [_told(one) for one in error.exceptions]
            return each[0] if all(each) else None
        case GptimageError():
            return error
        case _:
            return None
