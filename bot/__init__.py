"""gptimage: batches of OpenAI images, none of them paid for twice.

For programs: `report = await run_batch({"jobs": [{"prompt": "a red fox"}]})`.
"""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.core.report import Report

__all__ = ["run_batch", "run_batch_sync"]


async def run_batch(
    batch: Mapping[str, object],
    *,
    output_dir: Path | str | None = None,
    max_cost: Decimal | None = None,
    resume: bool = False,
    retry_in_doubt: bool = False,
) -> "Report":
    """Make the images of a batch, as `gptimage run` does, and tell what became of it.

    The batch is the data of a batch file; the environment holds the key and the settings.
    `max_cost` is in US dollars. `resume` goes on with the last run of the same batch, and
    `retry_in_doubt` then orders again what may have been paid for. Being cancelled starts nothing
    more and awaits the calls under way. Raises BatchError, Refused and SettingsError, all of them
    bot.core.errors.GptimageError; a failed image is no error, but told in the report.
    """
    from bot.core.report import report  # noqa: PLC0415  (`import bot` stays quick)
    from bot.entrypoints import local  # noqa: PLC0415
    from bot.entrypoints.leading import Wish  # noqa: PLC0415

    flags = {"output_dir": output_dir and str(output_dir), "max_cost": max_cost}
    said = {name: value for name, value in flags.items() if value is not None}
    wish = Wish(resume=resume, doubts=retry_in_doubt, quiet=True)
    outcome = await local.run_data(batch, said, wish)
    return report(outcome.view, outcome.at)


def run_batch_sync(
    batch: Mapping[str, object],
    *,
    output_dir: Path | str | None = None,
    max_cost: Decimal | None = None,
    resume: bool = False,
    retry_in_doubt: bool = False,
) -> "Report":
    """The same for programs without an event loop; see run_batch."""
    import asyncio  # noqa: PLC0415

    return asyncio.run(
        run_batch(
            batch,
            output_dir=output_dir,
            max_cost=max_cost,
            resume=resume,
            retry_in_doubt=retry_in_doubt,
        )
    )
