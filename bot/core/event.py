"""A webhook's bytes become a comment event, or nothing; nothing else looks at a payload."""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from bot.core import typed_json
from bot.core.errors import WebhookError
from bot.core.run import Person, Thread

Action = Literal["created", "edited"]


@dataclass(frozen=True, slots=True)
class CommentEvent:
    """Somebody wrote or edited a comment on an issue or a pull request.

    `author` wrote the comment, `sender` did what the event tells of; for an edit they may be two
    people. `sender_type` is GitHub's word (`User`, `Bot`, …), which may be one we do not know.
    """

    action: Action
    body: str
    thread: Thread
    author: Person
    sender: Person
    sender_type: str
    owner: Person
    default_branch: str
    comment_created_at: datetime
    app: int | None = None  # the App through which it was written, if that was one


def verify(body: bytes, signature: str | None, secrets: Sequence[bytes]) -> None:
    """Accept the body if one of the secrets signed it; raise WebhookError (401) otherwise.

    `signature` is the header X-Hub-Signature-256, or None if it came not exactly once.
    Source: docs.github.com, "Validating webhook deliveries".
    """
    if not secrets or not all(secrets):
        raise ValueError("a webhook secret must not be empty")
    given = (signature or "").encode(
        errors="replace"
    )  # compare_digest takes no other text than ASCII
    matches = [hmac.compare_digest(given, _sign(body, secret)) for secret in secrets]
    if not any(matches):
        raise WebhookError("the signature does not match", status=401)


def _sign(body: bytes, secret: bytes) -> bytes:
    return b"sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest().encode()


def parse(event: str, body: bytes) -> CommentEvent | None:
    """The comment that was written or edited; None for every other event, also unknown ones.

    Raises WebhookError (400) for bytes that are no JSON object, or no comment where one is due.
    """
    payload = _json_object(body)
    if event != "issue_comment" or payload.get("action") not in ("created", "edited"):
        return None
    if payload.get("installation") is None:  # a repository's own webhook: not for the App
        return None
    return _read(payload)


def parse_workflow(body: bytes) -> CommentEvent | None:
    """The comment that started a workflow, which knows of no installation: it becomes 0.

    None for what is not written or edited. Raises WebhookError as `parse` does.
    """
    payload = _json_object(body)
    if payload.get("action") not in ("created", "edited"):
        return None
    return _read(payload | {"installation": {"id": 0}})


def _read(payload: dict[str, object]) -> CommentEvent | None:
    try:
        return _comment_event(_Payload.model_validate(payload))
    except ValidationError as error:
        where = ".".join(map(str, error.errors()[0]["loc"]))
        raise WebhookError(f"the payload cannot be read at {where}", status=400) from None


def delivery_id(event: CommentEvent) -> str:
    """An id that is the same however often GitHub tells of the same words in the same comment."""
    thread = event.thread
    base = f"{thread.installation}-{thread.repository_id}-{thread.comment}"
    if event.action == "created":
        return base
    return f"{base}-{hashlib.sha256(event.body.encode()).hexdigest()[:16]}"


def run_id(thread: Thread) -> str:
    """The id of the run that this comment asks for: ten letters and digits, one run a comment."""
    name = f"{thread.installation}/{thread.repository_id}/{thread.comment}"
    return base64.b32encode(hashlib.sha256(name.encode()).digest()).decode()[:10].lower()


def offer_id(thread: Thread, content: str) -> str:
    """The id of what an estimate has answered: other words in the same comment are another one."""
    name = f"{thread.installation}/{thread.repository_id}/{thread.comment}/{content}"
    return base64.b32encode(hashlib.sha256(name.encode()).digest()).decode()[:10].lower()


def to_json(event: CommentEvent) -> str:
    """The event as text for the inbox."""
    return _EVENT.dump_json(event).decode()


def from_json(text: str) -> CommentEvent:
    """The event that `to_json` wrote."""
    return typed_json.read(_EVENT, text)


_EVENT = TypeAdapter(CommentEvent)

# Only what is needed, so that new fields, new enum values and GitHub Enterprise Server pass.
_Id = Annotated[int, Field(ge=0, lt=2**63)]


class _Account(BaseModel):
    id: _Id
    login: str
    type: str = ""

    @property
    def person(self) -> Person:
        return Person(self.id, self.login)


class _Installation(BaseModel):
    id: _Id


class _Repository(BaseModel):
    id: _Id
    full_name: str
    private: bool
    default_branch: str
    owner: _Account


class _Issue(BaseModel):
    number: int


class _App(BaseModel):
    id: _Id


class _Comment(BaseModel):
    id: _Id
    body: str | None
    user: _Account | None  # null when the account is gone
    created_at: datetime
    performed_via_github_app: _App | None = None


class _Payload(BaseModel):
    action: Action
    installation: _Installation
    repository: _Repository
    issue: _Issue
    comment: _Comment
    sender: _Account


def _json_object(body: bytes) -> dict[str, object]:
    try:
        payload = typed_json.loads(body)
    except ValueError:
        raise WebhookError("the body is not JSON", status=400) from None
    if not isinstance(payload, dict):
        raise WebhookError("the body is not a JSON object", status=400)
    return payload


def _comment_event(payload: _Payload) -> CommentEvent | None:
    if payload.comment.user is None:
        return None
    return CommentEvent(
        action=payload.action,
        body=payload.comment.body or "",
        thread=_thread(payload),
        author=payload.comment.user.person,
        sender=payload.sender.person,
        sender_type=payload.sender.type,
        owner=payload.repository.owner.person,
        default_branch=payload.repository.default_branch,
        comment_created_at=payload.comment.created_at,
        app=_app(payload),
    )


def _app(payload: _Payload) -> int | None:
    app = payload.comment.performed_via_github_app
    return app.id if app else None


def _thread(payload: _Payload) -> Thread:
    return Thread(
        installation=payload.installation.id,
        repository_id=payload.repository.id,
        repository=payload.repository.full_name,
        private=payload.repository.private,
        issue=payload.issue.number,
        comment=payload.comment.id,
    )
