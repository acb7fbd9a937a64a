"""A run's images become one release, whatever breaks on the way."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, cast

import httpx
import pytest

from bot.adapters.destinations import ReleaseDestination
from bot.core.errors import HostError
from bot.core.ports import Destination, File, Publication
from bot.simulators.github import FaultKind
from bot.simulators.github.releases import Release
from tests.adapters.github.publishing import Crash, Files, run_of

Octo = Any  # of the conftest, which has no name to import


async def publish(octo: Octo, files: Sequence[File]) -> Any:
    destination: Destination = ReleaseDestination(octo.host)
    return await destination.publish(run_of(octo.thread), files)


def released(octo: Octo) -> Release:
    """The only release that there is."""
    (release,) = octo.state.releases.entries.values()
    return cast("Release", release)


def two_drafts(octo: Octo) -> Sequence[Release]:
    """Those of two workers, of which one was thought dead."""
    wanted, now = {"tag_name": "gptimage-r1", "draft": True}, octo.state.now()
    return [octo.state.releases.create(wanted, now) for _ in range(2)]


def others_come(octo: Octo, number: int) -> None:
    """The repository gets so many releases of other people."""
    first = len(octo.state.releases.entries)
    for n in range(first, first + number):
        octo.state.releases.create({"tag_name": f"v{n}"}, octo.state.now())


def names(release: Release) -> list[str]:
    return [asset.name for asset in release.assets.values() if asset.state == "uploaded"]


async def test_the_images_can_be_fetched_by_anybody(octo: Octo, files: Files) -> None:
    done = await publish(octo, files("fox-1.png", "report.json"))
    ((item, url, path),) = [(each.item, each.url, each.path) for each in done.files]
    assert (item, path, done.note) == (0, "fox-1.png", "")
    assert url == f"{octo.url}/acme/posters/releases/download/gptimage-r1/fox-1.png"
    async with httpx.AsyncClient(trust_env=False) as browser:
        answer = await browser.get(url)
    assert (answer.content, answer.headers["content-type"]) == (
        b"picture of fox-1.png",
        "image/png",
    )
    assert done.page_url == f"{octo.url}/acme/posters/releases/tag/gptimage-r1"


async def test_a_release_keeps_out_of_the_way_of_the_owners(octo: Octo, files: Files) -> None:
    await publish(octo, files("fox.png"))
    release = released(octo)
    assert (release.tag, release.draft, release.prerelease) == ("gptimage-r1", False, True)
    assert release.make_latest == "false"


async def test_a_release_says_what_it_belongs_to(octo: Octo, files: Files) -> None:
    await publish(octo, files("fox.png", "@maya.png"))
    body = released(octo).body
    comment = f"{octo.url}/acme/posters/issues/1#issuecomment-{octo.thread.comment}"
    assert body.startswith(f"Asked for [here]({comment}).")
    assert "- fox.png" in body
    assert "@maya" not in body


async def test_publishing_again_changes_nothing(octo: Octo, files: Files) -> None:
    images = files("fox.png", "report.json")
    first = await publish(octo, images)
    writes = len(octo.state.writes)
    assert await publish(octo, images) == first
    assert len(octo.state.writes) == writes


async def test_a_report_that_has_changed_is_replaced(octo: Octo, files: Files) -> None:
    await publish(octo, files("fox.png", "report.json"))
    await publish(octo, files("fox.png", "report.json", report=b"another report"))
    assert {asset.data for asset in released(octo).assets.values()} == {
        b"picture of fox.png",
        b"another report",
    }


async def test_an_upload_that_broke_off_is_cleaned_up_and_repeated(
    octo: Octo, files: Files
) -> None:
    octo.breaks(FaultKind.STARTER, method="POST", path="/assets$", skip=1)
    images = files("fox.png", "owl.png")
    with pytest.raises(HostError) as failed:
        await publish(octo, images)
    assert failed.value.ambiguous
    assert released(octo).draft
    done = await publish(octo, images)
    assert names(released(octo)) == ["fox.png", "owl.png"]
    assert all(each.url for each in done.files)
    assert octo.calls("POST", "/assets") == 3


async def test_an_upload_whose_answer_was_lost_is_not_repeated(octo: Octo, files: Files) -> None:
    octo.breaks(FaultKind.CUT, method="POST", path="/assets$", after_effect=True)
    with pytest.raises(HostError):
        await publish(octo, files("fox.png"))
    await publish(octo, files("fox.png"))
    assert octo.calls("POST", "/assets") == 1
    assert names(released(octo)) == ["fox.png"]


async def test_a_draft_whose_answer_was_lost_is_found_again(octo: Octo, files: Files) -> None:
    octo.breaks(method="POST", path="/releases$", after_effect=True)
    with pytest.raises(HostError):
        await publish(octo, files("fox.png"))
    await publish(octo, files("fox.png"))
    assert names(released(octo)) == ["fox.png"]
    assert not released(octo).draft


@pytest.mark.parametrize("upload", [1, 2, 3])
async def test_a_crash_after_any_upload_makes_no_second_release(
    octo: Octo, files: Files, dies_at: Callable[[int], None], upload: int
) -> None:
    images = files("fox.png", "owl.png", "report.json")
    dies_at(upload)
    with pytest.raises(Crash):
        await publish(octo, images)
    assert released(octo).draft
    dies_at(0)
    done = await publish(octo, images)
    assert names(released(octo)) == ["fox.png", "owl.png", "report.json"]
    assert octo.calls("POST", "/assets") == 3
    assert all(each.url for each in done.files)


async def test_a_crash_after_publishing_makes_no_second_release(octo: Octo, files: Files) -> None:
    octo.breaks(FaultKind.CUT, method="PATCH", path="/releases/", after_effect=True, times=3)
    with pytest.raises(HostError):
        await publish(octo, files("fox.png"))
    done = await publish(octo, files("fox.png"))
    assert done.files[0].url.endswith("/gptimage-r1/fox.png")
    assert not released(octo).draft


async def test_many_releases_make_no_run_dearer(meet: Any, files: Files) -> None:
    costs = []
    for others in (0, 250):
        octo = await meet()
        others_come(octo, others)
        await publish(octo, files("fox.png"))
        others_come(octo, others)
        await publish(octo, files("fox.png", "owl.png"))
        costs.append([(call.method, call.is_write) for call in octo.state.calls])
    assert costs[0] == costs[1]


def refuse(octo: Octo) -> None:
    octo.state.graphql_refuses = True


def exhaust(octo: Octo) -> None:
    octo.state.graphql_limit.limit = 0


def answer_with(status: int) -> Callable[[Octo], None]:
    return lambda octo: octo.breaks(path="^/graphql$", status=status, times=1000)


WITHOUT_GRAPHQL = pytest.mark.parametrize(
    "lose_graphql",
    [refuse, exhaust, *map(answer_with, (200, 403, 404, 405, 502))],
    ids=["refused", "exhausted", "200", "403", "404", "405", "502"],
)


@WITHOUT_GRAPHQL
async def test_without_graphql_an_old_release_is_found_on_any_page(
    octo: Octo, files: Files, lose_graphql: Callable[[Octo], None]
) -> None:
    lose_graphql(octo)
    await publish(octo, files("fox.png"))
    others_come(octo, 150)
    await publish(octo, files("fox.png"))
    assert octo.state.releases.tags.count("gptimage-r1") == 1
    assert octo.calls("POST", "/releases") == 1


@WITHOUT_GRAPHQL
async def test_without_graphql_what_is_published_goes_before_a_draft(
    octo: Octo, files: Files, lose_graphql: Callable[[Octo], None]
) -> None:
    lose_graphql(octo)
    await test_what_is_published_goes_before_a_draft(octo, files)


async def test_graphql_is_asked_again_after_a_fault(octo: Octo, files: Files) -> None:
    octo.breaks(path="^/graphql$", status=502, times=2)
    await publish(octo, files("fox.png"))
    assert (octo.calls("POST", "/graphql"), octo.calls("GET", "/releases")) == (3, 0)


async def test_a_pause_that_graphql_asks_for_is_made(octo: Octo, files: Files) -> None:
    octo.breaks(path="^/graphql$", status=200, retry_after=70)
    with pytest.raises(HostError) as failed:
        await publish(octo, files("fox.png"))
    assert (failed.value.retry_after, octo.calls("GET", "/releases")) == (70.0, 0)


async def test_the_hour_of_graphql_is_not_taken_for_ours(octo: Octo, files: Files) -> None:
    octo.state.graphql_limit.limit = 17
    octo.breaks(FaultKind.SECONDARY_LIMIT, path="^/graphql$", retry_after=70, skip=1)
    for _ in range(2):
        with suppress(HostError):
            await publish(octo, files("fox.png"))
    assert octo.host.remaining > 17


@pytest.mark.parametrize("prefix", ["gptimage-", "images/#1?", "画像 %2F"])
async def test_a_release_is_found_by_any_tag(octo: Octo, files: Files, prefix: str) -> None:
    destination = ReleaseDestination(octo.host, tag_prefix=prefix)
    for _ in range(2):
        await destination.publish(run_of(octo.thread), files("fox.png"))
    assert released(octo).tag == f"{prefix}r1"


async def test_what_is_published_goes_before_a_draft(octo: Octo, files: Files) -> None:
    first, _ = two_drafts(octo)
    octo.state.releases.change(first.id, {"draft": False}, octo.state.now())
    done = await publish(octo, files("fox.png"))
    assert done.files[0].url.endswith("/gptimage-r1/fox.png")
    assert names(first) == ["fox.png"]


async def test_an_owner_who_makes_releases_immutable_gets_all_images(
    meet: Any, files: Files
) -> None:
    octo = await meet(immutable_releases=True)
    done = await publish(octo, files("fox.png", "owl.png"))
    assert (len(names(released(octo))), done.note) == (2, "")
    assert released(octo).immutable


async def test_what_an_immutable_release_lacks_is_said(meet: Any, files: Files) -> None:
    octo = await meet(immutable_releases=True)
    await publish(octo, files("fox.png"))
    done = await publish(octo, files("fox.png", "owl.png", "report.json"))
    assert [bool(each.url) for each in done.files] == [True, False]
    assert done.note == "the release is published already, and may not be changed."


async def test_a_changed_report_of_an_immutable_release_is_no_news(meet: Any, files: Files) -> None:
    octo = await meet(immutable_releases=True)
    await publish(octo, files("fox.png", "report.json"))
    done = await publish(octo, files("fox.png", "report.json", report=b"another report"))
    assert (bool(done.files[0].url), done.note) == (True, "")


async def test_an_empty_repository_is_said(meet: Any, files: Files) -> None:
    octo = await meet(empty=True)
    done = await publish(octo, files("fox.png"))
    assert done.files == (Publication(0, None, "fox.png"),)
    assert (done.page_url, "at least one commit" in done.note) == (None, True)


async def test_a_missing_permission_is_said(octo: Octo, files: Files) -> None:
    cast("dict[str, str]", octo.state.app.permissions)["contents"] = "read"
    done = await publish(octo, files("fox.png"))
    assert done.files == (Publication(0, None, "fox.png"),)
    assert done.note == (
        'nothing may be written here with this token. Grant the App "Contents: write",'
        " or the workflow `contents: write`."
    )


async def test_one_refused_file_does_not_keep_the_others_back(octo: Octo, files: Files) -> None:
    octo.breaks(method="POST", path="/assets$", status=413)
    done = await publish(octo, files("huge.png", "fox.png"))
    assert [bool(each.url) for each in done.files] == [False, True]
    assert done.note.startswith("This is larger")
    assert not released(octo).draft


async def test_a_release_of_refused_files_alone_stays_a_draft(octo: Octo, files: Files) -> None:
    octo.breaks(method="POST", path="/assets$", status=413, times=2)
    done = await publish(octo, files("huge.png", "huger.png"))
    assert done.note.startswith("This is larger")
    assert (released(octo).draft, done.page_url) == (True, None)


async def test_a_release_that_may_not_be_published_is_said(octo: Octo, files: Files) -> None:
    octo.breaks(method="PATCH", path="/releases/", status=422)
    done = await publish(octo, files("fox.png"))
    assert done.files == (Publication(0, None, "fox.png"),)
    assert "rules that allow the tag" in done.note


async def test_a_pause_that_github_asks_for_is_handed_on(octo: Octo, files: Files) -> None:
    octo.breaks(FaultKind.SECONDARY_LIMIT, method="POST", path="/assets$", retry_after=70)
    with pytest.raises(HostError) as failed:
        await publish(octo, files("fox.png"))
    assert failed.value.retry_after == 70.0


async def test_odd_names_become_plain_ones_and_stay_apart(octo: Octo, files: Files) -> None:
    images = files("my fox.png", "my.fox.png", "..", "狐.png", "__a__.png")
    first = await publish(octo, images)
    assert [each.path for each in first.files] == [
        "my.fox.png",
        "my.fox-2.png",
        "file",
        "png",
        "__a__.png",
    ]
    assert all(each.url for each in first.files)
    assert await publish(octo, images) == first


async def test_of_two_drafts_one_is_filled(octo: Octo, files: Files) -> None:
    drafts = two_drafts(octo)
    await publish(octo, files("fox.png"))
    await publish(octo, files("fox.png"))
    assert sorted(map(names, drafts)) == [[], ["fox.png"]]


async def test_a_run_without_a_thread_has_no_repository(octo: Octo, files: Files) -> None:
    with pytest.raises(ValueError, match="no thread"):
        await ReleaseDestination(octo.host).publish(run_of(None), files("fox.png"))
