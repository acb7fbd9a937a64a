"""The Git database of the simulated GitHub: parts first, then what points to them."""

from base64 import b64encode
from typing import Any

import pytest

PNG = b"\x89PNG\r\n\x1a\n and the rest"


async def make(github: Any, path: str, status: int = 201, **sent: Any) -> Any:
    answer = await github.as_bot("POST", f"/git/{path}", json=sent)
    assert answer.status_code == status, answer.text
    return answer.json()


async def blob(github: Any, data: bytes = PNG) -> str:
    content = b64encode(data).decode()
    made: str = (await make(github, "blobs", content=content, encoding="base64"))["sha"]
    return made


async def commit(github: Any, name: str = "fox.png", **more: Any) -> str:
    entry = {"path": name, "mode": "100644", "type": "blob", "sha": await blob(github)}
    base = {"base_tree": more.pop("base")} if "base" in more else {}
    tree = (await make(github, "trees", tree=[entry], **base))["sha"]
    made: str = (await make(github, "commits", message="m", tree=tree, **more))["sha"]
    return made


async def test_a_blob_has_the_name_that_git_gives_it(github: Any) -> None:
    # What `printf 'hello\n' | git hash-object --stdin` says.
    assert await blob(github, b"hello\n") == "ce013625030ba8dba906f756967f9e9ca394464a"


async def test_a_file_of_a_commit_is_served_and_stays_what_it_is(github: Any) -> None:
    first = await commit(github)
    await make(github, "refs", ref="refs/heads/fox", sha=first)
    tree = (await github.as_bot("GET", f"/git/commits/{first}")).json()["tree"]["sha"]
    then = await commit(github, "owl.png", parents=[first], base=tree)
    moved = await github.as_bot("PATCH", "/git/refs/heads/fox", json={"sha": then})

    assert moved.json()["object"]["sha"] == then
    assert (await github.as_bot("GET", "/git/ref/heads/fox")).json()["object"]["sha"] == then
    for sha, name in ((first, "fox.png"), (then, "fox.png"), (then, "owl.png")):
        picture = await github.http.get(f"/acme/posters/blob/{sha}/{name}?raw=true")
        assert (picture.content, picture.headers["content-type"]) == (PNG, "image/png")
    absent = await github.http.get(f"/acme/posters/blob/{first}/owl.png?raw=true")
    assert absent.status_code == 404


async def test_what_is_not_there_cannot_be_pointed_to(github: Any) -> None:
    entry = {"path": "a", "mode": "100644", "type": "blob", "sha": "0" * 40}
    await make(github, "trees", 422, tree=[entry])
    await make(github, "commits", 422, message="m", tree="0" * 40)
    await make(github, "refs", 422, ref="refs/heads/a", sha="0" * 40)
    await make(github, "refs", 422, ref="heads/a", sha=await commit(github))
    await make(github, "blobs", 422, content="not base64!", encoding="base64")
    assert (await github.as_bot("GET", "/git/ref/heads/a")).status_code == 404
    assert (await github.as_bot("GET", f"/git/commits/{'0' * 40}")).status_code == 404
    assert (await github.as_bot("GET", f"/git/trees/{'0' * 40}")).status_code == 404


async def test_a_branch_is_made_once_and_moves_forward_only(github: Any) -> None:
    first, other = await commit(github), await commit(github)
    await make(github, "refs", ref="refs/heads/fox", sha=first)
    await make(github, "refs", 422, ref="refs/heads/fox", sha=first)
    back = await github.as_bot("PATCH", "/git/refs/heads/fox", json={"sha": other})
    assert back.status_code == 422
    by_force = {"sha": other, "force": True}
    assert (await github.as_bot("PATCH", "/git/refs/heads/fox", json=by_force)).is_success
    nowhere = await github.as_bot("PATCH", "/git/refs/heads/none", json={"sha": other})
    assert nowhere.status_code == 422


@pytest.mark.parametrize("path", ["blobs", "trees", "commits", "refs"])
async def test_an_empty_repository_has_no_git_database(make_github: Any, path: str) -> None:
    github = make_github(empty=True)
    await make(github, path, 409, content="a", tree=[], ref="refs/heads/a", message="m")
    assert (await github.as_bot("GET", "/git/ref/heads/main")).status_code == 409


async def test_reading_is_no_right_to_write(github: Any) -> None:
    token = github.state.tokens.issue({"contents": "read"}, github.state.now()).value
    sent = {"content": "a"}
    answer = await github.as_bot("POST", "/git/blobs", token=token, json=sent)
    assert answer.status_code == 403
