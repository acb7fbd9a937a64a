"""`gptimage prune`: the ledger keeps what must be known, and lets go of the rest."""

import asyncio
import re
from datetime import timedelta

from bot.adapters.spool import LocalSpool
from bot.core.errors import SettingsError
from bot.core.ports import Spool
from bot.core.said import said
from bot.engine.prune import Prune, Pruned
from bot.entrypoints import console
from bot.entrypoints.settings import Settings
from bot.entrypoints.wiring.common import books, utc_now

# GitHub delivers again for three days, and people look at their last runs.
_LEAST_DAYS = 7
_MOST_DAYS = 36_500


def prune(settings: Settings, older_than: str | None, *, dry_run: bool) -> None:
    """Remove what is older, and say how much; raises SettingsError for an age that is none."""
    age = _age(older_than, settings.gptimage_keep_days)
    done = asyncio.run(_prune(settings, age, dry_run=dry_run))
    would = said("This would remove what the ledger keeps of")
    console.answer(
        "\n".join(
            map(
                console.words,
                _lines(done, would if dry_run else said("Removed what the ledger kept of")),
            )
        )
    )


def _age(text: str | None, days: int | None) -> timedelta:
    if text is None and days is not None:
        return timedelta(days=days)
    found = re.fullmatch(r"(\d{1,5})d?", text or "")
    if found is None or not _LEAST_DAYS <= int(found[1]) <= _MOST_DAYS:
        message = said(
            "say how old it must be, in days from {least} on: gptimage prune --older-than 90d",
            least=_LEAST_DAYS,
        )
        raise SettingsError([message])
    return timedelta(days=int(found[1]))


async def _prune(settings: Settings, age: timedelta, *, dry_run: bool) -> Pruned:
    async with books(settings) as ledger:
        pruning = Prune(ledger.leases, ledger.pruning, _spool(settings), utc_now)
        return await (pruning.count(age) if dry_run else pruning.older_than(age))


def _lines(done: Pruned, title: str) -> list[str]:
    return [
        title,
        said("  runs: {n:,} (their reports stay)", n=done.runs),
        said("  answered comments: {n:,}", n=done.deliveries),
        said("  words and reactions on GitHub: {n:,}", n=done.effects),
        said("  estimates: {n:,}", n=done.offers),
    ]


def _spool(settings: Settings) -> Spool:
    if settings.spool_url is None:
        return LocalSpool(settings.gptimage_data_dir / "spool")
    from bot.entrypoints.wiring.spool import spool_of  # the command line is installed without it

    return spool_of(settings)
