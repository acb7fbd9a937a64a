"""A thread on GitHub: who may do what there, and what the bot says in it."""

import asyncio
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from urllib.parse import quote

from pydantic import TypeAdapter

from bot.adapters.github.access import AppAccess, TokenAccess
from bot.adapters.github.addresses import Home
from bot.adapters.github.answers import (
    Comment,
    Created,
    Permission,
    Reaction,
    Repository,
    WorkflowRun,
    read,
)
from bot.adapters.github.attachments import Attachments
from bot.adapters.github.branches import GitHubBranches
from bot.adapters.github.client import Client
from bot.adapters.github.fetching import Fetcher, Resolve, resolve
from bot.adapters.github.files import read_file, read_shared_file
from bot.adapters.github.hook import GitHubHook
from bot.adapters.github.members import is_member
from bot.adapters.github.places import locate
from bot.adapters.github.published import read_published
from bot.adapters.github.releases import GitHubReleases
from bot.adapters.github.turns import Turns
from bot.adapters.github.wire import Credentials, Request, Sleep, TokenCredentials, Wire
from bot.core.errors import HostError
from bot.core.ports import Clock, NoFile, Role
from bot.core.run import Person, Thread

_THE_APP = 0  # has turns of its own, beside those of its installations

_PERMISSION = TypeAdapter(Permission)
_REPOSITORY = TypeAdapter(Repository)
_CREATED = TypeAdapter(Created)
_WORKFLOW_RUN = TypeAdapter(WorkflowRun)
_REACTION = TypeAdapter(Reaction)
_REACTIONS = TypeAdapter(list[Reaction])
_COMMENTS = TypeAdapter(list[Comment])

# What `permission` says. Roles between its four values show in `role_name` alone.
# Source: https://docs.github.com/rest/collaborators/collaborators
_ROLES = {"admin": Role.ADMIN, "write": Role.WRITE, "read": Role.READ}
_TRUE_ROLES = {("write", "maintain"): Role.MAINTAIN, ("read", "triage"): Role.TRIAGE}


@dataclass(frozen=True, slots=True)
class Remark:
    """A comment of the thread; `ours` if the account that we act as wrote it."""

    id: int
    body: str
    author: Person | None  # None when the account is gone
    said_at: datetime
    ours: bool


@dataclass(frozen=True, slots=True)
class Mark:
    """A reaction of our own account, and whether it was made just now: GitHub keeps one of a kind.

    Source: https://docs.github.com/rest/reactions/reactions (201 for a new one, 200 for another)
    """

    id: int
    made_at: datetime
    new: bool


def _utc_now() -> datetime:
    return datetime.now(UTC)


class GitHubHost:
    """GitHub through an App or a token; every method raises HostError, and sends a POST once.

    `turns` spaces what is written; a program that writes a word or two needs none. `asked_at` is
    where people read what asked for images, if that is no comment.
    """

    def __init__(
        self,
        credentials: Credentials,
        *,
        turns: Turns | None = None,
        clock: Clock = _utc_now,
        sleep: Sleep = asyncio.sleep,
        read_seconds: float = 20.0,
        resolving: Resolve = resolve,
        asked_at: str | None = None,
    ) -> None:
        self._wire = Wire(credentials, clock=clock, sleep=sleep, read_seconds=read_seconds)
        self._access = (
            TokenAccess(credentials.token)
            if isinstance(credentials, TokenCredentials)
            else AppAccess(credentials.app_id, self._wire, clock)
        )
        self._client = Client(self._wire, self._access, turns)
        turn = partial(turns.turn, _THE_APP) if turns else nullcontext
        self.hook = GitHubHook(self._wire, clock, turn)
        self._web_url = web_url(credentials.api_url)
        self._home = Home(self._web_url)
        self._asked_at = asked_at
        self._fetcher = Fetcher(self._home, resolving)

    @property
    def remaining(self) -> int | None:
        """How many requests GitHub still allows in this hour, GraphQL apart, by its last answer."""
        return self._wire.remaining

    async def aclose(self) -> None:
        """Close the connections."""
        await self._wire.aclose()

    async def role(self, thread: Thread, login: str) -> Role:
        """The role of a person in the repository; NONE for whoever GitHub does not know."""
        path = f"/collaborators/{quote(login, safe='')}/permission"
        try:
            answer = await self._client.ask(thread, Request("GET", path))
        except HostError as error:
            if error.status == 404:
                return Role.NONE
            raise
        return _role(read(_PERMISSION, answer))

    async def has_ended(self, thread: Thread, workflow_run: int, attempt: int) -> bool:
        """Whether this attempt of a workflow's run is over: the next one begins only then."""
        answer = await self._client.ask(thread, Request("GET", f"/actions/runs/{workflow_run}"))
        seen = read(_WORKFLOW_RUN, answer)
        return seen.status == "completed" or seen.run_attempt > attempt

    async def owner(self, thread: Thread) -> Person:
        """The account that the repository belongs to now, wherever it has been moved."""
        answer = await self._client.ask(thread, Request("GET", f"repos/{thread.repository}"))
        account = read(_REPOSITORY, answer).owner
        return Person(account.id, account.login)

    async def is_member(self, thread: Thread, team: str, login: str) -> bool:
        """Whether a person is in a team (`org/team`) of the organisation."""
        return await is_member(self._client, thread, team, login)

    async def react(self, thread: Thread, content: str) -> int:
        """React to the command's comment; the same reaction twice is one."""
        path = f"/issues/comments/{thread.comment}/reactions"
        wanted = {"content": content}
        request = Request("POST", path, json=wanted, repeatable=True, urgent=True)
        reaction = read(_REACTION, await self._client.ask(thread, request))
        self._access.met(reaction)
        return reaction.id

    async def mark(self, thread: Thread, content: str) -> Mark:
        """The reaction of our account to the comment, made if it is not there: one at a time."""
        path = f"/issues/comments/{thread.comment}/reactions"
        request = Request("POST", path, json={"content": content}, repeatable=True)
        answer = await self._client.ask(thread, request)
        found = read(_REACTION, answer)
        made_at = found.created_at or datetime.max.replace(tzinfo=UTC)
        return Mark(found.id, made_at, new=answer.status_code == 201)

    async def unmark(self, thread: Thread, reaction: int) -> None:
        """Take this one back and no other; nothing happens if it is gone."""
        path = f"/issues/comments/{thread.comment}/reactions/{reaction}"
        try:
            await self._client.ask(thread, Request("DELETE", path))
        except HostError as error:
            if error.status != 404:
                raise

    async def marks(self, thread: Thread, content: str) -> Sequence[int]:
        """The ids of our own account's reactions of this kind."""
        return await self._own_reactions(thread, content)

    async def has_reacted(self, thread: Thread, content: str) -> bool:
        """Whether our own account has reacted so to the command's comment."""
        return bool(await self._own_reactions(thread, content))

    async def unreact(self, thread: Thread, content: str) -> None:
        """Take our own reaction back."""
        for reaction in await self._own_reactions(thread, content):
            await self.unmark(thread, reaction)

    async def _own_reactions(self, thread: Thread, content: str) -> Sequence[int]:
        path = f"/issues/comments/{thread.comment}/reactions"
        request = Request("GET", path, params={"content": content})
        return [
            reaction.id
            async for reaction in self._client.entries(thread, request, _REACTIONS)
            if reaction.content == content
            and await self._access.wrote(Comment(id=thread.comment, user=reaction.user))
        ]

    async def remarks(self, thread: Thread) -> Sequence[Remark]:
        """Everything that has been said below the thread's issue, oldest first."""
        request = Request("GET", f"/issues/{thread.issue}/comments")
        return [
            Remark(
                id=comment.id,
                body=comment.body or "",
                author=Person(comment.user.id, comment.user.login) if comment.user else None,
                said_at=comment.created_at or datetime.max.replace(tzinfo=UTC),
                ours=await self._access.wrote(comment),
            )
            async for comment in self._client.entries(thread, request, _COMMENTS)
        ]

    async def post(self, thread: Thread, body: str) -> int:
        """Post a comment in the thread; gives its id."""
        request = Request("POST", f"/issues/{thread.issue}/comments", json={"body": body})
        return read(_CREATED, await self._client.ask(thread, request)).id

    async def edit(self, thread: Thread, comment: int, body: str) -> None:
        """Give one of our comments another body."""
        request = Request("PATCH", f"/issues/comments/{comment}", json={"body": body})
        await self._client.ask(thread, request)

    async def delete(self, thread: Thread, comment: int) -> None:
        """Take away one of our comments."""
        await self._client.ask(thread, Request("DELETE", f"/issues/comments/{comment}"))

    async def find(self, thread: Thread, marker: str, since: datetime) -> int | None:
        """The id of our own comment that holds the marker, if there is one."""
        after = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        request = Request("GET", f"/issues/{thread.issue}/comments", params={"since": after})
        async for comment in self._client.entries(thread, request, _COMMENTS):
            if marker in (comment.body or "") and await self._access.wrote(comment):
                return comment.id
        return None

    def page(self, thread: Thread, comment: int) -> str:
        """Where people read a comment of the thread."""
        issue = f"{self._web_url}/{thread.repository}/issues/{thread.issue}"
        return f"{issue}#issuecomment-{comment}"

    async def file(self, thread: Thread, path: str, most: int) -> bytes | NoFile:
        """A file of the default branch, of at most so many bytes; or why there is none."""
        return await read_file(self._client, thread, path, most)

    async def shared_file(self, thread: Thread, path: str, most: int) -> bytes | NoFile:
        """The same from `.github`, the owner's repository of what holds for all."""
        return await read_shared_file(self._client, thread, path, most)

    def attachments(self, thread: Thread) -> Attachments:
        """What people attached in the thread."""
        return Attachments(self._client, self._access, self._fetcher, self._home, thread)

    async def published(self, thread: Thread, url: str, most: int) -> bytes | NoFile:
        """The file that a run has published under this address; or why there is none."""
        return await read_published(self._client, thread, url, most)

    async def locate(self, repository: str, issue: int) -> Thread:
        """The thread of an issue of `owner/name`, below no comment."""
        return await locate(self._wire, repository, issue)

    def releases(self, thread: Thread) -> GitHubReleases:
        """The releases of the thread's repository."""
        return GitHubReleases(self._client, thread, self._source(thread))

    def branches(self, thread: Thread) -> GitHubBranches:
        """The branches of the thread's repository."""
        home = f"{self._web_url}/{thread.repository}"
        return GitHubBranches(self._client, thread, home, self._source(thread))

    def _source(self, thread: Thread) -> str:
        return self._asked_at or self.page(thread, thread.comment)


def _role(seen: Permission) -> Role:
    """The true role if the permission agrees with it, so that no custom name means more."""
    known = _TRUE_ROLES.get((seen.permission, seen.role_name or ""))
    return known or _ROLES.get(seen.permission, Role.NONE)


def web_url(api_url: str) -> str:
    """Where people read: github.com for api.github.com, an Enterprise Server's own address."""
    url = api_url.rstrip("/")
    if url.endswith("/api/v3"):
        return url.removesuffix("/api/v3")
    return url.replace("://api.", "://", 1)
