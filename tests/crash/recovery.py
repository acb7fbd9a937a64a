"""How soon after a death it goes on, by what anybody can see.

The recovery of a death is the time until the last of the commands that it interrupted has moved: an
image of it was called for, its comment posted or edited, a reaction put under it. Interrupted is
every command that was commented before the death and had no last word then. It counts where the
next process is left alive until all have moved, which chance decides before anything is known.
"""

import statistics
from collections.abc import Sequence
from datetime import datetime

from bot.simulators.github.threads import Comment
from tests.crash.driver import World

MOST_SECONDS = 20.0  # for 95 deaths in a hundred


def interrupted(outside: World, commands: Sequence[Comment]) -> list[Comment]:
    """The commands of people that wait for their last word at this moment."""
    return outside.open_ones([each for each in commands if not each.by_app])


def recovery(outside: World, waiting: Sequence[Comment], death: datetime) -> float | None:
    """Seconds from the death until all that waited had moved; None if some have not."""
    moves = [_next_move(outside, command, death) for command in waiting]
    known = [at for at in moves if at is not None]
    if len(known) < len(moves) or not known:
        return None
    return (max(known) - death).total_seconds()


def _next_move(outside: World, command: Comment, after: datetime) -> datetime | None:
    """When something about the command was first seen to change."""
    answers = [answer for answer in outside.answers if answer.issue == command.issue]
    shown = [at for answer in answers for at, _ in answer.revisions]
    prompts = ((call.at, str(call.sent.get("prompt"))) for call in outside.images.calls)
    calls = [at for at, prompt in prompts if prompt in command.body]
    reactions = [reaction.created_at for reaction in command.reactions]
    return min((at for at in (*shown, *calls, *reactions) if at > after), default=None)


def p95(found: Sequence[float]) -> float:
    """The time in which 95 of a hundred were over."""
    if len(found) < 2:
        return max(found, default=0.0)
    return statistics.quantiles(found, n=20, method="inclusive")[-1]


def spread(title: str, found: Sequence[float], meaning: str) -> str:
    """A line of the page."""
    if not found:
        return f"{title:14} –"
    return (
        f"{title:14} median {statistics.median(found):.1f} s, p95 {p95(found):.1f} s,"
        f" longest {max(found):.1f} s ({meaning}, {len(found)} times)"
    )
