"""Stories: whatever GitHub does twice or not at all, the thread shows one run and one answer."""

import asyncio
import hashlib
import hmac
import uuid
from dataclasses import replace

import httpx
import pytest

from bot.simulators.github import Fault, FaultKind, Webhook
from tests.stories.conftest import Thread

FOX = "/batch --quality low --size 1024x1024\n\n- a red fox"


async def swallowed(thread: Thread, words: str) -> tuple[Webhook, bytes]:
    """Write a comment of which GitHub's own delivery never arrives; gives what it would send."""
    webhooks = thread.room.github.webhooks
    assert webhooks.webhook is not None
    real = webhooks.webhook
    webhooks.webhook = replace(real, transport=httpx.MockTransport(lambda _: httpx.Response(502)))
    await thread.write(words)
    await webhooks.settled()
    webhooks.webhook = real
    return real, webhooks.deliveries[-1].body


async def deliver(client: httpx.AsyncClient, webhook: Webhook, body: bytes, guid: str) -> int:
    signature = hmac.new(webhook.secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {
        "Content-Type": "application/json",
        "X-GitHub-Event": "issue_comment",
        "X-GitHub-Delivery": guid,
        "X-Hub-Signature-256": f"sha256={signature}",
    }
    return (await client.post(webhook.url, content=body, headers=headers)).status_code


@pytest.mark.parametrize("fresh", [False, True], ids=["one guid", "fresh guids"])
async def test_a_comment_that_is_delivered_a_hundred_times_at_once_is_one_run(
    thread: Thread, *, fresh: bool
) -> None:
    webhook, body = await swallowed(thread, FOX)
    guids = [str(uuid.uuid4()) if fresh else "the-same" for _ in range(100)]

    async with httpx.AsyncClient(timeout=30) as client:

        async def insist(guid: str) -> int:
            """Deliver until it is taken: a busy ledger says 503, and has stored nothing."""
            while (status := await deliver(client, webhook, body, guid)) == 503:
                pass
            return status

        answers = await asyncio.gather(*map(insist, guids))
    await thread.quiet()

    assert set(answers) == {202}
    assert len(thread.by_bot) == 1
    assert len(thread.calls()) == 1
    assert len(thread.pictures()) == 1


async def test_a_redelivery_after_the_end_changes_nothing(thread: Thread) -> None:
    await thread.say(FOX)
    before = thread.by_bot[0].revisions[:]

    webhooks = thread.room.github.webhooks
    webhooks.redeliver(webhooks.deliveries[0].id)
    await thread.quiet()

    assert [each.status for each in webhooks.deliveries] == ["OK"] * len(webhooks.deliveries)
    assert thread.by_bot[0].revisions == before
    assert len(thread.calls()) == 1


@pytest.mark.parametrize(
    "fault",
    [
        Fault(method="POST", path=r"issues/\d+/comments$", status=502, after_effect=True),
        Fault(FaultKind.CUT, method="POST", path=r"issues/\d+/comments$", after_effect=True),
        Fault(method="POST", path=r"issues/\d+/comments$", status=502),
        Fault(FaultKind.SECONDARY_LIMIT, "POST", path=r"issues/\d+/comments$", retry_after=1),
        Fault(FaultKind.SECONDARY_LIMIT, "POST", path=r"/reactions$", retry_after=1),
        Fault(FaultKind.SECONDARY_LIMIT, "POST", path=r"/releases$", retry_after=1),
    ],
    ids=[
        "the comment is stored but 502 is answered",
        "the answer to the comment is cut",
        "the comment is not stored",
        "the comment is to wait",
        "the reaction is to wait",
        "the release is to wait",
    ],
)
async def test_a_stumbling_github_gets_one_comment_and_each_picture_once(
    thread: Thread, fault: Fault
) -> None:
    thread.room.github.faults.add(fault)

    command = await thread.say(FOX)

    assert thread.room.github.faults.lines == []
    assert sorted(thread.reactions(command)) == ["eyes", "rocket"]
    assert len(thread.by_bot) == 1
    assert len(thread.calls()) == 1
    (picture,) = thread.pictures()
    assert await thread.fetch(picture)
