"""What one way of publishing is refused goes the other, and the thread is told why."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import pytest

from bot.adapters.destinations import BranchDestination, ReleaseDestination, Way, Ways
from bot.core.errors import HostError
from bot.core.ports import File, Published
from bot.core.run import Wish
from bot.simulators.github import FaultKind
from tests.adapters.github.publishing import Files, run_of

Octo = Any  # of the conftest, which has no name to import


async def publish(octo: Octo, files: Sequence[File], *, branch_first: bool = False) -> Published:
    release = Way("a release", ReleaseDestination(octo.host))
    branch = Way("a branch", BranchDestination(octo.host))
    ways = Ways(branch, release) if branch_first else Ways(release, branch)
    return await ways.publish(run_of(octo.thread), files)


def places(done: Published) -> list[str]:
    """What kind of address each file has."""
    kinds = {"/releases/": "release", "/blob/": "branch"}
    return [
        next((kind for part, kind in kinds.items() if part in (each.url or "")), "nowhere")
        for each in done.files
    ]


async def test_the_second_way_is_not_gone_without_need(octo: Octo, files: Files) -> None:
    done = await publish(octo, files("fox.png", "owl.png", "report.json"))
    assert (places(done), done.note) == (["release", "release"], "")
    assert octo.calls("POST", "/git/blobs") == 0


@pytest.mark.parametrize(("wish", "kind"), [("branch", "branch"), ("release", "release")])
async def test_the_repositorys_wish_is_the_first_way(
    octo: Octo, files: Files, wish: Wish, kind: str
) -> None:
    release = Way("a release", ReleaseDestination(octo.host), "release")
    branch = Way("a branch", BranchDestination(octo.host), "branch")
    run = replace(run_of(octo.thread), destination=wish)
    for ways in (Ways(branch, release), Ways(release, branch)):
        assert places(await ways.publish(run, files("fox.png"))) == [kind]


async def test_a_forbidden_release_becomes_a_branch(octo: Octo, files: Files) -> None:
    octo.breaks(method="POST", path="/releases$", status=422)
    images = files("fox.png", "owl.png", "report.json")
    done = await publish(octo, images)
    assert places(done) == ["branch", "branch"]
    assert (done.page_url or "").endswith("/tree/gptimage-r1")
    assert done.note == (
        "Published on a branch instead: 2 files. The reason: GitHub makes no release here. It needs"
        " a repository with at least one commit, and rules that allow the tag."
    )


async def test_a_forbidden_branch_becomes_a_release(octo: Octo, files: Files) -> None:
    octo.breaks(method="POST", path="/git/refs$", status=422)
    done = await publish(octo, files("fox.png"), branch_first=True)
    assert places(done) == ["release"]
    assert done.note == (
        "Published on a release instead: 1 file. The reason: the repository's rules do not let the"
        " App make this branch."
    )


async def test_what_an_immutable_release_does_not_take_goes_to_a_branch(
    meet: Any, files: Files
) -> None:
    octo = await meet(immutable_releases=True)
    await publish(octo, files("fox.png", "report.json"))
    images = files("fox.png", "owl.png", "report.json", report=b"another report")
    done = await publish(octo, images)

    assert places(done) == ["release", "branch"]
    assert (done.page_url or "").endswith("/releases/tag/gptimage-r1")
    assert done.note == (
        "Published on a branch instead: 1 file. The reason: the release is published already, and"
        " may not be changed."
    )
    assert await publish(octo, images) == done
    assert list(octo.state.git.trees[octo.state.git.commits[_head(octo)].tree]) == [
        "owl.png",
        "report.json",
    ]


def _head(octo: Octo) -> str:
    return cast("str", octo.state.git.refs["refs/heads/gptimage-r1"])


async def test_who_may_write_nowhere_is_told_what_to_grant_and_where_the_files_are(
    octo: Octo, files: Files
) -> None:
    cast("dict[str, str]", octo.state.app.permissions)["contents"] = "read"
    done = await publish(octo, files("fox.png", "owl.png", "report.json"))
    assert (places(done), done.page_url) == (["nowhere", "nowhere"], None)
    assert done.note == (
        "The images could not be published: nothing may be written here with this token. Grant the"
        ' App "Contents: write", or the workflow `contents: write`. They are kept on the server, in'
        " spool/r1."
    )


@pytest.mark.parametrize("branch_first", [False, True])
async def test_an_empty_repository_is_told_what_it_needs(
    meet: Any, files: Files, *, branch_first: bool
) -> None:
    octo = await meet(empty=True)
    done = await publish(octo, files("fox.png"), branch_first=branch_first)
    assert places(done) == ["nowhere"]
    assert "at least one commit" in done.note
    assert "in spool/r1." in done.note


async def test_a_file_that_nobody_takes_is_named_beside_the_one_that_went_elsewhere(
    octo: Octo, files: Files
) -> None:
    octo.breaks(method="POST", path="/assets$", status=413, times=2)
    octo.breaks(method="POST", path="/git/refs$", status=422)
    done = await publish(octo, files("huge.png", "huger.png", "fox.png"))
    assert places(done) == ["nowhere", "nowhere", "release"]
    assert done.note == (
        "2 files could not be published: This is larger than GitHub takes. They are kept on the"
        " server, in spool/r1."
    )


async def test_a_github_that_is_to_be_asked_later_is_not_left_for_the_other_way(
    octo: Octo, files: Files
) -> None:
    octo.breaks(FaultKind.SECONDARY_LIMIT, method="POST", path="/releases$", retry_after=70)
    with pytest.raises(HostError) as failed:
        await publish(octo, files("fox.png"))
    assert failed.value.retry_after == 70
    assert octo.calls("POST", "/git/blobs") == 0
