"""`gptimage doctor`: looks at every part, changes nothing, and says what to do."""

import asyncio
from collections.abc import Coroutine, Sequence

from bot.entrypoints import console
from bot.entrypoints.doctor import github, images, machine, pictures
from bot.entrypoints.doctor.findings import Finding, Health, line
from bot.entrypoints.settings import Settings
from bot.entrypoints.wiring.common import utc_now


def doctor(settings: Settings, issue: str | None = None) -> int:
    """Print a line for each part; 1 if one of them does not work.

    In an issue, `OWNER/REPO#N`, it posts a picture each way.
    """
    findings = asyncio.run(examine(settings, issue))
    console.tell(*map(line, findings))
    return int(any(finding.health is Health.FAIL for finding in findings))


async def examine(settings: Settings, issue: str | None = None) -> Sequence[Finding]:
    """How every part is; all of them are asked at once."""
    image_api, app, *others = await asyncio.gather(
        images.look(settings, utc_now().date()),
        github.look(settings),
        _alone(machine.public_url(settings)),
        _alone(machine.queue(settings)),
        _alone(machine.database(settings)),
        _alone(machine.spool(settings)),
    )
    rest = [finding for found in others for finding in found]
    probed = await pictures.look(settings, issue) if issue else []
    return [*image_api, *app, *machine.names(settings), *rest, *probed]


async def _alone(finding: Coroutine[None, None, Finding]) -> Sequence[Finding]:
    return [await finding]
