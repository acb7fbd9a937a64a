"""Where the files of a run go."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from bot.core.ports.images import Answer
from bot.core.ports.runs import Publication
from bot.core.run import Extra, FileKind, ItemView, Run


@dataclass(frozen=True, slots=True)
class Made:
    """How a picture came about."""

    item: ItemView
    answer: Answer


@dataclass(frozen=True, slots=True)
class File:
    """A local file to publish for an item (None: beside the images) under a name."""

    item: int | None
    name: str
    source: str
    media_type: str
    made: Made | None = None
    kind: FileKind = FileKind.IMAGE


@dataclass(frozen=True, slots=True)
class Published:
    """What a destination did; `note` is said in the thread when it is not empty."""

    files: tuple[Publication, ...]
    page_url: str | None = None
    note: str = ""
    extras: tuple[Extra, ...] = ()


class Destination(Protocol):
    async def publish(self, run: Run, files: Sequence[File]) -> Published:
        """Put the files where people can fetch them; again for the same files changes nothing."""
        ...
