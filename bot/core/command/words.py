"""What the words behind a command's token mean."""

import difflib
import re
from collections.abc import Callable, Mapping, Sequence

from bot.core import paths
from bot.core.command.values import (
    Cancel,
    Command,
    Flags,
    Help,
    InRepository,
    Retry,
    RunEstimate,
    Status,
)
from bot.core.errors import CommandError
from bot.core.said import said

COMMANDS = (
    "/batch",
    "/estimate",
    "/batch run",
    "/batch status",
    "/batch cancel",
    "/batch retry",
    "/batch help",
)
"""What there is, for the sentences that say so."""

_ENDINGS = (".json", ".jsonc", ".yaml", ".yml")
_ID = re.compile(r"[a-z2-7]{10}")  # of runs and estimates
_NUMBER = re.compile(r"#?([1-9][0-9]{0,5})", re.ASCII)
_DOUBT = "doubt"
_WHERE = said("It stands at the foot of the answer; without one the newest run here is meant.")


def retry_line(run: str, doubts: Sequence[int] = ()) -> str:
    """The command that orders again what a run lacks, and these images that are in doubt."""
    named = f" {_DOUBT} {' '.join(map(str, doubts))}" if doubts else ""
    return f"/batch retry {run}{named}"


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


def ordered(command: str, names: Sequence[str], flags: Flags) -> Command:
    """What is to be done with a run or an estimate. Raises CommandError."""
    word, *rest = names
    order = _ORDERS.get(word.lower()) if command == "/batch" else None
    if order is None:
        raise CommandError(
            said("{command} does not know the word “{word}”.", command=command, word=word),
            _suggest(word),
        )
    if flags and order is not _help:
        raise CommandError(
            said("/batch {word} takes no flags.", word=word.lower()),
            said("Leave them out: the batch is used as it was read."),
        )
    return order(rest)


def _suggest(name: str) -> str:
    if close := difflib.get_close_matches(name.lower(), _ORDERS, n=1):
        return said("Did you mean {word}?", word=f"/batch {close[0]}")
    there = ", ".join(COMMANDS)
    return said("The commands are {names}. Prompts go below the command, as a list.", names=there)


def _help(_: Sequence[str]) -> Command:
    return Help()


def _run(rest: Sequence[str]) -> Command:
    match rest:
        case [name]:
            return RunEstimate(_id(name, said("Copy the line from the answer to /estimate.")))
        case _:
            raise CommandError(
                said("/batch run takes the id of one estimate."),
                said("Copy the line from the answer to /estimate."),
            )


def _status(rest: Sequence[str]) -> Command:
    return Status(_one_run("status", rest))


def _cancel(rest: Sequence[str]) -> Command:
    return Cancel(_one_run("cancel", rest))


def _retry(rest: Sequence[str]) -> Command:
    words = [word.lower() for word in rest]
    cut = words.index(_DOUBT) if _DOUBT in words else len(words)
    run, named = _one_run("retry", rest[:cut]), words[cut + 1 :]
    if cut < len(words) and not named:
        raise CommandError(
            said("Which images in doubt to order again is not said."),
            said("Name each by its number: {example}", example=retry_line(run or "", (2, 5))),
        )
    return Retry(run, _numbers(" ".join(named)))


def _numbers(text: str) -> tuple[int, ...]:
    words = text.replace(",", " ").split()
    for word in words:
        if not _NUMBER.fullmatch(word):
            raise CommandError(
                said("“{word}” is no number of an image.", word=word),
                said("The run's comment has the exact line to copy."),
            )
    return tuple(dict.fromkeys(int(word.lstrip("#")) for word in words))


def _one_run(word: str, rest: Sequence[str]) -> str | None:
    match rest:
        case []:
            return None
        case [name]:
            return _id(name, _WHERE)
        case _:
            raise CommandError(said("/batch {word} takes the id of one run.", word=word), _WHERE)


def _id(name: str, hint: str) -> str:
    found = name.strip("`").lower()
    if not _ID.fullmatch(found):
        raise CommandError(
            said("“{word}” is no id: those have ten letters and digits.", word=name), hint
        )
    return found


_ORDERS: Mapping[str, Callable[[Sequence[str]], Command]] = {
    "help": _help,
    "run": _run,
    "status": _status,
    "cancel": _cancel,
    "retry": _retry,
}
