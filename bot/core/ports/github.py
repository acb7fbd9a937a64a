"""GitHub, as far as the engine needs it."""

from collections.abc import Sequence
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Protocol

from bot.core.batch import BatchConfig
from bot.core.parse import ParsedBatch
from bot.core.ports.inbox import Sending
from bot.core.run import Person, Thread


class Role(IntEnum):
    """Roles of a person in a repository, in rising order; a custom role counts as its base."""

    NONE = 0
    READ = 1
    TRIAGE = 2
    WRITE = 3
    MAINTAIN = 4
    ADMIN = 5


class NoFile(StrEnum):
    """Why there is nothing to read under a path."""

    MISSING = "missing"  # or hidden from us
    FOLDER = "folder"
    LINK = "link"  # to something that is no file of the repository
    SUBMODULE = "submodule"
    TOO_LARGE = "too_large"


class Host(Protocol):
    """GitHub, as far as a thread needs it; every method raises HostError and writes once."""

    async def role(self, thread: Thread, login: str) -> Role: ...

    async def owner(self, thread: Thread) -> Person:
        """The account that the thread's repository belongs to now."""
        ...

    async def is_member(self, thread: Thread, team: str, login: str) -> bool:
        """Whether a person is in a team (`org/team`) of the thread's organisation."""
        ...

    async def react(self, thread: Thread, content: str) -> int:
        """React to the command's comment; the same reaction twice is one."""
        ...

    async def post(self, thread: Thread, body: str) -> int:
        """Post a comment in the thread; gives its id."""
        ...

    async def edit(self, thread: Thread, comment: int, body: str) -> None: ...

    async def delete(self, thread: Thread, comment: int) -> None:
        """Take away one of our own comments."""
        ...

    async def find(self, thread: Thread, marker: str, since: datetime) -> int | None:
        """The id of our own comment that holds the marker, if there is one."""
        ...

    def page(self, thread: Thread, comment: int) -> str:
        """Where people read a comment of the thread."""
        ...

    async def file(self, thread: Thread, path: str, most: int) -> bytes | NoFile:
        """A file of the default branch, of at most so many bytes; or why there is none."""
        ...

    async def shared_file(self, thread: Thread, path: str, most: int) -> bytes | NoFile:
        """The same from `.github`, the repository in which the thread's owner says things for all.

        It is missing also where we may not see that repository.
        """
        ...


class Pictures(Protocol):
    """The reference images and masks that a comment names."""

    async def gather(self, thread: Thread, parsed: ParsedBatch) -> ParsedBatch:
        """The batch with files of ours in their places, sound ones, and their sizes.

        Raises BatchError with all that cannot be used, each at the field that names it.
        """
        ...

    async def hold(self, batch: BatchConfig) -> bool:
        """Whether all pictures of a gathered batch are still kept; if so, they are for a while."""
        ...


class HookLog(Protocol):
    """GitHub's log of what it sent to our webhook; every method raises HostError."""

    async def sendings(self, since: datetime) -> Sequence[Sending]:
        """Each try to deliver what may be a command, newest first; not those under way."""
        ...

    async def send_again(self, sending: int) -> None:
        """Let GitHub deliver the event of this sending once more."""
        ...
