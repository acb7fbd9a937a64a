"""`gptimage validate`: is a batch right, and if not, where not?"""

import json
from collections.abc import Mapping

from bot.core.errors import BatchError
from bot.entrypoints import console, local
from bot.entrypoints.inputs import Prepared


def validate(batch: str, *, for_people: bool) -> int:
    """Say it in a line, or in JSON with every problem; gives the exit code."""
    if for_people:
        parsed = local.read_batch(batch, {})
        console.warn(parsed.warnings)
        jobs, images = _counts(parsed)
        console.answer(f"{batch}: {jobs} jobs, {images} images, no errors")
        return 0
    try:
        found = _right(local.read_batch(batch, {}))
    except BatchError as error:
        found = _wrong(error)
    console.answer(json.dumps(found, indent=2, ensure_ascii=False))
    return 0 if found["valid"] else 2


def _right(parsed: Prepared) -> Mapping[str, object]:
    jobs, images = _counts(parsed)
    return {
        "valid": True,
        "jobs": jobs,
        "images": images,
        "problems": [],
        "warnings": list(parsed.warnings),
    }


def _wrong(error: BatchError) -> Mapping[str, object]:
    problems = [
        {"path": each.path, "message": each.message, "hint": each.hint} for each in error.problems
    ]
    return {"valid": False, "jobs": None, "images": None, "problems": problems, "warnings": []}


def _counts(parsed: Prepared) -> tuple[int, int]:
    jobs = parsed.config.jobs
    return len(jobs), sum(job.sample_count for job in jobs)
