"""The comment of a run that is not over."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from bot.core.markdown.parts import amount, counted, footer, span, warned
from bot.core.markup import body
from bot.core.messages import Messages
from bot.core.run import ItemState, RunState, RunView, Stop

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

FOLLOWED = 3
"""So many of those who wait are told their position as it changes."""

COUNTED = 100
"""Of a longer line only that it is longer: who is so far behind does not count heads."""


def live(view: RunView, now: datetime, messages: Messages, *, ahead: int | None = None) -> str:
    """The comment while the run is queued behind `ahead` others, at work or publishing."""
    words, count = messages.live, view.count()
    titles = {RunState.QUEUED: words.queued, RunState.RUNNING: words.running}
    title = titles.get(view.run.state, words.publishing)
    settled = sum(count[state] for state in _SETTLED)
    progress = words.progress.format(done=settled, total=len(view.items))
    return body(
        f"### {counted(title, len(view.items))}",
        messages.asked.stopping if view.run.stop is Stop.CANCELLED else "",
        _position(view, ahead, messages),
        f"{_bar(view)} **{progress}**",
        " · ".join([*_counts(view, messages), *_times(view, now, messages)]),
        _cost_so_far(view, messages),
        warned(view.run.warnings, messages),
        footer(view, messages),
    )


def position(view: RunView, ahead: int, messages: Messages) -> str:
    """The comment while the run waits; the same words as long as its position is the same."""
    return live(view, view.run.waits_since, messages, ahead=ahead)


def _position(view: RunView, ahead: int | None, messages: Messages) -> str:
    """How many are before the run; of one so far behind that it is not followed, how many were."""
    words = messages.live
    if ahead is None or view.run.state is not RunState.QUEUED:
        return ""
    if ahead == 0:
        return words.next
    if ahead > COUNTED:
        return words.many_ahead.format(n=COUNTED)
    return counted(words.ahead if ahead < FOLLOWED else words.was_ahead, ahead)


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


def _times(view: RunView, now: datetime, messages: Messages) -> list[str]:
    """The time so far and to come, in the steps of ten seconds in which a comment is edited."""
    begin = view.run.resumed_at or view.run.started_at
    steps = (now - begin) // _STEP if begin else 0
    if begin is None or steps <= 0:
        return []
    elapsed = steps * _STEP
    if left := _left(view, begin, elapsed):
        to_come = messages.live.left.format(span=span(left, messages))
        return [span(elapsed, messages), to_come]
    return [span(elapsed, messages)]


def _left(view: RunView, begin: datetime, elapsed: timedelta) -> timedelta | None:
    """The time to come if the images go on as they have come so far; None before the first."""
    ends = [item.last.settled_at for item in view.items if item.state in _SETTLED and item.last]
    done = sum(1 for end in ends if end and end >= begin)
    to_come = sum(item.state not in _SETTLED for item in view.items)
    if not done or not to_come:
        return None
    return max(round(elapsed * to_come / done / _STEP), 1) * _STEP


def _cost_so_far(view: RunView, messages: Messages) -> str:
    words, run = messages.live, view.run
    if run.upper_bound is None or view.paid is None:
        return words.unpriced
    if run.state is RunState.QUEUED:
        expected = amount(run.expected, messages)
        return words.cost_before.format(expected=expected, bound=run.upper_bound)
    return words.cost.format(paid=view.paid, bound=run.upper_bound)
