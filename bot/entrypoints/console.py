"""What a command says: to a person on stderr, and on stdout what it was asked for."""

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from bot.core.errors import BatchError, Charge, GptimageError

if TYPE_CHECKING:
    from bot.core.run import RunView


def say(*lines: str) -> None:
    """Print lines for a person; stdout carries the report only."""
    for line in lines:
        print(line, file=sys.stderr)  # noqa: T201  (this is the place that talks to people)


def tell(*lines: str) -> None:
    """Print lines on stdout, for commands whose output is a story and not a report."""
    for line in lines:
        print(line, flush=True)  # noqa: T201  (see above)


def show_cursor() -> None:
    """Give the terminal its cursor back, which a live table hides, on a line of its own."""
    stream = sys.__stderr__
    if stream is not None and stream.isatty():
        stream.write("\x1b[?25h\n")
        stream.flush()


def answer(text: str) -> None:
    """Print on stdout what the command was asked for; raises GptimageError if it has no room."""
    try:
        tell(text.removesuffix("\n"))
    except BrokenPipeError:
        raise  # whoever reads has seen enough
    except OSError as error:
        raise GptimageError(f"stdout cannot be written ({error.strerror})") from None


def problem(error: GptimageError) -> None:
    """Say what is wrong, all of it."""
    if not isinstance(error, BatchError):
        say(f"Error: {error}")
    elif len(error.problems) == 1:
        say(f"Configuration Error: {error.problems[0]}")
    else:
        say(f"Configuration Error: {len(error.problems)} problems")
        say(*(f"  - {problem}" for problem in error.problems))


def warn(warnings: Iterable[str]) -> None:
    """Say what deserves attention but stops nothing."""
    say(*(f"Warning: {warning}" for warning in warnings))


def doubts(view: "RunView") -> None:
    """Say which images may have been paid for without being there, and how to order them again."""
    left = [item for item in view.items if item.charge is Charge.IN_DOUBT]
    if not left:
        return
    amount = "an unknown amount" if view.in_doubt is None else f"up to {view.in_doubt}"
    say(f"In doubt: {len(left)} images, {amount} may have been paid for them:")
    say(*(f"  - {item.item.path} ({item.in_doubt or 'unknown'})" for item in left))
    say(f"No machine orders them again. You can: gptimage retry {view.run.id} --retry-in-doubt")
