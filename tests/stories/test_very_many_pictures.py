"""A story: more than a comment can show, and more than a release should hold one by one."""

import json
import re
import zipfile
from dataclasses import replace
from io import BytesIO
from pathlib import Path, PurePosixPath

from PIL import Image

from bot.core.markdown import MAX_BODY
from tests.stories.conftest import Thread, plain, with_settings

IMAGES = 152
PROMPTS = "\n".join(f"- a red fox in snow, number {n}" for n in range(IMAGES))
BATCH = f"/batch --quality low --size 1024x1024 --max-concurrent 10\n\n{PROMPTS}"
# Nothing is measured: on a machine that is busy with other things, it takes as long as it takes.
PATIENCE = 300.0


async def order(thread: Thread) -> int:
    """Order very many pictures that are cheap to make."""
    images = thread.room.images
    images.settings = replace(images.settings, longest_edge=64)
    return await thread.say(BATCH, patience=PATIENCE)


@with_settings(gptimage_max_jobs=200, gptimage_images_per_minute=10_000)
async def test_very_many_pictures_come_in_archives_with_overviews(thread: Thread) -> None:
    command = await order(thread)

    assert thread.reactions(command) == ["eyes", "rocket"]
    assert len(thread.calls()) == IMAGES
    (comment,) = thread.by_bot  # it need not be split
    assert len(comment.body) <= MAX_BODY
    answer = thread.answer()
    assert answer.startswith(f"### ✅ {IMAGES} images")
    rows = [line for line in answer.splitlines() if "a red fox in snow" in line]
    assert len(rows) == IMAGES
    assert set(rows) <= set("".join(folds(answer)).splitlines())

    links = set(re.findall(r"\]\((/releases/download/.*?)\)", answer))
    files = {PurePosixPath(link).name: await thread.fetch(f"/acme/posters{link}") for link in links}
    pictures = [
        picture
        for name, data in files.items()
        if name.endswith(".zip")
        for picture in unpacked(data)
    ]
    assert len(set(pictures)) == IMAGES
    assert {name for name, _ in pictures} == {plain(row.split("|")[1]).strip() for row in rows}
    report = json.loads(files["report.json"])
    assert report["succeeded"] == IMAGES

    assert len(thread.pictures()) == 5
    for sheet in thread.pictures():
        assert Image.open(BytesIO(await thread.fetch(sheet))).format == "JPEG"
    (release,) = thread.room.github.releases.entries.values()
    assert len(release.assets) == len(files) + 5  # and no picture by itself


@with_settings(
    gptimage_max_jobs=200, gptimage_images_per_minute=10_000, gptimage_destination="directory"
)
async def test_very_many_pictures_in_a_folder_have_copies_and_overviews(
    thread: Thread, tmp_path: Path
) -> None:
    await order(thread)

    (folder,) = (tmp_path / "data" / "images").iterdir()
    there = {path.name for path in folder.iterdir()}
    pictures = {name for name in there if name.endswith(".png")}
    assert len(pictures) == IMAGES
    assert {name.replace(".png", "_thumb.jpg") for name in pictures} < there
    assert len([name for name in there if name.startswith("overview-")]) == 5
    assert len(there) == 2 * IMAGES + 5 + len({"report.json"})
    answer = plain(thread.answer())
    assert f"in its folder {folder.name}, with small copies beside them" in answer
    assert all(f"{folder.name}/{name}" in answer for name in pictures)


def folds(answer: str) -> list[str]:
    """What a reader sees only after a click."""
    return re.findall(r"<details><summary>.*?</details>", answer, re.DOTALL)


def unpacked(archive: bytes) -> list[tuple[str, str]]:
    """The names in an archive, each with the format of a picture that loads."""
    found = []
    with zipfile.ZipFile(BytesIO(archive)) as opened:
        for name in opened.namelist():
            with Image.open(BytesIO(opened.read(name))) as image:
                image.load()
                found.append((name, image.format or ""))
    return found
