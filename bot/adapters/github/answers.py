"""The few fields of GitHub's answers that are read; whatever else they hold is ignored."""

from datetime import datetime
from typing import TypeVar

import httpx
from pydantic import BaseModel, SecretStr, TypeAdapter

from bot.adapters.github.refusals import unreadable
from bot.core import typed_json

T = TypeVar("T")


class Grant(BaseModel, frozen=True):
    """An installation token."""

    token: SecretStr
    expires_at: datetime


class App(BaseModel, frozen=True):
    """A GitHub App; its operator may know it by either id."""

    id: int
    client_id: str | None = None
    slug: str = ""


class Author(BaseModel, frozen=True):
    login: str
    type: str
    id: int = 0


class Comment(BaseModel, frozen=True):
    """A comment; the author is None when the account is gone."""

    id: int
    body: str | None = None
    user: Author | None = None
    created_at: datetime | None = None
    performed_via_github_app: App | None = None


class Created(BaseModel, frozen=True):
    """Anything that has an id."""

    id: int


class WorkflowRun(BaseModel, frozen=True):
    """A run of a workflow, as of its newest attempt."""

    status: str
    run_attempt: int


class Reaction(BaseModel, frozen=True):
    """A reaction, and whose it is."""

    id: int
    content: str
    user: Author | None = None
    created_at: datetime | None = None


class Account(BaseModel, frozen=True):
    id: int
    login: str


class Repository(BaseModel, frozen=True):
    """A repository, and whose it is."""

    owner: Account


class Membership(BaseModel, frozen=True):
    """`state` is `active`, or `pending` until an invitation is accepted."""

    state: str


class Permission(BaseModel, frozen=True):
    """`permission` has four values; `role_name` is the true role, and may be a custom one."""

    permission: str
    role_name: str | None = None


class Sent(BaseModel, frozen=True):
    """A try to deliver an event to the App's webhook; those of one event share the guid."""

    id: int
    guid: str
    delivered_at: datetime
    status: str
    status_code: int = 0
    event: str
    action: str | None = None
    redelivery: bool = False


def read(shape: TypeAdapter[T], response: httpx.Response) -> T:
    """The content of a successful answer; raises HostError if it is not of that shape."""
    try:
        return typed_json.read(shape, response.content)
    except ValueError:
        # Its text quotes the content, which may be a token.
        raise unreadable(response, writes=response.request.method != "GET") from None
