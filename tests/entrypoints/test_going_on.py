"""`--resume`, `retry` and `history`: a rerun pays for nothing twice."""

import csv
import json
import signal
from collections import Counter

import pytest

from bot.simulators.images import Fault, FaultKind, ImagesSimulator, Settings
from tests.entrypoints.conftest import Shell, until

KILLED = -9


def prompts(images: ImagesSimulator) -> Counter[str]:
    """How many calls were billed for each prompt."""
    return Counter(str(call.sent["prompt"]) for call in images.billed)


async def test_a_killed_run_goes_on_without_a_second_call_for_what_is_there(
    shell: Shell, images: ImagesSimulator
) -> None:
    batch = shell.batch("fox", "owl", "hen", max_concurrent=1)
    killed = await shell.run("gptimage", "run", batch, env={"GPTIMAGE_KILL_POINT": KILL_AT_LAST})

    ended = await shell.run("gptimage", "run", batch, "--resume")

    assert (killed.code, ended.code) == (KILLED, 0)
    assert prompts(images) == {"fox": 1, "owl": 1, "hen": 1}
    assert shell.images() == ["fox.png", "hen.png", "owl.png"]
    assert ended.report["in_doubt"] == 0


KILL_AT_LAST = "answer-spooled:3"  # paid for and kept, but not recorded


async def test_what_is_in_doubt_is_listed_and_ordered_again_by_a_person_only(
    shell: Shell, images: ImagesSimulator
) -> None:
    batch = shell.batch("fox", "owl", max_concurrent=1)
    await shell.run("gptimage", "run", batch, env={"GPTIMAGE_KILL_POINT": "request-sent:2"})

    resumed = await shell.run("gptimage", "run", batch, "--resume")
    billed = prompts(images)["owl"]
    ordered = await shell.run("gptimage", "run", batch, "--resume", "--retry-in-doubt")

    assert resumed.code == 1
    assert "In doubt: 1 images, up to $0." in resumed.err
    assert "  - owl.png ($0." in resumed.err
    assert "--retry-in-doubt" in resumed.err
    assert billed <= 1
    assert ordered.code == 0
    assert prompts(images)["fox"] == 1
    assert prompts(images)["owl"] == billed + 1
    assert shell.images() == ["fox.png", "owl.png"]
    assert ordered.report["in_doubt"] > 0, "the first call may have been billed, and stays said"


async def test_an_interrupted_run_goes_on(shell: Shell, images: ImagesSimulator) -> None:
    images.settings = Settings(latency_ms=300)
    batch = shell.batch("fox", "owl", "hen", max_concurrent=1)
    async with shell.start("gptimage", "run", batch) as running:
        await until(lambda: images.calls)
        running.send(signal.SIGINT)
        stopped = await running.ended()

    ended = await shell.run("gptimage", "run", batch, "--resume")

    assert (stopped.code, ended.code) == (130, 0)
    assert prompts(images) == {"fox": 1, "owl": 1, "hen": 1}
    assert ended.report["run_id"] == stopped.report["run_id"]


async def test_resume_orders_again_what_failed_and_nothing_else(
    shell: Shell, images: ImagesSimulator
) -> None:
    images.faults.append(Fault(FaultKind.MODERATED_INPUT, prompt="owl"))
    batch = shell.batch("fox", "owl")
    first = await shell.run("gptimage", "run", batch)

    second = await shell.run("gptimage", "run", batch, "--resume")
    third = await shell.run("gptimage", "run", batch, "--resume")

    assert (first.code, second.code, third.code) == (1, 0, 0)
    assert prompts(images) == {"fox": 1, "owl": 1}
    assert third.report["run_id"] == first.report["run_id"]


async def test_another_batch_does_not_go_on_with_this_run(
    shell: Shell, images: ImagesSimulator
) -> None:
    await shell.run("gptimage", "run", shell.batch("fox"))

    await shell.run("gptimage", "run", shell.batch("owl"), "--resume")

    assert prompts(images) == {"fox": 1, "owl": 1}


async def test_an_order_again_stays_below_the_cap(shell: Shell, images: ImagesSimulator) -> None:
    images.faults.append(Fault(FaultKind.SERVER_ERROR, prompt="owl"))
    job = {"quality": "low", "size": "1024x1024"}
    jobs = [{"prompt": "fox"} | job, {"prompt": "owl"} | job]
    batch = shell.file("batch.json", json.dumps({"jobs": jobs, "max_cost": 0.013}))
    await shell.run("gptimage", "run", batch)

    ended = await shell.run("gptimage", "run", batch, "--resume", "--retry-in-doubt")

    assert ended.code == 3
    assert "max_cost allows $0.013" in ended.err
    assert len(images.billed) == 2


async def test_retry_takes_the_last_run_or_the_one_named(
    shell: Shell, images: ImagesSimulator
) -> None:
    images.faults.append(Fault(FaultKind.MODERATED_INPUT, prompt="owl"))
    first = await shell.run("gptimage", "run", shell.batch("fox", "owl"))

    named = await shell.run("gptimage", "retry", first.report["run_id"][:6])
    last = await shell.run("gptimage", "retry")
    unknown = await shell.run("gptimage", "retry", "zzz")

    assert (named.code, last.code) == (0, 0)
    assert prompts(images) == {"fox": 1, "owl": 1}
    assert unknown.code == 2
    assert "no one run of the command line is zzz" in unknown.err


@pytest.mark.parametrize("form", ["json", "csv"])
async def test_history_is_for_people_and_programs(shell: Shell, form: str) -> None:
    ran = await shell.run("gptimage", "run", shell.batch("fox", "owl"))

    listed = await shell.run("gptimage", "history", "list")
    found = await shell.run("gptimage", "history", "search", "OWL", "--format", form)
    nothing = await shell.run("gptimage", "history", "search", "walrus")
    shown = await shell.run("gptimage", "history", "show", ran.report["run_id"])
    chart = await shell.run("gptimage", "history", "cost")

    rows = json.loads(found.out) if form == "json" else [*csv.DictReader(found.out.splitlines())]
    assert [(row["run_id"], str(row["received"])) for row in rows] == [(ran.report["run_id"], "2")]
    assert "2/2" in listed.out
    assert nothing.out == "No runs yet.\n"
    assert "- out/fox.png  fox" in shown.out
    assert "gpt-image-2.5-flare      2" in chart.out
    assert chart.out.rstrip().endswith("##########")


async def test_models_name_their_price_and_their_last_day(shell: Shell) -> None:
    for_people = await shell.run("gptimage", "models", "--format", "text")
    for_programs = await shell.run("gptimage", "models")

    assert "gpt-image-2.5-flare" in for_people.out
    assert "the default" in for_people.out
    assert "shut down on 2026-12-01" in for_people.out
    assert {model["model"]: model["shutdown"] for model in json.loads(for_programs.out)}[
        "gpt-image-1"
    ] == "2026-10-23"


async def test_a_base_url_in_a_file_of_this_folder_is_pointed_out(
    shell: Shell, images: ImagesSimulator
) -> None:
    shell.file(".env", f"OPENAI_BASE_URL={shell.env['OPENAI_BASE_URL']}\n")

    ended = await shell.run("gptimage", "run", shell.batch("fox"), env={"OPENAI_BASE_URL": None})

    assert ended.code == 0
    assert ".env sets OPENAI_BASE_URL: your key goes to http://127.0.0.1:" in ended.err
    assert len(images.billed) == 1
