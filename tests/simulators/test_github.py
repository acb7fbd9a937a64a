import base64
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from bot.simulators.github import Fault, FaultKind, Role, User

# --- who may ask ---------------------------------------------------------------------------------


async def test_a_token_has_the_new_shape_and_lives_one_hour(github: Any, clock: Any) -> None:
    answer = await github.token()
    assert answer.status_code == 201
    token = answer.json()
    assert token["token"].startswith("ghs_4242_")
    assert token["token"].count(".") == 2
    assert token["expires_at"] == "2026-11-21T10:30:00Z"
    assert token["permissions"]["issues"] == "write"

    assert (await github.as_bot("GET", "", token=token["token"])).status_code == 200
    clock.advance(minutes=61)
    assert (await github.as_bot("GET", "", token=token["token"])).status_code == 401


async def test_a_jwt_that_the_app_did_not_sign_now_for_ten_minutes_is_refused(github: Any) -> None:
    now = github.state.now()
    wrong: tuple[dict[str, Any], ...] = (
        {"iss": "1"},
        {"exp": now - timedelta(seconds=1)},
        {"exp": now + timedelta(minutes=11)},
        {"iat": now + timedelta(minutes=5)},
    )
    for claims in wrong:
        headers = {"authorization": f"Bearer {github.jwt(**claims)}"}
        assert (await github.http.get("/api/v3/app", headers=headers)).status_code == 401
    headers = {"authorization": f"Bearer {github.jwt()[:-8]}AAAAAAAA"}
    assert (await github.http.get("/api/v3/app", headers=headers)).status_code == 401
    assert (await github.as_app("GET", "/app")).json()["slug"] == "gptimage"


async def test_without_credentials_or_with_those_of_the_other_kind_nothing_opens(
    github: Any,
) -> None:
    assert (await github.http.get("/api/v3/repos/acme/posters")).status_code == 401
    assert (await github.as_app("GET", "/repos/acme/posters")).status_code == 401
    token = (await github.token()).json()["token"]
    headers = {"authorization": f"token {token}"}
    assert (await github.http.get("/api/v3/app", headers=headers)).status_code == 401


async def test_a_narrowed_token_opens_only_what_it_names(github: Any) -> None:
    narrowed = await github.token(repositories=["posters"], permissions={"issues": "read"})
    assert narrowed.json()["permissions"] == {"issues": "read", "metadata": "read"}
    assert narrowed.json()["repositories"][0]["full_name"] == "acme/posters"
    token = narrowed.json()["token"]

    assert (await github.as_bot("GET", "/issues/1/comments", token=token)).status_code == 200
    for method, path in (("POST", "/issues/1/comments"), ("GET", "/releases")):
        refused = await github.as_bot(method, path, token=token, json={"body": "x"})
        assert refused.status_code == 403
        assert refused.json()["message"] == "Resource not accessible by integration"


@pytest.mark.parametrize(
    "wanted",
    [
        {"permissions": {"administration": "write"}},
        {"permissions": {"metadata": "write"}},
        {"repositories": ["other"]},
        {"repository_ids": [1]},
    ],
)
async def test_a_token_for_more_than_the_installation_has_is_refused(
    github: Any, wanted: dict[str, Any]
) -> None:
    assert (await github.token(**wanted)).status_code == 422


async def test_the_installation_is_found_by_list_id_and_repository(github: Any) -> None:
    number = github.state.app.installation_id
    assert [each["id"] for each in (await github.as_app("GET", "/app/installations")).json()] == [
        number
    ]
    for path in (f"/app/installations/{number}", "/repos/acme/posters/installation"):
        assert (await github.as_app("GET", path)).json()["account"]["login"] == "acme"
    assert (await github.as_app("GET", "/app/installations/5")).status_code == 404
    assert (await github.as_app("GET", "/repos/acme/other/installation")).status_code == 404


# --- people --------------------------------------------------------------------------------------


async def test_permission_collapses_roles_and_role_name_tells_the_true_one(
    make_github: Callable[..., Any],
) -> None:
    people = [User(role, role) for role in Role] + [User("kim", Role.WRITE, "picture maker")]
    github = make_github(users=people)
    seen = {}
    for user in people:
        answer = await github.as_bot("GET", f"/collaborators/{user.login}/permission")
        seen[user.login] = (answer.json()["permission"], answer.json()["role_name"])
    assert seen == {
        "none": ("read", "read"),  # everybody reads a public repository
        "read": ("read", "read"),
        "triage": ("read", "triage"),
        "write": ("write", "write"),
        "maintain": ("write", "maintain"),
        "admin": ("admin", "admin"),
        "kim": ("write", "picture maker"),
    }


async def test_strangers_have_no_permission_in_a_private_repository(
    make_github: Callable[..., Any],
) -> None:
    answer = await make_github(private=True).as_bot("GET", "/collaborators/passer-by/permission")
    assert answer.json()["permission"] == "none"


@pytest.mark.parametrize("login", ["ghost", "gptimage[bot]"])
async def test_whoever_is_not_a_user_has_no_permission_at_all(github: Any, login: str) -> None:
    answer = await github.as_bot("GET", f"/collaborators/{login}/permission")
    assert (answer.status_code, answer.json()["message"]) == (404, f"{login} is not a user")


# --- comments ------------------------------------------------------------------------------------


async def test_the_bots_comment_is_signed_by_its_app_and_leads_to_the_page(github: Any) -> None:
    comment = await github.comment("Working on it")
    assert comment["user"] == comment["user"] | {"login": "gptimage[bot]", "type": "Bot"}
    assert comment["performed_via_github_app"]["slug"] == "gptimage"
    assert (
        comment["html_url"]
        == f"http://github.test/acme/posters/issues/1#issuecomment-{comment['id']}"
    )

    edited = await github.as_bot("PATCH", f"/issues/comments/{comment['id']}", json={"body": "Ok"})
    assert edited.json()["body"] == "Ok"
    assert (await github.as_bot("GET", f"/issues/comments/{comment['id']}")).json()["body"] == "Ok"
    assert [len(c.revisions) for c in github.state.threads.issue(1).comments.values()] == [2]

    gone = await github.as_bot("DELETE", f"/issues/comments/{comment['id']}")
    assert gone.status_code == 204
    assert (await github.as_bot("GET", f"/issues/comments/{comment['id']}")).status_code == 404


async def test_a_body_is_neither_empty_nor_longer_than_the_limit(github: Any) -> None:
    comment = await github.comment("x" * 65_536)
    for body in ("x" * 65_537, "", "  ", None):
        for method, path in (
            ("POST", "/issues/1/comments"),
            ("PATCH", f"/issues/comments/{comment['id']}"),
        ):
            answer = await github.as_bot(method, path, json={"body": body})
            assert answer.status_code == 422
    assert len(github.state.threads.issue(1).comments) == 1


async def test_comments_come_in_pages_and_since_a_moment(github: Any, clock: Any) -> None:
    for number in range(3):
        await github.comment(f"number {number}")
        clock.advance(minutes=1)
    first = await github.as_bot("GET", "/issues/1/comments", params={"per_page": 2})
    assert [each["body"] for each in first.json()] == ["number 0", "number 1"]
    rest = await github.as_bot("GET", first.links["next"]["url"])
    assert [each["body"] for each in rest.json()] == ["number 2"]
    assert "next" not in rest.links

    late = await github.as_bot(
        "GET", "/issues/1/comments", params={"since": "2026-11-21T09:31:00Z"}
    )
    assert [each["body"] for each in late.json()] == ["number 1", "number 2"]
    wrong = await github.as_bot("GET", "/issues/1/comments", params={"since": "yesterday"})
    assert wrong.status_code == 422


async def test_what_is_not_there_is_a_404(github: Any) -> None:
    for path in ("/issues/9", "/issues/9/comments", "/issues/comments/9", "/nothing"):
        answer = await github.as_bot("GET", path)
        assert (answer.status_code, answer.json()["message"]) == (404, "Not Found")
    elsewhere = await github.as_bot("GET", "http://github.test/api/v3/repos/acme/other")
    assert elsewhere.status_code == 404


async def test_a_reaction_is_made_once_and_can_be_taken_back(github: Any) -> None:
    comment = await github.types("maya", "/batch")
    path = f"/issues/comments/{comment['id']}/reactions"
    first = await github.as_bot("POST", path, json={"content": "eyes"})
    again = await github.as_bot("POST", path, json={"content": "eyes"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]
    await github.as_bot("POST", path, json={"content": "rocket"})
    assert [r["content"] for r in (await github.as_bot("GET", path)).json()] == ["eyes", "rocket"]
    seen = (await github.as_bot("GET", f"/issues/comments/{comment['id']}")).json()["reactions"]
    assert (seen["total_count"], seen["eyes"], seen["heart"]) == (2, 1, 0)

    taken = await github.as_bot("DELETE", f"{path}/{first.json()['id']}")
    assert taken.status_code == 204
    assert [r["content"] for r in (await github.as_bot("GET", path)).json()] == ["rocket"]
    assert (await github.as_bot("DELETE", f"{path}/{first.json()['id']}")).status_code == 404
    odd = await github.as_bot("POST", path, json={"content": "shrug"})
    assert odd.status_code == 422


async def test_files_of_the_default_branch_can_be_read(make_github: Callable[..., Any]) -> None:
    github = make_github(files={"jobs/one.json": b'{"jobs": []}', "README.md": b"# Posters"})
    one = (await github.as_bot("GET", "/contents/jobs/one.json")).json()
    assert (one["type"], base64.b64decode(one["content"])) == ("file", b'{"jobs": []}')
    raw = await github.as_bot(
        "GET", "/contents/README.md", headers={"accept": "application/vnd.github.raw+json"}
    )
    assert raw.content == b"# Posters"
    folder = (await github.as_bot("GET", "/contents/jobs", params={"ref": "main"})).json()
    assert [entry["path"] for entry in folder] == ["jobs/one.json"]
    for path in ("/contents/none.json", "/contents/README.md?ref=elsewhere"):
        assert (await github.as_bot("GET", path)).status_code == 404


# --- limits and faults ---------------------------------------------------------------------------


async def test_every_answer_of_the_api_tells_what_is_left_of_the_limit(github: Any) -> None:
    answers = [
        await github.as_bot("GET", ""),
        await github.as_bot("GET", "/nothing"),
        await github.http.get("/api/v3/app"),
    ]
    assert [answer.headers["x-ratelimit-remaining"] for answer in answers] == [
        "4999",
        "4998",
        "4997",
    ]
    assert answers[0].headers["x-ratelimit-limit"] == "5000"
    assert answers[0].headers["x-ratelimit-resource"] == "core"
    assert answers[0].headers["x-ratelimit-reset"] == str(
        int(github.state.now().timestamp()) + 3600
    )


async def test_nothing_is_done_above_the_limit_until_its_reset(github: Any, clock: Any) -> None:
    github.state.rate_limit.limit = 1
    await github.comment("the one that is allowed")
    refused = await github.as_bot("POST", "/issues/1/comments", json={"body": "one more"})
    assert (refused.status_code, refused.headers["x-ratelimit-remaining"]) == (403, "0")
    clock.advance(hours=1)
    await github.comment("an hour later")


async def test_a_lost_answer_leaves_its_effect_and_a_refusal_does_not(github: Any) -> None:
    github.state.faults.add(
        Fault(method="POST", path="/comments$", after_effect=True),
        Fault(method="POST", path="/comments$", status=500),
    )
    for status in (502, 500):
        answer = await github.as_bot("POST", "/issues/1/comments", json={"body": "hello"})
        assert answer.status_code == status
    assert len(github.state.threads.issue(1).comments) == 1
    assert [(c.status, c.fault) for c in github.state.writes] == [(502, "error"), (500, "error")]


async def test_a_secondary_limit_comes_with_and_without_a_wait(github: Any) -> None:
    sent = [{"kind": "secondary_limit", "retry_after": 7}, {"kind": "secondary_limit"}]
    assert (await github.http.post("/sim/faults", json=sent)).status_code == 201
    answers = [await github.as_bot("GET", "") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [403, 403, 200]
    assert [answer.headers.get("retry-after") for answer in answers] == ["7", None, None]


async def test_a_fault_waits_for_its_turn_and_strikes_as_often_as_told(github: Any) -> None:
    github.state.faults.add(Fault(path="/issues/1$", status=404, skip=1, times=2))
    statuses = [(await github.as_bot("GET", "/issues/1")).status_code for _ in range(4)]
    assert statuses == [200, 404, 404, 200]


async def test_a_hanging_answer_ends_after_its_time(github: Any) -> None:
    github.state.faults.add(Fault(FaultKind.HANG, seconds=0.01))
    assert (await github.as_bot("GET", "")).status_code == 504


async def test_a_button_of_the_page_puts_its_fault_into_the_script(github: Any) -> None:
    pressed = await github.http.post("/sim/switches", json={"name": "github-502"})
    assert (pressed.status_code, "502" in pressed.json()["says"]) == (201, True)
    statuses = [
        (await github.as_bot("POST", "/issues/1/comments", json={"body": "x"})).status_code
        for _ in range(2)
    ]
    assert statuses == [502, 201]
    unknown = await github.http.post("/sim/switches", json={"name": "earthquake"})
    assert unknown.status_code == 404


async def test_the_repository_turns_private_and_public_again(github: Any) -> None:
    for private in (True, False):
        await github.http.post("/sim/visibility", json={})
        assert (await github.as_bot("GET", "")).json()["private"] is private


@pytest.mark.parametrize("sent", [{"kind": "earthquake"}, {"colour": 1}, ["x"], 5])
async def test_a_fault_that_does_not_exist_is_refused(github: Any, sent: Any) -> None:
    assert (await github.http.post("/sim/faults", json=sent)).status_code == 422
