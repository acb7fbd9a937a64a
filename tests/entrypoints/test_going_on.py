"""`--resume`, `retry` and `history`: a rerun pays for nothing twice."""

import json
import signal
from collections import Counter

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
    assert "In doubt: 1 of 2 images, up to $0." in resumed.err
    assert "  - owl.png ($0." in resumed.err
    assert "--retry-in-doubt" in resumed.err
    assert billed <= 1
    assert ordered.code == 0
    assert prompts(images)["fox"] == 1
    assert prompts(images)["owl"] == billed + 1
    assert shell.images() == ["fox.png", "owl.png"]
    assert ordered.report["in_doubt"] > 0, "the first call may have been billed, and stays said"
    bill = ordered.report["total_cost"] + ordered.report["in_doubt"]
    assert ordered.report["cost_upper_bound"] >= bill, "it rises with what is ordered again"


async def test_what_is_in_doubt_is_offered_again_when_its_second_call_was_refused(
    shell: Shell, images: ImagesSimulator
) -> None:
    images.faults.append(Fault(FaultKind.SERVER_ERROR, prompt="owl"))
    images.faults.append(Fault(FaultKind.MODERATED_INPUT, prompt="owl"))
    await shell.run("gptimage", "run", shell.batch("fox", "owl"))

    refused = await shell.run("gptimage", "retry", "--retry-in-doubt")
    unnamed = await shell.run("gptimage", "retry")
    ordered = await shell.run("gptimage", "retry", "--retry-in-doubt")

    for told in (refused, unnamed):
        assert "In doubt: 1 of 2 images, up to $0." in told.err
        assert "--retry-in-doubt" in told.err
        assert told.report["results"][1]["charge"] == "in_doubt"
        assert "; " in told.report["results"][1]["error"], "both calls are told"
        assert told.report["in_doubt"] > 0
    assert ordered.code == 0
    assert prompts(images) == {"fox": 1, "owl": 2}


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

    ended = await shell.run("gptimage", "run", shell.batch("owl"), "--resume")

    assert (ended.code, ended.err) == (0, f"{NEW_ONE}\n")
    assert prompts(images) == {"fox": 1, "owl": 1}


NEW_ONE = "There is no earlier run of exactly this batch: this is a new one"


async def test_a_run_that_is_complete_is_reported_again_and_called_no_more(
    shell: Shell, images: ImagesSimulator
) -> None:
    batch = shell.batch("fox", "owl")
    first = await shell.run("gptimage", "run", batch)

    again = await shell.run("gptimage", "run", batch, "--resume")
    retried = await shell.run("gptimage", "retry")

    complete = f"Run {first.report['run_id']} is complete: nothing is left to do\n"
    assert (again.code, again.err, again.report) == (0, complete, first.report)
    assert (retried.code, retried.err, retried.report) == (0, complete, first.report)
    assert prompts(images) == {"fox": 1, "owl": 1}


async def test_simulated_images_are_not_the_images_of_a_real_run(
    shell: Shell, images: ImagesSimulator
) -> None:
    batch = shell.batch("fox")
    tried = await shell.run("gptimage", "run", batch, "--simulate")

    retried = await shell.run("gptimage", "retry")
    ended = await shell.run("gptimage", "run", batch, "--resume")
    mixed = await shell.run("gptimage", "retry", "--simulate")

    assert retried.code == 2
    assert retried.complaint == [
        f"Error: run {tried.report['run_id']} was simulated: add --simulate"
    ]
    assert (ended.code, ended.err) == (0, f"{NEW_ONE}\n")
    assert prompts(images) == {"fox": 1}
    assert mixed.complaint == [
        f"Error: run {ended.report['run_id']} was not simulated: leave out --simulate"
    ]


async def test_a_run_that_timed_out_goes_on_with_its_working_time_anew(
    shell: Shell, images: ImagesSimulator
) -> None:
    images.settings = Settings(latency_ms=1200)
    batch = shell.batch("fox", "owl", "hen", max_concurrent=1, timeout=1000)
    first = await shell.run("gptimage", "run", batch)

    second = await shell.run("gptimage", "run", batch, "--resume")
    third = await shell.run("gptimage", "run", batch, "--resume", "--timeout", "60000")

    assert [first.report["succeeded"], second.report["succeeded"]] == [1, 2]
    assert (second.report["stopped"], third.report["stopped"]) == ("timeout", None)
    assert third.code == 0
    assert prompts(images) == {"fox": 1, "owl": 1, "hen": 1}


async def test_a_run_goes_on_within_the_limits_of_today(
    shell: Shell, images: ImagesSimulator
) -> None:
    names = ("fox", "owl", "hen")
    await shell.run(
        "gptimage", "run", shell.batch(*names, max_concurrent=1), env=kill("intent-committed:1")
    )
    images.settings = Settings(latency_ms=1000)

    wider = shell.batch(*names, max_concurrent=3, output_dir="elsewhere")
    too_dear = await shell.run("gptimage", "run", wider, "--resume", "--max-cost", "0.01")
    called = len(images.calls)
    ended = await shell.run("gptimage", "run", wider, "--resume", "--retry-in-doubt")

    assert (too_dear.code, called) == (3, 0)
    assert ended.code == 0
    assert shell.images("elsewhere") == ["fox.png", "hen.png", "owl.png"]
    owl, hen, *_ = (call.at for call in images.calls)
    assert abs((owl - hen).total_seconds()) < 1, "both at the same time"


def kill(point: str) -> dict[str, str | None]:
    return {"GPTIMAGE_KILL_POINT": point}


async def test_a_run_that_was_stopped_by_its_key_goes_on_with_a_better_one(
    shell: Shell, images: ImagesSimulator
) -> None:
    batch = shell.batch("fox", "owl", max_concurrent=1)
    refused = await shell.run("gptimage", "run", batch, env={"OPENAI_API_KEY": "sk-invalid"})

    ended = await shell.run("gptimage", "run", batch, "--resume")

    assert (refused.code, refused.report["stopped"]) == (1, "refused")
    assert [job["status"] for job in refused.report["results"]] == ["failed", "cancelled"]
    assert ended.code == 0
    assert prompts(images) == {"fox": 1, "owl": 1}


async def test_what_failed_before_a_kill_is_ordered_again_and_what_fails_then_is_not(
    shell: Shell, images: ImagesSimulator
) -> None:
    images.faults.append(Fault(FaultKind.MODERATED_INPUT, prompt="fox"))
    images.faults.append(Fault(FaultKind.MODERATED_INPUT, prompt="hen"))
    batch = shell.batch("fox", "owl", "hen", max_concurrent=1)
    await shell.run("gptimage", "run", batch, env=kill("request-sent:2"))

    ended = await shell.run("gptimage", "run", batch, "--resume")

    said = [(job["status"], job["charge"]) for job in ended.report["results"]]
    assert said == [("completed", "paid"), ("failed", "in_doubt"), ("failed", "not_charged")]
    called = [str(call.sent["prompt"]) for call in images.calls if call.sent]
    assert [prompt for prompt in called if prompt != "owl"] == ["fox", "hen", "fox"]


async def test_of_two_processes_one_drives_and_the_other_says_that_it_waits(
    shell: Shell, images: ImagesSimulator
) -> None:
    images.answering.clear()
    batch = shell.batch("fox", "owl", max_concurrent=1)
    async with shell.start("gptimage", "run", batch) as first:
        await until(lambda: images.calls)
        async with shell.start("gptimage", "run", batch, "--resume") as second:
            await second.hears("Another process holds run")
            images.answering.set()
            ended = await first.ended()
            waited = await second.ended()

    assert (ended.code, waited.code) == (0, 0)
    assert "is complete" in waited.err
    assert prompts(images) == {"fox": 1, "owl": 1}


async def test_who_waits_for_another_process_may_leave(
    shell: Shell, images: ImagesSimulator
) -> None:
    images.faults.append(Fault(FaultKind.HANG))
    batch = shell.batch("fox")
    async with shell.start("gptimage", "run", batch):
        await until(lambda: images.calls)
        async with shell.start("gptimage", "run", batch, "--resume") as second:
            await second.hears("Another process holds run")
            second.send(signal.SIGINT)
            left = await second.ended()

    assert left.code == 130
    assert left.report["results"][0]["charge"] == "in_doubt"
    assert len(images.calls) == 1


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


async def test_a_second_ctrl_c_leaves_a_ledger_that_knows_what_is_in_doubt(
    shell: Shell, images: ImagesSimulator
) -> None:
    images.faults.append(Fault(FaultKind.HANG, prompt="owl"))
    batch = shell.batch("fox", "owl", "hen", max_concurrent=1)
    async with shell.start("gptimage", "run", batch) as running:
        await until(lambda: len(images.calls) == 2 and (shell.home / "out" / "fox.png").exists())
        running.send(signal.SIGINT)
        await running.hears("leave now")
        running.send(signal.SIGINT)
        left = await running.ended()
    run_id = left.err.split()[-1]

    shown = await shell.run("gptimage", "history", "show", run_id, "--format", "json")
    retried = await shell.run("gptimage", "retry", run_id)
    resumed = await shell.run("gptimage", "run", batch, "--resume")

    assert (left.code, left.out) == (130, "")
    assert f"what is in doubt: gptimage history show {run_id}" in left.err
    assert shown.report["in_doubt"] > 0
    assert [job["charge"] for job in shown.report["results"]] == ["paid", "in_doubt", "not_charged"]
    for ended in (shown, retried, resumed):
        assert "In doubt: 1 of 3 images, up to $0." in ended.err
        assert "  - owl.png ($0." in ended.err
    assert (retried.code, resumed.code) == (1, 1)
    assert prompts(images) == {"fox": 1, "owl": 1, "hen": 1}
    assert shell.images() == ["fox.png", "hen.png"]
