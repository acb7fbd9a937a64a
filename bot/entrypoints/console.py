"""What a command says: to a person on stderr, and on stdout what it was asked for.

Whatever is a sentence is said in the language of GPTIMAGE_LANGUAGE.
"""

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from bot.core.errors import BatchError, GptimageError, SettingsError, because
from bot.core.said import said
from bot.entrypoints import redaction

if TYPE_CHECKING:
    from bot.core.messages import Messages
    from bot.core.run import RunView


def messages() -> "Messages":
    """All that can be said in the language of this process."""
    from bot.core import messages as known
    from bot.entrypoints import settings

    return known.messages(settings.language())


def words(text: str) -> str:
    """What is said in English, in the language of this process."""
    return messages().tell(text)


def say(*lines: str) -> None:
    """Print lines for a person; stdout carries the report only."""
    for line in lines:
        print(redaction.clean(words(line)), file=sys.stderr)  # noqa: T201  (this is the place that talks to people)


def tell(*lines: str) -> None:
    """Print lines on stdout, for commands whose output is a story and not a report."""
    for line in lines:
        print(redaction.clean(words(line)), flush=True)  # noqa: T201  (see above)


def show_cursor() -> None:
    """Give the terminal its cursor back, which a live table hides, on a line of its own."""
    stream = sys.__stderr__
    if stream is not None and stream.isatty():
        stream.write("\x1b[?25h\n")
        stream.flush()


def answer(text: str) -> None:
    """Print on stdout what the command was asked for; raises GptimageError if it has no room."""
    try:
        print(text.removesuffix("\n"), flush=True)  # noqa: T201  (see above)
    except BrokenPipeError:
        raise  # whoever reads has seen enough
    except OSError as error:
        message = said("stdout cannot be written ({why})", why=because(error))
        raise GptimageError(message) from None


def problem(error: GptimageError) -> None:
    """Say what is wrong, all of it."""
    match error:
        case BatchError(problems=(only,)):
            say(said("Configuration Error: {what}", what=only.sentence))
        case BatchError(problems=problems):
            say(said("Configuration Error: {count} problems", count=len(problems)))
            say(*(said("  - {what}", what=problem.sentence) for problem in problems))
        case SettingsError(problems=(first, *others)):
            say(said("Error: {what}", what=first), *others)
        case _:
            say(said("Error: {what}", what=error.message))


def warn(warnings: Iterable[str]) -> None:
    """Say what deserves attention but stops nothing."""
    say(*(said("Warning: {text}", text=warning) for warning in warnings))


def doubts(view: "RunView") -> None:
    """Say which images may have been paid for without being there, and how to order them again."""
    left = [item for item in view.items if item.is_doubtful]
    if not left:
        return
    amount = (
        said("an unknown amount")
        if view.in_doubt is None
        else said("up to {amount}", amount=view.in_doubt)
    )
    say(
        said(
            "In doubt: {count} of {total} images, {amount} may have been paid:",
            count=len(left),
            total=len(view.items),
            amount=amount,
        )
    )
    for item in left:
        most = item.in_doubt or said("unknown")
        say(said("  - {path} ({amount})", path=item.item.path, amount=most))
    command = f"gptimage retry {view.run.id} --retry-in-doubt"
    say(said("No machine orders them again. You can: {command}", command=command))
