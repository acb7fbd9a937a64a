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
class Help:
    """Say how it is done."""


Command = Batch | Estimate | Help
