"""Servers that are wrong in one way: the driver must find out each of them.

Their faults are in ledgers that a server is built with; the product has no part in it. The door
`tests.crash.mutants:serve` serves with the one that CRASH_MUTANT names.
"""

import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from bot.adapters.ledger import SqlLedger
from bot.adapters.ledger.leases import SqlLeases
from bot.adapters.ledger.outbox import SqlOutbox
from bot.core.ports import Lease, OwedEffect
from bot.entrypoints import credentials, server, settings
from bot.entrypoints.settings import Settings
from bot.entrypoints.wiring.common import books
from tests.faulty import IgnoresTheEpoch, RecordsNoIntent, RetriesOpenIntents

DOOR = "tests.crash.mutants:serve"

Parts = dict[str, Any]
"""What a wrong ledger has in place of a sound one's parts."""


# --- nobody looks for a comment that may stand there --------------------------------------------


class _KnowsNoMarker(SqlOutbox):
    async def get(self, effect_id: str, now: datetime) -> OwedEffect | None:
        owed = await super().get(effect_id, now)
        return owed and replace(owed, attempted=False)


# --- whoever was there first goes on as if nobody had come after --------------------------------


class _RenewsWhatIsLost(SqlLeases):
    async def renew(self, lease: Lease, now: datetime, ttl: timedelta) -> Lease:
        return replace(lease, until=now + ttl)


# --- the door -----------------------------------------------------------------------------------


def _without_epoch(sound: SqlLedger) -> Parts:
    runs = IgnoresTheEpoch(sound.runs, sound.database)
    return {"runs": runs, "leases": _RenewsWhatIsLost(sound.database)}


MUTANTS: Mapping[str, Callable[[SqlLedger], Parts]] = {
    "retries open intents": lambda sound: {"runs": RetriesOpenIntents(sound.runs)},
    "records no intent": lambda sound: {"runs": RecordsNoIntent(sound.runs)},
    "knows no marker": lambda sound: {"outbox": _KnowsNoMarker(sound.database)},
    "ignores the epoch": _without_epoch,
}


def serve() -> None:
    """`gptimage serve`, with a ledger that is wrong in the way of CRASH_MUTANT."""
    name = os.environ["CRASH_MUTANT"]

    @asynccontextmanager
    async def opening(env: Settings) -> AsyncIterator[SqlLedger]:
        async with books(env) as sound:
            yield replace(sound, **MUTANTS[name](sound))

    env = settings.for_server(credentials.filled(settings.read()), web_only=False)
    server.serve(env, with_worker=True, opening=opening)
