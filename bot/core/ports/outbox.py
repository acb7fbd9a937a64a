"""What must come to stand on GitHub."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from bot.core.ports.leases import Lease
from bot.core.run import Thread


class EffectKind(StrEnum):
    COMMENT = "comment"  # posted once, edited from then on
    REACTION = "reaction"


@dataclass(frozen=True, slots=True)
class Effect:
    """Something that must come to stand on GitHub; saying it again under its id replaces it."""

    id: str
    kind: EffectKind
    thread: Thread
    body: str


@dataclass(frozen=True, slots=True)
class OwedEffect:
    """An effect and how far it got. `attempted`: a post may have happened. `remote`: its id."""

    effect: Effect
    version: int
    created_at: datetime
    attempted: bool = False
    remote: int | None = None
    tries: int = 0


class Outbox(Protocol):
    async def say(self, effect: Effect, now: datetime, lease: Lease | None = None) -> None:
        """Owe it, in place of what was owed under the same id; equal words cost nothing.

        Whoever speaks for a run names the run's lease: raises LeaseLost.
        """
        ...

    async def get(self, effect_id: str, now: datetime) -> OwedEffect | None:
        """The effect, if it is due and what GitHub shows is older than what is owed."""
        ...

    async def remote(self, effect_id: str) -> int | None:
        """GitHub's id of what stands there, if it has been posted."""
        ...

    async def attempting(self, lease: Lease) -> None:
        """Record, before a post, that one may have happened. Raises LeaseLost."""
        ...

    async def delivered(self, lease: Lease, version: int, remote: int) -> None:
        """Record what GitHub shows now. Raises LeaseLost."""
        ...

    async def again(self, effect_id: str) -> int | None:
        """Owe the newest words once more: older ones were shown by whoever had lost the effect.

        Gives GitHub's id of what is known to stand there.
        """
        ...

    async def postpone(self, lease: Lease, until: datetime, *, attempted: bool) -> None:
        """Not before that time: GitHub asked for a pause, or did not answer.

        `attempted` is false where nothing can have been posted so far.
        """
        ...

    async def give_up(self, lease: Lease, version: int, why: str) -> None:
        """These words can never be delivered (the comment is gone); newer ones are tried."""
        ...

    async def owed(self, now: datetime, limit: int = 100) -> Sequence[str]:
        """Ids that are due and that nobody delivers now, oldest first."""
        ...
