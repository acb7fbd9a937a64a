"""What is written in the pictures, and `gptimage inspect`, which reads it back."""

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bot.adapters.pictures.metadata import Metadata, read
from bot.simulators.images import Fault, FaultKind, ImagesSimulator
from tests.entrypoints.conftest import Shell


def told(path: Path) -> Metadata:
    found = read(path)
    assert found is not None
    return found


async def inspected(shell: Shell, *files: str) -> list[dict[str, Any]]:
    ended = await shell.run("gptimage", "inspect", *files)
    rows: list[dict[str, Any]] = json.loads(ended.out)
    return rows


@pytest.mark.parametrize("name", ["fox.png", "fox.jpg", "fox.webp"])
async def test_a_picture_leads_back_to_its_run(shell: Shell, name: str) -> None:
    jobs = [{"prompt": "a fox", "quality": "low", "output_path": name}]
    batch = shell.file("batch.json", json.dumps({"jobs": jobs, "output_dir": "out"}))
    ran = await shell.run("gptimage", "run", batch)

    (row,) = await inspected(shell, f"out/{name}")
    history = await shell.run("gptimage", "history", "show", row["history_uuid"])

    assert row["history_uuid"] == ran.report["results"][0]["history_uuid"]
    assert f"- out/{name}  a fox" in history.out
    assert row["metadata"]["model"] == "gpt-image-2.5-flare"
    assert row["metadata"]["size"] == "1024x1024"
    assert "prompt" not in row["metadata"]
    with Image.open(shell.home / "out" / name) as image:
        image.load()


@pytest.mark.parametrize(
    ("env", "fields"),
    [
        ({"OPENAI_IMAGE_METADATA_LEVEL": "minimal"}, 2),
        ({"OPENAI_IMAGE_METADATA_LEVEL": "standard"}, 7),
        ({"OPENAI_IMAGE_METADATA_LEVEL": "full"}, 15),
        ({"OPENAI_IMAGE_EMBED_METADATA": "yes, please"}, 7),
        ({"OPENAI_IMAGE_EMBED_METADATA": "false"}, 0),
        ({"OPENAI_IMAGE_EMBED_METADATA": "0"}, 0),
    ],
)
async def test_how_much_is_told_is_a_setting(
    shell: Shell, env: dict[str, str], fields: int
) -> None:
    await shell.run("gptimage", "run", shell.batch("fox"), env=env)

    (row,) = await inspected(shell, "out/fox.png")

    assert len(row["metadata"] or ()) == fields


async def test_a_killed_run_writes_its_picture_once(shell: Shell) -> None:
    batch = shell.batch("fox")
    kill = {"GPTIMAGE_KILL_POINT": "files-published:1"}
    killed = await shell.run("gptimage", "run", batch, env=kill)
    written = shell.images()

    ended = await shell.run("gptimage", "run", batch, "--resume")

    assert (killed.code, written) == (-9, ["fox.png"])
    assert ended.code == 0
    assert shell.images() == ["fox.png"]


async def test_the_ending_is_that_of_what_the_server_sent(
    shell: Shell, images: ImagesSimulator
) -> None:
    images.faults.append(Fault(FaultKind.OTHER_FORMAT, prompt="fox"))

    ended = await shell.run("gptimage", "run", shell.batch("fox", "owl"))

    warning = "jobs[0]: png was asked for, jpg was sent: out/fox.jpg"
    fox, owl = ended.report["results"]
    assert ended.code == 0
    assert shell.images() == ["fox.jpg", "owl.png"]
    assert fox["output_path"] == "out/fox.jpg"
    assert fox["warnings"] == [warning]
    assert owl["warnings"] == []
    assert ended.report["warnings"] == [warning]
    assert told(shell.home / "out" / "fox.jpg").model == "gpt-image-2.5-flare"


# --- inspect ----------------------------------------------------------------------------------


async def test_people_read_it_line_by_line(shell: Shell) -> None:
    ran = await shell.run(
        "gptimage", "run", shell.batch("fox"), env={"OPENAI_IMAGE_METADATA_LEVEL": "full"}
    )

    ended = await shell.run("gptimage", "inspect", "out/fox.png", "--format", "text")

    first, *lines = ended.out.splitlines()
    values = dict(line.strip().split("  ", 1) for line in lines)
    assert (ended.code, first) == (0, "out/fox.png")
    assert values["prompt"].strip() == "fox"
    assert values["parameters.quality"].strip() == "low"
    assert values["more"].strip() == f"gptimage history show {ran.report['run_id']}"


async def test_a_picture_without_metadata_exits_with_1_and_no_picture_with_2(shell: Shell) -> None:
    Image.new("RGB", (8, 8)).save(shell.home / "bare.png")
    batch = shell.batch("fox")

    bare = await shell.run("gptimage", "inspect", "bare.png", "--format", "text")
    broken = await shell.run(
        "gptimage", "inspect", "bare.png", batch, "gone.png", "--format", "text"
    )
    nothing = await shell.run("gptimage", "inspect", "gone.png", "--format", "text")

    assert (bare.code, bare.out, bare.err) == (
        1,
        "bare.png: no metadata of gptimage or of the Node tool\n",
        "",
    )
    assert (broken.code, broken.out) == (2, bare.out)
    assert broken.err.splitlines() == [
        "Error: batch.json is neither a PNG, a JPEG nor a WebP picture",
        "Error: gone.png cannot be read (No such file or directory)",
    ]
    assert (nothing.code, nothing.out) == (2, "")


async def test_programs_are_told_the_fault_of_each_file(shell: Shell) -> None:
    ended = await shell.run("gptimage", "inspect", shell.batch("fox"), "gone.png")

    assert ended.code == 2
    assert [(row["file"], row["metadata"], row["error"]) for row in json.loads(ended.out)] == [
        ("batch.json", None, "batch.json is neither a PNG, a JPEG nor a WebP picture"),
        ("gone.png", None, "gone.png cannot be read (No such file or directory)"),
    ]


async def test_nothing_in_a_file_speaks_to_the_terminal(shell: Shell) -> None:
    path = shell.home / "odd.png"
    exif = Image.Exif()
    record = {"openai_gpt_image_uuid": "1", "params_hash": "2", "model": "\x1b[2J\nm"}
    exif[0x010E] = json.dumps(record)
    Image.new("RGB", (8, 8)).save(path, "JPEG", exif=exif)

    ended = await shell.run("gptimage", "inspect", "odd.png", "--format", "text")

    assert "\x1b" not in ended.out
    assert ended.out.splitlines()[-1].split() == ["model", "[2J", "m"]
