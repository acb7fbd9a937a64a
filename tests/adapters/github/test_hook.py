"""What the App reads in GitHub's log of deliveries, and how it asks for one more."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from bot.core.errors import HostError
from bot.core.ports import HookLog
from bot.simulators.github import FaultKind, Webhook
from bot.simulators.github.webhooks import Delivery

Octo = Any  # of the conftest, which has no name to import
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def answering(*statuses: int) -> httpx.MockTransport:
    """A webhook that gives these answers, the last one for ever."""
    left = list(statuses)

    def answer(_: httpx.Request) -> httpx.Response:
        status = left.pop(0) if len(left) > 1 else left[0]
        if status == 0:
            raise httpx.ConnectError("nobody there")
        return httpx.Response(status)

    return httpx.MockTransport(answer)


@pytest.fixture
async def log(octo: Octo) -> AsyncIterator[HookLog]:
    yield octo.host.hook
    await octo.state.webhooks.close()


async def say(octo: Octo, words: str = "/batch", *statuses: int) -> None:
    """A person comments, and GitHub tells whoever is there."""
    if statuses:
        octo.state.webhooks.webhook = Webhook("http://app/webhook", "s", answering(*statuses))
    async with httpx.AsyncClient(base_url=octo.url) as browser:
        sent = {"user": "maya", "issue": 1, "body": words}
        (await browser.post("/sim/comments", json=sent)).raise_for_status()
    await octo.state.webhooks.settled()


async def test_what_arrived_is_told_from_what_did_not_newest_first(
    octo: Octo, log: HookLog
) -> None:
    await say(octo, "one", 202, 500, 0)
    await say(octo, "two")
    await say(octo, "three")

    seen = await log.sendings(LONG_AGO)

    assert [each.arrived for each in seen] == [False, False, True]
    assert [each.id for each in seen] == [d.id for d in reversed(octo.state.webhooks.deliveries)]


async def test_one_more_sending_has_the_same_guid(octo: Octo, log: HookLog) -> None:
    await say(octo, "hello", 503, 202)
    (lost,) = await log.sendings(LONG_AGO)

    await log.send_again(lost.id)
    await octo.state.webhooks.settled()

    again, first = await log.sendings(LONG_AGO)
    assert (again.guid, again.arrived, first) == (lost.guid, True, lost)


async def test_all_pages_are_read_but_none_before_the_time(octo: Octo, log: HookLog) -> None:
    now = datetime.now(UTC)
    await say(octo, "hello", 503)
    (sent,) = octo.state.webhooks.deliveries
    octo.state.webhooks.deliveries[:] = [
        replace(sent, id=n, guid=str(n), delivered_at=now - timedelta(hours=500 - n))
        for n in range(1, 501)
    ]

    seen = await log.sendings(now - timedelta(hours=250, minutes=1))

    assert [each.id for each in seen] == list(range(500, 249, -1))
    assert octo.calls("GET", "/deliveries") == 3


async def test_a_log_without_an_end_is_not_read_to_its_end(
    octo: Octo, log: HookLog, caplog: pytest.LogCaptureFixture
) -> None:
    await say(octo, "hello", 503)
    (sent,) = octo.state.webhooks.deliveries
    octo.state.webhooks.deliveries[:] = [replace(sent, id=n, guid=str(n)) for n in range(1, 10_102)]

    assert len(await log.sendings(LONG_AGO)) == 10_000
    assert "too many to look at" in caplog.text


def of_another_event(sent: Delivery) -> Delivery:
    return replace(sent, id=1, event="installation")


def under_way(sent: Delivery) -> Delivery:
    return replace(sent, id=1, status="pending", status_code=0)


def without_an_outcome(sent: Delivery) -> Delivery:
    past = sent.delivered_at - timedelta(minutes=2)
    return replace(sent, id=1, status="unknown", status_code=0, delivered_at=past)


@pytest.mark.parametrize(
    ("change", "counts"), [(of_another_event, 0), (under_way, 0), (without_an_outcome, 1)]
)
async def test_only_what_may_be_a_command_and_has_had_its_time_counts(
    octo: Octo, log: HookLog, change: Any, counts: int
) -> None:
    await say(octo, "hello", 503)
    octo.state.webhooks.deliveries[:] = [change(octo.state.webhooks.deliveries[0])]

    assert len(await log.sendings(LONG_AGO)) == counts


async def test_a_deleted_comment_is_no_command(octo: Octo, log: HookLog) -> None:
    await say(octo, "hello", 503)
    number = list(octo.state.threads.issue(1).comments)[-1]
    async with httpx.AsyncClient(base_url=octo.url) as browser:
        await browser.request("DELETE", f"/sim/comments/{number}", json={"user": "maya"})
    await octo.state.webhooks.settled()

    assert len(octo.state.webhooks.deliveries) == 2
    assert len(await log.sendings(LONG_AGO)) == 1


async def test_an_empty_log_is_no_fault(log: HookLog) -> None:
    assert await log.sendings(LONG_AGO) == []


async def test_the_limits_of_github_are_told(octo: Octo, log: HookLog) -> None:
    octo.breaks(FaultKind.SECONDARY_LIMIT, method="POST", path="/attempts$", retry_after=90)
    await say(octo, "hello", 503)
    (lost,) = await log.sendings(LONG_AGO)
    with pytest.raises(HostError) as told:
        await log.send_again(lost.id)
    assert (told.value.limited, told.value.retry_after) == (True, 90)


async def test_what_github_has_forgotten_is_final(log: HookLog) -> None:
    with pytest.raises(HostError) as told:
        await log.send_again(1)
    assert told.value.final
