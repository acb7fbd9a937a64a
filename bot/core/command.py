from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block, with the language that it names ("" for none)."""

    text: str
    language: str


@dataclass(frozen=True, slots=True)
class Prompts:
    """The plain form: each line of a list is a prompt."""

    prompts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RepositoryFile:
    path: str


Source = Block | Prompts | RepositoryFile
Flags = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Batch:
    source: Source
    flags: Flags


@dataclass(frozen=True, slots=True)
class Estimate:
    source: Source
    flags: Flags


@dataclass(frozen=True, slots=True)
class Help:
    pass


Command = Batch | Estimate | Help


def parse_command(text: str) -> Command | None: ...
