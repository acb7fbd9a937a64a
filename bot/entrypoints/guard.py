"""How a command ends: in words and with a code, never in a stack trace."""

import os
import sys
from typing import NoReturn

import typer
from typer.exceptions import TyperException

from bot.core.errors import BatchError, GptimageError, Refused, SettingsError
from bot.core.said import said
from bot.entrypoints import console
from bot.entrypoints.slips import plainly

_EXIT: dict[type[GptimageError], int] = {BatchError: 2, SettingsError: 2, Refused: 3}
_WRONG = 2
_INTERRUPTED = 130


def guarded(program: typer.Typer) -> NoReturn:
    """Run the command line of this process, and leave with its exit code."""
    if sys.stdout is None:  # closed by whoever started us: better said now than after the bill
        message = said("stdout is closed, so nobody would read the answer: leave it open")
        console.problem(GptimageError(message))
        sys.exit(_WRONG)
    for stream in (sys.stdout, sys.stderr):  # a terminal that cannot write Japanese still reports
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors="backslashreplace")
    try:
        code = _code(program)
    except BrokenPipeError:  # `| head` has seen enough
        code = 1
    _hush()
    sys.exit(code)


def _code(program: typer.Typer) -> int:
    try:
        return program(standalone_mode=False) or 0
    except GptimageError as error:
        console.problem(error)
        return _EXIT.get(type(error), 1)
    except TyperException as error:
        return _misused(error)
    except (KeyboardInterrupt, typer.Abort):
        return _INTERRUPTED


def _misused(error: TyperException) -> int:
    """Say in one line what is wrong with the command line, and where to read more."""
    context = getattr(error, "ctx", None)
    message = str(getattr(error, "format_message", error.__str__)())
    if len(message.splitlines()) > 1:  # a command that needs another word answers with its help
        console.say(message)
        return _WRONG
    console.problem(GptimageError(_with_more(plainly(message), context)))
    return _WRONG


def _with_more(what: str, context: typer.Context | None) -> str:
    if context is None:
        return what
    return said(
        "{what} (usage: {usage}; more: {command} --help)",
        what=what,
        usage=" ".join(context.get_usage().split()).removeprefix("Usage: "),
        command=context.command_path,
    )


def _hush() -> None:
    """Let the interpreter flush into nothing what could not be written: it was said already."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
