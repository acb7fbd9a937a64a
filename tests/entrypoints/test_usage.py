"""What a command says when it is called wrongly, cannot be heard, or is stopped."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence

import pytest

from bot.entrypoints.settings import Settings
from bot.simulators.images import ImagesSimulator
from tests.entrypoints.conftest import COMMANDS, Shell, until

GPTIMAGE = "gptimage"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["rnu"], "Error: No such command 'rnu'. Did you mean 'run'? (usage: gptimage"),
        (["history", "shwo"], "Did you mean 'show'? (usage: gptimage history"),
        (["run", "--quaity", "low"], "No such option: --quaity (Possible options: --quality)"),
        (["run"], "Error: Missing argument 'BATCH.json' (usage: gptimage run"),
        (["run", "a.json", "b.json"], "unexpected extra argument"),
        (["run", "a.json", "--max-concurrent", "many"], "Invalid value for '--max-concurrent'"),
        (["run", "a.json", "--format", "yaml"], "'yaml' is not one of 'text', 'json'"),
        (["estimate", "a.json", "--format", "yaml"], "'yaml' is not one of 'text', 'json'"),
        (["history", "--limit", "0"], "Invalid value for '--limit'"),
        (["history", "show"], "Missing argument 'RUN'"),
    ],
)
async def test_a_slip_is_told_in_one_line(
    shell: Shell, arguments: Sequence[str], said: str
) -> None:
    ended = await shell.run(GPTIMAGE, *arguments)

    assert ended.code == 2
    (line,) = ended.complaint
    assert line.startswith("Error: ")
    assert said in line
    assert "--help" in line


async def test_without_a_command_the_help_is_shown_as_an_answer_to_a_slip(shell: Shell) -> None:
    ended = await shell.run(GPTIMAGE)

    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("Usage: gptimage")
    assert "history" in ended.err


async def test_a_person_who_does_not_exist_has_no_home(
    shell: Shell, images: ImagesSimulator
) -> None:
    ended = await shell.run(GPTIMAGE, "run", shell.batch("fox"), "--output-dir", "~nobody-here/x")

    assert ended.code == 2
    assert ended.complaint == ["Error: output_dir: ~nobody-here/x: there is no such person here"]
    assert images.calls == []


# --- answers ----------------------------------------------------------------------------------


async def test_validate_tells_programs_every_problem(shell: Shell) -> None:
    right = await shell.run(GPTIMAGE, "validate", shell.batch("fox"), "--format", "json")
    batch = shell.file("batch.json", '{"jobs": [{"promt": "a fox"}]}')
    wrong = await shell.run(GPTIMAGE, "validate", batch, "--format", "json")

    assert (right.code, right.report["valid"], right.report["images"]) == (0, True, 1)
    assert (wrong.code, wrong.report["valid"], wrong.err) == (2, False, "")
    assert [problem["path"] for problem in wrong.report["problems"]] == [
        "jobs[0].prompt",
        "jobs[0].promt",
    ]


@pytest.mark.parametrize("command", ["run", "estimate", "validate"])
async def test_every_command_reads_a_batch_from_stdin(shell: Shell, command: str) -> None:
    batch = (shell.home / shell.batch("fox")).read_text()

    ended = await shell.run(GPTIMAGE, command, "-", "--format", "json", stdin=batch)

    assert (ended.code, ended.err) == (0, "")
    assert ended.report


@pytest.mark.parametrize("command", ["history", "models"])
async def test_lists_are_for_programs_too(shell: Shell, command: str) -> None:
    await shell.run(GPTIMAGE, "run", shell.batch("fox"))

    ended = await shell.run(GPTIMAGE, command, "--format", "json")

    assert json.loads(ended.out)


async def test_a_narrow_encoding_does_not_lose_the_report(shell: Shell) -> None:
    ended = await shell.run(
        GPTIMAGE, "run", shell.batch("fox"), "--format", "text", env={"PYTHONIOENCODING": "ascii"}
    )

    assert ended.code == 0
    assert "Batch image generation completed" in ended.out


# --- nobody hears -----------------------------------------------------------------------------


def in_a_shell(shell: Shell, line: str) -> subprocess.CompletedProcess[str]:
    """A whole line of a shell, with its pipes; `gptimage` is ours."""
    path = f"{COMMANDS}:{shell.env['PATH']}"
    return subprocess.run(
        ["bash", "-c", line],
        cwd=shell.home,
        env={**shell.env, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("command", ["schema", "models", "history", "history export"])
async def test_a_reader_who_leaves_early_is_no_fault(shell: Shell, command: str) -> None:
    line = f"gptimage {command} | true; echo ${{PIPESTATUS[1]}}"

    ended = await asyncio.to_thread(in_a_shell, shell, line)

    assert (ended.stdout, ended.stderr) == ("0\n", "")


async def test_a_closed_stdout_is_named_before_anything_is_paid(
    shell: Shell, images: ImagesSimulator
) -> None:
    line = f"gptimage run {shell.batch('fox')} >&-; echo $? >&2"

    ended = await asyncio.to_thread(in_a_shell, shell, line)

    assert ended.stderr.splitlines() == [
        "Error: stdout is closed, so nobody would read the answer: leave it open",
        "2",
    ]
    assert images.calls == []


async def test_a_full_disk_under_stdout_is_named(shell: Shell) -> None:
    ended = await asyncio.to_thread(in_a_shell, shell, "gptimage models > /dev/full; echo $? >&2")

    assert ended.stderr.splitlines() == [
        "Error: stdout cannot be written (No space left on device)",
        "1",
    ]


# --- Ctrl-C -----------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["estimate", "validate"])
async def test_an_interrupt_while_reading_is_no_stack_trace(shell: Shell, command: str) -> None:
    async with shell.start(GPTIMAGE, command, "-") as running:
        await until(lambda: waits_for_input(running.process.pid))
        running.send(signal.SIGINT)
        ended = await running.ended()

    assert (ended.code, ended.err) == (130, "")


def waits_for_input(pid: int) -> bool:
    """Whether the process sleeps in a read of its stdin."""
    with open(f"/proc/{pid}/syscall", encoding="ascii") as calls:  # noqa: PTH123
        return calls.read().split()[:2] == ["0", "0x0"]


# --- .env -------------------------------------------------------------------------------------

RUN_BATCH = """
from bot import run_batch_sync
print(run_batch_sync({"jobs": [{"prompt": "fox", "quality": "low"}]}, output_dir="out").succeeded)
"""


@pytest.mark.parametrize("command", ["run", "retry", "seed", "python"])
async def test_whoever_spends_hears_that_a_file_of_this_folder_says_where_the_key_goes(
    shell: Shell, command: str
) -> None:
    batch = shell.batch("fox")
    await shell.run(GPTIMAGE, "run", batch)
    shell.file(".env", f"OPENAI_BASE_URL={shell.env['OPENAI_BASE_URL']}\n")
    lines = {
        "run": [GPTIMAGE, "run", batch],
        "retry": [GPTIMAGE, "retry"],
        "seed": ["openai-gpt-image-batch", batch],
        "python": [sys.executable, shell.file("program.py", RUN_BATCH)],
    }

    ended = await shell.run(*lines[command], env={"OPENAI_BASE_URL": None})

    assert ended.code == 0
    assert ".env sets OPENAI_BASE_URL: your key goes to http://127.0.0.1:" in ended.err


@pytest.mark.parametrize("line", ["openai_base_url={}", "export OPENAI_BASE_URL='{}'"])
async def test_no_spelling_hides_where_the_key_goes(shell: Shell, line: str) -> None:
    shell.file(".env", line.format(shell.env["OPENAI_BASE_URL"]))

    ended = await shell.run(GPTIMAGE, "run", shell.batch("fox"), env={"OPENAI_BASE_URL": ""})

    assert ended.code == 0
    assert ".env sets OPENAI_BASE_URL: your key goes to http://127.0.0.1:" in ended.err


async def test_a_settings_file_that_is_no_text_is_named(shell: Shell) -> None:
    (shell.home / ".env").write_bytes("GPTIMAGE_MODEL=café\n".encode("latin-1"))

    ended = await shell.run(GPTIMAGE, "estimate", shell.batch("fox"))

    assert (ended.code, ended.complaint) == (2, ["Error: .env: not UTF-8 text (byte 18)"])


async def test_a_folder_of_that_name_is_somebody_elses(shell: Shell) -> None:
    (shell.home / ".env").mkdir()

    ended = await shell.run(GPTIMAGE, "run", shell.batch("fox"))

    assert (ended.code, ended.err) == (0, "")


async def test_a_line_that_is_no_setting_is_left_out_with_a_word(shell: Shell) -> None:
    shell.file(".env", "this is no setting\nGPTIMAGE_IMAGES_PER_MINUTE=1000\n")

    ended = await shell.run(GPTIMAGE, "run", shell.batch("fox"))

    assert ended.code == 0
    assert ended.err == "Warning: .env: line 1 is not NAME=VALUE and is left out\n"


def test_the_switch_knows_no_from_yes() -> None:
    words = {"1": True, "yes": True, "verbose": True, "0": False, "No": False, "off": False}

    assert {word: Settings(debug=word).debug for word in words} == words


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is closed to root")
async def test_a_settings_file_that_cannot_be_read_is_named(shell: Shell) -> None:
    (shell.home / shell.file(".env", "DEBUG=1\n")).chmod(0)

    ended = await shell.run(GPTIMAGE, "estimate", shell.batch("fox"))

    assert (ended.code, ended.complaint) == (2, ["Error: .env: cannot be read (Permission denied)"])


# --- completion -------------------------------------------------------------------------------


async def completed(shell: Shell, line: str) -> list[str]:
    """What bash would be offered for the last word of the line."""
    words = line.split(" ")
    env = {
        "_GPTIMAGE_COMPLETE": "complete_bash",
        "COMP_WORDS": "\n".join(words),
        "COMP_CWORD": str(len(words) - 1),
    }
    ended = await shell.run(GPTIMAGE, env=env)
    assert (ended.code, ended.err) == (0, "")
    return ended.out.split()


@pytest.mark.parametrize("command", ["retry", "history show"])
async def test_a_shell_completes_the_ids_of_runs(shell: Shell, command: str) -> None:
    assert await completed(shell, f"gptimage {command} ") == []
    first = (await shell.run(GPTIMAGE, "run", shell.batch("fox"), "--simulate")).report["run_id"]

    assert await completed(shell, f"gptimage {command} ") == [first]
    assert await completed(shell, f"gptimage {command} {first[:3]}") == [first]
    assert await completed(shell, f"gptimage {command} zzz") == []


async def test_a_shell_completes_commands_and_options_and_leaves_files_to_itself(
    shell: Shell,
) -> None:
    shell.batch("fox")

    assert await completed(shell, "gptimage his") == ["history"]
    assert await completed(shell, "gptimage run --qual") == ["--quality"]
    assert await completed(shell, "gptimage run ba") == []


async def test_a_ledger_that_cannot_be_read_completes_nothing(shell: Shell) -> None:
    shell.file("taken", "a file is no folder")
    shell.env["GPTIMAGE_DATA_DIR"] = "taken/data"

    assert await completed(shell, "gptimage retry ") == []


async def test_the_script_for_a_shell_is_shown(shell: Shell) -> None:
    ended = await asyncio.to_thread(in_a_shell, shell, "gptimage --show-completion; echo $?")

    assert "complete -o default -F _gptimage_completion gptimage" in ended.stdout
    assert ended.stdout.endswith("0\n")


async def test_the_script_is_installed_in_the_home_of_the_person(shell: Shell) -> None:
    line = "gptimage --install-completion && grep -rl _gptimage_completion $HOME"

    ended = await asyncio.to_thread(in_a_shell, shell, line)

    assert (ended.returncode, ended.stderr) == (0, "")
    assert "bash completion installed in" in ended.stdout
