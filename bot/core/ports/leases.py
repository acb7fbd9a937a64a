"""Who may act on a subject."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to act on one subject (`run:…`, `effect:…`, `writes:…`) until it expires.

    Whoever claims the subject next raises the epoch; a write with an old epoch changes nothing.
    """

    subject: str
    epoch: int
    until: datetime


class Leases(Protocol):
    async def claim(self, subject: str, now: datetime, ttl: timedelta) -> Lease | None:
        """Take the subject, unless somebody holds it."""
        ...

    async def renew(self, lease: Lease, now: datetime, ttl: timedelta) -> Lease:
        """Hold on to it; raises LeaseLost if somebody else has taken it."""
        ...

    async def release(self, lease: Lease) -> None:
        """Let it go at once; nothing happens if it is lost already."""
        ...

    async def free_at(self, subject: str) -> datetime:
        """When the subject may be claimed; in the past if it may be now."""
        ...

    def tie(self, lease: Lease) -> None:
        """Let it end with this process, where a machine can tell; it need not."""
        ...

    def untie(self, lease: Lease) -> None:
        """Let it last until it expires, whatever becomes of this process."""
        ...

    async def free_the_dead(self) -> None:
        """Release what was tied to processes that are gone, as far as this machine can tell."""
        ...
