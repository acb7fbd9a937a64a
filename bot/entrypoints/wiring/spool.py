"""The spool of a server: on this disk, or at SPOOL_URL for all machines."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.adapters.queue import QueueUnavailable
from bot.adapters.spool import LocalSpool
from bot.adapters.spool.shared import SharedSpool, connect
from bot.core.ports import Scheduler, Task
from bot.entrypoints.settings import Settings
from bot.entrypoints.wiring.common import Kept

_log = logging.getLogger(__name__)

_LOOK_SECONDS = 15.0


def spool_of(settings: Settings) -> Kept:
    """The spool that the settings name; raises SettingsError and OSError."""
    here = settings.gptimage_data_dir / "spool"
    if settings.spool_url is None:
        return LocalSpool(here)
    return SharedSpool(
        connect(settings.spool_url), here, settings.gptimage_data_dir / "spool-copies"
    )


@asynccontextmanager
async def sending_late(spool: Kept, scheduler: Scheduler) -> AsyncIterator[None]:
    """Put into the store what this machine still has, at once and then again and again.

    The runs may have ended without it, on other machines: they are looked at once more.
    """
    if not isinstance(spool, SharedSpool):
        yield
        return
    task = asyncio.create_task(_send_late(spool, scheduler))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def _send_late(spool: SharedSpool, scheduler: Scheduler) -> None:
    owed: set[str] = set()
    while True:
        try:
            async for run_id in spool.send_late():
                owed.add(run_id)
        except OSError as error:
            _log.warning("answers stay on this machine for now: %s", error.strerror)
        try:
            for run_id in sorted(owed):
                await scheduler.schedule(Task.RUN, run_id)
                owed.discard(run_id)
        except QueueUnavailable as error:
            _log.warning("late answers wait for the queue: %s", error)
        await asyncio.sleep(_LOOK_SECONDS)
