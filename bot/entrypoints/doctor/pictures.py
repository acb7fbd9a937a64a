"""One picture each way in an issue: which ones show there, only a person can see."""

import re
from collections.abc import Sequence

from bot.core.errors import HostError, SettingsError
from bot.core.said import said
from bot.engine.probe import Shown
from bot.entrypoints.doctor.findings import Finding, fail, ok
from bot.entrypoints.settings import Settings
from bot.entrypoints.wiring.probing import probe_images


async def look(settings: Settings, place: str) -> Sequence[Finding]:
    """Post the pictures in the issue `OWNER/REPO#N`, and say where each went."""
    named = re.fullmatch(r"([\w.-]+/[\w.-]+)#(\d{1,9})", place)
    if named is None:
        return [fail(place, said("write the issue as OWNER/REPO#N"))]
    try:
        probe = await probe_images(settings, named[1], int(named[2]))
    except (HostError, SettingsError) as error:
        return [fail(place, error.message)]
    told = ok(place, said("posted a comment: look which pictures show in it"))
    return [told, *map(_way, probe.shown)]


def _way(shown: Shown) -> Finding:
    return ok(shown.place, shown.url) if shown.url else fail(shown.place, shown.why)
