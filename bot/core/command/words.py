"""What the words behind a command's token mean."""

import difflib
from collections.abc import Callable, Mapping, Sequence

from bot.core import paths
from bot.core.command.values import Command, Help, InRepository
from bot.core.errors import CommandError
from bot.core.said import said

COMMANDS = (
    "/batch",
    "/estimate",
    "/batch help",
)
"""What there is, for the sentences that say so."""

_ENDINGS = (".json", ".jsonc", ".yaml", ".yml")


def file_named(command: str, names: Sequence[str]) -> InRepository | None:
    """The file that the words name; raises CommandError for one that cannot be in a repository."""
    name = names[0].strip("`").removeprefix("./")
    is_batch = name.lower().endswith(_ENDINGS)
    if not is_batch and not (command == "/batch" and "/" in name):
        return None
    if why := paths.in_repository(name):
        raise CommandError(
            said("“{name}” names no file of this repository: {why}.", name=name, why=why),
            said("Name it from the top of the repository, such as: jobs/foxes.json"),
        )
    if not is_batch:
        endings = ", ".join(_ENDINGS)
        raise CommandError(
            said("“{name}” is no batch file.", name=name),
            said("Batch files end in one of {endings}.", endings=endings),
        )
    if len(names) > 1:
        raise CommandError(
            said("The line names more than one file."),
            said("Name one; a name with blanks stands in quotes."),
        )
    return InRepository(name)


def ordered(command: str, names: Sequence[str]) -> Command:
    """What is to be done with a run or an estimate. Raises CommandError."""
    word, *rest = names
    order = _ORDERS.get(word.lower()) if command == "/batch" else None
    if order is None:
        raise CommandError(
            said("{command} does not know the word “{word}”.", command=command, word=word),
            _suggest(word),
        )
    return order(rest)


def _suggest(name: str) -> str:
    if close := difflib.get_close_matches(name.lower(), _ORDERS, n=1):
        return said("Did you mean {word}?", word=f"/batch {close[0]}")
    there = ", ".join(COMMANDS)
    return said("The commands are {names}. Prompts go below the command, as a list.", names=there)


def _help(_: Sequence[str]) -> Command:
    return Help()


_ORDERS: Mapping[str, Callable[[Sequence[str]], Command]] = {
    "help": _help,
}
