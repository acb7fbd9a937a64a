"""`gptimage run`: images in a folder, the report on stdout, everything else on stderr."""

import re
import signal
from pathlib import Path

import pytest

from bot.simulators.images import Fault, FaultKind, ImagesSimulator, Settings
from tests.entrypoints.conftest import Shell, until


async def test_the_images_are_written_and_stdout_is_the_report_alone(shell: Shell) -> None:
    ended = await shell.run("gptimage", "run", shell.batch("fox", "owl"))

    assert (ended.code, ended.err) == (0, "")
    assert shell.images() == ["fox.png", "owl.png"]
    assert (shell.home / "out" / "fox.png").read_bytes().startswith(b"\x89PNG")
    assert [ended.report[name] for name in ("total", "succeeded", "failed", "cancelled")] == [
        2,
        2,
        0,
        0,
    ]
    assert [job["output_path"] for job in ended.report["results"]] == ["out/fox.png", "out/owl.png"]
    assert ended.report["total_cost"] > 0


async def test_the_text_form_is_for_people(shell: Shell) -> None:
    ended = await shell.run("gptimage", "run", shell.batch("fox"), "--format", "text")

    assert ended.code == 0
    assert ended.out.startswith("✅ Batch image generation completed\n")
    assert "- out/fox.png  fox" in ended.out


async def test_flags_outrank_the_file(shell: Shell, images: ImagesSimulator) -> None:
    batch = shell.batch("fox")

    await shell.run("gptimage", "run", batch, "--output-dir", "else/where", "--size", "1536x1024")

    assert shell.images("else/where") == ["fox.png"]
    assert images.calls[0].sent["size"] == "1536x1024"


async def test_the_batch_may_come_from_stdin(shell: Shell) -> None:
    batch = (shell.home / shell.batch("fox")).read_text()

    ended = await shell.run("gptimage", "run", "-", stdin=batch)

    assert ended.code == 0
    assert shell.images() == ["fox.png"]


async def test_a_tilde_is_the_home_folder(shell: Shell) -> None:
    ended = await shell.run("gptimage", "run", shell.batch("fox", output_dir="~/Pictures/new"))

    assert ended.code == 0
    assert shell.images("Pictures/new") == ["fox.png"]


async def test_files_that_are_there_are_never_overwritten(shell: Shell) -> None:
    (shell.home / "out").mkdir()
    shell.file("out/fox.png", "somebody's work")

    ended = await shell.run("gptimage", "run", shell.batch("fox"))

    assert (shell.home / "out" / "fox.png").read_text() == "somebody's work"
    assert shell.images() == ["fox.png", "fox_1.png"]
    assert ended.report["results"][0]["output_path"] == "out/fox_1.png"


async def test_a_simulated_run_needs_no_key(shell: Shell, images: ImagesSimulator) -> None:
    ended = await shell.run(
        "gptimage", "run", shell.batch("fox"), "--simulate", env={"OPENAI_API_KEY": None}
    )

    assert ended.code == 0
    assert shell.images() == ["fox.png"]
    assert images.calls == []


async def test_a_batch_of_which_something_failed_exits_with_1(shell: Shell) -> None:
    ended = await shell.run("gptimage", "run", shell.batch("fox", "Miyazaki"), "--format", "text")

    assert ended.code == 1
    assert shell.images() == ["fox.png"]
    assert ended.out.endswith("Some jobs failed\n")


async def test_a_call_that_may_be_billed_is_told_with_its_amount(
    shell: Shell, images: ImagesSimulator
) -> None:
    images.faults.append(Fault(FaultKind.SERVER_ERROR))

    ended = await shell.run("gptimage", "run", shell.batch("fox"))

    assert ended.code == 1
    assert len(images.calls) == 1
    assert ended.report["in_doubt"] > 0
    assert ended.report["results"][0]["charge"] == "in_doubt"


# --- the end before its time ------------------------------------------------------------------


async def test_the_timeout_of_a_batch_starts_nothing_more(
    shell: Shell, images: ImagesSimulator
) -> None:
    images.settings = Settings(latency_ms=1200)
    batch = shell.batch("fox", "owl", max_concurrent=1, timeout=1000)

    ended = await shell.run("gptimage", "run", batch)

    assert ended.code == 1
    assert ended.err == "Timeout reached. Cancelling remaining jobs...\n"
    assert [job["status"] for job in ended.report["results"]] == ["completed", "cancelled"]
    assert ended.report["results"][1]["error"] == "Timeout"


@pytest.mark.parametrize("name", [signal.SIGINT, signal.SIGTERM])
async def test_calls_under_way_are_awaited_when_somebody_stops_the_run(
    shell: Shell, images: ImagesSimulator, name: signal.Signals
) -> None:
    images.settings = Settings(latency_ms=1500)
    batch = shell.batch("fox", "owl", "hare", max_concurrent=1)

    async with shell.start("gptimage", "run", batch) as running:
        await until(lambda: images.billed)
        running.send(name)
        await running.hears("calls under way are awaited")
        ended = await running.ended()

    assert ended.code == 130
    assert [call.outcome for call in images.calls] == ["answered"]
    assert shell.images() == ["fox.png"]
    assert [job["status"] for job in ended.report["results"]] == [
        "completed",
        "cancelled",
        "cancelled",
    ]


async def test_a_second_wish_to_stop_leaves_at_once(shell: Shell, images: ImagesSimulator) -> None:
    images.faults.append(Fault(FaultKind.HANG))

    async with shell.start("gptimage", "run", shell.batch("fox")) as running:
        await until(lambda: images.calls)
        running.send(signal.SIGINT)
        await running.hears("leave now")
        running.send(signal.SIGINT)
        ended = await running.ended()

    assert ended.code == 130
    assert "Traceback" not in ended.err


async def test_an_interrupt_before_the_first_call_is_no_stack_trace(shell: Shell) -> None:
    async with shell.start("gptimage", "run", "-") as running:
        assert running.process.stdin is not None
        running.process.stdin.write(b"{")
        await reading(running.process.pid)
        running.send(signal.SIGINT)
        ended = await running.ended()

    assert ended.code == 130
    assert "Traceback" not in ended.err


async def reading(pid: int) -> None:
    """Wait until the process sleeps in a read, which is where it waits for the batch."""
    calls = Path(f"/proc/{pid}/syscall")
    await until(lambda: calls.read_text().split()[:2] == ["0", "0x0"])


# --- refused before any call ------------------------------------------------------------------


async def test_a_missing_key_is_said_in_the_words_of_the_node_tool(shell: Shell) -> None:
    ended = await shell.run("gptimage", "run", shell.batch("fox"), env={"OPENAI_API_KEY": None})

    assert ended.code == 2
    assert ended.complaint == ["Error: OPENAI_API_KEY environment variable is required"]


async def test_a_batch_without_jobs_is_said_in_the_words_of_the_node_tool(shell: Shell) -> None:
    ended = await shell.run("gptimage", "run", shell.file("batch.json", '{"jobs": 1}'))

    assert ended.code == 2
    assert ended.complaint == ["Configuration Error: jobs must be an array"]


async def test_every_fault_of_a_batch_is_named_at_once(
    shell: Shell, images: ImagesSimulator
) -> None:
    batch = shell.file("batch.json", '{"jobs": [{"promt": "a fox"}, {"prompt": "", "size": "x"}]}')

    ended = await shell.run("gptimage", "run", batch)

    assert ended.code == 2
    assert ended.complaint[0] == "Configuration Error: 4 problems"
    assert images.calls == []


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("missing.json", "Error: missing.json: cannot be read (No such file or directory)"),
        ("folder", "Error: folder: cannot be read (Is a directory)"),
        ("latin.json", "Error: latin.json: not UTF-8 text (byte 22)"),
    ],
)
async def test_a_file_that_cannot_be_read_is_named(shell: Shell, name: str, said: str) -> None:
    (shell.home / "folder").mkdir()
    (shell.home / "latin.json").write_bytes('{"jobs": [{"prompt": "é"}]}'.encode("latin-1"))

    ended = await shell.run("gptimage", "run", name)

    assert ended.code == 2
    assert ended.complaint == [said]


async def test_a_cap_is_kept_before_the_first_call(shell: Shell, images: ImagesSimulator) -> None:
    ended = await shell.run("gptimage", "run", shell.batch("fox"), "--max-cost", "0.001")

    assert ended.code == 3
    assert "max_cost allows $0.001" in ended.complaint[0]
    assert images.calls == []


async def test_a_cap_that_is_no_number_is_named(shell: Shell) -> None:
    ended = await shell.run("gptimage", "run", shell.batch("fox"), "--max-cost", "much")

    assert ended.code == 2
    assert ended.complaint == ["Error: --max-cost: 'much' is not a number of dollars"]


async def test_a_path_through_a_symbolic_link_is_refused_before_any_call(
    shell: Shell, images: ImagesSimulator
) -> None:
    (shell.home / "out").mkdir()
    (shell.home / "elsewhere").mkdir()
    (shell.home / "out" / "link").symlink_to(shell.home / "elsewhere")

    ended = await shell.run("gptimage", "run", shell.batch("link/fox"))

    assert ended.code == 2
    assert "it goes through a symbolic link" in ended.complaint[0]
    assert images.calls == []


@pytest.mark.parametrize("folder", ["taken/out", "/proc/gptimage"])
async def test_a_folder_that_cannot_be_written_is_refused_before_any_call(
    shell: Shell, images: ImagesSimulator, folder: str
) -> None:
    shell.file("taken", "a file is no folder")

    ended = await shell.run("gptimage", "run", shell.batch("fox", output_dir=folder))

    assert ended.code == 2
    assert f"output_dir: {folder}" in ended.complaint[0]
    assert images.calls == []


async def test_a_folder_that_is_a_file_is_refused_before_any_call(
    shell: Shell, images: ImagesSimulator
) -> None:
    (shell.home / "out").mkdir()
    shell.file("out/taken", "a file is no folder")

    ended = await shell.run("gptimage", "run", shell.batch("taken/fox"))

    assert ended.code == 2
    assert ended.complaint == ["Error: output_dir: out/taken cannot be written (Not a directory)"]
    assert images.calls == []


async def test_a_folder_that_goes_away_in_the_run_costs_no_image_and_no_stack_trace(
    shell: Shell, images: ImagesSimulator
) -> None:
    images.settings = Settings(latency_ms=1000)

    async with shell.start("gptimage", "run", shell.batch("fox")) as running:
        await until(lambda: images.billed)
        shell.file("out", "a file is no folder")
        ended = await running.ended()

    assert ended.code == 1
    (line,) = ended.complaint
    kept = re.search(r"what had arrived is kept in (\S+)", line)
    assert kept
    assert shell.images(kept[1]) != []


@pytest.mark.parametrize("folder", ["taken/data", "/proc/gptimage"])
async def test_a_data_folder_that_cannot_be_written_is_refused_before_any_call(
    shell: Shell, images: ImagesSimulator, folder: str
) -> None:
    shell.file("taken", "a file is no folder")

    ended = await shell.run(
        "gptimage", "run", shell.batch("fox"), env={"GPTIMAGE_DATA_DIR": folder}
    )

    assert ended.code == 2
    assert ended.complaint[0].startswith("Error: GPTIMAGE_DATA_DIR")
    assert images.calls == []


async def test_a_wrong_setting_is_named(shell: Shell) -> None:
    ended = await shell.run(
        "gptimage",
        "run",
        shell.batch("fox"),
        env={"OPENAI_BATCH_MAX_CONCURRENT": "many", "GPTIMAGE_PORT": "door"},
    )

    assert ended.code == 2
    assert "OPENAI_BATCH_MAX_CONCURRENT: " in "\n".join(ended.complaint)
    assert "GPTIMAGE_PORT: " in "\n".join(ended.complaint)


async def test_a_kill_point_that_does_not_exist_is_named(shell: Shell) -> None:
    ended = await shell.run(
        "gptimage", "run", shell.batch("fox"), env={"GPTIMAGE_KILL_POINT": "nonsense:x"}
    )

    assert ended.code == 2
    assert ended.complaint[0].startswith("Error: GPTIMAGE_KILL_POINT: 'nonsense:x' is not one of")


# --- the other commands -----------------------------------------------------------------------


async def test_an_estimate_needs_no_key_and_no_call(shell: Shell, images: ImagesSimulator) -> None:
    ended = await shell.run(
        "gptimage", "estimate", shell.batch("fox"), env={"OPENAI_API_KEY": None}
    )

    assert ended.code == 0
    assert ended.report["images"] == 1
    cost = ended.report["cost"]
    assert 0 < cost["low"] <= cost["expected"] <= cost["high"]
    assert images.calls == []


async def test_validate_says_what_is_in_the_file(shell: Shell) -> None:
    ended = await shell.run("gptimage", "validate", shell.batch("fox", "owl"))

    assert (ended.code, ended.out) == (0, "batch.json: 2 jobs, 2 images, no errors\n")


async def test_validate_finds_what_is_wrong(shell: Shell) -> None:
    ended = await shell.run("gptimage", "validate", shell.file("batch.json", '{"jobs": 1}'))

    assert (ended.code, ended.complaint) == (2, ["Configuration Error: jobs must be an array"])


async def test_the_schema_is_json_for_an_editor(shell: Shell) -> None:
    ended = await shell.run("gptimage", "schema")

    assert ended.code == 0
    assert "jobs" in ended.report["properties"]


async def test_the_repositorys_file_has_a_schema_too(shell: Shell) -> None:
    ended = await shell.run("gptimage", "schema", "--repository")

    assert ended.code == 0
    assert "max_cost_per_run" in ended.report["properties"]


async def test_no_command_shows_the_commands(shell: Shell) -> None:
    ended = await shell.run("gptimage")

    assert "run" in ended.out + ended.err
    assert "sandbox" in ended.out + ended.err
