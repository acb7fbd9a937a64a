import asyncio
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.simulators.github import Role, User, Webhook
from bot.simulators.github.webhooks import sign

SECRET = "correct horse"


class Receiver:
    """A bot's address that remembers what it was sent and answers as it is told."""

    def __init__(self, *statuses: int) -> None:
        self.got: list[tuple[httpx.Headers, bytes]] = []
        self._statuses = list(statuses)

    async def take(self, request: Request) -> Response:
        self.got.append((httpx.Headers(request.headers.raw), await request.body()))
        return Response(status_code=self._statuses.pop(0) if self._statuses else 202)

    @property
    def webhook(self) -> Webhook:
        app = Starlette(routes=[Route("/webhook", self.take, methods=["POST"])])
        return Webhook("http://bot.test/webhook", SECRET, httpx.ASGITransport(app))

    @property
    def payloads(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.got]


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


def test_signs_as_in_the_published_example() -> None:
    digest = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    assert sign(b"Hello, World!", "It's a Secret to Everybody") == f"sha256={digest}"


async def test_a_typed_comment_arrives_signed_over_its_raw_bytes(
    make_github: Callable[..., Any], receiver: Receiver
) -> None:
    github = make_github(webhook=receiver.webhook)
    comment = await github.types("maya", "/batch 狐")
    await github.state.webhooks.settled()
    ((headers, body),) = receiver.got
    digest = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    assert headers["x-hub-signature-256"] == f"sha256={digest}"
    assert headers["x-github-event"] == "issue_comment"
    assert headers["x-github-hook-installation-target-id"] == "4242"
    assert headers["x-github-hook-installation-target-type"] == "integration"
    assert headers["content-type"] == "application/json"

    payload = json.loads(body)
    assert payload["action"] == "created"
    assert payload["comment"] == comment
    assert payload["issue"]["comments"] == 1
    assert payload["repository"]["full_name"] == "acme/posters"
    assert payload["sender"]["login"] == "maya"
    assert payload["installation"]["id"] == github.state.app.installation_id
    assert payload["organization"]["login"] == "acme"
    assert "changes" not in payload


async def test_what_the_bot_does_comes_back_to_it_too(
    make_github: Callable[..., Any], receiver: Receiver
) -> None:
    github = make_github(webhook=receiver.webhook)
    path = f"/issues/comments/{(await github.comment('one'))['id']}"
    await github.as_bot("PATCH", path, json={"body": "two"})
    await github.as_bot("DELETE", path)
    await github.state.webhooks.settled()
    assert sorted(payload["action"] for payload in receiver.payloads) == [
        "created",
        "deleted",
        "edited",
    ]
    assert {payload["sender"]["type"] for payload in receiver.payloads} == {"Bot"}
    (edited,) = [each for each in receiver.payloads if each["action"] == "edited"]
    assert edited["changes"] == {"body": {"from": "one"}}


async def test_people_edit_their_own_comments_and_writers_those_of_others(
    make_github: Callable[..., Any], receiver: Receiver
) -> None:
    github = make_github(webhook=receiver.webhook)
    number = (await github.types("ada", "/batch"))["id"]
    for user, status in (("ada", 200), ("tomas", 200), ("rin", 403), ("ghost", 404)):
        sent = {"user": user, "body": f"by {user}"}
        answer = await github.http.patch(f"/sim/comments/{number}", json=sent)
        assert answer.status_code == status
    assert (await github.http.get(f"/sim/comments/{number}")).json()["body"] == "by tomas"
    gone = await github.http.request("DELETE", f"/sim/comments/{number}", json={"user": "ada"})
    assert gone.status_code == 204
    await github.state.webhooks.settled()
    senders = [(p["action"], p["sender"]["login"]) for p in receiver.payloads]
    assert sorted(senders) == [
        ("created", "ada"),
        ("deleted", "ada"),
        ("edited", "ada"),
        ("edited", "tomas"),
    ]


async def test_what_payloads_say_of_an_author_is_not_the_role(
    make_github: Callable[..., Any], receiver: Receiver
) -> None:
    private_member = User("kim", Role.WRITE, association="CONTRIBUTOR")
    github = make_github(
        webhook=receiver.webhook, users=[private_member, User("lee", Role.READ), User("acme")]
    )
    for login in ("kim", "lee", "acme"):
        await github.types(login, "hello")
    await github.state.webhooks.settled()
    assert [p["comment"]["author_association"] for p in receiver.payloads] == [
        "CONTRIBUTOR",
        "COLLABORATOR",
        "OWNER",
    ]


async def test_a_failed_delivery_waits_to_be_asked_for_and_keeps_its_guid(
    make_github: Callable[..., Any],
) -> None:
    receiver = Receiver(503)
    github = make_github(webhook=receiver.webhook)
    await github.types("maya", "/batch")
    await github.state.webhooks.settled()
    (first,) = (await github.as_app("GET", "/app/hook/deliveries")).json()
    assert (first["status"], first["status_code"]) == ("Invalid HTTP Response: 503", 503)

    attempt = await github.as_app("POST", f"/app/hook/deliveries/{first['id']}/attempts")
    assert attempt.status_code == 202
    await github.state.webhooks.settled()
    second, _ = (await github.as_app("GET", "/app/hook/deliveries")).json()
    assert (second["status"], second["status_code"]) == ("OK", 202)
    assert (second["guid"], second["redelivery"]) == (first["guid"], True)
    (before, sent), (after, sent_again) = receiver.got
    assert before["x-github-delivery"] == after["x-github-delivery"] == first["guid"]
    assert sent == sent_again

    details = (await github.as_app("GET", f"/app/hook/deliveries/{second['id']}")).json()
    assert details["request"]["payload"] == json.loads(sent)
    assert (await github.as_app("GET", "/app/hook/deliveries/5")).status_code == 404


async def test_deliveries_are_listed_newest_first_by_a_cursor(
    make_github: Callable[..., Any], receiver: Receiver
) -> None:
    github = make_github(webhook=receiver.webhook)
    for number in range(3):
        await github.types("maya", f"comment {number}")
    await github.state.webhooks.settled()
    page = await github.as_app("GET", "/app/hook/deliveries", params={"per_page": 2})
    following = page.links["next"]["url"].removeprefix("http://github.test/api/v3")
    rest = await github.as_app("GET", following)
    ids = [each["id"] for each in page.json() + rest.json()]
    assert ids == [each.id for each in reversed(github.state.webhooks.deliveries)]
    assert "next" not in rest.links


async def test_nobody_there_or_no_answer_in_time_is_recorded(
    make_github: Callable[..., Any],
) -> None:
    async def never(_request: Request) -> Response:
        await asyncio.Event().wait()
        return Response()

    silent = Starlette(routes=[Route("/", never, methods=["POST"])])
    transport = httpx.ASGITransport(silent)
    github = make_github(webhook=Webhook("http://bot.test/", SECRET, transport, patience=0.05))
    await github.types("maya", "hello")
    await github.state.webhooks.settled()
    github.state.webhooks.webhook = Webhook("http://127.0.0.1:9/", SECRET)
    await github.types("maya", "hello")
    await github.state.webhooks.settled()
    statuses = [each.status for each in github.state.webhooks.deliveries]
    assert statuses == ["timed out", "failed to connect to host"]


async def test_a_judge_in_another_process_sees_all_of_it(
    make_github: Callable[..., Any], receiver: Receiver
) -> None:
    github = make_github(webhook=receiver.webhook)
    typed = await github.types("maya", "/batch")
    await github.as_bot(
        "POST", f"/issues/comments/{typed['id']}/reactions", json={"content": "eyes"}
    )
    answer = await github.comment("Working on it")
    await github.as_bot("PATCH", f"/issues/comments/{answer['id']}", json={"body": "Done"})
    await github.state.webhooks.settled()
    seen = (await github.http.get("/sim/state")).json()
    first, second = seen["issues"]["1"]
    assert first["reactions"] == [{"user": "gptimage[bot]", "content": "eyes"}]
    assert (second["user"], second["body"], len(second["edits"])) == ("gptimage[bot]", "Done", 1)
    assert seen["calls"] == {"POST": 2, "PATCH": 1}
    assert [(call["method"], call["status"]) for call in seen["writes"]] == [
        ("POST", 201),
        ("POST", 201),
        ("PATCH", 200),
    ]
    assert [each["status"] for each in seen["deliveries"]] == ["OK"] * 3


async def test_pages_of_other_origins_cannot_type_for_anybody(github: Any) -> None:
    answer = await github.http.post("/sim/comments", data={"user": "maya", "body": "/batch"})
    assert answer.status_code == 415
    broken = await github.http.post(
        "/sim/comments", content=b"{", headers={"content-type": "application/json"}
    )
    assert broken.status_code == 400


async def test_more_issues_can_be_opened_also_as_pull_requests(github: Any) -> None:
    sent = {"user": "tomas", "title": "Add a poster", "body": "Look", "pull_request": True}
    opened = await github.http.post("/sim/issues", json=sent)
    assert (opened.status_code, opened.json()["number"]) == (201, 2)
    assert "pull_request" in (await github.as_bot("GET", "/issues/2")).json()
    await github.comment("Nice", issue=2)
