"""A run's images become one branch of their own, whatever breaks on the way."""

from collections.abc import Callable, Sequence
from typing import Any, cast

import httpx
import pytest

from bot.adapters.destinations import BranchDestination
from bot.core.errors import HostError
from bot.core.ports import Destination, File, Publication
from bot.simulators.github import FaultKind
from tests.adapters.github.publishing import Crash, Files, run_of

Octo = Any  # of the conftest, which has no name to import
BRANCH = "refs/heads/gptimage-r1"


async def publish(octo: Octo, files: Sequence[File]) -> Any:
    destination: Destination = BranchDestination(octo.host)
    return await destination.publish(run_of(octo.thread), files)


def branch(octo: Octo) -> dict[str, bytes]:
    """The files of the run's branch."""
    git = octo.state.git
    files = git.trees[git.commits[git.refs[BRANCH]].tree]
    return {path: git.blobs[sha] for path, sha in files.items()}


async def test_the_images_can_be_fetched_from_their_commit(octo: Octo, files: Files) -> None:
    done = await publish(octo, files("fox-1.png", "report.json"))

    sha = octo.state.git.refs[BRANCH]
    url = f"{octo.url}/acme/posters/blob/{sha}/fox-1.png?raw=true"
    assert done.files == (Publication(0, url, "fox-1.png"),)
    assert (done.page_url, done.note) == (f"{octo.url}/acme/posters/tree/gptimage-r1", "")
    async with httpx.AsyncClient(trust_env=False) as browser:
        answer = await browser.get(url)
    assert (answer.content, answer.headers["content-type"]) == (
        b"picture of fox-1.png",
        "image/png",
    )


async def test_no_other_branch_is_read_or_touched(meet: Any, files: Files) -> None:
    octo = await meet(files={"README.md": b"ours"})
    main = octo.state.git.refs["refs/heads/main"]
    await publish(octo, files("fox.png", "report.json"))

    assert octo.state.git.refs["refs/heads/main"] == main
    assert set(octo.state.git.refs) == {"refs/heads/main", BRANCH}
    assert sorted(branch(octo)) == ["fox.png", "report.json"]
    commit = octo.state.git.commits[octo.state.git.refs[BRANCH]]
    comment = f"{octo.url}/acme/posters/issues/1#issuecomment-{octo.thread.comment}"
    assert (commit.parents, commit.message) == ((), f"Images for {comment}")


async def test_publishing_again_changes_nothing(octo: Octo, files: Files) -> None:
    images = files("fox.png", "report.json")
    first = await publish(octo, images)
    writes = len(octo.state.writes)

    assert await publish(octo, images) == first
    assert len(octo.state.writes) == writes


async def test_what_is_new_comes_on_top_and_the_rest_stays(octo: Octo, files: Files) -> None:
    first = await publish(octo, files("fox.png", "report.json"))
    blobs = octo.calls("POST", "/git/blobs")
    (_, *more) = files("fox.png", "owl.png", "report.json", report=b"another report")
    done = await publish(octo, more)

    assert branch(octo) == {
        "fox.png": b"picture of fox.png",
        "owl.png": b"picture of owl.png",
        "report.json": b"another report",
    }
    assert octo.calls("POST", "/git/blobs") == blobs + 2
    async with httpx.AsyncClient(trust_env=False) as browser:
        for publication in (*first.files, *done.files):
            assert (await browser.get(publication.url)).is_success


@pytest.mark.parametrize("upload", [1, 2, 3])
async def test_a_crash_after_any_upload_leaves_nothing_to_see(
    octo: Octo, files: Files, dies_at: Callable[[int], None], upload: int
) -> None:
    images = files("fox.png", "owl.png", "report.json")
    dies_at(upload)
    with pytest.raises(Crash):
        await publish(octo, images)
    assert BRANCH not in octo.state.git.refs
    dies_at(0)
    done = await publish(octo, images)

    assert len(branch(octo)) == 3
    assert all(each.url for each in done.files)


@pytest.mark.parametrize("step", ["blobs", "trees", "commits", "refs"])
@pytest.mark.parametrize("kind", [FaultKind.ERROR, FaultKind.CUT])
@pytest.mark.parametrize("stored", [False, True])
async def test_a_fault_at_any_step_makes_no_second_branch(
    octo: Octo, files: Files, step: str, kind: FaultKind, *, stored: bool
) -> None:
    octo.breaks(kind, method="POST", path=f"/git/{step}$", after_effect=stored, times=3)
    images = files("fox.png", "report.json")
    with pytest.raises(HostError) as failed:
        await publish(octo, images)
    assert not failed.value.final
    octo.state.faults.lines.clear()
    done = await publish(octo, images)

    assert (sorted(branch(octo)), done.note) == (["fox.png", "report.json"], "")
    assert octo.calls("POST", "/git/refs") <= 2


async def test_an_empty_repository_is_said(meet: Any, files: Files) -> None:
    octo = await meet(empty=True)
    done = await publish(octo, files("fox.png"))
    assert (done.files, done.page_url) == ((Publication(0, None, "fox.png"),), None)
    assert done.note == (
        "GitHub makes no branch in an empty repository. It needs at least one commit."
    )


async def test_a_missing_permission_is_said(octo: Octo, files: Files) -> None:
    cast("dict[str, str]", octo.state.app.permissions)["contents"] = "read"
    done = await publish(octo, files("fox.png"))
    assert done.files == (Publication(0, None, "fox.png"),)
    assert 'Grant the App "Contents: write"' in done.note


async def test_a_rule_against_the_branch_is_said(octo: Octo, files: Files) -> None:
    octo.breaks(method="POST", path="/git/refs$", status=422)
    done = await publish(octo, files("fox.png"))
    assert [each.url for each in done.files] == [None]
    assert done.note == "the repository's rules do not let the App make this branch."


async def test_a_pause_that_github_asks_for_is_handed_on(octo: Octo, files: Files) -> None:
    octo.breaks(FaultKind.SECONDARY_LIMIT, method="POST", path="/git/blobs$", retry_after=70)
    with pytest.raises(HostError) as failed:
        await publish(octo, files("fox.png"))
    assert failed.value.retry_after == 70.0


async def test_a_run_without_a_thread_has_no_repository(octo: Octo, files: Files) -> None:
    with pytest.raises(ValueError, match="no thread"):
        await BranchDestination(octo.host).publish(run_of(None), files("fox.png"))
