"""What several comments have in common."""

from collections.abc import Sequence
from datetime import timedelta

from bot.core.markup import body, escape, folded
from bot.core.messages import Messages
from bot.core.messages.sentences import Counted
from bot.core.pricing import Money
from bot.core.run import Run, RunView, Stop

MAX_BODY = 65_000
"""GitHub refuses comments above 65,536 characters with 422; the rest is for what it may add."""

ROOM = MAX_BODY - 500
"""For the words: a marker is added to each body."""

_MOST_WARNINGS = 10
_MOST_FAULTS = 10
_LONG = 120  # seconds, from which on minutes are said


def counted(sentence: Counted, n: int, **values: object) -> str:
    """The sentence for one, or for any other number."""
    return sentence[n != 1].format(n=n, **values)


def amount(money: Money | None, messages: Messages) -> str:
    """An amount; a word where it is unknown."""
    return messages.unknown if money is None else str(money)


def span(time: timedelta, messages: Messages) -> str:
    """A time in seconds, or in minutes if it is long."""
    seconds = round(time.total_seconds())
    if seconds < _LONG:
        return messages.final.seconds.format(n=seconds)
    return messages.final.minutes.format(n=round(seconds / 60))


def warned(warnings: Sequence[str], messages: Messages) -> str:
    """The warnings in a fold."""
    lines = [f"- {escape(messages.tell(warning), 300)}" for warning in warnings[:_MOST_WARNINGS]]
    if (more := len(warnings) - len(lines)) > 0:
        lines.append(f"- {counted(messages.more, more)}")
    return folded(counted(messages.warnings, len(warnings)), "\n".join(lines))


def stopped(run: Run, messages: Messages) -> str:
    """Why the run started nothing more, if so, and what there is to mend in its repository."""
    if run.stop is None:
        return ""
    shown = run.faults[:_MOST_FAULTS] if run.stop is Stop.RULES else ()
    faults = [f"- {escape(messages.tell(fault), 500)}" for fault in shown]
    return body(messages.final.stops[run.stop], "\n".join(faults))


def footer(view: RunView, messages: Messages, *more: str) -> str:
    """Which run it is, and whose."""
    author = view.run.author.login if view.run.author else ""
    said = messages.footer.format(run=view.run.id, author=escape(author))
    return f"<sub>{' · '.join([said, *more])}</sub>"
