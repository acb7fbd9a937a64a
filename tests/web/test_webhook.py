"""Deliveries come in: believed, looked at, stored before the 202, and never more than once."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from starlette.applications import Starlette

from bot.core.errors import GptimageError, SettingsError
from bot.core.ports import Delivery, Task
from bot.entrypoints.web import create_web
from tests.web.conftest import (
    BATCH,
    DELIVERIES,
    NOW,
    PREVIOUS,
    ListScheduler,
    MemoryInbox,
    comment,
    headers,
    sign,
)

IGNORED = {"status": "ignored"}


async def deliver(github: httpx.AsyncClient, body: bytes, **more: str) -> httpx.Response:
    return await github.post("/webhook", content=body, headers=headers(body) | more)


# --- what is a command is stored --------------------------------------------------------------


async def test_a_command_is_stored_acknowledged_and_scheduled(
    github: httpx.AsyncClient, inbox: MemoryInbox, scheduler: ListScheduler
) -> None:
    answer = await deliver(github, comment(BATCH))
    assert answer.status_code == 202
    (delivery,) = inbox.deliveries.values()
    assert answer.json() == {"status": "accepted", "id": delivery.id}
    assert (delivery.guid, delivery.received_at, delivery.event.body) == ("a-guid", NOW, BATCH)
    assert scheduler.scheduled == [(Task.INTAKE, delivery.id)]


async def test_a_command_is_seen_however_its_payload_was_encoded(
    github: httpx.AsyncClient, inbox: MemoryInbox
) -> None:
    for slash in (b"\\/", b"\\u002f"):
        inbox.deliveries.clear()
        body = comment(BATCH).replace(b"/batch", slash + b"batch")
        assert (await deliver(github, body)).json()["status"] == "accepted"


async def test_a_command_with_a_mistake_is_stored_because_it_will_be_answered(
    github: httpx.AsyncClient, inbox: MemoryInbox
) -> None:
    for text in ("/batch --colour red", f"{BATCH}\n\n{BATCH}", "/batch"):
        inbox.deliveries.clear()
        assert (await deliver(github, comment(text))).json()["status"] == "accepted", text
        assert len(inbox.deliveries) == 1


async def test_the_same_comment_under_100_guids_at_once_is_one_delivery(
    github: httpx.AsyncClient, inbox: MemoryInbox
) -> None:
    body = comment(BATCH)
    answers = await asyncio.gather(
        *(deliver(github, body, **{"X-GitHub-Delivery": f"guid-{n}"}) for n in range(100))
    )
    assert {answer.status_code for answer in answers} == {202}
    assert inbox.first == 1


@pytest.mark.parametrize("path", sorted(DELIVERIES.glob("*.json")), ids=lambda path: path.stem)
async def test_githubs_own_examples_hold_no_command_and_leave_nothing(
    path: object, github: httpx.AsyncClient, inbox: MemoryInbox, scheduler: ListScheduler
) -> None:
    name = str(path).rsplit("/", 1)[-1]
    body = (DELIVERIES / name).read_bytes()
    event = name.split("-")[0].replace("ping_event", "ping")
    answer = await github.post("/webhook", content=body, headers=headers(body, event))
    assert (answer.status_code, answer.json()) == (202, IGNORED)
    assert not inbox.deliveries
    assert not scheduler.scheduled


@pytest.mark.parametrize("event", ["push", "issues", "ping", "not_yet_invented", "", "é"])
async def test_events_that_nobody_asked_for_are_ignored_whatever_they_hold(
    event: str, github: httpx.AsyncClient, inbox: MemoryInbox
) -> None:
    for body in (comment(BATCH), b"no json", b""):
        sent = headers(body) | {"X-GitHub-Event": event}
        raw = {name.encode(): value.encode() for name, value in sent.items()}
        answer = await github.post("/webhook", content=body, headers=raw)
        assert (answer.status_code, answer.json()) == (202, IGNORED)
    assert not inbox.deliveries


async def test_a_delivery_without_an_event_header_is_ignored(
    github: httpx.AsyncClient, inbox: MemoryInbox
) -> None:
    body = comment(BATCH)
    answer = await github.post(
        "/webhook", content=body, headers={"X-Hub-Signature-256": sign(body)}
    )
    assert answer.json() == IGNORED
    assert not inbox.deliveries


# --- whom we believe --------------------------------------------------------------------------


BODY = comment(BATCH)
GOOD = sign(BODY)
SHA1 = "sha1=" + hmac.new(b"x", BODY, hashlib.sha1).hexdigest()


@pytest.mark.parametrize(
    "signatures",
    [
        pytest.param([], id="missing"),
        pytest.param([b""], id="empty"),
        pytest.param(
            [GOOD.replace(GOOD[20], "0" if GOOD[20] != "0" else "1").encode()], id="digit"
        ),
        pytest.param([SHA1.encode()], id="sha1"),
        pytest.param(["sha256=ü".encode()], id="not ASCII"),
        pytest.param([b"sha256=\xff\xfe"], id="no text"),
        pytest.param([GOOD.encode(), GOOD.encode()], id="twice"),
        pytest.param([GOOD.removeprefix("sha256=").encode()], id="bare"),
        pytest.param([GOOD.upper().encode()], id="upper case"),
        pytest.param([sign(BODY, "a guess").encode()], id="another secret"),
    ],
)
async def test_what_github_did_not_sign_is_refused_and_leaves_nothing(
    signatures: list[bytes], github: httpx.AsyncClient, inbox: MemoryInbox
) -> None:
    sent = [(b"X-GitHub-Event", b"issue_comment")]
    sent += [(b"X-Hub-Signature-256", signature) for signature in signatures]
    answer = await github.post("/webhook", content=BODY, headers=sent)
    assert answer.status_code == 401
    assert "signature" in answer.json()["error"]
    assert not inbox.deliveries


async def test_the_body_must_come_as_it_was_signed(github: httpx.AsyncClient) -> None:
    rewritten = json.dumps(json.loads(BODY), indent=1).encode()
    answer = await github.post("/webhook", content=rewritten, headers=headers(BODY))
    assert answer.status_code == 401


async def test_while_a_secret_is_rotated_both_are_good(
    github: httpx.AsyncClient, inbox: MemoryInbox
) -> None:
    answer = await deliver(github, BODY, **{"X-Hub-Signature-256": sign(BODY, PREVIOUS)})
    assert answer.status_code == 202
    assert len(inbox.deliveries) == 1


@pytest.mark.parametrize("secrets", [[], [""], ["good", ""]])
def test_an_empty_secret_refuses_to_start(secrets: list[str]) -> None:
    with pytest.raises(SettingsError, match="GITHUB_WEBHOOK_SECRET"):
        create_web(
            inbox=MemoryInbox(),
            scheduler=ListScheduler(),
            secrets=[SecretStr(secret) for secret in secrets],
            clock=lambda: NOW,
            checks={},
        )


# --- bad bytes --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [b"", b"no json", b"{", b"[]", b"null", b'{"action": "created"', b"\xff\xfe", b"[" * 50_000],
)
async def test_a_comment_that_is_no_json_object_is_a_400_if_it_may_be_a_command(
    body: bytes, github: httpx.AsyncClient, inbox: MemoryInbox
) -> None:
    assert (await deliver(github, body)).json() == IGNORED
    answer = await deliver(github, body + b"/batch" if body else b'"/batch"')
    assert answer.status_code == 400
    assert not inbox.deliveries


async def test_a_comment_without_its_fields_is_a_400_that_names_one(
    github: httpx.AsyncClient,
) -> None:
    answer = await deliver(github, comment(BATCH, repository={"id": 1}))
    assert answer.status_code == 400
    assert "repository" in answer.json()["error"]


async def test_a_body_announced_as_too_long_is_refused_unread(
    github: httpx.AsyncClient, inbox: MemoryInbox
) -> None:
    taken = 0

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal taken
        for _ in range(1000):
            taken += 1
            yield b"x" * 1000

    sent = {"X-GitHub-Event": "issue_comment", "Content-Length": "1000000"}
    answer = await github.post("/webhook", content=chunks(), headers=sent)
    assert answer.status_code == 413
    assert taken == 0
    assert not inbox.deliveries


@pytest.mark.parametrize("claim", [None, "5", "-1", "many", "²", "9" * 5000, "1, 2"])
async def test_an_endless_body_is_refused_at_the_limit_whatever_it_claims(
    claim: str | None, github: httpx.AsyncClient
) -> None:
    taken = 0

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal taken
        while True:
            taken += 1
            yield b"x" * 10_000

    sent = {} if claim is None else {b"Content-Length": claim.encode()}
    answer = await github.post("/webhook", content=chunks(), headers=sent)
    assert answer.status_code == 413
    assert taken <= 11


async def test_a_body_of_exactly_the_limit_is_read(github: httpx.AsyncClient) -> None:
    body = b"x" * 100_000
    assert (await deliver(github, body)).status_code == 202
    assert (await deliver(github, body + b"x")).status_code == 413


@given(
    event=st.sampled_from(["issue_comment", "ping", ""]) | st.text(max_size=20),
    body=st.binary(max_size=300) | st.text(max_size=300).map(comment),
    signed=st.booleans(),
    extra=st.dictionaries(
        st.sampled_from([b"X-GitHub-Delivery", b"X-Hub-Signature-256", b"Content-Type"]),
        st.binary(max_size=100),
    ),
)
def test_no_bytes_make_it_fail(
    event: str, body: bytes, signed: bool, extra: dict[bytes, bytes]
) -> None:
    inbox = MemoryInbox()
    web = application(inbox)
    sent = {b"X-GitHub-Event": event.encode("utf-8", "replace"), **extra}
    if signed:
        sent[b"X-Hub-Signature-256"] = sign(body).encode()
    answer = asyncio.run(post(web, body, sent))
    assert answer.status_code in {202, 400, 401}
    assert bool(inbox.deliveries) == (answer.json().get("status") == "accepted")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=5,
    ),
    st.sampled_from(["action", "issue", "comment", "repository", "sender", "installation"]),
)
def test_no_field_of_a_signed_payload_makes_it_fail(value: object, field: str) -> None:
    body = json.dumps(json.loads(BODY) | {field: value}).encode()
    sent = {name.encode(): text.encode() for name, text in headers(body).items()}
    answer = asyncio.run(post(application(MemoryInbox()), body, sent))
    assert answer.status_code in {202, 400}


def application(inbox: MemoryInbox) -> Starlette:
    return create_web(
        inbox=inbox,
        scheduler=ListScheduler(),
        secrets=[SecretStr("It's a Secret to Everybody")],
        clock=lambda: NOW,
        checks={},
    )


async def post(web: Starlette, body: bytes, sent: dict[bytes, bytes]) -> httpx.Response:
    transport = httpx.ASGITransport(web)
    async with httpx.AsyncClient(transport=transport, base_url="http://bot") as client:
        return await client.post("/webhook", content=body, headers=sent)


# --- what lies behind us is away --------------------------------------------------------------


async def test_a_busy_ledger_is_a_503_and_the_redelivery_is_stored_once(
    github: httpx.AsyncClient, inbox: MemoryInbox, scheduler: ListScheduler
) -> None:
    inbox.busy = True
    answer = await deliver(github, BODY)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
    assert not scheduler.scheduled
    inbox.busy = False
    assert (await deliver(github, BODY)).status_code == 202
    assert inbox.first == 1


async def test_what_a_busy_ledger_refused_is_stored_as_soon_as_it_takes_it(
    github: httpx.AsyncClient, inbox: MemoryInbox, scheduler: ListScheduler
) -> None:
    inbox.busy = True
    for _ in range(3):
        assert (await deliver(github, BODY)).status_code == 503
    inbox.busy = False
    async with asyncio.timeout(30):
        while not scheduler.scheduled:
            await asyncio.sleep(0.05)
    assert (inbox.first, len(scheduler.scheduled)) == (1, 1)


async def test_a_ledger_that_hangs_is_a_503_within_three_seconds(
    github: httpx.AsyncClient, inbox: MemoryInbox
) -> None:
    inbox.hangs = True
    async with asyncio.timeout(3):
        answer = await deliver(github, BODY)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
    assert not inbox.deliveries


async def test_a_queue_that_is_away_loses_nothing_the_delivery_is_stored(
    github: httpx.AsyncClient, inbox: MemoryInbox, scheduler: ListScheduler
) -> None:
    scheduler.failure = GptimageError("the queue cannot be reached")
    assert (await deliver(github, BODY)).status_code == 202
    assert len(inbox.deliveries) == 1


class BrokenInbox(MemoryInbox):
    async def receive(self, delivery: Delivery) -> bool:
        raise RuntimeError(f"a password stands here, and {delivery.event.body}")


async def test_a_fault_of_ours_is_a_500_that_tells_nothing() -> None:
    transport = httpx.ASGITransport(application(BrokenInbox()), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://bot") as client:
        answer = await deliver(client, BODY)
    assert answer.status_code == 500
    assert answer.json() == {"error": "internal error"}
