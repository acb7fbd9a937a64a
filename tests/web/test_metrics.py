"""What Prometheus reads: counts that are right, cheap, and that name nobody."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from bot.adapters.ledger.figures import Figures
from bot.core.errors import LedgerBusy
from bot.core.pricing import Money
from bot.core.run import ItemState
from bot.entrypoints.web import create_web, create_windows
from bot.entrypoints.web.metrics import Metrics
from tests.web.conftest import BATCH, NOW, SECRET, ListScheduler, MemoryInbox, comment, headers


@dataclass
class House:
    """A web part whose ledger says what the test wants, at the time that it wants."""

    now: datetime = NOW
    asked: int = 0
    busy: bool = False
    remaining: int | None = None
    inbox: MemoryInbox = field(default_factory=MemoryInbox)

    async def figures(self) -> Figures:
        self.asked += 1
        if self.busy:
            raise LedgerBusy("the ledger is locked")
        return Figures(
            items={ItemState.SUCCEEDED: 3, ItemState.IN_DOUBT: 1},
            paid=Money(250_000),
            in_doubt=Money(50_000),
            reserved=Money(2_000_000),
            waiting={"deliveries": 2, "runs": 0, "effects": 1},
            since={"deliveries": NOW - timedelta(seconds=90)},
            caught_up=NOW - timedelta(minutes=2),
        )

    async def spooled(self) -> int:
        return 4096

    def __post_init__(self) -> None:
        self.metrics = Metrics(self.figures, self.spooled, lambda: self.remaining, lambda: self.now)
        self.web = create_web(
            inbox=self.inbox,
            scheduler=ListScheduler(),
            secrets=[SecretStr(SECRET)],
            clock=lambda: self.now,
            checks={},
            metrics=self.metrics,
        )


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
async def browser(house: House) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(house.web)
    async with httpx.AsyncClient(transport=transport, base_url="http://bot") as client:
        yield client


async def numbers(browser: httpx.AsyncClient) -> dict[str, float]:
    """Every number by its name and the values of its labels."""
    page = await browser.get("/metrics")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/plain; version=")
    return {
        " ".join([sample.name, *sample.labels.values()]): sample.value
        for family in text_string_to_metric_families(page.text)
        for sample in family.samples
    }


async def test_deliveries_are_counted_by_what_became_of_them(
    house: House, browser: httpx.AsyncClient
) -> None:
    batch, talk = comment(BATCH), comment("just talking")
    for body, signed in ((batch, batch), (batch, batch), (talk, talk), (talk, batch)):
        await browser.post("/webhook", content=body, headers=headers(signed))
    house.inbox.busy = True
    await browser.post("/webhook", content=batch, headers=headers(batch))

    found = await numbers(browser)

    counts = {
        result: found[f"gptimage_deliveries_total {result}"]
        for result in ("accepted", "repeated", "ignored", "refused", "unavailable")
    }
    assert counts == dict.fromkeys(counts, 1)
    assert found["gptimage_acknowledgement_seconds_count"] == 5
    assert found["gptimage_acknowledgement_seconds_bucket 10.0"] == 5


async def test_images_money_and_what_waits_are_told_as_the_ledger_has_them(
    browser: httpx.AsyncClient,
) -> None:
    found = await numbers(browser)

    assert found["gptimage_items succeeded"] == 3
    assert found["gptimage_items in_doubt"] == 1
    assert found["gptimage_items failed"] == 0
    assert [found[f"gptimage_money_usd {each}"] for each in ("paid", "in_doubt", "reserved")] == [
        0.25,
        0.05,
        2,
    ]
    assert found["gptimage_waiting deliveries"] == 2
    assert found["gptimage_waiting_seconds deliveries"] == 90
    assert found["gptimage_waiting_seconds effects"] == 0
    assert found["gptimage_spool_bytes"] == 4096
    assert found["gptimage_catch_up_seconds"] == 120
    assert found["gptimage_ledger_up"] == 1


async def test_the_limit_of_github_is_told_once_it_is_known(
    house: House, browser: httpx.AsyncClient
) -> None:
    before = (await numbers(browser))["gptimage_github_remaining"]
    house.remaining = 4711
    after = (await numbers(browser))["gptimage_github_remaining"]

    assert before != before  # noqa: PLR0124  (that is what NaN is)
    assert after == 4711


async def test_the_ledger_is_asked_no_more_often_than_every_five_seconds(
    house: House, browser: httpx.AsyncClient
) -> None:
    for _ in range(3):
        await numbers(browser)
    assert house.asked == 1

    house.now += timedelta(seconds=5)
    await numbers(browser)
    assert house.asked == 2


async def test_a_ledger_that_is_away_leaves_the_last_numbers(
    house: House, browser: httpx.AsyncClient
) -> None:
    await numbers(browser)
    house.busy = True
    house.now += timedelta(minutes=1)

    found = await numbers(browser)

    assert found["gptimage_ledger_up"] == 0
    assert found["gptimage_items succeeded"] == 3


async def test_a_worker_shows_the_same_but_takes_no_deliveries(house: House) -> None:
    transport = httpx.ASGITransport(create_windows({}, house.metrics))
    async with httpx.AsyncClient(transport=transport, base_url="http://worker") as browser:
        assert (await browser.get("/healthz")).status_code == 200
        assert (await browser.get("/readyz")).status_code == 200
        assert (await numbers(browser))["gptimage_items succeeded"] == 3
        assert (await browser.post("/webhook", content=b"{}")).status_code == 404
