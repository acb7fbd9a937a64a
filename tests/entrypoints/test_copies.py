"""`--thumbnails` and `--contact-sheet`: small copies, which never cost an image."""

import json
import signal
import sys

import pytest
from PIL import Image

from bot.simulators.images import Fault, FaultKind, ImagesSimulator, Settings
from tests.entrypoints.conftest import Shell, until

BOTH = ("--thumbnails", "--contact-sheet")


def size(shell: Shell, name: str) -> tuple[int, int]:
    with Image.open(shell.home / name) as image:
        image.load()
        assert image.format == "JPEG"
        return image.size


def batch(shell: Shell, *paths: str, **more: object) -> str:
    jobs = [{"prompt": "a fox", "quality": "low", "output_path": path} | more for path in paths]
    return shell.file("batch.json", json.dumps({"jobs": jobs, "output_dir": "out"}))


async def test_a_copy_stands_beside_each_image_and_one_overview_in_the_folder(
    shell: Shell,
) -> None:
    ended = await shell.run("gptimage", "run", batch(shell, "a/fox.png", "owl.webp"), *BOTH)

    assert ended.code == 0
    assert ended.err == "Contact sheet: out/contact-sheet.jpg\n"
    assert shell.images() == [
        "a/fox.png",
        "a/fox_thumb.jpg",
        "contact-sheet.jpg",
        "owl.webp",
        "owl_thumb.jpg",
    ]
    made = [job["output_path"] for job in ended.report["results"]]
    assert made == ["out/a/fox.png", "out/owl.webp"]
    assert size(shell, "out/a/fox_thumb.jpg") == (128, 128)
    assert size(shell, "out/contact-sheet.jpg")[0] > 600


async def test_without_a_wish_there_are_none(shell: Shell) -> None:
    await shell.run("gptimage", "run", batch(shell, "fox.png"))

    assert shell.images() == ["fox.png"]


async def test_the_settings_of_the_node_tool_are_honoured(shell: Shell) -> None:
    env = {"OPENAI_IMAGE_THUMBNAIL": "true", "OPENAI_IMAGE_THUMBNAIL_SIZE": "64"}
    rough, fine = {"OPENAI_IMAGE_THUMBNAIL_QUALITY": "1"}, {"OPENAI_IMAGE_THUMBNAIL_QUALITY": "99"}

    await shell.run("gptimage", "run", batch(shell, "rough.png"), env=env | rough)
    await shell.run("gptimage", "run", batch(shell, "fine.png"), env=env | fine)

    assert size(shell, "out/rough_thumb.jpg") == size(shell, "out/fine_thumb.jpg") == (64, 64)
    heavy, light = (shell.home / f"out/{name}_thumb.jpg" for name in ("fine", "rough"))
    assert heavy.stat().st_size > 2 * light.stat().st_size


@pytest.mark.parametrize(
    "env",
    [
        {"OPENAI_IMAGE_THUMBNAIL_SIZE": "0"},
        {"OPENAI_IMAGE_THUMBNAIL_SIZE": "513"},
        {"OPENAI_IMAGE_THUMBNAIL_QUALITY": "0"},
        {"OPENAI_IMAGE_THUMBNAIL_QUALITY": "101"},
    ],
)
async def test_a_setting_out_of_its_range_is_named(shell: Shell, env: dict[str, str]) -> None:
    ended = await shell.run("gptimage", "run", batch(shell, "fox.png"), env=env)

    (name,) = env
    assert ended.code == 2
    assert ended.complaint[0].startswith(f"Error: {name}: ")


async def test_other_files_are_never_overwritten(shell: Shell) -> None:
    (shell.home / "out").mkdir()
    for name in ("fox_thumb.jpg", "contact-sheet.jpg"):
        shell.file(f"out/{name}", "somebody's work")

    ended = await shell.run("gptimage", "run", batch(shell, "fox.png"), *BOTH)

    assert ended.err == "Contact sheet: out/contact-sheet_1.jpg\n"
    assert shell.images() == [
        "contact-sheet.jpg",
        "contact-sheet_1.jpg",
        "fox.png",
        "fox_thumb.jpg",
        "fox_thumb_1.jpg",
    ]
    assert (shell.home / "out/fox_thumb.jpg").read_text() == "somebody's work"


# --- going on ---------------------------------------------------------------------------------


async def test_a_resumed_run_has_copies_of_all_its_images_and_each_once(
    shell: Shell, images: ImagesSimulator
) -> None:
    images.faults.append(Fault(FaultKind.MODERATED_INPUT))
    file = batch(shell, "fox.png", "owl.png")
    first = await shell.run("gptimage", "run", file, "--thumbnails")

    second = await shell.run("gptimage", "run", file, "--resume", *BOTH)
    third = await shell.run("gptimage", "retry", *BOTH)

    assert (first.code, second.code, third.code) == (1, 0, 0)
    assert shell.images() == [
        "contact-sheet.jpg",
        "fox.png",
        "fox_thumb.jpg",
        "owl.png",
        "owl_thumb.jpg",
    ]


async def test_an_interrupted_run_has_copies_of_what_is_there(
    shell: Shell, images: ImagesSimulator
) -> None:
    images.settings = Settings(latency_ms=500)
    file = shell.batch("fox", "owl", max_concurrent=1)
    async with shell.start("gptimage", "run", file, "--thumbnails") as running:
        await until(lambda: images.billed)
        running.send(signal.SIGINT)
        ended = await running.ended()

    assert ended.code == 130
    assert ended.report["results"][0]["output_path"] == "out/fox.png"
    assert shell.images() == ["fox.png", "fox_thumb.jpg"]


async def test_a_run_without_images_has_no_copies(shell: Shell, images: ImagesSimulator) -> None:
    images.faults.append(Fault(FaultKind.MODERATED_INPUT))

    ended = await shell.run("gptimage", "run", batch(shell, "fox.png"), *BOTH)

    assert (ended.code, ended.err) == (1, "")
    assert not (shell.home / "out").exists()


# --- what could go wrong ----------------------------------------------------------------------

OWN_NAMES = [
    (("fox.png", "FOX_thumb.jpg"), "jobs[0].output_path", '"fox_thumb.jpg", which is an image of'),
    (("fox.png", "fox.webp"), "jobs[1].output_path", 'the thumbnail of "fox.png" already'),
    (("contact-sheet.jpg",), "--contact-sheet", "which is an image of jobs[0] already"),
    (("x" * 250 + ".png",), "jobs[0].output_path", "cannot be written: a name in it is longer"),
]


@pytest.mark.parametrize(("paths", "place", "words"), OWN_NAMES)
async def test_a_copy_that_would_have_the_name_of_an_image_is_refused_before_any_call(
    shell: Shell, images: ImagesSimulator, paths: tuple[str, ...], place: str, words: str
) -> None:
    ended = await shell.run("gptimage", "run", batch(shell, *paths), *BOTH)

    assert ended.code == 2
    (line,) = ended.complaint
    assert line.startswith(f"Configuration Error: {place}: ")
    assert words in line
    assert images.calls == []


async def test_a_retry_with_such_a_name_is_refused_too(
    shell: Shell, images: ImagesSimulator
) -> None:
    await shell.run("gptimage", "run", batch(shell, "contact-sheet.jpg"))

    ended = await shell.run("gptimage", "retry", "--contact-sheet")

    assert ended.code == 2
    assert len(images.calls) == 1


async def test_copies_that_cannot_be_made_are_warnings(shell: Shell) -> None:
    file = batch(shell, "fox.png")
    await shell.run("gptimage", "run", file)
    (shell.home / "out/fox.png").write_bytes(b"somebody has spoiled it")

    spoiled = await shell.run("gptimage", "retry", "--thumbnails")
    (shell.home / "out/fox.png").unlink()
    gone = await shell.run("gptimage", "retry", "--thumbnails")
    (shell.home / "out").rmdir()
    shell.file("out", "a file is no folder")
    nowhere = await shell.run("gptimage", "retry", "--contact-sheet")

    assert (spoiled.code, gone.code, nowhere.code) == (0, 0, 0)
    assert "Warning: out/fox.png has no thumbnail (is damaged)" in spoiled.err
    assert "Warning: out/fox.png has no thumbnail (" in gone.err
    assert "Warning: no contact sheet was made (" in nowhere.err


async def test_a_program_is_warned_as_programs_are(shell: Shell) -> None:
    program = (
        "import warnings\n"
        "from bot import run_batch_sync\n"
        "warnings.simplefilter('ignore')\n"
        "batch = {'jobs': [{'prompt': 'fox', 'quality': 'low'}]}\n"
        "report = run_batch_sync(batch, output_dir='out')\n"
        "print(report.succeeded)\n"
    )

    ended = await shell.run(
        sys.executable, shell.file("program.py", program), env={"OPENAI_IMAGE_THUMBNAIL": "1"}
    )

    assert (ended.out, ended.err) == ("1\n", "")
    assert shell.images() == ["fox.png", "fox_thumb.jpg"]
