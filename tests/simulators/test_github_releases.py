from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest

from bot.simulators.github import Fault, FaultKind

PNG = b"\x89PNG\r\n\x1a\n and the rest"


async def create(github: Any, **wanted: Any) -> dict[str, Any]:
    answer = await github.as_bot("POST", "/releases", json={"tag_name": "run-1", **wanted})
    assert answer.status_code == 201, answer.text
    shape: dict[str, Any] = answer.json()
    return shape


async def upload(github: Any, release: dict[str, Any], name: str, data: bytes = PNG) -> Any:
    address, template = release["upload_url"].split("{")
    assert template == "?name,label}"
    headers = {"content-type": "image/png"}
    return await github.as_bot(
        "POST", address, params={"name": name}, content=data, headers=headers
    )


async def publish(github: Any, release: dict[str, Any]) -> dict[str, Any]:
    answer = await github.as_bot("PATCH", f"/releases/{release['id']}", json={"draft": False})
    assert answer.status_code == 200, answer.text
    shape: dict[str, Any] = answer.json()
    return shape


async def test_a_draft_is_filled_published_and_then_seen_by_everybody(github: Any) -> None:
    draft = await create(github, draft=True, prerelease=True, make_latest="false")
    asset = (await upload(github, draft, "fox.png")).json()
    assert (asset["state"], asset["size"]) == ("uploaded", len(PNG))
    assert asset["digest"] == f"sha256:{sha256(PNG).hexdigest()}"
    assert (await github.http.get(asset["browser_download_url"])).status_code == 404
    assert (await github.as_bot("GET", "/releases/tags/run-1")).status_code == 404
    assert github.state.releases.tags == []

    release = await publish(github, draft)
    (seen,) = release["assets"]
    assert seen["browser_download_url"] != asset["browser_download_url"]
    picture = await github.http.get(seen["browser_download_url"])
    assert (picture.content, picture.headers["content-type"]) == (PNG, "image/png")
    by_tag = await github.as_bot("GET", "/releases/tags/run-1")
    assert by_tag.json()["id"] == release["id"] == draft["id"]
    assert github.state.releases.tags == ["run-1"]
    assert (await github.as_bot("GET", "/releases/latest")).status_code == 404


async def test_latest_is_the_newest_release_that_wants_to_be(github: Any) -> None:
    await create(github, tag_name="v1")
    await create(github, tag_name="v2", make_latest="false")
    await create(github, tag_name="v3", prerelease=True)
    assert (await github.as_bot("GET", "/releases/latest")).json()["tag_name"] == "v1"
    listed = (await github.as_bot("GET", "/releases")).json()
    assert [release["tag_name"] for release in listed] == ["v3", "v2", "v1"]


async def test_a_tag_belongs_to_one_published_release(github: Any) -> None:
    drafts = [await create(github, draft=True) for _ in range(2)]
    await publish(github, drafts[0])
    late = await github.as_bot("PATCH", f"/releases/{drafts[1]['id']}", json={"draft": False})
    again = await github.as_bot("POST", "/releases", json={"tag_name": "run-1"})
    for answer in (late, again):
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["code"] == "already_exists"


@pytest.mark.parametrize("wanted", [{"tag_name": ""}, {"make_latest": "perhaps"}, {"tag_name": 7}])
async def test_a_release_that_makes_no_sense_is_refused(
    github: Any, wanted: dict[str, Any]
) -> None:
    sent = {"tag_name": "run-1"} | wanted
    assert (await github.as_bot("POST", "/releases", json=sent)).status_code == 422
    assert github.state.releases.entries == {}


async def test_an_empty_repository_has_no_releases(make_github: Callable[..., Any]) -> None:
    github = make_github(empty=True)
    answer = await github.as_bot("POST", "/releases", json={"tag_name": "run-1", "draft": True})
    assert answer.json()["errors"][0]["message"] == "Repository is empty."


async def test_an_immutable_release_takes_files_as_a_draft_only(
    make_github: Callable[..., Any],
) -> None:
    github = make_github(immutable_releases=True)
    draft = await create(github, draft=True)
    asset = (await upload(github, draft, "one.png")).json()
    assert (await publish(github, draft))["immutable"] is True
    assert (await upload(github, draft, "two.png")).status_code == 422
    gone = await github.as_bot("DELETE", f"/releases/assets/{asset['id']}")
    moved = await github.as_bot("PATCH", f"/releases/{draft['id']}", json={"tag_name": "other"})
    assert (gone.status_code, moved.status_code) == (422, 422)


async def test_a_mutable_release_takes_files_after_publishing_too(github: Any) -> None:
    release = await create(github)
    assert (await upload(github, release, "late.png")).status_code == 201


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("fox.png", "fox.png"),
        ("red fox (1).png", "red.fox.1.png"),
        (".hidden.", "hidden"),
        ("狐.png", "png"),
        ("a/b_c-d.png", "a.b_c-d.png"),
    ],
)
async def test_odd_names_are_renamed(github: Any, given: str, stored: str) -> None:
    asset = await upload(github, await create(github), given)
    assert asset.json()["name"] == stored


async def test_the_same_name_is_taken_once(github: Any) -> None:
    release = await create(github)
    await upload(github, release, "red fox.png")
    again = await upload(github, release, "red.fox.png")
    assert again.status_code == 422
    assert again.json()["errors"][0]["code"] == "already_exists"


async def test_a_broken_upload_leaves_a_starter_in_the_way(github: Any) -> None:
    release = await create(github, draft=True)
    github.state.faults.add(Fault(FaultKind.STARTER, path="/assets$"))
    assert (await upload(github, release, "fox.png")).status_code == 502
    (starter,) = (await github.as_bot("GET", f"/releases/{release['id']}/assets")).json()
    assert (starter["state"], starter["size"]) == ("starter", 0)
    assert (await upload(github, release, "fox.png")).status_code == 422

    await github.as_bot("DELETE", f"/releases/assets/{starter['id']}")
    assert (await upload(github, release, "fox.png")).status_code == 201


async def test_an_upload_needs_a_name_a_type_and_bytes(github: Any) -> None:
    address = (await create(github))["upload_url"].split("{")[0]
    typed = {"content-type": "image/png"}
    nameless = await github.as_bot("POST", address, content=PNG, headers=typed)
    untyped = await github.as_bot("POST", f"{address}?name=a.png", content=PNG)
    hollow = await github.as_bot("POST", f"{address}?name=a.png", headers=typed)
    assert [nameless.status_code, untyped.status_code, hollow.status_code] == [422, 400, 400]


async def test_a_release_holds_a_thousand_assets(github: Any) -> None:
    release = await create(github)
    for number in range(1_000):
        github.state.releases.upload(
            release["id"],
            f"{number}.png",
            "",
            content_type="image/png",
            data=PNG,
            now=github.state.now(),
        )
    assert (await upload(github, release, "one-more.png")).status_code == 422
    page = await github.as_bot("GET", f"/releases/{release['id']}/assets?per_page=100")
    assert page.links["last"]["url"].endswith("page=10")


async def test_an_asset_is_described_downloaded_and_deleted(github: Any) -> None:
    release = await create(github)
    path = f"/releases/assets/{(await upload(github, release, 'fox.png')).json()['id']}"
    assert (await github.as_bot("GET", path)).json()["name"] == "fox.png"
    raw = await github.as_bot("GET", path, headers={"accept": "application/octet-stream"})
    assert raw.content == PNG
    assert (await github.as_bot("DELETE", path)).status_code == 204
    assert (await github.as_bot("GET", path)).status_code == 404


async def test_a_deleted_release_is_gone(github: Any) -> None:
    path = f"/releases/{(await create(github))['id']}"
    assert (await github.as_bot("DELETE", path)).status_code == 204
    assert (await github.as_bot("GET", path)).status_code == 404
    await create(github)
