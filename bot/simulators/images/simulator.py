"""The state of the simulated image API: the calls it took, the faults to come, its settings."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime
from math import inf
from typing import Any

from bot.simulators.images import refusals
from bot.simulators.images.faults import Fault, FaultKind, triggered
from bot.simulators.images.order import Endpoint, Order, Sent


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Settings:
    """How the API behaves while nothing is wrong; zero switches each of them off."""

    latency_ms: int = 0  # of every call that is billed
    images_per_minute: int = 0
    padding_bytes: int = 0  # what every picture weighs, at least
    longest_edge: int = 0  # larger pictures are drawn no larger than this, and billed as ordered


@dataclass(slots=True)
class Call:
    """One request to draw, from the moment it arrived."""

    number: int
    endpoint: Endpoint
    at: datetime
    sent: Mapping[str, Any] = field(default_factory=dict)  # the parameters that really came
    order: Order | None = None
    billed: bool = False
    outcome: str = "in_flight"  # then answered, disconnected, an error's code or a fault's kind

    @property
    def request_id(self) -> str:
        return f"req_{self.number:032x}"

    def as_json(self) -> dict[str, Any]:
        return {
            "number": self.number,
            "request_id": self.request_id,
            "endpoint": self.endpoint,
            "at": self.at.isoformat(),
            "prompt": self.sent.get("prompt"),
            "model": self.sent.get("model"),
            "sent": dict(self.sent),
            "billed": self.billed,
            "outcome": self.outcome,
            "usage": self.order.usage() if self.order and self.billed else None,
        }


class ImagesSimulator:
    """Judges who paid for what: a call is billed when it is accepted, whatever comes after."""

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        today: date | None = None,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self.settings = settings or Settings()
        self.calls: list[Call] = []
        self.faults: list[Fault] = []
        self.answering = asyncio.Event()  # while it is not set, drawn pictures are held back
        self.answering.set()
        self.pictures_away = False  # those that an answer names by their address
        self._today = today
        self._now = now
        self._tokens = inf
        self._filled_at = now()

    @property
    def billed(self) -> list[Call]:
        return [call for call in self.calls if call.billed]

    @property
    def today(self) -> date:
        """The day that decides which models are shut down."""
        return self._today or self._now().date()

    def arrive(self, endpoint: Endpoint) -> Call:
        call = Call(len(self.calls) + 1, endpoint, self._now())
        self.calls.append(call)
        return call

    def receive(self, call: Call, sent: Sent) -> None:
        call.sent = sent.parameters

    def accept(self, call: Call, order: Order) -> Fault | None:
        """Take the order, bill it and say what will go wrong; raises ApiError over the limit."""
        self._pace(order.n)
        fault = triggered(order.prompt) or self._next_fault(order.prompt)
        if fault and fault.kind is FaultKind.DEAR:
            order = replace(order, factor=fault.factor)
        call.order = order
        call.billed = fault is None or fault.billed
        return fault

    def as_json(self) -> dict[str, Any]:
        return {
            "calls": [call.as_json() for call in self.calls],
            "billed": len(self.billed),
            "faults": [asdict(fault) for fault in self.faults],
            "settings": asdict(self.settings),
        }

    def _next_fault(self, prompt: str) -> Fault | None:
        for index, fault in enumerate(self.faults):
            if fault.prompt in prompt:
                again = [replace(fault, times=fault.times - 1)] if fault.times > 1 else []
                self.faults[index : index + 1] = again
                return fault
        return None

    def _pace(self, images: int) -> None:
        """Take the images from a bucket that holds one minute's worth, and refills evenly."""
        limit = self.settings.images_per_minute
        if not limit:
            return
        now = self._now()
        refill = (now - self._filled_at).total_seconds() * limit / 60
        self._tokens, self._filled_at = min(limit, self._tokens + refill), now
        missing = min(images, limit) - self._tokens
        if missing > 1e-9:  # what is left of a wait that was honoured to the millisecond
            raise refusals.rate_limited(limit, missing * 60 / limit)
        self._tokens -= min(images, limit)
