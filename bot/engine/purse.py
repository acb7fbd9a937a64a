"""What a run may still spend, asked before every call."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from bot.core.pricing import Money
from bot.core.run import RunView, total


class Purse:
    """The lowest of the caps, and what is promised to calls that are not in the view yet."""

    def __init__(self, caps: Iterable[Money | None]) -> None:
        self._cap = min((cap for cap in caps if cap is not None), default=None)
        self._promised = Money(0)

    @property
    def bottomless(self) -> bool:
        """Whether there is no cap at all."""
        return self._cap is None

    def has_room(self, view: RunView, amount: Money | None) -> bool:
        """Whether one more call can be paid, if everything under way and in doubt is billed.

        A call whose price is unknown has no room under any cap.
        """
        if self._cap is None:
            return True
        bill = total((view.paid, view.in_doubt, self._promised, amount))
        return bill is not None and bill <= self._cap

    @contextmanager
    def promise(self, amount: Money | None) -> Iterator[None]:
        """Count the amount while the intent of its call is being recorded."""
        promised = amount or Money(0)
        self._promised += promised
        try:
            yield
        finally:
            self._promised -= promised
