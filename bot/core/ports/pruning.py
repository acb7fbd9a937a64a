"""What is old enough to be removed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Old:
    """Ids of what was over before a moment, a part at a time.

    Of runs, the report is kept; of deliveries and effects, that they were.
    """

    runs: Sequence[str] = ()
    deliveries: Sequence[str] = ()
    effects: Sequence[str] = ()
    offers: Sequence[str] = ()

    def __len__(self) -> int:
        """How many there are."""
        return sum(map(len, (self.runs, self.deliveries, self.effects, self.offers)))

    def then(self, part: "Old") -> "Old":
        """The part, and of kinds that it has none of, what came before: where to go on from."""
        return Old(
            part.runs or self.runs,
            part.deliveries or self.deliveries,
            part.effects or self.effects,
            part.offers or self.offers,
        )


class Pruning(Protocol):
    async def old(self, before: datetime, now: datetime, after: Old) -> Old:
        """What comes next after the last ids of `after`; empty at the end. Changes nothing.

        Not among it: what is unfinished, holds money in a window that is not over, or has an
        image that is paid for and not published.
        """
        ...

    async def mark(self, runs: Sequence[str], before: datetime, now: datetime) -> Sequence[str]:
        """Nobody can order anything of these runs any more; gives those that were still old."""
        ...

    async def remove(self, old: Old) -> None:
        """Remove what is not kept of marked runs, and of the others."""
        ...

    async def pruned_at(self) -> datetime | None:
        """When all that is old was last removed; None if it never was."""
        ...

    async def pruned(self, now: datetime) -> None:
        """All that is old was removed now."""
        ...

    async def remove_budgets(self, now: datetime) -> int:
        """Remove budgets whose window is over and that no run holds money in."""
        ...
