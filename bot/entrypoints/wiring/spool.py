"""The spool of a server: on this disk, or at SPOOL_URL for all machines."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.adapters.queue import QueueUnavailable
from bot.adapters.spool import LocalSpool
from bot.adapters.spool.shared import SharedSpool, connect
from bot.core.errors import LedgerBusy
from bot.engine.late import Late
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
async def looking_late(spool: Kept, late: Late) -> AsyncIterator[None]:
    """Look after answers that came in late, at once and then again and again.

    What the store has not taken is put there; runs that ended without it are looked at once more.
    """
    task = asyncio.create_task(_look_late(spool, late))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def _look_late(spool: Kept, late: Late) -> None:
    while True:
        if isinstance(spool, SharedSpool):
            try:
                await spool.send_late()
            except OSError as error:
                _log.warning("answers stay on this machine for now: %s", error.strerror)
        try:
            await late.look(await asyncio.to_thread(lambda: list(spool.on_disk())))
        except (LedgerBusy, QueueUnavailable) as error:
            _log.warning("late answers wait: %s", error)
        await asyncio.sleep(_LOOK_SECONDS)
