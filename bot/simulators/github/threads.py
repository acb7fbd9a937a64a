"""Issues, their comments, and the reactions to them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bot.simulators.github.people import User
from bot.simulators.github.refusals import invalid, not_found

LONGEST_BODY = 65_536

EMOJI = {
    "+1": "👍",
    "-1": "👎",
    "laugh": "😄",
    "confused": "😕",
    "heart": "❤️",
    "hooray": "🎉",
    "rocket": "🚀",
    "eyes": "👀",
}


@dataclass(frozen=True, slots=True)
class Reaction:
    id: int
    user: User
    content: str
    created_at: datetime


@dataclass(slots=True)
class Comment:
    """A comment with all that it ever said: a judge counts its edits."""

    id: int
    issue: int
    author: User
    by_app: bool
    created_at: datetime
    revisions: list[tuple[datetime, str]]
    reactions: list[Reaction] = field(default_factory=list)

    @property
    def body(self) -> str:
        return self.revisions[-1][1]

    @property
    def updated_at(self) -> datetime:
        return self.revisions[-1][0]

    @property
    def edited(self) -> bool:
        return len(self.revisions) > 1

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "user": self.author.login,
            "body": self.body,
            "created_at": self.created_at.isoformat(),
            "edits": [at.isoformat() for at, _ in self.revisions[1:]],
            "reactions": [{"user": r.user.login, "content": r.content} for r in self.reactions],
        }


@dataclass(slots=True)
class Issue:
    id: int
    number: int
    title: str
    body: str
    author: User
    created_at: datetime
    pull_request: bool = False
    comments: dict[int, Comment] = field(default_factory=dict)


class Threads:
    """All issues of the repository; an unknown number or id is a 404."""

    def __init__(self, ids: Iterator[int]) -> None:
        self._ids = ids
        self.issues: dict[int, Issue] = {}
        self.deleted: list[Comment] = []

    def open_issue(
        self, title: str, body: str, author: User, at: datetime, *, pull_request: bool = False
    ) -> Issue:
        number = len(self.issues) + 1
        issue = Issue(next(self._ids), number, title, body, author, at, pull_request)
        self.issues[number] = issue
        return issue

    def issue(self, number: int) -> Issue:
        if number not in self.issues:
            raise not_found()
        return self.issues[number]

    def comment(self, number: int) -> Comment:
        for issue in self.issues.values():
            if number in issue.comments:
                return issue.comments[number]
        raise not_found()

    def add(
        self, issue: int, body: object, author: User, at: datetime, *, by_app: bool = False
    ) -> Comment:
        thread = self.issue(issue)
        text = _checked(body)
        comment = Comment(next(self._ids), issue, author, by_app, at, [(at, text)])
        thread.comments[comment.id] = comment
        return comment

    def edit(self, number: int, body: object, at: datetime) -> tuple[Comment, str]:
        """The comment with its new body, and the body that it had."""
        comment = self.comment(number)
        previous = comment.body
        comment.revisions.append((at, _checked(body)))
        return comment, previous

    def delete(self, number: int) -> Comment:
        comment = self.comment(number)
        self.deleted.append(self.issue(comment.issue).comments.pop(number))
        return comment

    def react(
        self, number: int, content: object, user: User, at: datetime
    ) -> tuple[Reaction, bool]:
        """The reaction, and whether it is new: one per person and content."""
        comment = self.comment(number)
        if content not in EMOJI or not isinstance(content, str):
            raise invalid("Reaction", "content", "invalid")
        for known in comment.reactions:
            if (known.user.login, known.content) == (user.login, content):
                return known, False
        reaction = Reaction(next(self._ids), user, content, at)
        comment.reactions.append(reaction)
        return reaction, True

    def unreact(self, number: int, reaction_id: int) -> None:
        comment = self.comment(number)
        kept = [reaction for reaction in comment.reactions if reaction.id != reaction_id]
        if len(kept) == len(comment.reactions):
            raise not_found()
        comment.reactions[:] = kept


def _checked(body: object) -> str:
    if not isinstance(body, str) or not body.strip():
        raise invalid("IssueComment", "body", "missing_field", "Body cannot be blank")
    if len(body) > LONGEST_BODY:
        text = f"Body is too long (maximum is {LONGEST_BODY} characters)"
        raise invalid("IssueComment", "body", "unprocessable", text)
    return body
