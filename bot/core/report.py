"""What became of a run, in the Node tool's JSON and text, with what it leaves out.

Its readers filter on `status == "completed"` and add up `total_cost`; so a job with at least one
image is completed, and an unknown cost is null, never a word.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from bot.core.errors import Charge
from bot.core.pricing import Money, Usage
from bot.core.run import ItemState, ItemView, RunView, Stop, total

Status = Literal["completed", "failed", "cancelled"]


def _absent(value: object) -> bool:
    return value is None


class JobReport(BaseModel):
    """One job; the Node tool's fields first. What it leaves out when empty is left out here."""

    model_config = ConfigDict(frozen=True)

    job_id: str
    prompt: str
    status: Status
    output_path: str | None = Field(default=None, exclude_if=_absent)
    output_paths: tuple[str, ...] | None = Field(default=None, exclude_if=_absent)
    error: str | None = Field(default=None, exclude_if=_absent)
    duration_ms: int | None = Field(default=None, exclude_if=_absent)
    history_uuid: str
    model: str
    requested: int
    received: int
    cost: float | None
    charge: Charge
    warnings: tuple[str, ...]
    usage: Usage | None
    urls: tuple[str, ...]
    request_ids: tuple[str, ...]


class Report(BaseModel):
    """The whole run; costs are in dollars, times in ISO 8601 and milliseconds."""

    model_config = ConfigDict(frozen=True)

    total: int
    succeeded: int
    failed: int
    cancelled: int
    results: tuple[JobReport, ...]
    started_at: datetime
    finished_at: datetime
    total_duration_ms: int
    total_cost: float | None
    run_id: str
    model: str | None
    estimated_cost: float | None
    cost_upper_bound: float | None
    in_doubt: float | None
    partial: int
    stopped: Stop | None
    warnings: tuple[str, ...]


# --- from the ledger's view -------------------------------------------------------------------


def report(view: RunView, now: datetime) -> Report:
    """What became of the run; `now` stands for its end if it has not been recorded."""
    run = view.run
    jobs = sorted({item.item.job for item in view.items})
    results = tuple(_job(view, job) for job in jobs)
    count = Counter(result.status for result in results)
    start, end = run.started_at or run.created_at, run.finished_at or now
    return Report(
        total=len(results),
        succeeded=count["completed"],
        failed=count["failed"],
        cancelled=count["cancelled"],
        results=results,
        started_at=start,
        finished_at=end,
        total_duration_ms=_milliseconds(end - start),
        total_cost=_dollars(view.paid),
        run_id=run.id,
        model=_same([result.model for result in results]),
        estimated_cost=_dollars(run.expected),
        cost_upper_bound=_dollars(run.upper_bound),
        in_doubt=_dollars(view.in_doubt),
        partial=sum(0 < result.received < result.requested for result in results),
        stopped=run.stop,
        warnings=run.warnings,
    )


def _job(view: RunView, job: int) -> JobReport:
    items = view.of_job(job)
    made = [item for item in items if item.winner]
    paths = tuple(item.path or item.item.path for item in made)
    return JobReport(
        job_id=f"{view.run.id}-{job + 1}",
        prompt=items[0].item.call.prompt,
        status=_status(items),
        output_path=paths[0] if paths else None,
        output_paths=paths or None,
        error=_error(view, items),
        duration_ms=_duration(items),
        history_uuid=view.run.id,
        model=items[0].item.call.model,
        requested=len(items),
        received=len(made),
        cost=_dollars(total(item.paid for item in items)),
        charge=_charge(items),
        warnings=tuple(w for w in view.run.warnings if w.startswith(f"jobs[{job}]")),
        usage=_usage(items),
        urls=tuple(item.url for item in made if item.url),
        request_ids=tuple(a.request_id for i in items for a in i.attempts if a.request_id),
    )


def _status(items: Sequence[ItemView]) -> Status:
    states = {item.state for item in items}
    if ItemState.SUCCEEDED in states:
        return "completed"
    return "cancelled" if states <= {ItemState.CANCELLED, ItemState.RESERVED} else "failed"


def _charge(items: Sequence[ItemView]) -> Charge:
    charges = {item.charge for item in items}
    return next(c for c in (Charge.IN_DOUBT, Charge.PAID, Charge.NOT_CHARGED) if c in charges)


_STOPS = {
    Stop.CANCELLED: "cancelled",
    Stop.TIMEOUT: "Timeout",
    Stop.INTERRUPTED: "interrupted",
    Stop.REFUSED: "the image service refuses every call",
    Stop.FAULT: "answers could not be kept",
}


def _error(view: RunView, items: Sequence[ItemView]) -> str | None:
    """Why images are missing, each reason once; None if none is."""
    missing = [item for item in items if not item.winner]
    if not missing:
        return None
    reasons = dict.fromkeys(_reason(view, item) for item in missing)
    said = "; ".join(reasons)
    return said if len(missing) == len(items) else f"{len(missing)} of {len(items)}: {said}"


def _reason(view: RunView, item: ItemView) -> str:
    if item.state in {ItemState.CANCELLED, ItemState.RESERVED}:
        return _STOPS[view.run.stop] if view.run.stop else "not started"
    said = item.last.message if item.last else ""
    return said or item.failure or item.state.value


def _duration(items: Sequence[ItemView]) -> int | None:
    attempts = [attempt for item in items for attempt in item.attempts]
    ends = [attempt.settled_at for attempt in attempts if attempt.settled_at]
    if not ends:
        return None
    return _milliseconds(max(ends) - min(attempt.started_at for attempt in attempts))


def _usage(items: Sequence[ItemView]) -> Usage | None:
    """The tokens of all calls that the server counted; None where it counted none."""
    known = [attempt.usage for item in items for attempt in item.attempts if attempt.usage]
    if not known:
        return None
    return Usage(
        text_tokens=sum(usage.text_tokens for usage in known),
        image_tokens=sum(usage.image_tokens for usage in known),
        output_tokens=sum(usage.output_tokens for usage in known),
    )


def _dollars(amount: Money | None) -> float | None:
    return None if amount is None else float(amount.usd)


def _milliseconds(span: timedelta) -> int:
    return round(span / timedelta(milliseconds=1))


def _same(models: Sequence[str]) -> str | None:
    return models[0] if len(set(models)) == 1 else None


# --- as JSON and as text ----------------------------------------------------------------------


def to_json(report: Report) -> str:
    """The report as the Node tool writes it, indented by two."""
    return report.model_dump_json(indent=2)


def exit_code(report: Report) -> int:
    """0 if every image is there, 130 after an interruption, else 1."""
    if report.stopped is Stop.INTERRUPTED:
        return 130
    return 0 if report.succeeded == report.total and not report.partial else 1


_TITLES = {
    "completed": "✅ Batch image generation completed",
    "partial": "⚠️ Batch image generation completed with failures",
    "failed": "❌ Batch image generation failed",
}
_SHOWN = 60  # characters of a prompt


def to_text(report: Report) -> str:
    """A summary for people; its last line is the sentence that scripts look for."""
    lines = [
        _title(report),
        "",
        *_summary(report),
        *_section("Images", [line for job in _with(report, "completed") for line in _made(job)]),
        *_section("Failed", [_missed(job) for job in _with(report, "failed")]),
        *_section("Cancelled", [_missed(job) for job in _with(report, "cancelled")]),
        *_section("Warnings", [f"- {warning}" for warning in report.warnings]),
        *_verdict(report),
    ]
    return "\n".join(lines) + "\n"


def _title(report: Report) -> str:
    if exit_code(report) == 0:
        return _TITLES["completed"]
    return _TITLES["partial" if report.succeeded else "failed"]


def _summary(report: Report) -> list[str]:
    counts = {
        "Total jobs": report.total,
        "Succeeded": report.succeeded,
        "Failed": report.failed,
        "Cancelled": report.cancelled,
    }
    amounts = {"Total cost": report.total_cost, "In doubt, at most": report.in_doubt}
    return [
        *(f"{name}: {n}" for name, n in counts.items() if n or name != "Cancelled"),
        f"Duration: {report.total_duration_ms / 1000:.2f}s",
        *(f"{name}: {_usd(n)}" for name, n in amounts.items() if n or name == "Total cost"),
        f"Run: {report.run_id}",
    ]


def _usd(amount: float | None) -> str:
    return "unknown" if amount is None else f"${amount:.4f}"


def _with(report: Report, status: Status) -> list[JobReport]:
    return [job for job in report.results if job.status == status]


def _section(title: str, lines: Sequence[str]) -> list[str]:
    return ["", f"{title}:", *lines] if lines else []


def _made(job: JobReport) -> list[str]:
    short = [f"    {job.error}"] if job.error else []
    return [f"- {path}  {_prompt(job)}" for path in job.output_paths or ()] + short


def _missed(job: JobReport) -> str:
    return f"- {_prompt(job)}: {job.error}"


def _prompt(job: JobReport) -> str:
    plain = "".join(char for char in " ".join(job.prompt.split()) if char.isprintable())
    return plain if len(plain) <= _SHOWN else plain[: _SHOWN - 1] + "…"


def _verdict(report: Report) -> list[str]:
    """The Node tool's own sentences, word for word."""
    said = {
        "Timeout reached. Cancelling remaining jobs...": report.stopped is Stop.TIMEOUT,
        "Some jobs failed": exit_code(report) != 0,
    }
    lines = [sentence for sentence, holds in said.items() if holds]
    return ["", *lines] if lines else []
