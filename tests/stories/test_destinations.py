"""Stories: where the pictures of a run come to be, as its operator and GitHub allow."""

from pathlib import Path

import pytest

from bot.core.errors import HostError
from bot.engine.probe import Probe
from bot.entrypoints import settings as environment
from bot.entrypoints.wiring.probing import probe_images
from bot.simulators.github import Fault
from tests.stories.conftest import Thread, plain, with_settings

FOX = "/batch --quality low --size 1024x1024\n\n- a red fox"


@with_settings(gptimage_destination="branch", gptimage_tag_prefix="pictures/")
async def test_pictures_on_a_branch_are_shown_by_their_commit(thread: Thread) -> None:
    command = await thread.say(FOX)

    (picture,) = thread.pictures()
    git = thread.room.github.git
    (branch,) = set(git.refs) - {"refs/heads/main"}
    assert branch.startswith("refs/heads/pictures/")
    assert f"/blob/{git.refs[branch]}/" in picture
    assert picture.endswith(".png?raw=true")
    assert (await thread.fetch(picture)).startswith(b"\x89PNG")
    assert f"/tree/{branch.removeprefix('refs/heads/')})" in thread.answer()
    assert thread.room.github.releases.entries == {}
    assert thread.reactions(command) == ["eyes", "rocket"]


async def test_a_release_that_is_forbidden_becomes_a_branch_and_the_thread_says_why(
    thread: Thread,
) -> None:
    thread.room.github.faults.add(Fault(method="POST", path="/releases$", status=422))
    await thread.say(FOX)

    (picture,) = thread.pictures()
    assert (await thread.fetch(picture)).startswith(b"\x89PNG")
    assert "Published on a branch instead: 1 file." in thread.answer()


@with_settings(gptimage_destination="directory")
async def test_pictures_in_a_folder_of_the_server_are_told_of_but_not_shown(
    thread: Thread, tmp_path: Path
) -> None:
    await thread.say(FOX)

    (picture,) = (tmp_path / "data" / "images").rglob("*.png")
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert (picture.parent / "report.json").exists()
    assert (picture.parent / f"{picture.stem}_thumb.jpg").read_bytes().startswith(b"\xff\xd8")
    assert f"{picture.parent.name}/{picture.name}" in plain(thread.answer())
    assert thread.pictures() == thread.thumbnails() == []
    assert "The images are files on the server, in its folder" in thread.answer()
    assert str(tmp_path) not in thread.answer()
    assert list((tmp_path / "data" / "spool").rglob("*.answer")) == []


# --- the operator's probe ---------------------------------------------------------------------


async def probe(thread: Thread, repository: str = "acme/posters") -> Probe:
    """What `gptimage doctor --probe-images acme/posters#1` does."""
    state = thread.room.github
    settings = environment.read(
        github_app_id=state.app.id,
        github_private_key=state.private_key,
        github_api_url=f"{thread.room.url}/api/v3",
    )
    return await probe_images(settings, repository, 1)


async def test_a_probe_shows_one_picture_each_way_in_one_comment(thread: Thread) -> None:
    done = await probe(thread)
    await thread.quiet()

    (comment,) = thread.by_bot
    assert comment.id == done.comment
    assert [each.place for each in done.shown] == ["a release", "a branch"]
    pictures = thread.pictures()
    assert pictures == [each.url for each in done.shown]
    for picture in pictures:
        assert (await thread.fetch(picture)).startswith(b"\x89PNG")
    assert "### Which of these pictures do you see?" in thread.answer()


async def test_a_way_that_is_closed_is_named_in_the_probe(thread: Thread) -> None:
    thread.room.github.app.permissions["contents"] = "read"
    done = await probe(thread)

    assert [each.url for each in done.shown] == [None, None]
    assert thread.answer().count("Grant the App") == 2


async def test_a_repository_without_the_app_has_no_probe(thread: Thread) -> None:
    with pytest.raises(HostError) as failed:
        await probe(thread, "acme/other")
    assert failed.value.status == 404
    assert thread.by_bot == []
