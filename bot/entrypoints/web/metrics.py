"""What Prometheus asks for: counts of this process, and the ledger in numbers.

Nothing in it names a person, a repository or a prompt.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import Response

from bot.adapters.ledger.figures import Figures
from bot.core.errors import LedgerBusy
from bot.core.ports import Clock
from bot.core.run import ItemState

# What the ledger and the disk say is asked for no more often than this, however many ask us.
_FRESH = timedelta(seconds=5)
_RESULTS = ("accepted", "repeated", "ignored", "refused", "unavailable")
# GitHub waits for ten seconds.
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """The numbers of one process, in a registry of their own."""

    def __init__(
        self,
        figures: Callable[[], Awaitable[Figures]],
        spooled: Callable[[], Awaitable[int]],
        remaining: Callable[[], int | None],
        clock: Clock,
    ) -> None:
        self._figures = figures
        self._spooled = spooled
        self._remaining = remaining
        self._clock = clock
        self._fresh_until: datetime | None = None
        self._asking = asyncio.Lock()
        registry = self._registry = CollectorRegistry()
        deliveries = Counter(
            "gptimage_deliveries",
            "Deliveries at the webhook since this process started, by what became of them.",
            ["result"],
            registry=registry,
        )
        self._deliveries = {result: deliveries.labels(result) for result in _RESULTS}
        self._acknowledged = Histogram(
            "gptimage_acknowledgement_seconds",
            "Time from a delivery's arrival to its answer.",
            buckets=_SECONDS,
            registry=registry,
        )
        self._up = _gauge(registry, "gptimage_ledger_up", "1 if the ledger answers, 0 if not.")
        self._items = _gauge(registry, "gptimage_items", "Images wanted, by state.", "state")
        self._money = _gauge(
            registry, "gptimage_money_usd", "Paid, in doubt, and reserved by open runs.", "state"
        )
        self._waiting = _gauge(registry, "gptimage_waiting", "What is not done yet.", "kind")
        self._age = _gauge(
            registry, "gptimage_waiting_seconds", "Age of the oldest that is not done yet.", "kind"
        )
        self._caught_up = _gauge(
            registry,
            "gptimage_catch_up_seconds",
            "Since GitHub's log of deliveries was read; NaN if it never was.",
        )
        self._spool = _gauge(
            registry, "gptimage_spool_bytes", "Answers kept until they are published."
        )
        self._limit = _gauge(
            registry,
            "gptimage_github_remaining",
            "Requests that GitHub allowed this process by its last answer; NaN before one.",
        )

    def delivered(self, result: str, seconds: float) -> None:
        """Count a delivery that was answered after so many seconds."""
        self._deliveries[result].inc()
        self._acknowledged.observe(seconds)

    async def answer(self, _: Request) -> Response:
        """The page that Prometheus reads."""
        async with self._asking:
            now = self._clock()
            if self._fresh_until is None or now >= self._fresh_until:
                await self._refresh(now)
        left = self._remaining()
        self._limit.set(float("nan") if left is None else left)
        return Response(generate_latest(self._registry), media_type=CONTENT_TYPE_LATEST)

    async def _refresh(self, now: datetime) -> None:
        self._fresh_until = now + _FRESH
        self._spool.set(await self._spooled())
        try:
            figures = await self._figures()
        except LedgerBusy:
            self._up.set(0)  # and the others stay as they were
        else:
            self._up.set(1)
            self._show(figures, now)

    def _show(self, figures: Figures, now: datetime) -> None:
        for state in ItemState:
            self._items.labels(state.value).set(figures.items.get(state, 0))
        for name in ("paid", "in_doubt", "reserved"):
            self._money.labels(name).set(float(getattr(figures, name).usd))
        self._caught_up.set(_seconds_since(figures.caught_up, now))
        for kind, number in figures.waiting.items():
            since = figures.since.get(kind, now)
            self._waiting.labels(kind).set(number)
            self._age.labels(kind).set(_seconds_since(since, now))


def _seconds_since(moment: datetime | None, now: datetime) -> float:
    return float("nan") if moment is None else max(0.0, (now - moment).total_seconds())


def _gauge(registry: CollectorRegistry, name: str, what: str, *labels: str) -> Gauge:
    return Gauge(name, what, labels, registry=registry)
