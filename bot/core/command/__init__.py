"""What does a comment ask of the bot? Markdown is parsed, so that only plain text can command.

A command is the one line of a paragraph that begins with its token; what it works on is the
fenced block or the list below, or a file that the line names. Quotes, code, HTML and other
people's slash commands say nothing.
"""

from collections.abc import Callable, Mapping, Sequence

from bot.core.command.comment import TOKENS, Comment, read, source
from bot.core.command.flags import split, taken
from bot.core.command.values import (
    Batch,
    Block,
    Cancel,
    Command,
    Estimate,
    Flags,
    Help,
    InRepository,
    Prompts,
    Retry,
    RunEstimate,
    Source,
    Status,
)
from bot.core.command.words import COMMANDS, file_named, ordered, retry_line
from bot.core.errors import CommandError
from bot.core.said import said

__all__ = [
    "COMMANDS",
    "Batch",
    "Block",
    "Cancel",
    "Command",
    "Estimate",
    "Flags",
    "Help",
    "InRepository",
    "Prompts",
    "Retry",
    "RunEstimate",
    "Source",
    "Status",
    "may_command",
    "parse_command",
    "retry_line",
]

_TOKENS: Mapping[str, Callable[[Source, Flags], Command]] = {
    "/batch": Batch,
    "/estimate": Estimate,
}


# No JSON encoder escapes letters, though some escape the slash.
_LETTERS = tuple(token.removeprefix("/").encode() for token in TOKENS)


def may_command(payload: bytes) -> bool:
    """Whether a delivery may hold a command of ours: a quick look, and False is certain."""
    return any(word in payload for word in _LETTERS)


def parse_command(text: str) -> Command | None:
    """The command in a comment; None if it holds none for us. Raises CommandError, nothing else."""
    if not any(token in text for token in TOKENS):
        return None
    comment = read(text)
    match comment.lines:
        case ():
            return None
        case (line,):
            return _interpret(line, comment)
        case several:
            raise CommandError(
                said("This comment holds {count} commands.", count=len(several)),
                said("Write one command in a comment."),
            )


def _interpret(line: str, comment: Comment) -> Command | None:
    command, *words = split(line)
    flags, names = taken(words)
    if names:
        return _named(command, names, flags, comment)
    if (found := source(comment)) is not None:
        return _TOKENS[command](found, flags)
    if comment.bare and not flags:
        return Help()
    raise CommandError(
        said("There is no batch below {command}.", command=command),
        said("Put the JSON into a fenced block below the command, or write the prompts as a list."),
    )


def _named(command: str, names: Sequence[str], flags: Flags, comment: Comment) -> Command | None:
    if file := file_named(command, names):
        _one_source(names[0], comment)
        return _TOKENS[command](file, flags)
    if command != "/batch" and not comment.holds_batch:
        return None  # `/estimate 3h` is a planning bot's
    found = ordered(command, names, flags)
    if isinstance(found, RunEstimate):
        _one_source(" ".join(names), comment)
    return found


def _one_source(named: str, comment: Comment) -> None:
    if comment.holds_batch:
        raise CommandError(
            said("The line names “{words}”, and there is a batch below it, too.", words=named),
            said("Keep the one that is meant; a comment can hold one batch."),
        )
