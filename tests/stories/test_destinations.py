"""Stories: where the pictures of a run come to be, as its operator and GitHub allow."""

from pathlib import Path

from bot.simulators.github import Fault
from tests.stories.conftest import Thread, with_settings

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
    assert thread.pictures() == []
    assert "The images are files on the server, in its folder" in thread.answer()
    assert str(tmp_path) not in thread.answer()
    assert list((tmp_path / "data" / "spool").rglob("*.answer")) == []
