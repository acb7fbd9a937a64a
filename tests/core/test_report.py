"""The report: the Node tool's fields, and the truth about money."""
# ruff: noqa: E501  (a text is quoted as it is printed)

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from inline_snapshot import snapshot

from bot.core.attempts import Attempt, AttemptState
from bot.core.batch import BatchConfig, Job
from bot.core.errors import Failure
from bot.core.plan import plan
from bot.core.pricing import Money, Usage
from bot.core.report import exit_code, report, to_json, to_text
from bot.core.run import ItemView, Run, RunState, RunView, Stop

T0 = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
END = T0 + timedelta(seconds=12.5)
MADE, FAILED = AttemptState.SUCCEEDED, AttemptState.FAILED
DOUBT, STARTED = AttemptState.IN_DOUBT, AttemptState.STARTED


def tried(
    number: int, state: AttemptState, failure: Failure | None = None, message: str = ""
) -> Attempt:
    begun = T0 + timedelta(seconds=number)
    made = state is MADE
    return Attempt(
        number=number,
        order=1,
        state=state,
        started_at=begun,
        settled_at=None if state is STARTED else begun + timedelta(seconds=5),
        amount=Money(6_002),
        cost=Money(5_945) if made else None,
        usage=Usage(13, 0, 196) if made else None,
        failure=failure,
        message=message,
        request_id=f"req_{number}",
    )


def view(*jobs: Sequence[Sequence[Attempt]], stop: Stop | None = None) -> RunView:
    """A finished run: of each job, of each of its images, the attempts; none is cancelled."""
    batch = BatchConfig(
        jobs=tuple(
            Job(prompt=f"fox {n}", output_path=f"fox{n}.png", sample_count=len(images))
            for n, images in enumerate(jobs)
        )
    )
    tries = [attempts for images in jobs for attempts in images]
    items = tuple(
        ItemView(item, tuple(attempts), cancelled=not attempts)
        for item, attempts in zip(plan(batch, "abcdefghij"), tries, strict=True)
    )
    run = Run(
        id="abcdefghij",
        state=RunState.DONE,
        batch=batch,
        created_at=T0,
        expected=Money(12_000),
        upper_bound=Money(500_000),
        started_at=T0,
        finished_at=END,
        stop=stop,
    )
    return RunView(run, items)


GOOD = [[tried(1, MADE)]]
REFUSED = [[tried(1, FAILED, Failure.MODERATION, "the safety system refused the prompt")]]
DOUBTFUL = [[tried(1, DOUBT, Failure.TIMEOUT, "no answer came in time")]]
FAILED_LATER = [[*DOUBTFUL[0], *[replace(each, number=2) for each in REFUSED[0]]]]
CANCELLED: list[list[Attempt]] = [[]]
PARTIAL = [[tried(1, MADE)], [tried(1, FAILED, Failure.RATE_LIMIT), tried(2, FAILED)], []]


def test_a_report_has_the_node_tools_fields_and_more() -> None:
    found = view([[tried(1, FAILED, Failure.RATE_LIMIT), tried(2, MADE)]])
    url = "https://example.org/fox0.png"
    published = replace(found.items[0], url=url, path="out/fox0.png")
    run = replace(found.run, warnings=("jobs[0].size is large", "be careful"))
    assert json.loads(to_json(report(RunView(run, (published,)), END))) == snapshot(
        {
            "total": 1,
            "succeeded": 1,
            "failed": 0,
            "cancelled": 0,
            "results": [
                {
                    "job_id": "abcdefghij-1",
                    "prompt": "fox 0",
                    "status": "completed",
                    "output_path": "out/fox0.png",
                    "output_paths": ["out/fox0.png"],
                    "duration_ms": 6000,
                    "history_uuid": "abcdefghij",
                    "model": "gpt-image-2.5-flare",
                    "requested": 1,
                    "received": 1,
                    "cost": 0.005945,
                    "charge": "paid",
                    "warnings": ["jobs[0].size is large"],
                    "usage": {"text_tokens": 13, "image_tokens": 0, "output_tokens": 196},
                    "urls": ["https://example.org/fox0.png"],
                    "request_ids": ["req_1", "req_2"],
                }
            ],
            "started_at": "2026-11-21T08:00:00Z",
            "finished_at": "2026-11-21T08:00:12.500000Z",
            "total_duration_ms": 12500,
            "total_cost": 0.005945,
            "run_id": "abcdefghij",
            "model": "gpt-image-2.5-flare",
            "estimated_cost": 0.012,
            "cost_upper_bound": 0.5,
            "in_doubt": 0.0,
            "partial": 0,
            "stopped": None,
            "warnings": ["jobs[0].size is large", "be careful"],
        }
    )


def test_what_the_node_tool_leaves_out_when_empty_is_left_out() -> None:
    (job,) = json.loads(to_json(report(view(CANCELLED), END)))["results"]
    assert not {"output_path", "output_paths", "duration_ms"} & job.keys()
    (job,) = json.loads(to_json(report(view(GOOD), END)))["results"]
    assert "error" not in job


@pytest.mark.parametrize(
    ("job", "status", "charge", "error"),
    [
        (GOOD, "completed", "paid", None),
        (REFUSED, "failed", "not_charged", "the safety system refused the prompt"),
        (DOUBTFUL, "failed", "in_doubt", "no answer came in time"),
        (
            FAILED_LATER,
            "failed",
            "in_doubt",
            "no answer came in time; the safety system refused the prompt",
        ),
        ([[tried(1, STARTED)]], "failed", "in_doubt", "started"),
        (CANCELLED, "cancelled", "not_charged", "not started"),
        (PARTIAL, "completed", "paid", "2 of 3: failed; not started"),
        ([*GOOD, *DOUBTFUL], "completed", "in_doubt", "1 of 2: no answer came in time"),
        ([*CANCELLED, *REFUSED], "failed", "not_charged", None),
    ],
)
def test_what_became_of_a_job(
    job: list[list[Attempt]], status: str, charge: str, error: str | None
) -> None:
    (found,) = report(view(job), END).results
    assert (found.status, found.charge) == (status, charge)
    assert error is None or found.error == error


def test_a_job_with_some_of_its_images_is_completed_and_partial() -> None:
    found = report(view(PARTIAL, GOOD), END)
    assert (found.total, found.succeeded, found.failed, found.partial) == (2, 2, 0, 1)
    assert (found.results[0].requested, found.results[0].received) == (3, 1)
    assert exit_code(found) == 1


def test_what_is_in_doubt_is_not_in_the_cost_but_beside_it() -> None:
    found = report(view(GOOD, DOUBTFUL), END)
    assert found.total_cost == 0.005945
    assert found.in_doubt == 0.006002


def test_what_is_in_doubt_stays_in_the_sum_after_a_later_call_that_failed() -> None:
    found = report(view(GOOD, FAILED_LATER), END)
    assert (found.total_cost, found.in_doubt) == (0.005945, 0.006002)
    assert "In doubt, at most: $0.0060" in to_text(found)


def test_what_was_stopped_after_a_call_in_doubt_is_not_merely_cancelled() -> None:
    stopped = view(FAILED_LATER)
    items = tuple(replace(item, cancelled=True) for item in stopped.items)
    assert report(replace(stopped, items=items), END).results[0].status == "failed"


def test_an_unknown_cost_is_null() -> None:
    unpriced = [[replace(tried(1, MADE), cost=None)]]
    text = to_json(report(view(unpriced, GOOD), END))
    assert json.loads(text)["total_cost"] is None
    assert json.loads(text)["results"][0]["cost"] is None
    assert "Total cost: unknown" in to_text(report(view(unpriced), END))


def test_usage_is_added_up_over_the_calls_of_a_job() -> None:
    found = report(view([[tried(1, MADE)], [tried(2, MADE)]]), END)
    assert found.results[0].usage == Usage(26, 0, 392)


@pytest.mark.parametrize(
    ("jobs", "stop", "code"),
    [
        ([GOOD], None, 0),
        ([GOOD, REFUSED], None, 1),
        ([PARTIAL], None, 1),
        ([GOOD, CANCELLED], Stop.TIMEOUT, 1),
        ([GOOD, CANCELLED], Stop.INTERRUPTED, 130),
        ([CANCELLED], Stop.CANCELLED, 1),
    ],
)
def test_the_exit_code_says_whether_all_is_well(
    jobs: list[list[list[Attempt]]], stop: Stop | None, code: int
) -> None:
    assert exit_code(report(view(*jobs, stop=stop), END)) == code


def test_a_run_that_is_not_over_is_measured_until_now() -> None:
    found = view(GOOD)
    running = replace(found, run=replace(found.run, finished_at=None))
    assert report(running, T0 + timedelta(seconds=3)).total_duration_ms == 3_000


def test_the_pause_before_a_person_went_on_with_a_run_is_none_of_its_time() -> None:
    day = timedelta(days=1)
    late = replace(tried(2, MADE), started_at=T0 + day, settled_at=T0 + day + timedelta(seconds=4))
    whole = view([[tried(1, DOUBT), late]])
    run = replace(whole.run, resumed_at=T0 + day, finished_at=T0 + day + timedelta(seconds=5))

    told = report(replace(whole, run=run), T0)
    assert told.total_duration_ms == 6_000 + 5_000
    assert told.finished_at - told.started_at > day


def test_the_text_of_a_good_run() -> None:
    assert to_text(report(view(GOOD), END)) == snapshot("""\
✅ Batch image generation completed

Total jobs: 1
Succeeded: 1
Failed: 0
Duration: 12.50s
Total cost: $0.0059
Run: abcdefghij

Images:
- fox0.png  fox 0
""")


def test_the_text_of_a_run_that_ran_out_of_time() -> None:
    found = view(GOOD, REFUSED, PARTIAL, CANCELLED, stop=Stop.TIMEOUT)
    run = replace(found.run, warnings=("be careful",), note="fox0.png holds no metadata.")
    first, *others = found.items
    found = replace(found, items=(replace(first, path="out/fox0.jpg"), *others))
    assert to_text(report(replace(found, run=run), END)) == snapshot("""\
⚠️ Batch image generation completed with failures

Total jobs: 4
Succeeded: 2
Failed: 1
Cancelled: 1
Duration: 12.50s
Total cost: $0.0119
Run: abcdefghij

Images:
- out/fox0.jpg  fox 0
- fox2-1.png  fox 2
    2 of 3: failed; Timeout

Failed:
- fox 1: the safety system refused the prompt

On refusals by the safety system: Living artists, celebrities, known characters, logos and revealing clothing are the usual causes. Words for a style, artists long dead and general descriptions usually pass.

Cancelled:
- fox 3: Timeout

Warnings:
- be careful
- jobs[0]: png was asked for, jpg was sent: out/fox0.jpg
- fox0.png holds no metadata.

Timeout reached. Cancelling remaining jobs...
Some jobs failed
""")


def test_the_text_of_a_run_without_images() -> None:
    assert to_text(report(view(REFUSED), END)) == snapshot("""\
❌ Batch image generation failed

Total jobs: 1
Succeeded: 0
Failed: 1
Duration: 12.50s
Total cost: $0.0000
Run: abcdefghij

Failed:
- fox 0: the safety system refused the prompt

On refusals by the safety system: Living artists, celebrities, known characters, logos and revealing clothing are the usual causes. Words for a style, artists long dead and general descriptions usually pass.

Some jobs failed
""")


def test_no_prompt_reaches_into_the_terminal_or_takes_a_second_line() -> None:
    found = view(GOOD)
    call = replace(found.items[0].item.call, prompt="a\x1b[31m fox\nfox " + "x" * 99)
    item = replace(found.items[0], item=replace(found.items[0].item, call=call))
    text = to_text(report(replace(found, items=(item,)), END))
    assert f"- fox0.png  a[31m fox fox {'x' * 45}…\n" in text
