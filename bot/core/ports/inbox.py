"""What GitHub told us, and what it could not tell."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.core.event import CommentEvent
from bot.core.ports.leases import Lease
from bot.core.ports.outbox import Effect


@dataclass(frozen=True, slots=True)
class Delivery:
    """A command that GitHub told us of; `id` is derived from the comment, `guid` is not signed."""

    id: str
    guid: str
    event: CommentEvent
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Heard:
    """How many commands of people and bots with rights a thread has heard in some time."""

    commands: int
    by_bots: int


class Inbox(Protocol):
    async def receive(self, delivery: Delivery) -> bool:
        """Keep it, durably; False if the same command was received before. Raises LedgerBusy."""
        ...

    async def get(self, delivery_id: str) -> Delivery | None:
        """The delivery while it is unsettled; None once it is, or if it never came."""
        ...

    async def settle(self, lease: Lease, now: datetime, effects: Sequence[Effect] = ()) -> None:
        """Mark it as answered, and owe the effects, in one transaction. Raises LeaseLost."""
        ...

    async def hear(self, delivery: Delivery, since: datetime) -> Heard:
        """Count it among the commands of its thread, once; says how many came since then."""
        ...

    async def unsettled(self, now: datetime, limit: int = 100) -> Sequence[str]:
        """Ids without a live lease, oldest first."""
        ...


@dataclass(frozen=True, slots=True)
class Sending:
    """One try of GitHub's to deliver an event to us; those of one event share the guid."""

    id: int
    guid: str
    at: datetime
    arrived: bool


@dataclass(frozen=True, slots=True)
class MissedDelivery:
    """An event of which no sending has arrived; `tries`: how often we asked for another one."""

    guid: str
    sending: int
    tries: int = 0


class Missed(Protocol):
    """What GitHub could not deliver; writes need the lease on `log:deliveries`."""

    async def read_to(self) -> datetime | None:
        """Up to when GitHub's log has been read; None if it never was."""
        ...

    async def record(
        self,
        lease: Lease,
        arrived: Collection[str],
        lost: Sequence[Sending],
        now: datetime,
        *,
        anew: bool = False,
    ) -> None:
        """Keep what the log says up to now, in one transaction. Raises LeaseLost.

        `anew`: what was lost again since we asked for it is due at once, as if never asked for.
        """
        ...

    async def next_due(self, now: datetime) -> MissedDelivery | None:
        """The one that is to be asked for next."""
        ...

    async def asked(self, lease: Lease, guid: str, until: datetime) -> None:
        """GitHub was asked for it, and is not to be asked again before then. Raises LeaseLost."""
        ...

    async def forget(self, lease: Lease, guid: str) -> None:
        """GitHub cannot send it again. Raises LeaseLost."""
        ...

    async def forget_before(self, lease: Lease, moment: datetime) -> None:
        """GitHub cannot send again what was noticed before then. Raises LeaseLost."""
        ...
