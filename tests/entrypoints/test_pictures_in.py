"""Reference images and masks: looked at before any call, and the same from every folder."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from PIL import Image

from bot.simulators.images import Fault, FaultKind, ImagesSimulator
from tests.entrypoints.conftest import Shell

BLOCKED = Fault(FaultKind.MODERATED_INPUT)
PICTURE = "reference_image_path"


def draw(shell: Shell, name: str, size: tuple[int, int] = (64, 48), mode: str = "RGB") -> Path:
    path = shell.home / name
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, 0).save(path, "PNG")
    return path


def edit(shell: Shell, *references: str, **more: object) -> str:
    job = {"prompt": "a hat", "quality": "low", PICTURE: list(references), "output_path": "hat"}
    return shell.file("batch.json", json.dumps({"jobs": [job | more], "output_dir": "out"}))


COMMANDS = [("validate",), ("estimate",), ("run",), ("run", "--resume")]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
async def test_all_that_is_wrong_with_the_pictures_is_said_before_any_call(
    shell: Shell, images: ImagesSimulator, command: Sequence[str]
) -> None:
    draw(shell, "fox.png")
    draw(shell, "mask.png", size=(32, 32))
    shell.file("words.png", "no picture at all")
    batch = edit(shell, "fox.png", "words.png", "gone.png", mask_image_path="mask.png")

    ended = await shell.run("gptimage", command[0], batch, *command[1:])

    assert ended.code == 2
    first, *problems = ended.complaint
    assert first == "Configuration Error: 4 problems"
    assert [line.split(":")[0] for line in problems] == [
        f"  - jobs[0].{PICTURE}[1]",
        f"  - jobs[0].{PICTURE}[2]",
        "  - jobs[0].mask_image_path",
        "  - jobs[0].mask_image_path",
    ]
    assert '"words.png" is neither a PNG, a JPEG nor a WebP picture' in problems[0]
    assert '"gone.png" does not exist' in problems[1]
    assert '"mask.png" must be a PNG with an alpha channel' in problems[2]
    assert '"mask.png" is 32x32, but the first image is 64x48' in problems[3]
    assert images.calls == []
    assert not (shell.home / "data").exists(), "nothing is owed, so the ledger is not opened"


async def test_a_program_is_told_the_same(shell: Shell, images: ImagesSimulator) -> None:
    program = (
        "from bot import run_batch_sync\n"
        "from bot.core.errors import BatchError\n"
        "try:\n"
        f"    run_batch_sync({{'jobs': [{{'prompt': 'a hat', '{PICTURE}': 'gone.png'}}]}})\n"
        "except BatchError as error:\n"
        "    print(*error.problems)\n"
    )

    ended = await shell.run(sys.executable, shell.file("program.py", program))

    assert ended.out.startswith(f'jobs[0].{PICTURE}[0]: "gone.png" does not exist (looked for ')
    assert images.calls == []


@pytest.mark.parametrize("operation", ["edit", "transform"])
async def test_sixteen_pictures_are_sent(
    shell: Shell, images: ImagesSimulator, operation: str
) -> None:
    names = [f"{number}.png" for number in range(16)]
    for name in names:
        draw(shell, name)

    ended = await shell.run("gptimage", "run", edit(shell, *names, operation=operation))

    assert ended.code == 0
    (call,) = images.calls
    assert call.endpoint == "edits"
    assert call.order is not None
    assert call.order.references == ((64, 48),) * 16


async def test_a_seventeenth_picture_is_refused(shell: Shell, images: ImagesSimulator) -> None:
    names = [f"{number}.png" for number in range(17)]

    ended = await shell.run("gptimage", "run", edit(shell, *names))

    assert ended.code == 2
    assert "16" in ended.complaint[0]
    assert images.calls == []


async def test_the_sizes_of_the_pictures_make_the_estimate_exact(shell: Shell) -> None:
    draw(shell, "small.png", size=(256, 256))
    draw(shell, "large.png", size=(1536, 1024))

    small = await shell.run("gptimage", "estimate", edit(shell, "small.png"))
    large = await shell.run("gptimage", "estimate", edit(shell, "large.png"))

    tokens = [e.report["jobs"][0]["input_tokens"]["image"]["expected"] for e in (small, large)]
    assert tokens[0] < tokens[1] == 1536
    assert small.report["cost"]["high"] == large.report["cost"]["high"], "a bound is a bound"


async def test_a_heavy_mask_is_a_warning(shell: Shell, images: ImagesSimulator) -> None:
    size = (1500, 1000)
    draw(shell, "fox.png", size)
    mask = shell.home / "mask.png"
    Image.effect_noise(size, 90).convert("RGBA").save(mask, compress_level=0)

    ended = await shell.run("gptimage", "run", edit(shell, "fox.png", mask_image_path="mask.png"))

    warning = "jobs[0].mask_image_path: a mask of 5.7 MB may be refused; keep it below 4 MB"
    assert ended.code == 0
    assert f"Warning: {warning}" in ended.err
    assert warning in ended.report["warnings"]
    assert len(images.calls) == 1


async def test_an_input_folder_is_where_relative_paths_start(
    shell: Shell, images: ImagesSimulator
) -> None:
    draw(shell, "pictures/fox.png")
    folder = {"OPENAI_IMAGE_INPUT_DIR": "~/pictures"}

    found = await shell.run("gptimage", "run", edit(shell, "fox.png"), env=folder)
    missed = await shell.run("gptimage", "run", edit(shell, "pictures/fox.png"), env=folder)

    assert (found.code, missed.code) == (0, 2)
    assert len(images.calls) == 1


async def test_an_input_folder_of_nobody_is_named(shell: Shell, images: ImagesSimulator) -> None:
    folder = {"OPENAI_IMAGE_INPUT_DIR": "~nobody-of-this-name/pictures"}

    ended = await shell.run("gptimage", "run", edit(shell, "fox.png"), env=folder)

    assert ended.code == 2
    assert ended.complaint[0].startswith("Error: OPENAI_IMAGE_INPUT_DIR: ~nobody-of-this-name/")
    assert images.calls == []


# --- going on ---------------------------------------------------------------------------------


async def test_a_run_goes_on_from_another_folder(shell: Shell, images: ImagesSimulator) -> None:
    draw(shell, "pictures/fox.png")
    batch = edit(shell, "pictures/fox.png")
    images.faults.append(BLOCKED)
    failed = await shell.run("gptimage", "run", batch)
    shell.home /= "pictures"

    ended = await shell.run("gptimage", "retry")

    assert (failed.code, ended.code) == (1, 0)
    assert ended.report["run_id"] == failed.report["run_id"]


async def test_the_same_pictures_under_another_spelling_are_the_same_batch(
    shell: Shell, images: ImagesSimulator
) -> None:
    path = draw(shell, "fox.png")
    first = await shell.run("gptimage", "run", edit(shell, "fox.png"))

    second = await shell.run("gptimage", "run", edit(shell, str(path)), "--resume")

    assert second.report["run_id"] == first.report["run_id"]
    assert len(images.billed) == 1


async def test_a_picture_that_has_changed_makes_another_batch(
    shell: Shell, images: ImagesSimulator
) -> None:
    draw(shell, "fox.png")
    batch = edit(shell, "fox.png")
    first = await shell.run("gptimage", "run", batch)
    draw(shell, "fox.png", mode="L")

    second = await shell.run("gptimage", "run", batch, "--resume")

    assert second.report["run_id"] != first.report["run_id"]
    assert len(images.billed) == 2


async def test_what_a_run_lacks_is_not_made_from_another_picture(
    shell: Shell, images: ImagesSimulator
) -> None:
    path = draw(shell, "fox.png")
    images.faults.append(BLOCKED)
    failed = await shell.run("gptimage", "run", edit(shell, "fox.png"))
    draw(shell, "fox.png", mode="L")

    changed = await shell.run("gptimage", "retry")
    path.unlink()
    gone = await shell.run("gptimage", "retry")

    assert (changed.code, gone.code) == (2, 2)
    (line,) = changed.complaint
    assert f"a picture has changed since run {failed.report['run_id']} began" in line
    assert "bring the old one back, or start anew: gptimage run" in line
    assert "does not exist" in gone.complaint[0]
    assert len(images.calls) == 1


async def test_a_run_that_lacks_nothing_needs_its_pictures_no_more(
    shell: Shell, images: ImagesSimulator
) -> None:
    path = draw(shell, "fox.png")
    await shell.run("gptimage", "run", edit(shell, "fox.png"))
    path.unlink()

    ended = await shell.run("gptimage", "retry")

    assert ended.code == 0
    assert len(images.calls) == 1
