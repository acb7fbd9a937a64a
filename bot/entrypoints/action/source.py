"""Where a workflow keeps its batch, and where in it something is wrong."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from bot.core import command, strict_yaml
from bot.core.command import Batch, Block, Estimate, InRepository, Prompts
from bot.core.errors import BatchError, CommandError, Problem, SettingsError
from bot.core.parse import Around, ParsedBatch, parse_batch, parse_batch_data, parse_yaml
from bot.core.said import said
from bot.entrypoints import local
from bot.entrypoints.action.inputs import Inputs

# Our own words, as every reader of batches says it.
_PLACE = re.compile(r"\bline (\d+), column (\d+)")
_FIELD = re.compile(r"([\w.\[\]]+)[: ]")
_YAML = frozenset({"yaml", "yml"})


@dataclass(frozen=True, slots=True)
class Source:
    """A batch as it is written: its text, the language of it, and its file if it has one.

    `only_estimate` is for words that ask for the price alone, `flags` are what they set.
    """

    text: str = ""
    language: str = "json"
    file: str = ""
    prompts: tuple[str, ...] = ()
    only_estimate: bool = False
    flags: Mapping[str, object] = field(default_factory=dict)

    def parsed(self, around: Around) -> ParsedBatch:
        """The batch; raises BatchError."""
        around = replace(around, overrides={**self.flags, **around.overrides})
        if self.prompts:
            return parse_batch_data({"jobs": [{"prompt": each} for each in self.prompts]}, around)
        if self.language in _YAML:
            return parse_yaml(self.text, around)
        return parse_batch(self.text, around, comments=self.language == "jsonc")

    def place(self, problem: Problem) -> tuple[int, int]:
        """The line and the column of a problem, from 1 on; zeros where nobody knows."""
        if told := _PLACE.search(problem.sentence):
            return int(told[1]), int(told[2])
        try:  # JSON is YAML, and its reader knows where everything stands
            return strict_yaml.read(self.text).position(problem)
        except BatchError:
            return 0, 0

    def place_of_warning(self, warning: str) -> tuple[int, int]:
        """Where the field is that a warning begins with."""
        named = _FIELD.match(warning)
        return self.place(Problem(named[1], warning)) if named else (0, 0)


def source(given: Inputs) -> Source | None:
    """The batch of this step; None for a comment that asks for nothing.

    Raises SettingsError if no input holds it, CommandError if the comment is not understood.
    """
    named = [name for name in ("config", "config_file", "comment") if getattr(given, name)]
    match named:
        case ["config"]:
            return _inline(given.config or "")
        case ["config_file"]:
            return _file(given.config_file or "", given)
        case ["comment"]:
            return _commanded(given.comment or "", given)
        case []:
            problem = said(
                "{event}: give the batch in config or config-file, for this event has no comment",
                event=given.event_name or "config",
            )
        case _:
            names = ", ".join(name.replace("_", "-") for name in named)
            problem = said("{names}: give one of them", names=names)
    raise SettingsError([problem])


def _inline(text: str) -> Source:
    return Source(text, "jsonc" if text.lstrip().startswith(("{", "[", "/")) else "yaml")


def _file(name: str, given: Inputs) -> Source:
    text = local.text_of(name)
    return Source(text, name.lower().rpartition(".")[2], _in_repository(name, given))


def _in_repository(name: str, given: Inputs) -> str:
    """The file as an annotation calls it: from the root of what is checked out."""
    path, root = Path(name).absolute(), given.workspace
    if root is None or not path.is_relative_to(root.absolute()):
        return name
    return path.relative_to(root.absolute()).as_posix()


def _commanded(comment: str, given: Inputs) -> Source | None:
    match command.parse_command(comment):
        case None:
            return None
        case Batch(where, flags):
            found = _below(where, given)
            return replace(found, flags=flags)
        case Estimate(where, flags):
            found = _below(where, given)
            return replace(found, flags=flags, only_estimate=True)
        case _:
            raise CommandError(
                said("Without a thread there is no run to look after."),
                said("Give `/batch` or `/estimate` with a batch."),
            )


def _below(where: Block | Prompts | InRepository, given: Inputs) -> Source:
    match where:
        case Block(text, language):
            return Source(text, language or "json")
        case Prompts(prompts):
            return Source(prompts=prompts)
        case InRepository(path):
            return _file(path, given)
