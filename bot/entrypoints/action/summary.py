"""What a step leaves behind of a run: the report, the outputs and the job's summary."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from bot.core import markdown
from bot.core.attempts import AttemptState
from bot.core.errors import Failure
from bot.core.messages import Messages
from bot.core.report import Report, exit_code, report, to_json
from bot.core.run import ItemView, Person, RunState, RunView, Stop
from bot.core.said import said
from bot.entrypoints import redaction
from bot.entrypoints.action.inputs import Inputs


@dataclass(frozen=True, slots=True)
class Place:
    """Where the images and the report of this step go."""

    images: Path
    report: Path


def ended(view: RunView) -> RunView:
    """The run as it is if nobody goes on with it: what is under way is in doubt, and no more is."""
    if view.run.state is RunState.DONE:
        return view
    run = replace(view.run, state=RunState.DONE, stop=view.run.stop or Stop.INTERRUPTED)
    return RunView(run, tuple(map(_left, view.items)))


def _left(item: ItemView) -> ItemView:
    attempts = tuple(
        replace(each, state=AttemptState.IN_DOUBT, failure=Failure.LOST)
        if each.state is AttemptState.STARTED
        else each
        for each in item.attempts
    )
    return replace(item, attempts=attempts, cancelled=item.cancelled or not attempts)


def outputs(
    result: Report, place: Place, page: str | None, *, uploads: bool
) -> Mapping[str, object]:
    """All that later steps may want to know; `page` is where the images are on GitHub."""
    images = [path for job in result.results for path in job.output_paths or ()]
    return {
        "run-id": result.run_id,
        "status": status(result),
        "total": result.total,
        "succeeded": result.succeeded,
        "failed": result.failed,
        "cancelled": result.cancelled,
        "images": json.dumps(images, ensure_ascii=False),
        "total-cost": result.total_cost,
        "in-doubt": result.in_doubt,
        "report": place.report,
        "output-dir": place.images,
        "release-url": page,
        "upload": uploads,
    }


def status(result: Report) -> str:
    """What became of the run in one word."""
    if result.stopped is Stop.INTERRUPTED:
        return "cancelled"
    if exit_code(result) == 0:
        return "completed"
    return "partial" if result.succeeded else "failed"


def write_report(view: RunView, now: datetime, place: Place) -> Report:
    """The report of the run, which is a file from now on."""
    result = report(view, now)
    place.report.parent.mkdir(parents=True, exist_ok=True)
    place.report.write_text(redaction.clean(to_json(result)), encoding="utf-8")
    return result


def told(view: RunView, now: datetime, given: Inputs, place: Place, messages: Messages) -> str:
    """The last word of the run in Markdown, as a thread would show it."""
    run = replace(view.run, author=Person(0, given.actor or given.event_name))
    return markdown.final(RunView(run, below(view, place).items), now, messages)


def below(view: RunView, place: Place) -> RunView:
    """The run with the places of its files below the folder, which another runner has elsewhere."""
    items = tuple(replace(item, path=_below(item.path, place)) for item in view.items)
    return RunView(view.run, items)


def _below(path: str | None, place: Place) -> str | None:
    return path and os.path.relpath(path, place.images)


def unpublished(view: RunView) -> bool:
    """Whether an image was made that has no address."""
    return any(item.winner and item.path and item.url is None for item in view.items)


def failed(result: Report, fail_on: str) -> bool:
    """Whether the step fails for its images; one that was cancelled always does."""
    match fail_on:
        case _ if result.stopped is Stop.INTERRUPTED:
            return True
        case "never":
            return False
        case "all":
            return result.succeeded == 0
        case _:
            return exit_code(result) != 0


def missing(result: Report) -> str:
    """How many jobs lack images, and where it says why; nothing if none does."""
    lacking = sum(job.received < job.requested for job in result.results)
    if not lacking:
        return ""
    return said(
        "{lacking} of {total} jobs lack images: the summary of this job says why",
        lacking=lacking,
        total=result.total,
    )
