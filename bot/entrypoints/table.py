"""The table that a person watches while a run works, as a picture of one moment."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from math import inf

from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Column, Table
from rich.text import Text

from bot.core.attempts import Attempt, AttemptState, Call, Wait, next_step
from bot.core.batch import Job
from bot.core.pricing import Money
from bot.core.run import ItemState, ItemView, RunView, total
from bot.core.said import said

# Below the rows: a line of counts, the bar, two lines of sums, and the cursor's own.
_BELOW = 5
_NARROW = 50  # columns; with fewer, money and time of each job are left out
_BAR = 40
_LAST = 3  # jobs that have ended, where not all have room
_NO_TIME = timedelta(0)

Tell = Callable[[str], str]
"""Says a sentence in the language of whoever watches."""


class State(StrEnum):
    """What an image, or a whole job, is at; the first that holds for an image is the job's."""

    MAKING = "making"
    RETRY = "retry"
    WAITING = "waiting"
    IN_DOUBT = "in doubt"
    FAILED = "failed"
    CANCELLED = "cancelled"
    DONE = "done"


_WORDS = {
    State.MAKING: said("making"),
    State.RETRY: said("retry"),
    State.WAITING: said("waiting"),
    State.IN_DOUBT: said("in doubt"),
    State.FAILED: said("failed"),
    State.CANCELLED: said("cancelled"),
    State.DONE: said("done"),
}
_AHEAD = frozenset({State.MAKING, State.RETRY, State.WAITING})
_STYLE = {
    State.MAKING: "cyan",
    State.RETRY: "yellow",
    State.WAITING: "dim",
    State.IN_DOUBT: "yellow",
    State.FAILED: "red",
    State.CANCELLED: "dim",
    State.DONE: "green",
}


@dataclass(frozen=True, slots=True)
class Tempo:
    """How fast images may be asked for: seconds until the next one, and how many in a minute.

    `stopping` says that no further one will be.
    """

    wait: float = 0.0
    per_minute: float = inf  # while no limit is known
    stopping: bool = False


@dataclass(frozen=True, slots=True)
class Image:
    """One image at one moment; `retry_at` is set while it waits for a repetition."""

    item: ItemView
    state: State
    retry_at: datetime | None = None


def images(view: RunView, now: datetime) -> Sequence[Image]:
    """Every image of the run, in the batch's order."""
    return [_image(view, item, now) for item in view.items]


def _image(view: RunView, item: ItemView, now: datetime) -> Image:
    match item.state:
        case ItemState.SUCCEEDED:
            return Image(item, State.DONE)
        case ItemState.STARTED:
            return Image(item, State.MAKING)
        case ItemState.RESERVED:
            return Image(item, State.WAITING)
        case ItemState.CANCELLED:
            return Image(item, State.CANCELLED)
        case ItemState.FAILED | ItemState.IN_DOUBT as state:
            return _after(view, item, now) or Image(item, _ENDS[state])


_ENDS = {ItemState.FAILED: State.FAILED, ItemState.IN_DOUBT: State.IN_DOUBT}


def _after(view: RunView, item: ItemView, now: datetime) -> Image | None:
    """The image whose call gave none, if another call is to follow."""
    if view.run.stop or item.cancelled:
        return None
    match next_step(item.attempts, view.run.batch.retry_policy, now, order=item.order):
        case Wait(until):
            return Image(item, State.RETRY, until)
        case Call():
            return Image(item, State.WAITING)
        case _:
            return None


# --- jobs -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Row:
    """One job: what it is called, how far it is, what it cost, and how long its calls took."""

    job: int
    name: str
    state: State
    made: int
    wanted: int
    cost: Money | None
    time: timedelta | None
    ended_at: datetime | None
    retry_at: datetime | None

    @property
    def at_work(self) -> bool:
        """Whether it has begun and has not ended."""
        return self.state in _AHEAD and self.time is not None


def rows(view: RunView, every: Iterable[Image], now: datetime) -> Sequence[Row]:
    """Every job of the run, in the batch's order."""
    jobs: dict[int, list[Image]] = defaultdict(list)
    for image in every:
        jobs[image.item.item.job].append(image)
    return [_row(view.run.batch.jobs[job], job, of_job, now) for job, of_job in jobs.items()]


def _row(entry: Job, job: int, of_job: Sequence[Image], now: datetime) -> Row:
    states = Counter(image.state for image in of_job)
    tried = [attempt for image in of_job for attempt in image.item.attempts]
    return Row(
        job=job,
        name=_plain(entry.output_path or entry.prompt),
        state=next(state for state in State if states[state]),
        made=states[State.DONE],
        wanted=len(of_job),
        cost=total(image.item.paid for image in of_job),
        time=_time(tried, now),
        ended_at=max((each.settled_at for each in tried if each.settled_at), default=None),
        retry_at=min((image.retry_at for image in of_job if image.retry_at), default=None),
    )


def _time(tried: Sequence[Attempt], now: datetime) -> timedelta | None:
    if not tried:
        return None
    return max(each.settled_at or now for each in tried) - min(each.started_at for each in tried)


def _plain(text: str) -> str:
    return "".join(char for char in " ".join(text.split()) if char.isprintable())


# --- time left --------------------------------------------------------------------------------


def time_left(
    every: Sequence[Image], now: datetime, at_once: int, tempo: Tempo
) -> timedelta | None:
    """How long the rest takes if its calls take as long as those that gave images.

    None before there is one. `at_once` jobs have a place at the same time; the images of a job
    are made side by side.
    """
    calls = [image.item.winner for image in every if image.item.winner]
    if not calls:
        return None
    each = sum(((call.settled_at or now) - call.started_at for call in calls), _NO_TIME) / len(
        calls
    )
    ahead: dict[int, timedelta] = {}
    for image in every:
        if image.state in _AHEAD:
            job = image.item.item.job
            ahead[job] = max(ahead.get(job, _NO_TIME), _rest(image, each, now))
    to_start = sum(image.state in {State.RETRY, State.WAITING} for image in every)
    return max(
        sum(ahead.values(), _NO_TIME) / min(at_once, max(len(ahead), 1)),
        max(ahead.values(), default=_NO_TIME),
        timedelta(minutes=to_start / tempo.per_minute),
        timedelta(seconds=tempo.wait) + each if to_start else _NO_TIME,
    )


def _rest(image: Image, each: timedelta, now: datetime) -> timedelta:
    """What is left of one image, with the wait before its repetition."""
    last = image.item.last
    if image.state is State.MAKING and last:
        return max(each - (now - last.started_at), _NO_TIME)
    return each + (image.retry_at - now if image.retry_at else _NO_TIME)


# --- the picture ------------------------------------------------------------------------------


def picture(
    view: RunView, now: datetime, tempo: Tempo, *, width: int, height: int, tell: Tell = str
) -> RenderableType:
    """The table for a window of this size: what does not fit is counted."""
    every = images(view, now)
    jobs = rows(view, every, now)
    shown = _chosen(jobs, height - _BELOW)
    left = time_left(every, now, view.run.batch.max_concurrent, tempo)
    return Group(
        _table(shown, now, width, tell),
        *_counted(jobs, shown, tell),
        _bar(every, width, tell),
        _sums(view, now, left, tempo, tell),
    )


def _chosen(jobs: Sequence[Row], room: int) -> Sequence[Row]:
    """The rows that fit: those at work, then the last that ended, then the next to come."""
    if len(jobs) <= room:
        return jobs
    at_work = [row for row in jobs if row.at_work]
    ended = [row for row in jobs if row.state not in _AHEAD]
    ended.sort(key=lambda row: (row.ended_at is not None, row.ended_at or row.job), reverse=True)
    coming = [row for row in jobs if row.state in _AHEAD and not row.at_work]
    chosen = [*at_work, *ended[:_LAST], *coming, *ended[_LAST:]]
    return sorted(chosen[: max(room, 0)], key=lambda row: row.job)


def _counted(jobs: Sequence[Row], shown: Sequence[Row], tell: Tell) -> Sequence[Text]:
    """One line for the jobs that have no row; none if all have one."""
    left = Counter(row.state for row in jobs) - Counter(row.state for row in shown)
    counts = ", ".join(
        tell(said("{count} {state}", count=left[state], state=_WORDS[state]))
        for state in State
        if left[state]
    )
    return [Text(f"… {counts}", "dim", no_wrap=True, overflow="ellipsis")] if counts else []


def _table(shown: Sequence[Row], now: datetime, width: int, tell: Tell) -> Table:
    # The widths that most words have, so that the columns stand still.
    columns = [
        Column(ratio=1, no_wrap=True, overflow="ellipsis"),
        Column(min_width=cell_len(tell(_again(_TYPICAL))), no_wrap=True),
        Column(min_width=len("0/0"), justify="right", no_wrap=True),
    ]
    if width >= _NARROW:
        columns += [
            Column(min_width=len("$0.0123"), justify="right", no_wrap=True),
            Column(min_width=cell_len(tell(_span(_TYPICAL))), justify="right", no_wrap=True),
        ]
    table = Table.grid(*columns, padding=(0, 2, 0, 0), expand=True)
    for row in shown:
        table.add_row(*_cells(row, now, tell)[: len(columns)])
    return table


_TYPICAL = timedelta(seconds=12)


def _again(wait: timedelta) -> str:
    return said("retry in {time}", time=_span(wait))


def _cells(row: Row, now: datetime, tell: Tell) -> Sequence[Text]:
    state = _again(row.retry_at - now) if row.retry_at else _WORDS[row.state]
    paid = "" if row.cost == Money(0) else _money(row.cost)
    style = _STYLE[row.state]
    return [
        Text(row.name, "dim" if row.state is State.WAITING else ""),
        Text(tell(state), style),
        Text(f"{row.made}/{row.wanted}", style),
        Text(tell(paid)),
        Text("" if row.time is None else tell(_span(row.time))),
    ]


def _bar(every: Sequence[Image], width: int, tell: Tell) -> RenderableType:
    ended = sum(image.state not in _AHEAD for image in every)
    count = Text(tell(said("{ended}/{count} images", ended=ended, count=len(every))))
    room = min(_BAR, width - count.cell_len - 3)
    line = Table.grid(padding=(0, 1, 0, 0))
    line.add_row(ProgressBar(len(every), ended, width=max(room, 5)), count)
    return line


def _sums(view: RunView, now: datetime, left: timedelta | None, tempo: Tempo, tell: Tell) -> Text:
    doubt, most = _in_doubt(view), view.run.upper_bound
    parts = [
        said("{amount} so far", amount=_money(view.paid)),
        said("at most {amount}", amount=most) if most else "",
        "" if doubt == Money(0) else said("{amount} in doubt", amount=_money(doubt)),
        _span(now - (view.run.started_at or view.run.created_at)),
        *_ahead(left, tempo, stopping=tempo.stopping or view.run.stop is not None),
    ]
    return Text(" · ".join(map(tell, filter(None, parts))))


def _ahead(left: timedelta | None, tempo: Tempo, *, stopping: bool) -> Sequence[str]:
    """What is to come, in words."""
    if stopping:
        return [said("stopping")]
    pause = _span(timedelta(seconds=tempo.wait))
    wait = said("waiting for the rate limit, {time}", time=pause)
    return [
        "" if left is None else said("about {time} left", time=_span(left)),
        wait if tempo.wait else "",
    ]


def _in_doubt(view: RunView) -> Money | None:
    """What may have been paid for in vain; a call under way will tell."""
    tried = (attempt for item in view.items for attempt in item.attempts)
    return total(each.amount for each in tried if each.state is AttemptState.IN_DOUBT)


def _money(amount: Money | None) -> str:
    return said("unknown") if amount is None else str(amount)


def _span(span: timedelta) -> str:
    """Such as `8 s`, `2:05` or `1:02:03`; what has passed is no time."""
    seconds = max(round(span.total_seconds()), 0)
    minutes, rest = divmod(seconds, 60)
    if not minutes:
        return said("{n} s", n=rest)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
