"""Only what GitHub signed is believed, and only a person's comment is heard."""

import gc
import hashlib
import hmac
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.errors import WebhookError
from bot.core.event import (
    CommentEvent,
    delivery_id,
    from_json,
    parse,
    run_id,
    to_json,
    verify,
)
from bot.core.run import Person, Thread

DELIVERIES = Path(__file__).parents[1] / "data" / "deliveries"
SECRET = b"It's a Secret to Everybody"
# The vector that GitHub publishes in "Validating webhook deliveries".
BODY = b"Hello, World!"
SIGNATURE = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"


def payload(name: str = "issue_comment-created-3", **changes: object) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((DELIVERIES / f"{name}.json").read_bytes())
    return found | changes


def read(data: object, event: str = "issue_comment") -> CommentEvent | None:
    return parse(event, json.dumps(data).encode())


def comment(**changes: object) -> CommentEvent:
    data = payload()
    event = read(data | {"comment": data["comment"] | changes})
    assert event is not None
    return event


# --- signatures -------------------------------------------------------------------------------


def test_the_published_vector_is_accepted() -> None:
    verify(BODY, SIGNATURE, [SECRET])


def test_while_a_secret_is_rotated_both_are_accepted() -> None:
    verify(BODY, SIGNATURE, [b"new", SECRET])
    verify(BODY, SIGNATURE, [SECRET, b"old"])


@pytest.mark.parametrize(
    "signature",
    [
        None,
        "",
        "sha256=",
        SIGNATURE.removeprefix("sha256="),
        SIGNATURE.upper(),
        f"{SIGNATURE}, {SIGNATURE}",
        f"{SIGNATURE}0",
        SIGNATURE.replace("7", "７"),
        "sha256=é",
        "\udcff",
        "sha1=" + hmac.new(SECRET, BODY, hashlib.sha1).hexdigest(),
    ],
)
def test_any_other_signature_is_refused(signature: str | None) -> None:
    with pytest.raises(WebhookError, match="signature") as caught:
        verify(BODY, signature, [SECRET])
    assert caught.value.status == 401


@given(st.integers(len("sha256="), len(SIGNATURE) - 1), st.sampled_from("0123456789abcdef"))
def test_one_flipped_digit_is_refused(place: int, digit: str) -> None:
    flipped = SIGNATURE[:place] + digit + SIGNATURE[place + 1 :]
    if flipped == SIGNATURE:
        return
    with pytest.raises(WebhookError):
        verify(BODY, flipped, [SECRET])


@given(st.binary(max_size=200), st.text(max_size=80), st.binary(min_size=1, max_size=40))
def test_what_was_not_signed_is_refused_whatever_it_is(
    body: bytes, signature: str, secret: bytes
) -> None:
    with pytest.raises(WebhookError):
        verify(body, signature, [secret])


def test_a_body_that_was_written_again_is_refused() -> None:
    body = (DELIVERIES / "issue_comment-created-3.json").read_bytes()
    signature = "sha256=" + hmac.new(SECRET, body, hashlib.sha256).hexdigest()
    verify(body, signature, [SECRET])
    with pytest.raises(WebhookError):
        verify(json.dumps(json.loads(body)).encode(), signature, [SECRET])


@pytest.mark.parametrize("secrets", [[], [b""], [SECRET, b""]])
def test_an_empty_secret_is_a_mistake_of_the_program(secrets: list[bytes]) -> None:
    with pytest.raises(ValueError, match="empty"):
        verify(BODY, SIGNATURE, secrets)


# --- payloads ---------------------------------------------------------------------------------


def test_a_comment_is_read_with_all_that_is_needed() -> None:
    assert read(payload()) == CommentEvent(
        action="created",
        body="You are totally right! I'll get this fixed right away.",
        thread=Thread(
            installation=1,
            repository_id=186853002,
            repository="Codertocat/Hello-World",
            private=False,
            issue=1,
            comment=492700400,
        ),
        author=Person(21031067, "Codertocat"),
        sender=Person(21031067, "Codertocat"),
        sender_type="User",
        owner=Person(21031067, "Codertocat"),
        default_branch="master",
        comment_created_at=datetime(2019, 5, 15, 15, 20, 21, tzinfo=UTC),
    )


@pytest.mark.parametrize("path", sorted(DELIVERIES.glob("*.json")), ids=lambda path: path.stem)
def test_of_real_deliveries_only_comments_of_an_installation_are_heard(path: Path) -> None:
    name, action = path.stem.split("-")[:2]
    body = path.read_bytes()
    assert (parse(name, body) is not None) == (path.stem == "issue_comment-created-3")
    with_installation = json.loads(body) | {"installation": {"id": 7}}
    heard = name == "issue_comment" and action in {"created", "edited"}
    assert (read(with_installation, name) is not None) == heard


def test_new_fields_values_and_accounts_pass() -> None:
    data = payload(new={"field": 1}, sender={"id": 5, "login": "it", "type": "Martian"})
    event = read(data)
    assert event is not None
    assert event.sender_type == "Martian"


@pytest.mark.parametrize(
    ("event", "data"),
    [
        ("a_new_event", payload()),
        ("issue_comment", payload(action="pinned")),
        ("issue_comment", payload(action=["created"])),
        ("issue_comment", payload(installation=None)),
        ("issue_comment", payload(comment=payload()["comment"] | {"user": None})),
        ("issue_comment", {}),
        ("ping", {"zen": "Keep it logically awesome."}),
    ],
)
def test_what_is_not_wanted_is_nothing_and_no_error(event: str, data: object) -> None:
    assert read(data, event) is None


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b'"text"', b"\xff\xfe", b'{"a": "\\ud800"}', b"[" * 100_000],
)
@pytest.mark.parametrize("event", ["issue_comment", "ping"])
def test_bytes_that_are_no_json_object_are_refused(event: str, body: bytes) -> None:
    with pytest.raises(WebhookError) as caught:
        parse(event, body)
    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"comment": None}, "comment"),
        ({"repository": {"id": 1}}, "repository.full_name"),
        ({"installation": {"id": 2**63}}, "installation.id"),
        ({"issue": {"number": "one"}}, "issue.number"),
    ],
)
def test_a_comment_event_without_its_parts_is_refused_by_name(
    changes: dict[str, object], where: str
) -> None:
    with pytest.raises(WebhookError, match=where) as caught:
        read(payload() | changes)
    assert caught.value.status == 400


# --- identity ---------------------------------------------------------------------------------


def test_the_same_comment_is_one_delivery_and_one_run() -> None:
    assert delivery_id(comment()) == delivery_id(comment()) == "1-186853002-492700400"
    assert run_id(comment().thread) == run_id(comment(body="other").thread)
    assert run_id(comment().thread) != run_id(comment(id=5).thread)


def test_each_edit_to_other_words_is_a_delivery_of_its_own() -> None:
    edited = payload("issue_comment-edited-7", installation={"id": 1})
    once = read(edited)
    again = read(edited | {"comment": edited["comment"] | {"body": "/batch help"}})
    assert once is not None
    assert again is not None
    assert len({delivery_id(comment()), delivery_id(once), delivery_id(again)}) == 3
    assert run_id(once.thread) == run_id(again.thread)


@given(st.integers(0, 2**63 - 1), st.integers(0, 2**63 - 1), st.integers(0, 2**63 - 1))
def test_a_run_id_is_short_and_safe_everywhere(installation: int, repository: int, n: int) -> None:
    name = run_id(Thread(installation, repository, "o/r", private=False, issue=1, comment=n))
    assert len(name) == 10
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz234567")


@given(st.text())
def test_an_event_survives_the_inbox(body: str) -> None:
    event = comment(body=body)
    assert from_json(to_json(event)) == event


def test_of_a_delivery_that_has_been_read_nothing_stays_in_memory() -> None:
    def blocks() -> int:
        gc.collect()
        return sys.getallocatedblocks()

    bodies = [json.dumps({"action": f"never seen {n}"}).encode() for n in range(20_000)]
    before = blocks()
    for body in bodies:
        assert parse("issue_comment", body) is None

    assert blocks() - before < 1000
