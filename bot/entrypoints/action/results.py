"""What a run has come to, as a step of a workflow tells it."""

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Literal

from bot.core.redact import BY_LOOK
from bot.core.report import Report, report, to_json
from bot.core.run import RunView, Stop

FailOn = Literal["any", "all", "never"]
Status = Literal["completed", "partial", "failed", "cancelled"]


def of(view: RunView, now: datetime) -> Report:
    """The report of the run."""
    return report(view, now)


def status(found: Report) -> Status:
    """In one word; a run that was stopped is cancelled, whatever it has made."""
    if found.stopped in {Stop.CANCELLED, Stop.INTERRUPTED}:
        return "cancelled"
    if found.succeeded == 0:
        return "failed"
    whole = found.succeeded == found.total and not found.partial
    return "completed" if whole else "partial"


def outputs(found: Report, view: RunView, comment_url: str) -> Mapping[str, object]:
    """The outputs of action.yml that the run itself gives."""
    images = [item.path or item.item.path for item in view.items if item.winner]
    return {
        "run-id": found.run_id,
        "status": status(found),
        "total": found.total,
        "succeeded": found.succeeded,
        "failed": found.failed,
        "cancelled": found.cancelled,
        "images": json.dumps(images, ensure_ascii=False),
        "total-cost": found.total_cost,
        "in-doubt": found.in_doubt,
        "comment-url": comment_url,
        "release-url": view.run.page_url,
    }


def keep(found: Report, folder: Path | None) -> Mapping[str, object]:
    """Write report.json beside the images; the outputs that say where they are."""
    if folder is None:
        return {}
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "report.json"
    file.write_text(BY_LOOK(to_json(found)), encoding="utf-8")
    return {"report": file, "output-dir": folder}


def exit_code(found: Report, fail_on: FailOn) -> int:
    """The step's, as the workflow wants it."""
    match fail_on:
        case "never":
            return 0
        case "all":
            return int(found.succeeded == 0)
        case "any":
            return int(status(found) != "completed")
