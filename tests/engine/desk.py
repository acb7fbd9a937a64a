"""A GitHub of one thread, with faults, and the parts of the engine that speak to it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from bot.core.batch import BatchConfig
from bot.core.errors import HostError
from bot.core.parse import ParsedBatch
from bot.core.ports import Effect, EffectKind, NoFile, Role, Task
from bot.core.run import Person, Thread

THREAD = Thread(7, 1001, "octo/fox", private=True, issue=3, comment=2**40)
START = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)


class Crash(BaseException):
    """The process is gone."""


class Fault(StrEnum):
    """What happens to one write."""

    NONE = "none"
    LOST_ANSWER = "stored, and the answer is lost"
    UNREACHABLE = "not stored, and no answer"
    LIMITED = "rate limited"
    DIES_BEFORE = "we die before it"
    DIES_AFTER = "we die after it"


@dataclass
class Clock:
    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, **span: float) -> None:
        self.now += timedelta(**span)


class Bare:
    """The port `Pictures` for batches that name none."""

    async def gather(self, _: Thread, parsed: ParsedBatch) -> ParsedBatch:
        return parsed

    async def hold(self, _: BatchConfig) -> bool:
        return True


@dataclass
class Desk:
    """The port `Host`: it remembers comments, and meets the next fault at each write."""

    faults: list[Fault] = field(default_factory=list)
    comments: dict[int, str] = field(default_factory=dict)
    reactions: list[str] = field(default_factory=list)
    deleted: set[int] = field(default_factory=set)
    writes: int = 0
    searches: int = 0
    files: dict[str, bytes | NoFile] | HostError = field(default_factory=dict)
    shared: dict[str, bytes | NoFile] | HostError = field(default_factory=dict)
    reads: int = 0
    given_role: Role | HostError = Role.WRITE
    roles: dict[str, Role] = field(default_factory=dict)  # of those who have another one
    given_owner: Person | HostError = field(default_factory=lambda: Person(1, "octo"))
    teams: dict[str, set[str]] | HostError = field(default_factory=dict)
    before_write: Callable[[], None] = lambda: None

    async def role(self, _: Thread, login: str) -> Role:
        if isinstance(self.given_role, HostError):
            raise self.given_role
        return self.roles.get(login, self.given_role)

    async def owner(self, _: Thread) -> Person:
        if isinstance(self.given_owner, HostError):
            raise self.given_owner
        return self.given_owner

    async def is_member(self, _: Thread, team: str, login: str) -> bool:
        if isinstance(self.teams, HostError):
            raise self.teams
        return login in self.teams.get(team, ())

    async def react(self, _: Thread, content: str) -> int:
        self._write(lambda: None if content in self.reactions else self.reactions.append(content))
        return 1

    async def post(self, _: Thread, body: str) -> int:
        number = len(self.comments) + len(self.deleted) + 1
        self._write(lambda: self.comments.__setitem__(number, body))
        return number

    async def edit(self, _: Thread, comment: int, body: str) -> None:
        if comment not in self.comments:
            raise HostError("GitHub does not know this.", status=404)
        self._write(lambda: self.comments.__setitem__(comment, body))

    async def find(self, _: Thread, marker: str, __: datetime) -> int | None:
        self.searches += 1
        return next((n for n, body in self.comments.items() if marker in body), None)

    def page(self, thread: Thread, comment: int) -> str:
        return f"https://github.test/{thread.repository}/issues/{thread.issue}#{comment}"

    async def shared_file(self, _: Thread, path: str, __: int) -> bytes | NoFile:
        if isinstance(self.shared, HostError):
            raise self.shared
        return self.shared.get(path, NoFile.MISSING)

    async def file(self, _: Thread, path: str, most: int) -> bytes | NoFile:
        self.reads += 1
        if isinstance(self.files, HostError):
            raise self.files
        found = self.files.get(path, NoFile.MISSING)
        return NoFile.TOO_LARGE if isinstance(found, bytes) and len(found) > most else found

    async def delete(self, _: Thread, comment: int) -> None:
        self._write(lambda: self.remove(comment))

    def remove(self, comment: int) -> None:
        """A person takes a comment away."""
        del self.comments[comment]
        self.deleted.add(comment)

    def _write(self, store: Callable[[], object]) -> None:
        self.writes += 1
        self.before_write()
        match self.faults.pop(0) if self.faults else Fault.NONE:
            case Fault.NONE:
                store()
            case Fault.LOST_ANSWER:
                store()
                raise HostError("GitHub did not answer in time.", ambiguous=True)
            case Fault.UNREACHABLE:
                raise HostError("The connection to GitHub broke.", ambiguous=True)
            case Fault.LIMITED:
                raise HostError("GitHub asks for a pause.", status=403, retry_after=60)
            case Fault.DIES_BEFORE:
                raise Crash
            case Fault.DIES_AFTER:
                store()
                raise Crash


@dataclass
class Queue:
    """The port `Scheduler`, which may be away."""

    away: bool = False
    tasks: list[tuple[Task, str]] = field(default_factory=list)

    async def schedule(self, task: Task, subject: str) -> None:
        if self.away:
            raise ConnectionError("no queue")
        self.tasks.append((task, subject))


def say(body: str) -> Effect:
    return Effect("comment-1", EffectKind.COMMENT, THREAD, body)
