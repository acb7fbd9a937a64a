"""Stories: a comment names pictures, of its repository or its thread, and no others are opened."""

import json
from collections.abc import Mapping
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import cast

import pytest
from PIL import Image

from bot.adapters.pictures.inputs import MOST_BYTES
from bot.core.event import run_id
from bot.core.run import Thread as Place
from bot.simulators.images import Fault, FaultKind
from tests.stories.conftest import Thread

THREAD = Place(77_001, 186_853, "acme/posters", private=False, issue=1, comment=0)


WAYS = ["release", "branch", "directory"]


def picture(size: tuple[int, int] = (64, 48), mode: str = "RGB") -> bytes:
    drawn = BytesIO()
    Image.new(mode, size).save(drawn, "PNG")
    return drawn.getvalue()


def edit(command: str = "/batch", **fields: object) -> str:
    job = {"prompt": "a fox in this style", "operation": "edit", "quality": "low", **fields}
    return f"{command}\n```json\n{json.dumps({'jobs': [job]})}\n```"


@pytest.fixture
def branch(thread: Thread) -> dict[str, bytes]:
    """What stands on the default branch."""
    files: Mapping[str, bytes] = thread.room.github.repository.files
    return cast("dict[str, bytes]", files)


async def test_a_picture_of_the_default_branch_is_painted_over(
    thread: Thread, branch: dict[str, bytes]
) -> None:
    branch["images/fox.png"] = picture()
    branch["images/mask.png"] = picture(mode="RGBA")
    command = await thread.say(
        edit(reference_image_path="images/fox.png", mask_image_path="images/mask.png")
    )

    assert thread.reactions(command) == ["eyes", "rocket"]
    (call,) = thread.calls()
    assert call.endpoint == "edits"
    assert len(thread.pictures()) == 1


async def test_pictures_are_kept_under_what_they_hold_so_that_every_worker_finds_them(
    thread: Thread, branch: dict[str, bytes]
) -> None:
    branch["a.png"] = branch["b.png"] = picture()
    command = await thread.say(edit(reference_image_path=["a.png", "b.png"]))

    where = replace(THREAD, comment=command)
    run = await thread.room.ledger.runs.get(run_id(where))
    assert run is not None
    references = run.run.batch.jobs[0].references
    assert len(set(references)) == 1
    assert "/spool/inputs/" in references[0]


async def test_an_estimate_prices_the_picture_by_its_size_and_calls_nobody(
    thread: Thread, branch: dict[str, bytes]
) -> None:
    branch["small.png"], branch["large.png"] = picture((16, 16)), picture((1536, 1024))
    for name in ("small.png", "large.png"):
        await thread.say(edit("/estimate", reference_image_path=name))

    small, large = thread.answers()
    assert small.partition("\n\n")[2].partition("run ")[0] != large.partition("run ")[0]
    assert thread.calls() == []


async def test_every_picture_that_cannot_be_used_is_named_at_once_and_costs_nothing(
    thread: Thread, branch: dict[str, bytes]
) -> None:
    branch["words.png"], branch["folder/fox.png"] = b"no picture", picture()
    command = await thread.say(edit(reference_image_path=["/etc/hostname", "../../.env", "folder"]))

    assert thread.reactions(command) == ["confused"]
    assert thread.answer().count("is not on the default branch") == 2
    assert thread.answer().count("is a folder") == 1
    await thread.edit(command, edit(reference_image_path="words.png"))
    await thread.quiet()
    assert "words.png" in thread.answer()
    assert "spool" not in thread.answer()
    assert thread.calls() == []


ADDRESSES = [
    "http://127.0.0.1:{port}/x.png",
    "http://localhost:{port}/x.png",
    "http://2130706433:{port}/x.png",
    "http://[::1]:{port}/x.png",
    "http://169.254.169.254/latest/meta-data",
    "https://github.com@127.0.0.1:{port}/x.png",
    "HTTP://127.0.0.1:{port}/x.png",
    "file:///etc/hostname",
    "data:image/png;base64,AAAA",
]


@pytest.mark.parametrize("address", ADDRESSES)
async def test_no_address_is_ever_opened(thread: Thread, address: str) -> None:
    port = thread.room.url.rpartition(":")[2]
    before = len(thread.room.github.calls)
    command = await thread.say(edit(reference_image_path=address.format(port=port)))

    assert thread.reactions(command) == ["confused"]
    assert "is an address" in thread.answer()
    asked = [call.path for call in thread.room.github.calls[before:]]
    files = [path for path in asked if "/contents/" in path or path.endswith("x.png")]
    assert all(path.endswith("/.github/gptimage.yml") for path in files)
    assert thread.calls() == []


# --- pictures that are attached in the thread -------------------------------------------------


def attached(thread: Thread, data: bytes | None = None) -> str:
    """The address that GitHub gives for a picture that a person drags into the form."""
    content = data if data is not None else picture()
    return thread.room.url + thread.room.github.attachments.add(content)


@pytest.mark.parametrize("written", ["![fox]({})", '<img width="9" alt="fox" src="{}" />', "{}"])
async def test_a_picture_of_the_comment_itself_is_painted_over(
    thread: Thread, written: str
) -> None:
    address = attached(thread)
    command = await thread.say(f"{edit(reference_image_path=address)}\n\n{written.format(address)}")

    assert thread.reactions(command) == ["eyes", "rocket"]
    (call,) = thread.calls()
    assert call.endpoint == "edits"


async def test_pictures_of_other_comments_and_of_the_opening_words_serve_as_well(
    thread: Thread,
) -> None:
    first, mask = attached(thread), attached(thread, picture(mode="RGBA"))
    thread.room.github.threads.issues[1].body += f"\n\n![fox]({first})"
    await thread.write(f"![mask]({mask})", by="ada")
    command = await thread.say(edit(reference_image_path=first, mask_image_path=mask))

    assert thread.reactions(command) == ["eyes", "rocket"]


async def test_pictures_of_a_private_repository_are_opened_as_github_signs_them(
    thread: Thread,
) -> None:
    thread.room.github.change_visibility()
    address = attached(thread)
    command = await thread.say(f"{edit(reference_image_path=address)}\n\n![fox]({address})")

    assert thread.reactions(command) == ["eyes", "rocket"]


async def test_a_picture_of_another_thread_is_none_of_this_one_also_once_we_named_it(
    thread: Thread,
) -> None:
    github = thread.room.github
    address = attached(thread)
    github.threads.open_issue("Another", f"![fox]({address})", github.bot, github.now())
    command = await thread.say(edit(reference_image_path=address))
    again = await thread.say(edit(reference_image_path=address))

    assert thread.reactions(command) == thread.reactions(again) == ["confused"]
    assert all("is no picture of this thread" in answer for answer in thread.answers())
    assert thread.calls() == []


async def test_what_is_wrong_with_attached_pictures_is_said_at_once_and_costs_nothing(
    thread: Thread,
) -> None:
    gone, words, elsewhere = attached(thread), attached(thread, b"words"), attached(thread)
    entries = thread.room.github.attachments.entries
    del entries[gone[-36:]]
    entries[elsewhere[-36:]].leads_to = "http://127.0.0.1:1/x.png"
    shown = "\n".join(f"![it]({each})" for each in (gone, words, elsewhere))
    wrong = [gone, elsewhere, "missing.png"]
    command = await thread.say(f"{edit(reference_image_path=wrong)}\n\n{shown}")

    assert thread.reactions(command) == ["confused"]
    answer = thread.answer()
    assert "is gone, or GitHub does not show it to an App" in answer
    assert "leads to another server" in answer
    assert "is not on the default branch" in answer
    assert "commit the picture to the default branch" in answer
    await thread.edit(command, f"{edit(reference_image_path=words)}\n\n{shown}")
    await thread.quiet()
    assert "is neither a PNG, a JPEG nor a WebP picture" in thread.answer()
    assert thread.calls() == []


async def test_a_picture_that_is_too_large_is_not_read_to_its_end(thread: Thread) -> None:
    address = attached(thread, bytes(MOST_BYTES))
    command = await thread.say(f"{edit(reference_image_path=address)}\n\n![it]({address})")

    assert thread.reactions(command) == ["confused"]
    assert "is too large; it must be below 50 MB" in thread.answer()
    assert thread.calls() == []


# --- pictures of earlier runs -----------------------------------------------------------------

FOX = '/batch\n```json\n{"jobs": [{"prompt": "a fox", "output_path": "art/fox.png"}]}\n```'


async def made(thread: Thread, body: str = FOX) -> str:
    """The id of a run that has made its images."""
    command = await thread.say(body)
    assert thread.reactions(command) == ["eyes", "rocket"]
    return run_id(replace(THREAD, comment=command))


@pytest.mark.parametrize("settings", [{"gptimage_destination": way} for way in WAYS], ids=WAYS)
async def test_an_image_of_an_earlier_run_is_painted_over(thread: Thread) -> None:
    run = await made(thread)
    thread.room.github.change_visibility()
    command = await thread.say(edit(reference_image_path=f"run:{run}/art/fox.png"))

    assert thread.reactions(command) == ["eyes", "rocket"]
    assert [call.endpoint for call in thread.calls()] == ["generations", "edits"]


async def test_what_is_wrong_with_images_of_runs_is_said_at_once(thread: Thread) -> None:
    run = await made(thread)
    view = await thread.room.ledger.runs.get(run)
    assert view is not None
    other = replace(view.run, id="otherplace", thread=replace(THREAD, repository_id=1))
    await thread.room.ledger.runs.open(other, [item.item for item in view.items])
    names = [f"run:{run}/owl.png", "run:otherplace/art/fox.png", "run:", f"run:{run}"]
    command = await thread.say(edit(reference_image_path=names))

    assert thread.reactions(command) == ["confused"]
    answer = thread.answers()[-1]
    assert answer.count("is no image of that run") == 2
    assert answer.count("is of no run of this repository") == 2
    assert "It has made: art/fox.png" in answer
    assert len(thread.calls()) == 1


async def test_an_image_whose_release_was_deleted_is_gone(thread: Thread) -> None:
    run = await made(thread)
    thread.room.github.releases.entries.clear()
    command = await thread.say(edit(reference_image_path=f"run:{run}/art/fox.png"))

    assert thread.reactions(command) == ["confused"]
    assert "is not there any more" in thread.answers()[-1]


# --- how long they are kept -------------------------------------------------------------------


async def test_a_retry_without_its_pictures_says_what_to_do(
    thread: Thread, branch: dict[str, bytes], tmp_path: Path
) -> None:
    branch["fox.png"] = picture()
    thread.room.images.faults.append(Fault(FaultKind.MODERATED_INPUT))
    command = await thread.say(edit(reference_image_path="fox.png"))
    run = run_id(replace(THREAD, comment=command))
    (kept,) = (tmp_path / "data/spool/inputs").iterdir()
    kept.unlink()
    retry = await thread.say(f"/batch retry {run}")

    assert thread.reactions(retry) == ["confused"]
    assert "are not kept any more" in thread.answers()[-1]
    assert "Comment its batch anew" in thread.answers()[-1]
    assert len(thread.calls()) == 1
