"""The last word of a run: the images, what each cost, and what became of the others."""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby

from bot.core.attempts import Attempt
from bot.core.command import retry_line
from bot.core.errors import Failure
from bot.core.markdown.gallery import gallery
from bot.core.markdown.jobs import jobs, name
from bot.core.markdown.parts import ROOM, amount, counted, footer, span, stopped, warned
from bot.core.markup import address, alert, body, escape, fit, link, table
from bot.core.messages import Messages
from bot.core.run import FileKind, ItemState, ItemView, RunView, elapsed, left_over

_MOST_REASONS = 12
_MOST_NAMES = 12

# Whoever asks for the same again is told the same again.
_REFUSED = frozenset({Failure.MODERATION, Failure.INVALID, Failure.NO_MODEL})


def final(view: RunView, now: datetime, messages: Messages, room: int = ROOM) -> str:
    """All there is to say of a run that is over; of very many images, as much as has room."""
    return fit(lambda rows: _final(view, now, messages, rows), len(view.items), room)


def _final(view: RunView, now: datetime, messages: Messages, rows: int) -> str:
    words = messages.final
    shown, elided = view.items[:rows], len(view.items) - rows
    return body(
        f"### {_outcome(view, messages)}",
        stopped(view.run, messages),
        gallery(view.run, shown, messages),
        _misses(view, messages, rows),
        _doubts(view, messages, rows),
        _again(view, messages),
        _totals(view, messages),
        jobs(view.run, shown, messages),
        words.elided.format(n=elided) if elided else "",
        warned(view.run.warnings, messages),
        _publication(view, messages),
        footer(view, messages, _duration(view, now, messages)),
    )


def _outcome(view: RunView, messages: Messages) -> str:
    words, made, wanted = messages.final, view.count()[ItemState.SUCCEEDED], len(view.items)
    if made == 0:
        return words.none_made
    if made < wanted:
        return counted(words.some_made, wanted, made=made)
    return counted(words.all_made, wanted)


def _totals(view: RunView, messages: Messages) -> str:
    amounts = (view.run.expected, view.paid, view.in_doubt, view.run.upper_bound)
    return table(messages.final.amounts, [[amount(each, messages) for each in amounts]], "--:")


def _duration(view: RunView, now: datetime, messages: Messages) -> str:
    return span(elapsed(view, now), messages)


def _publication(view: RunView, messages: Messages) -> str:
    run, note = view.run, view.run.note
    links = [f"📦 [{messages.final.files}]({address(run.page_url)})"] if run.page_url else []
    links += [link(report.name, report.url) for report in run.beside(FileKind.REPORT)]
    said = alert("NOTE", escape(messages.tell(note), 500)) if note else ""
    return body(" · ".join(links), said)


# --- what is not there ------------------------------------------------------------------------


def _misses(view: RunView, messages: Messages, rows: int) -> str:
    words, count = messages.final, view.count()
    failed, cancelled = count[ItemState.FAILED], count[ItemState.CANCELLED]
    return body(
        f"**{counted(words.not_made, failed)}**" if failed else "",
        _reasons(view, ItemState.FAILED, messages, rows),
        counted(words.cancelled, cancelled) if cancelled else "",
    )


def _doubts(view: RunView, messages: Messages, rows: int) -> str:
    doubtful = sum(item.is_doubtful for item in view.items)
    if not doubtful:
        return ""
    said = counted(messages.final.in_doubt, doubtful, amount=amount(view.in_doubt, messages))
    return alert("WARNING", body(said, _reasons(view, ItemState.IN_DOUBT, messages, rows)))


def _again(view: RunView, messages: Messages) -> str:
    """The exact lines that order again what is missing, where that may help and a thread is."""
    if view.run.thread is None:
        return ""
    words, run = messages.final, view.run.id
    left = left_over(view, doubts=False)
    refused = [item for item in left if _is_refused(item)]
    doubtful = [item.number for item in view.items if item.is_doubtful]
    return body(
        words.again.format(command=retry_line(run)) if len(refused) < len(left) else "",
        words.refused_again if refused else "",
        words.doubt_again.format(command=retry_line(run, doubtful)) if doubtful else "",
    )


def _is_refused(item: ItemView) -> bool:
    return item.state is ItemState.FAILED and item.failure in _REFUSED


def _reasons(view: RunView, state: ItemState, messages: Messages, rows: int) -> str:
    """A line for each reason, so that a hint stands there once."""
    items = sorted((item for item in view.items if item.state is state), key=_whys)
    groups = [(whys, list(group)) for whys, group in groupby(items, key=_whys)]
    return "\n".join(_miss(whys, group, messages, rows) for whys, group in groups[:_MOST_REASONS])


_Why = tuple[str, str]
"""The class of a failure, and the sentence to say with it: only a wrong request needs one."""


def _whys(item: ItemView) -> tuple[_Why, ...]:
    """Why it has no image; of one in doubt how it came to be, and how a later call failed."""
    return tuple(dict.fromkeys(_why(each) for each in item.misses))


def _why(miss: Attempt) -> _Why:
    if miss.failure is None:
        return "", ""
    return miss.failure.value, miss.message if miss.failure is Failure.INVALID else ""


def _miss(whys: Sequence[_Why], items: Sequence[ItemView], messages: Messages, rows: int) -> str:
    most = min(rows, _MOST_NAMES)
    names = ", ".join(_missing(item, messages) for item in items[:most])
    more = f" (+{len(items) - most})" if len(items) > most else ""
    return f"- {' → '.join(_explained(why, messages) for why in whys)}<br>{names}{more}"


def _missing(item: ItemView, messages: Messages) -> str:
    """The file; of an image in doubt also its number, to order it by, and its amount."""
    shown, most = escape(name(item), 60), amount(item.in_doubt, messages)
    if not item.is_doubtful:
        return shown
    return messages.final.doubt.format(number=item.number, file=shown, amount=most)


def _explained(why: _Why, messages: Messages) -> str:
    failure, detail = why[0], messages.tell(why[1])
    words = messages.final
    told = words.failures[Failure(failure)] if failure else words.unknown_failure
    said = f"{told.what} {escape(detail)}" if detail else told.what
    return f"{said} *{told.hint}*" if told.hint else said
