"""What a comment can ask for."""

from collections.abc import Mapping
from dataclasses import dataclass, field

Flags = Mapping[str, object]
"""Fields of the batch that the comment sets, to lay over those of the block."""


@dataclass(frozen=True, slots=True)
class Block:
    """The text of a fenced block; `language` is the word behind the fence, "" for none."""

    text: str
    language: str = ""


@dataclass(frozen=True, slots=True)
class Prompts:
    """The plain form: each line of a list is a prompt."""

    prompts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class InRepository:
    """A file of the default branch."""

    path: str


Source = Block | Prompts | InRepository


@dataclass(frozen=True, slots=True)
class Batch:
    """Make the images."""

    source: Source
    flags: Flags = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Estimate:
    """Say what the images would cost."""

    source: Source
    flags: Flags = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunEstimate:
    """Make the images of an estimate, exactly as it was answered."""

    estimate: str


@dataclass(frozen=True, slots=True)
class Status:
    """Say how a run is doing; without an id the newest one of the thread."""

    run: str | None = None


@dataclass(frozen=True, slots=True)
class Cancel:
    """Start nothing more of a run; without an id the newest one of the thread."""

    run: str | None = None


@dataclass(frozen=True, slots=True)
class Retry:
    """Order again what a run could not make.

    `doubts` are numbers of images that may have been paid for already, from 1 on: nobody orders
    those again without naming each.
    """

    run: str | None = None
    doubts: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Help:
    """Say how it is done."""


Command = Batch | Estimate | RunEstimate | Status | Cancel | Retry | Help
