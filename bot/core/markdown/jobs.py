"""The jobs of a run in a table: their files, what was asked for, and what it cost."""

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from itertools import groupby

from bot.core.markdown.parts import amount, counted, span
from bot.core.markup import body, escape, folded, link, table
from bot.core.messages import Messages
from bot.core.run import FileKind, ItemState, ItemView, Run, total

_OPEN_ROWS = 12
_FOLD = 50  # rows behind one line to click on
_PROMPT = 80

_MARKS = {ItemState.FAILED: "❌ ", ItemState.IN_DOUBT: "⚠️ ", ItemState.CANCELLED: "⬛ "}


def jobs(run: Run, items: Sequence[ItemView], messages: Messages) -> str:
    """A row for each job; many of them are folded, and very many in several folds."""
    archives = {archive.url for archive in run.beside(FileKind.ARCHIVE)}
    by_job = groupby(items, key=lambda item: item.item.job)
    rows = [_row(list(job), archives, messages) for _, job in by_job]
    if not rows:
        return ""
    columns = messages.final.columns
    if len(rows) <= _OPEN_ROWS:
        return table(columns, rows)
    return body(
        *(
            folded(title, table(columns, rows[first : first + _FOLD]))
            for title, first in _folds(len(rows), messages)
        )
    )


def _folds(count: int, messages: Messages) -> Iterator[tuple[str, int]]:
    if count <= _FOLD:
        yield counted(messages.final.table, count), 0
        return
    for first in range(0, count, _FOLD):
        last = min(first + _FOLD, count)
        yield messages.final.part.format(first=first + 1, last=last), first


def _row(job: Sequence[ItemView], archives: AbstractSet[str], messages: Messages) -> list[str]:
    call, paid = job[0].item.call, [item.paid for item in job if item.winner]
    return [
        "<br>".join(_file(item, archives) for item in job),
        escape(call.prompt, _PROMPT),
        escape(call.size or "auto", 20),
        escape(call.quality or "auto", 20),
        amount(total(paid), messages) if paid else "–",
        _time(job, messages),
    ]


def name(item: ItemView) -> str:
    """What people call the image: the path that it has, or was to have."""
    return item.path or item.item.path


def _file(item: ItemView, archives: AbstractSet[str]) -> str:
    """The file with a link; one in an archive is called by its name there."""
    url = None if item.url in archives else item.url
    return _MARKS.get(item.state, "") + link(name(item), url)


def _time(job: Sequence[ItemView], messages: Messages) -> str:
    """From the job's first call to its last answer."""
    calls = [
        (attempt.started_at, attempt.settled_at)
        for item in job
        for attempt in item.attempts
        if attempt.settled_at
    ]
    if not calls:
        return "–"
    return span(max(end for _, end in calls) - min(start for start, _ in calls), messages)
