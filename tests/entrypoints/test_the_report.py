"""The report as its readers find it on stdout: the Node tool's fields, and ours beside them."""

import json
from datetime import datetime
from typing import Any

import pytest

from bot.simulators.images import Fault, FaultKind, ImagesSimulator, Settings
from tests.entrypoints.conftest import Ended, Shell

TOP = {
    *("total", "succeeded", "failed", "cancelled", "results", "started_at", "finished_at"),
    *("total_duration_ms", "total_cost"),  # up to here the Node tool's
    *("run_id", "model", "estimated_cost", "cost_upper_bound", "in_doubt", "partial"),
    *("stopped", "warnings"),
}
ALWAYS = {
    *("job_id", "prompt", "status", "history_uuid"),  # up to here the Node tool's
    *("model", "requested", "received", "cost", "charge", "warnings", "request_ids", "urls"),
    "usage",
}
MADE = ALWAYS | {"output_path", "output_paths", "duration_ms"}


async def ran(shell: Shell, *jobs: dict[str, object], **top: object) -> Ended:
    each = [{"quality": "low", "size": "1024x1024", **job} for job in jobs]
    text = json.dumps({"jobs": each, "output_dir": "out", "max_concurrent": 1, **top})
    return await shell.run("gptimage", "run", shell.file("batch.json", text))


def jobs(ended: Ended) -> list[dict[str, Any]]:
    assert set(ended.report) == TOP
    return list(ended.report["results"])


async def test_a_job_that_is_there_has_no_error_and_all_its_paths(shell: Shell) -> None:
    ended = await ran(shell, {"prompt": "fox"}, {"prompt": "owl", "sample_count": 2})

    fox, owl = jobs(ended)
    report = ended.report
    assert ended.code == 0
    assert set(fox) == set(owl) == MADE
    assert (fox["status"], fox["charge"], fox["requested"], fox["received"]) == (
        "completed",
        "paid",
        1,
        1,
    )
    assert owl["output_paths"] == ["out/owl-1.png", "out/owl-2.png"]
    assert owl["output_path"] == owl["output_paths"][0]
    assert (report["total"], report["succeeded"], report["partial"]) == (2, 2, 0)
    assert report["total_cost"] == pytest.approx(fox["cost"] + owl["cost"])
    assert owl["cost"] == pytest.approx(2 * fox["cost"], rel=0.01), "one bill for each image"
    assert report["total_cost"] <= report["cost_upper_bound"]
    assert len(owl["request_ids"]) == 2
    assert fox["history_uuid"] == report["run_id"]
    took = datetime.fromisoformat(report["finished_at"]) - datetime.fromisoformat(
        report["started_at"]
    )
    assert report["total_duration_ms"] == round(took.total_seconds() * 1000)


async def test_fewer_images_than_asked_for_are_a_completed_job_that_says_so(
    shell: Shell, images: ImagesSimulator
) -> None:
    images.faults.append(Fault(FaultKind.MODERATED_INPUT, prompt="owl"))

    ended = await ran(shell, {"prompt": "owl", "sample_count": 3}, {"prompt": "fox"})

    owl, fox = jobs(ended)
    assert ended.code == 1
    assert set(owl) == MADE | {"error"}
    assert (owl["status"], owl["requested"], owl["received"]) == ("completed", 3, 2)
    assert owl["error"].startswith("1 of 3: ")
    assert len(owl["output_paths"]) == 2
    assert [ended.report[name] for name in ("succeeded", "failed", "partial")] == [2, 0, 1]
    assert fox["received"] == 1


async def test_a_reader_of_the_node_tool_finds_every_file_that_was_made(
    shell: Shell, images: ImagesSimulator
) -> None:
    images.faults.append(Fault(FaultKind.SERVER_ERROR, prompt="hen"))
    names = ("fox", "owl", "hen")
    wanted: list[dict[str, object]] = [{"prompt": name, "sample_count": 2} for name in names]

    ended = await ran(shell, *wanted)

    completed = [job for job in jobs(ended) if job["status"] == "completed"]
    paths = [path for job in completed for path in job["output_paths"]]
    assert sorted(paths) == [f"out/{name}" for name in shell.images()]
    assert isinstance(ended.report["total_cost"], float)


async def test_a_job_without_an_image_says_why_and_what_that_may_cost(
    shell: Shell, images: ImagesSimulator
) -> None:
    images.faults += [
        Fault(FaultKind.NO_IMAGE, prompt="hen"),
        Fault(FaultKind.MODERATED_INPUT, prompt="owl"),
    ]
    images.settings = Settings(latency_ms=600)

    ended = await ran(
        shell,
        {"prompt": "hen"},
        {"prompt": "owl"},
        {"prompt": "fox"},
        {"prompt": "elk"},
        timeout=1000,
    )

    hen, owl, fox, elk = jobs(ended)
    assert ended.code == 1
    assert set(hen) == set(owl) == ALWAYS | {"error", "duration_ms"}
    assert set(elk) == ALWAYS | {"error"}
    assert [job["status"] for job in (hen, owl, fox, elk)] == [
        "failed",
        "failed",
        "completed",
        "cancelled",
    ]
    assert [job["charge"] for job in (hen, owl, fox, elk)] == [
        "in_doubt",
        "not_charged",
        "paid",
        "not_charged",
    ]
    assert "may be billed all the same" in hen["error"]
    assert "safety system" in owl["error"]
    assert (elk["error"], ended.report["stopped"]) == ("Timeout", "timeout")
    assert ended.report["in_doubt"] > 0
    assert [ended.report[n] for n in ("total", "succeeded", "failed", "cancelled")] == [4, 1, 2, 1]


async def test_a_cost_that_nobody_knows_is_null_and_said(shell: Shell) -> None:
    ended = await ran(shell, {"prompt": "fox", "model": "gpt-image-9"})

    (fox,) = jobs(ended)
    assert (fox["charge"], fox["cost"], ended.report["total_cost"]) == ("not_charged", 0.0, 0.0)
    assert (ended.report["estimated_cost"], ended.report["cost_upper_bound"]) == (None, None)
    assert "gpt-image-9" in " ".join(ended.report["warnings"])
