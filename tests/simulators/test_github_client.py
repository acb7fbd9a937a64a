"""The client library of the house meets the simulated GitHub over a real connection."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from githubkit import AppInstallationAuthStrategy, GitHub
from githubkit.cache import MemCacheStrategy
from githubkit.exception import RequestError, RequestFailed
from githubkit.webhooks import parse_obj
from githubkit_schemas.latest import models

from bot.entrypoints.loopback import served
from bot.simulators.github import Fault, FaultKind, GitHubState, create_github_app
from bot.simulators.github.shapes import Shapes

REPO = "/repos/acme/posters"


@asynccontextmanager
async def connected(
    state: GitHubState, **narrowed: Any
) -> AsyncIterator[GitHub[AppInstallationAuthStrategy]]:
    app = state.app
    # The default store of tokens belongs to the whole process, and so would outlive this App's key.
    tokens = MemCacheStrategy()
    auth = AppInstallationAuthStrategy(app.id, state.private_key, app.installation_id, **narrowed)
    async with (
        served(create_github_app(state)) as url,
        GitHub(
            auth,
            base_url=f"{url}/api/v3",
            auto_retry=False,
            http_cache=False,
            cache_strategy=tokens,
            timeout=5,
        ) as client,
    ):
        yield client


@pytest.fixture
def state() -> GitHubState:
    return GitHubState()


def test_githubkit_knows_the_shapes_of_events_comments_and_releases(state: GitHubState) -> None:
    shapes, user, now = Shapes(state, "http://github.test"), state.people.find("maya"), state.now()
    assert user is not None
    comment = state.threads.add(1, "/batch", user, now)
    for action, previous in (("created", None), ("edited", "before"), ("deleted", None)):
        event = parse_obj("issue_comment", shapes.comment_event(action, comment, user, previous))
        assert event.action == action
    answer = state.threads.add(1, "Done", state.bot, now, by_app=True)
    assert models.IssueComment.model_validate(shapes.comment(answer)).body == "Done"
    release = state.releases.create({"tag_name": "run-1"}, now)
    assert models.Release.model_validate(shapes.release(release)).tag_name == "run-1"


async def test_githubkit_writes_edits_and_reacts(state: GitHubState) -> None:
    async with connected(state) as client:
        path = f"{REPO}/issues/1/comments"
        comment = (await client.arequest("POST", path, json={"body": "Working"})).json()
        path = f"{REPO}/issues/comments/{comment['id']}"
        await client.arequest("PATCH", path, json={"body": "Done"})
        await client.arequest("POST", f"{path}/reactions", json={"content": "rocket"})
        seen = (await client.rest.issues.async_get_comment("acme", "posters", comment["id"])).json()
        assert (seen["body"], seen["reactions"]["rocket"]) == ("Done", 1)


async def test_githubkit_reads_permissions_and_is_held_to_its_own(state: GitHubState) -> None:
    narrowed = {"repositories": ["posters"], "permissions": {"metadata": "read"}}
    async with connected(state, **narrowed) as client:
        answer = await client.arequest("GET", f"{REPO}/collaborators/rin/permission")
        assert answer.json()["role_name"] == "triage"
        with pytest.raises(RequestFailed) as refused:
            await client.arequest("POST", f"{REPO}/issues/1/comments", json={"body": "hello"})
        assert refused.value.response.status_code == 403


async def test_githubkit_fills_a_draft_and_publishes_it(state: GitHubState) -> None:
    async with connected(state) as client:
        wanted = {"tag_name": "run-1", "draft": True, "prerelease": True, "make_latest": "false"}
        draft = (await client.arequest("POST", f"{REPO}/releases", json=wanted)).json()
        await client.arequest(
            "POST",
            draft["upload_url"].split("{", 1)[0],
            params={"name": "red fox.png"},
            content=b"picture",
            headers={"Content-Type": "image/png"},
        )
        path = f"{REPO}/releases/{draft['id']}"
        release = (await client.arequest("PATCH", path, json={"draft": False})).json()
        (asset,) = release["assets"]
        async with httpx.AsyncClient(trust_env=False) as browser:
            picture = await browser.get(asset["browser_download_url"])
        assert (asset["name"], picture.content) == ("red.fox.png", b"picture")


async def test_githubkit_is_told_of_a_refused_app(state: GitHubState) -> None:
    state.faults.add(Fault(path="/access_tokens$", status=401))
    async with connected(state) as client:
        with pytest.raises(RequestError):
            await client.arequest("GET", REPO)


async def test_a_cut_answer_reaches_githubkit_as_a_broken_connection(state: GitHubState) -> None:
    async with connected(state) as client:
        state.faults.add(Fault(FaultKind.CUT, method="POST", path="/comments$", after_effect=True))
        with pytest.raises(RequestError):
            await client.arequest("POST", f"{REPO}/issues/1/comments", json={"body": "hello"})
    assert len(state.threads.issue(1).comments) == 1
