"""Every comment of the bot: short, calm, and never longer than GitHub takes.

The words themselves are in bot.core.messages; what users wrote goes through bot.core.markup.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from math import ceil

from bot.core.command import retry_line
from bot.core.errors import BatchError, CommandError, Failure, Problem, Refused
from bot.core.markup import address, alert, body, escape, fit, folded, link, table
from bot.core.messages import Messages
from bot.core.messages.sentences import Counted, Explanation
from bot.core.pricing import Costs, Estimate, Money
from bot.core.run import ItemState, ItemView, RunState, RunView, left_over

MAX_BODY = 65_000
"""GitHub refuses comments above 65,536 characters with 422; the rest is for what it may add."""

_ROOM = MAX_BODY - 500  # a marker is added to each body
_MOST_WARNINGS = 10


# --- while it runs ----------------------------------------------------------------------------

_SQUARES: Mapping[ItemState, str] = {
    ItemState.SUCCEEDED: "🟩",
    ItemState.FAILED: "🟥",
    ItemState.IN_DOUBT: "🟨",
    ItemState.CANCELLED: "⬛",
    ItemState.STARTED: "🟦",
    ItemState.RESERVED: "⬜",
}
_SETTLED = (ItemState.SUCCEEDED, ItemState.FAILED, ItemState.IN_DOUBT, ItemState.CANCELLED)
_BAR = 20
_STEP = timedelta(seconds=10)


def live(view: RunView, now: datetime, messages: Messages) -> str:
    """The comment while the run is queued, at work or publishing."""
    words, count = messages.live, view.count()
    titles = {RunState.QUEUED: words.queued, RunState.RUNNING: words.running}
    title = titles.get(view.run.state, words.publishing)
    settled = sum(count[state] for state in _SETTLED)
    progress = words.progress.format(done=settled, total=len(view.items))
    return body(
        f"### {_counted(title, len(view.items))}",
        f"{_bar(view)} **{progress}**",
        " · ".join([*_counts(view, messages), *_elapsed(view, now, messages)]),
        _cost_so_far(view, messages),
        _warnings(view.run.warnings, messages),
        _footer(view, messages),
    )


def _bar(view: RunView) -> str:
    """One square for each image; of more than twenty, each square stands for several."""
    order = list(_SQUARES)
    states = sorted((item.state for item in view.items), key=order.index)
    width = min(len(states), _BAR)
    return "".join(_SQUARES[states[i * len(states) // width]] for i in range(width))


def _counts(view: RunView, messages: Messages) -> list[str]:
    count = view.count()
    return [
        messages.live.states[state].format(n=count[state]) for state in _SQUARES if count[state]
    ]


def _elapsed(view: RunView, now: datetime, messages: Messages) -> list[str]:
    """The time in steps of ten seconds, in which the comment is edited at most."""
    if view.run.started_at is None:
        return []
    steps = (now - view.run.started_at) // _STEP
    return [_span(steps * _STEP, messages)] if steps > 0 else []


def _cost_so_far(view: RunView, messages: Messages) -> str:
    words, run = messages.live, view.run
    if run.upper_bound is None or view.paid is None:
        return words.unpriced
    if run.state is RunState.QUEUED:
        expected = _amount(run.expected, messages)
        return words.cost_before.format(expected=expected, bound=run.upper_bound)
    return words.cost.format(paid=view.paid, bound=run.upper_bound)


# --- when it is over --------------------------------------------------------------------------

_OPEN_IMAGES = 24  # shown at once; the others wait in a fold
_OPEN_ROWS = 12
_PROMPT = 80
_LONG = 120  # seconds, from which on minutes are said


def final(view: RunView, now: datetime, messages: Messages) -> str:
    """The last word of a run: the images, what each cost, and what became of the others."""
    return fit(lambda rows: _final(view, now, messages, rows), len(view.items), _ROOM)


def _final(view: RunView, now: datetime, messages: Messages, rows: int) -> str:
    words = messages.final
    elided = len(view.items) - rows
    return body(
        f"### {_outcome(view, messages)}",
        words.stops[view.run.stop] if view.run.stop else "",
        _gallery([item for item in view.items[:rows] if item.winner], messages),
        _misses(view, messages, rows),
        _doubts(view, messages, rows),
        _again(view, messages),
        _totals(view, messages),
        _table(view.items[:rows], messages),
        words.elided.format(n=elided) if elided else "",
        _warnings(view.run.warnings, messages),
        _publication(view, messages),
        _footer(view, messages, _duration(view, now, messages)),
    )


def _outcome(view: RunView, messages: Messages) -> str:
    words, made, wanted = messages.final, view.count()[ItemState.SUCCEEDED], len(view.items)
    if made == 0:
        return words.none_made
    if made < wanted:
        return _counted(words.some_made, wanted, made=made)
    return _counted(words.all_made, wanted)


def _gallery(items: Sequence[ItemView], messages: Messages) -> str:
    shown = [picture for item in items if (picture := _picture(item))]
    more = _counted(messages.final.more_images, len(shown) - _OPEN_IMAGES)
    return body(" ".join(shown[:_OPEN_IMAGES]), folded(more, " ".join(shown[_OPEN_IMAGES:])))


def _picture(item: ItemView) -> str:
    if item.url is None or not item.url.startswith(("https://", "http://")):
        return ""
    url, alt = address(item.url), escape(item.item.call.prompt, _PROMPT)
    return f'<a href="{url}"><img src="{url}" alt="{alt}" width="240"></a>'


def _misses(view: RunView, messages: Messages, rows: int) -> str:
    words, count = messages.final, view.count()
    failed, cancelled = count[ItemState.FAILED], count[ItemState.CANCELLED]
    return body(
        f"**{_counted(words.not_made, failed)}**" if failed else "",
        _reasons(view, ItemState.FAILED, messages, rows),
        _counted(words.cancelled, cancelled) if cancelled else "",
    )


def _doubts(view: RunView, messages: Messages, rows: int) -> str:
    doubtful = view.count()[ItemState.IN_DOUBT]
    if not doubtful:
        return ""
    amount = _amount(view.in_doubt, messages)
    said = _counted(messages.final.in_doubt, doubtful, amount=amount)
    return alert("WARNING", body(said, _reasons(view, ItemState.IN_DOUBT, messages, rows)))


def _again(view: RunView, messages: Messages) -> str:
    """The exact lines that order again what is missing."""
    words, run = messages.final, view.run.id
    doubtful = [item.number for item in view.items if item.state is ItemState.IN_DOUBT]
    return body(
        words.again.format(command=retry_line(run)) if left_over(view, doubts=False) else "",
        words.doubt_again.format(command=retry_line(run, doubtful)) if doubtful else "",
    )


def _reasons(view: RunView, state: ItemState, messages: Messages, rows: int) -> str:
    """A line for each reason, so that a hint stands there once."""
    items = sorted((item for item in view.items if item.state is state), key=_reason)
    groups = [(reason, list(group)) for reason, group in groupby(items, key=_reason)]
    return "\n".join(_miss(reason, group, messages, rows) for reason, group in groups[:_OPEN_ROWS])


def _reason(item: ItemView) -> tuple[str, str]:
    """The class of a failure, and the sentence to say with it: only a wrong request needs one."""
    if item.last is None or item.failure is None:
        return "", ""
    return item.failure.value, item.last.message if item.failure is Failure.INVALID else ""


def _miss(reason: tuple[str, str], items: Sequence[ItemView], messages: Messages, rows: int) -> str:
    failure, detail = reason
    words = messages.final
    why = words.failures[Failure(failure)] if failure else words.unknown_failure
    names = ", ".join(_called(item) for item in items[: min(rows, _OPEN_ROWS)])
    more = len(items) - min(rows, _OPEN_ROWS)
    return f"- {_explained(why, messages.tell(detail))}<br>{names}" + (
        f" (+{more})" if more > 0 else ""
    )


def _called(item: ItemView) -> str:
    """The file; and of an image in doubt its number, by which it is ordered again."""
    name = escape(_name(item), 60)
    return f"{item.number}: {name}" if item.state is ItemState.IN_DOUBT else name


def _explained(why: Explanation, detail: str) -> str:
    said = f"{why.what} {escape(detail)}" if detail else why.what
    return f"{said} *{why.hint}*" if why.hint else said


def _totals(view: RunView, messages: Messages) -> str:
    amounts = (view.run.expected, view.paid, view.in_doubt, view.run.upper_bound)
    return table(messages.final.amounts, [[_amount(amount, messages) for amount in amounts]], "--:")


def _table(items: Sequence[ItemView], messages: Messages) -> str:
    rows = [_row(item, messages) for item in items]
    whole = table(messages.final.columns, rows) if rows else ""
    if len(rows) <= _OPEN_ROWS:
        return whole
    return folded(_counted(messages.final.table, len(rows)), whole)


def _row(item: ItemView, messages: Messages) -> list[str]:
    call = item.item.call
    return [
        link(_name(item), item.url),
        escape(call.prompt, _PROMPT),
        escape(call.size or "auto", 20),
        escape(call.quality or "auto", 20),
        _amount(item.paid, messages) if item.winner else "–",
        _time(item, messages),
    ]


def _name(item: ItemView) -> str:
    return item.path or item.item.path


def _time(item: ItemView, messages: Messages) -> str:
    last = item.last
    if last is None or last.settled_at is None:
        return "–"
    return _span(last.settled_at - last.started_at, messages)


def _duration(view: RunView, now: datetime, messages: Messages) -> str:
    start, end = view.run.started_at or view.run.created_at, view.run.finished_at or now
    return _span(end - start, messages)


def _span(span: timedelta, messages: Messages) -> str:
    seconds = round(span.total_seconds())
    if seconds < _LONG:
        return messages.final.seconds.format(n=seconds)
    return messages.final.minutes.format(n=round(seconds / 60))


def _publication(view: RunView, messages: Messages) -> str:
    url, note = view.run.page_url, view.run.note
    files = f"📦 [{messages.final.files}]({address(url)})" if url else ""
    return body(files, alert("NOTE", escape(messages.tell(note), 500)) if note else "")


# --- answers ----------------------------------------------------------------------------------


def batch_problems(error: BatchError, messages: Messages) -> str:
    """Everything that is wrong with the batch at once, each with its place."""
    return fit(lambda rows: _problems(error, messages, rows), len(error.problems), _ROOM)


def _problems(error: BatchError, messages: Messages, rows: int) -> str:
    problems, more = error.problems, len(error.problems) - rows
    mend = messages.mend_file.format(file=escape(error.file)) if error.file else messages.mend
    return body(
        f"### {_counted(messages.problems, len(problems))}",
        "\n".join(_problem(problem, messages) for problem in problems[:rows]),
        _counted(messages.more, more) if more else "",
        mend,
    )


def _problem(problem: Problem, messages: Messages) -> str:
    tell = messages.tell
    place = f"<code>{escape(tell(problem.path), 120)}</code> " if problem.path else ""
    hint = f"<br>*{escape(tell(problem.hint), 300)}*" if problem.hint else ""
    return f"- {place}{escape(tell(problem.message), 300)}{hint}"


def command_problem(error: CommandError, messages: Messages) -> str:
    """What is wrong with the command, and one that would be right."""
    what, hint = (escape(messages.tell(text), 300) for text in (error.message, error.hint))
    said = body(what, f"*{hint}*" if hint else "")
    return body(f"### {messages.command}", said, folded("/batch help", messages.help))


def refused(error: Refused, messages: Messages) -> str:
    """Why a valid batch does not run."""
    return body(f"### {messages.refused[error.reason]}", escape(messages.tell(error.message), 500))


def help_text(messages: Messages) -> str:
    """How it is done, with examples to copy."""
    return messages.help.strip()


def estimate_answer(
    estimate: Estimate, warnings: Sequence[str], messages: Messages, offer: str
) -> str:
    """What a batch would cost, and the line that runs exactly it."""

    def render(rows: int) -> str:
        run = f"{messages.estimated.run}\n\n```\n/batch run {offer}\n```"
        return body(_estimate(estimate, warnings, messages, rows), run)

    return fit(render, len(estimate.jobs), _ROOM)


def _estimate(estimate: Estimate, warnings: Sequence[str], messages: Messages, rows: int) -> str:
    words, elided = messages.estimated, len(estimate.jobs) - rows
    return body(
        f"### {_counted(words.title, estimate.images)}",
        _price_table(estimate, messages, rows),
        _counted(messages.more, elided) if elided else "",
        words.unpriced if estimate.total.high is None else "",
        words.time.format(minutes=ceil(estimate.seconds / 60)),
        _warnings([*warnings, *estimate.warnings], messages),
    )


def _price_table(estimate: Estimate, messages: Messages, rows: int) -> str:
    words = messages.estimated
    jobs = [
        [f"{job.index + 1}", f"{job.images}", *_range(job.cost, messages)]
        for job in estimate.jobs[:rows]
    ]
    total = [words.total, f"{estimate.images}", *_range(estimate.total, messages)]
    return table(words.columns, [*jobs, [f"**{cell}**" for cell in total]], "--:")


def _range(costs: Costs, messages: Messages) -> list[str]:
    return [_amount(amount, messages) for amount in (costs.low, costs.expected, costs.high)]


# --- parts ------------------------------------------------------------------------------------


def _counted(sentence: Counted, n: int, **values: object) -> str:
    return sentence[n != 1].format(n=n, **values)


def _amount(amount: Money | None, messages: Messages) -> str:
    return messages.unknown if amount is None else str(amount)


def _warnings(warnings: Sequence[str], messages: Messages) -> str:
    lines = [f"- {escape(messages.tell(warning), 300)}" for warning in warnings[:_MOST_WARNINGS]]
    if (more := len(warnings) - len(lines)) > 0:
        lines.append(f"- {_counted(messages.more, more)}")
    return folded(_counted(messages.warnings, len(warnings)), "\n".join(lines))


def _footer(view: RunView, messages: Messages, *more: str) -> str:
    author = view.run.author.login if view.run.author else ""
    said = messages.footer.format(run=view.run.id, author=escape(author))
    return f"<sub>{' · '.join([said, *more])}</sub>"


# --- markers ----------------------------------------------------------------------------------


class Markers:
    """Hidden signed marks, by which a comment whose answer was lost is found again."""

    def __init__(self, key: bytes) -> None:
        if not key:
            raise ValueError("the key of the markers must not be empty")
        self._key = key

    def sign(self, effect_id: str) -> str:
        """The marker of an effect; ids of other characters than `_MARKER`'s are a ValueError."""
        marker = f"<!-- gptimage:{effect_id}:{self._mac(effect_id)} -->"
        if not _MARKER.fullmatch(marker):
            raise ValueError(f"an effect cannot be called {effect_id!r}")
        return marker

    def verify(self, comment: str) -> str | None:
        """The id of the effect whose marker is in the comment, if it is ours."""
        for found in _MARKER.finditer(comment):
            if hmac.compare_digest(found["mac"], self._mac(found["id"])):
                return found["id"]
        return None

    def _mac(self, effect_id: str) -> str:
        return hmac.new(self._key, effect_id.encode(), hashlib.sha256).hexdigest()[:32]


# No two hyphens: they would end the HTML comment.
_MARKER = re.compile(
    r"<!-- gptimage:(?P<id>(?:[\w.:/]|-(?!-))+):(?P<mac>[0-9a-f]{32}) -->", re.ASCII
)


def with_marker(comment: str, marker: str) -> str:
    """The comment with the marker at its end, never above MAX_BODY."""
    return f"{comment[: MAX_BODY - len(marker) - 2]}\n\n{marker}"
