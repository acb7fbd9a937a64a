"""What became of a run, in the Node tool's JSON and text, with what it leaves out.

Its readers filter on `status == "completed"` and add up `total_cost`; so a job with at least one
image is completed, and an unknown cost is null, never a word.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import reduce
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, InstanceOf, TypeAdapter

from bot.core import paths, typed_json
from bot.core.errors import Charge, Failure
from bot.core.messages import ENGLISH, Messages
from bot.core.pricing import Money, Usage
from bot.core.run import ItemState, ItemView, RunView, Stop, elapsed, total
from bot.core.said import said

Status = Literal["completed", "failed", "cancelled"]
Sentence = InstanceOf[str]
"""Kept as it is, so that the text form can translate it; English in JSON."""


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
    error: Sentence | None = Field(default=None, exclude_if=_absent)
    duration_ms: int | None = Field(default=None, exclude_if=_absent)
    history_uuid: str
    model: str
    requested: int
    received: int
    cost: float | None
    charge: Charge
    warnings: tuple[Sentence, ...]
    usage: Usage | None
    urls: tuple[str, ...]
    request_ids: tuple[str, ...]
    moderated: bool = Field(default=False, exclude=True)  # the text form has a hint for it


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
    warnings: tuple[Sentence, ...]


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
        total_duration_ms=_milliseconds(elapsed(view, now)),
        total_cost=_dollars(view.paid),
        run_id=run.id,
        model=_same([result.model for result in results]),
        estimated_cost=_dollars(run.expected),
        cost_upper_bound=_dollars(run.upper_bound),
        in_doubt=_dollars(view.in_doubt),
        partial=sum(0 < result.received < result.requested for result in results),
        stopped=run.stop,
        warnings=(*run.warnings, *_other_formats(view.items), *filter(None, [run.note])),
    )


def _other_formats(items: Sequence[ItemView]) -> Iterator[str]:
    """Files whose ending is not the one that was asked for: what the server sent decides."""
    for item in items:
        asked, got = (paths.parted(path)[1][1:] for path in (item.item.path, item.path or ""))
        if got and got != asked:
            yield said(
                "{where}: {asked} was asked for, {got} was sent: {path}",
                where=f"jobs[{item.item.job}]",
                asked=asked,
                got=got,
                path=item.path,
            )


def _job(view: RunView, job: int) -> JobReport:
    items = view.of_job(job)
    made = [item for item in items if item.winner]
    files = tuple(item.path or item.item.path for item in made)
    return JobReport(
        job_id=f"{view.run.id}-{job + 1}",
        prompt=items[0].item.call.prompt,
        status=_status(items),
        output_path=files[0] if files else None,
        output_paths=files or None,
        error=_error(view, items),
        duration_ms=_duration(items),
        history_uuid=view.run.id,
        model=items[0].item.call.model,
        requested=len(items),
        received=len(made),
        cost=_dollars(total(item.paid for item in items)),
        charge=_charge(items),
        warnings=(
            *(w for w in view.run.warnings if w.startswith(f"jobs[{job}]")),
            *_other_formats(items),
        ),
        usage=_usage(items),
        urls=tuple(item.url for item in made if item.url),
        request_ids=tuple(a.request_id for i in items for a in i.attempts if a.request_id),
        moderated=any(item.failure is Failure.MODERATION for item in items),
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
    Stop.CANCELLED: said("cancelled"),
    Stop.TIMEOUT: said("Timeout"),  # the Node tool's word
    Stop.INTERRUPTED: said("interrupted"),
    Stop.REFUSED: said("the image service refuses every call"),
    Stop.BUDGET: said("the next image could have exceeded the cap on cost"),
    Stop.FAULT: said("answers could not be kept"),
    Stop.PERMISSION: said("whoever ordered it may not spend here any more"),
    Stop.RULES: said("the repository's settings had faults"),
    Stop.UNCHECKED: said("nobody could say whether whoever ordered it may still spend here"),
}


def _error(view: RunView, items: Sequence[ItemView]) -> str | None:
    """Why images are missing, each reason once; None if none is."""
    missing = [item for item in items if not item.winner]
    if not missing:
        return None
    reasons = dict.fromkeys(reason for item in missing for reason in _reasons(view, item))
    why = reduce(lambda first, then: said("{first}; {then}", first=first, then=then), reasons)
    if len(missing) == len(items):
        return why
    return said("{missing} of {count}: {why}", missing=len(missing), count=len(items), why=why)


def _reasons(view: RunView, item: ItemView) -> Sequence[str]:
    if item.state in {ItemState.CANCELLED, ItemState.RESERVED}:
        return [_STOPS[view.run.stop] if view.run.stop else said("not started")]
    return [each.message or each.failure or each.state.value for each in item.misses]


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


_REPORT = TypeAdapter(Report)


def from_json(text: str) -> Report:
    """The report that `to_json` wrote."""
    return typed_json.read(_REPORT, text)


def exit_code(report: Report) -> int:
    """0 if every image is there, 130 after an interruption, else 1."""
    if report.stopped is Stop.INTERRUPTED:
        return 130
    return 0 if report.succeeded == report.total and not report.partial else 1


_TITLES = {
    "completed": said("✅ Batch image generation completed"),
    "partial": said("⚠️ Batch image generation completed with failures"),
    "failed": said("❌ Batch image generation failed"),
}
_SHOWN = 60  # characters of a prompt


def to_text(report: Report, messages: Messages = ENGLISH) -> str:
    """A summary for people; its last line is the sentence that scripts look for."""
    return "\n".join(map(messages.tell, _lines(report, messages))) + "\n"


def _lines(report: Report, messages: Messages) -> Iterator[str]:
    yield _title(report)
    yield ""
    yield from _summary(report)
    made, failed, cancelled = (_with(report, s) for s in ("completed", "failed", "cancelled"))
    yield from _section(said("Images:"), [line for job in made for line in _made(job)])
    yield from _section(said("Failed:"), [_missed(job) for job in failed])
    if any(job.moderated for job in report.results):
        hint = messages.final.failures[Failure.MODERATION].hint
        yield from ["", said("On refusals by the safety system: {hint}", hint=hint)]
    yield from _section(said("Cancelled:"), [_missed(job) for job in cancelled])
    yield from _section(said("Warnings:"), [_entry(warning) for warning in report.warnings])
    yield from _verdict(report)


def _title(report: Report) -> str:
    if exit_code(report) == 0:
        return _TITLES["completed"]
    return _TITLES["partial" if report.succeeded else "failed"]


def _summary(report: Report) -> Iterator[str]:
    yield said("Total jobs: {n}", n=report.total)
    yield said("Succeeded: {n}", n=report.succeeded)
    yield said("Failed: {n}", n=report.failed)
    if report.cancelled:
        yield said("Cancelled: {n}", n=report.cancelled)
    yield said("Duration: {seconds:.2f}s", seconds=report.total_duration_ms / 1000)
    yield said("Total cost: {amount}", amount=_usd(report.total_cost))
    if report.in_doubt != 0:
        yield said("In doubt, at most: {amount}", amount=_usd(report.in_doubt))
    yield said("Run: {run}", run=report.run_id)


def _usd(amount: float | None) -> str:
    return said("unknown") if amount is None else f"${amount:.4f}"


def _with(report: Report, status: Status) -> list[JobReport]:
    return [job for job in report.results if job.status == status]


def _section(title: str, lines: Sequence[str]) -> list[str]:
    return ["", title, *lines] if lines else []


def _made(job: JobReport) -> Iterator[str]:
    yield from (f"- {path}  {_prompt(job)}" for path in job.output_paths or ())
    if job.error:
        yield said("    {why}", why=job.error)


def _missed(job: JobReport) -> str:
    return said("- {prompt}: {why}", prompt=_prompt(job), why=job.error)


def _entry(text: str) -> str:
    return said("- {text}", text=text)


def _prompt(job: JobReport) -> str:
    plain = "".join(char for char in " ".join(job.prompt.split()) if char.isprintable())
    return plain if len(plain) <= _SHOWN else plain[: _SHOWN - 1] + "…"


def _verdict(report: Report) -> list[str]:
    """The Node tool's own sentences, word for word."""
    verdicts = {
        said("Timeout reached. Cancelling remaining jobs..."): report.stopped is Stop.TIMEOUT,
        said("Some jobs failed"): exit_code(report) != 0,
    }
    lines = [sentence for sentence, holds in verdicts.items() if holds]
    return ["", *lines] if lines else []
