"""`gptimage validate`: is a batch right, and if not, where not?"""

import json
from collections.abc import Mapping, Sequence

from bot.core.errors import BatchError
from bot.core.said import said
from bot.entrypoints import console, local, settings
from bot.entrypoints.inputs import Prepared


def validate(batch: str, *, for_people: bool) -> int:
    """Say it in a line, or in JSON with every problem; gives the exit code."""
    if for_people:
        parsed, remarks = _looked_at(batch)
        console.warn(remarks)
        jobs, images = _counts(parsed)
        line = said(
            "{batch}: {jobs} jobs, {images} images, no errors",
            batch=batch,
            jobs=jobs,
            images=images,
        )
        console.answer(console.words(line))
        return 0
    try:
        found = _right(*_looked_at(batch))
    except BatchError as error:
        found = _wrong(error)
    console.answer(json.dumps(found, indent=2, ensure_ascii=False))
    return 0 if found["valid"] else 2


def _looked_at(batch: str) -> tuple[Prepared, Sequence[str]]:
    """The batch, and all that its author should know: also what has no price here."""
    env = settings.read()
    parsed = local.read_batch(batch, {}, env)
    return parsed, (*parsed.warnings, *local.price(parsed, env).warnings)


def _right(parsed: Prepared, remarks: Sequence[str]) -> Mapping[str, object]:
    jobs, images = _counts(parsed)
    return {
        "valid": True,
        "jobs": jobs,
        "images": images,
        "problems": [],
        "warnings": list(remarks),
    }


def _wrong(error: BatchError) -> Mapping[str, object]:
    problems = [
        {"path": each.path, "message": each.message, "hint": each.hint} for each in error.problems
    ]
    return {"valid": False, "jobs": None, "images": None, "problems": problems, "warnings": []}


def _counts(parsed: Prepared) -> tuple[int, int]:
    jobs = parsed.config.jobs
    return len(jobs), sum(job.sample_count for job in jobs)
