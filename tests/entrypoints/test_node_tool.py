"""`openai-gpt-image-batch`: the command lines of the Node tool work as they did."""

import json
import shlex
from pathlib import Path

import pytest

from bot.simulators.images import ImagesSimulator
from tests.entrypoints.conftest import Shell

EXAMPLES = Path(__file__).parents[2] / "examples"
NODE = "openai-gpt-image-batch"


async def test_the_node_tools_command_reports_as_text_unless_told_otherwise(shell: Shell) -> None:
    ended = await shell.run(NODE, shell.batch("fox"))

    assert ended.code == 0
    assert ended.out.startswith("✅ Batch image generation completed\n")
    assert shell.images() == ["fox.png"]


async def test_the_node_tools_options_do_what_they_did(
    shell: Shell, images: ImagesSimulator
) -> None:
    options = ("--output-dir", "there", "--format", "json", "--timeout", "60000")

    ended = await shell.run(NODE, shell.batch("fox"), *options, "--max-concurrent", "1")

    assert ended.code == 0
    assert ended.report["results"][0]["output_path"] == "there/fox.png"
    assert len(images.calls) == 1


async def test_the_node_tools_estimate_makes_no_call(shell: Shell, images: ImagesSimulator) -> None:
    ended = await shell.run(
        NODE,
        shell.batch("fox"),
        "--estimate-only",
        "--format",
        "json",
        env={"OPENAI_API_KEY": None},
    )

    assert (ended.code, ended.report["images"], images.calls) == (0, 1, [])


@pytest.mark.parametrize("flag", ["--help", "-h"])
async def test_the_node_tools_help_names_its_options(shell: Shell, flag: str) -> None:
    ended = await shell.run(NODE, flag)

    assert ended.code == 0
    for option in ("--output-dir", "--format", "--timeout", "--max-concurrent", "--estimate-only"):
        assert option in ended.out


@pytest.mark.parametrize("command", [(NODE, "--version"), (NODE, "-v"), ("gptimage", "--version")])
async def test_the_version_is_said(shell: Shell, command: tuple[str, str]) -> None:
    ended = await shell.run(*command)

    assert (ended.code, ended.out) == (0, "gptimage 0.1.0\n")


# --- its documented command lines -------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        "",
        "--output-dir ./output",
        "--format json",
        "--format text",
        "--timeout 300000",
        "--max-concurrent 3",
        "--estimate-only",
        "--allow-any-path",
        "--output-dir {home}/any/where --allow-any-path",
        "--output-dir ./output --format json --timeout 900000 --max-concurrent 5",
        "--estimate-only --format json",
    ],
)
async def test_every_documented_command_line_works(shell: Shell, options: str) -> None:
    batch = shell.batch("fox", "owl")

    ended = await shell.run(NODE, batch, *shlex.split(options.format(home=shell.home)))

    assert (ended.code, ended.err) == (0, "")
    if "json" in options:
        assert ended.report
    else:
        assert not ended.out.startswith("{")


async def test_options_may_come_before_the_file(shell: Shell) -> None:
    ended = await shell.run(NODE, "--format", "json", "--output-dir=there", shell.batch("fox"))

    assert ended.report["results"][0]["output_path"] == "there/fox.png"


@pytest.mark.parametrize("name", sorted(path.name for path in EXAMPLES.glob("batch-*.json")))
async def test_every_example_runs(shell: Shell, name: str) -> None:
    (shell.home / "examples").symlink_to(EXAMPLES)  # they name pictures from the folder above
    options = ("--format", "json", "--output-dir", "out")

    ended = await shell.run(NODE, f"examples/{name}", *options)

    assert (ended.code, ended.err) == (0, "")
    assert len(shell.images()) == sum(job["received"] for job in ended.report["results"])


async def test_without_a_file_it_says_how_it_is_called(shell: Shell) -> None:
    ended = await shell.run(NODE)

    (line,) = ended.complaint
    assert ended.code == 2
    assert "Missing argument" in line
    assert f"usage: {NODE} [OPTIONS]" in line


# --- its environment --------------------------------------------------------------------------


def anywhere(shell: Shell) -> str:
    """A batch that names no folder."""
    job = {"prompt": "fox", "quality": "low", "output_path": "fox.png"}
    return shell.file("batch.json", json.dumps({"jobs": [job]}))


@pytest.mark.parametrize(
    ("environment", "folder"),
    [({}, "Downloads/openai-images"), ({"OPENAI_IMAGE_OUTPUT_DIR": "~/Pictures"}, "Pictures")],
)
async def test_a_batch_without_a_folder_goes_where_it_always_went(
    shell: Shell, environment: dict[str, str], folder: str
) -> None:
    ended = await shell.run(NODE, anywhere(shell), env=environment)

    assert ended.code == 0
    assert shell.images(folder) == ["fox.png"]


async def test_the_new_command_stays_in_the_working_directory(shell: Shell) -> None:
    ended = await shell.run("gptimage", "run", anywhere(shell))

    assert ended.report["results"][0]["output_path"] == "fox.png"


@pytest.mark.parametrize("word", ["1", "true", "yes", "0", "app:*"])
async def test_any_word_may_switch_debug_on(shell: Shell, word: str) -> None:
    ended = await shell.run(NODE, shell.batch("fox"), env={"DEBUG": word})

    assert (ended.code, ended.err) == (0, "")


async def test_what_is_not_needed_any_more_disturbs_nobody(shell: Shell) -> None:
    shell.file(".env", "OPENAI_IMAGE_ALLOW_ANY_PATH=true\n")

    ended = await shell.run(
        NODE, shell.batch("fox"), env={"OPENAI_IMAGE_ALLOW_ANY_PATH": "perhaps"}
    )

    assert (ended.code, ended.err) == (0, "")
