"""A web application whose outside is kept in memory, and deliveries as GitHub signs them."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from starlette.applications import Starlette

from bot.core.errors import LedgerBusy
from bot.core.ports import Delivery, Effect, Heard, Lease, Task
from bot.entrypoints.web import create_web

SECRET = "It's a Secret to Everybody"
PREVIOUS = "the one before it was rotated"
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
DELIVERIES = Path(__file__).parents[1] / "data" / "deliveries"
BATCH = '/batch\n```json\n{"jobs": [{"prompt": "a red fox"}]}\n```'


class MemoryInbox:
    """An inbox that forgets with the process; it may be told to be busy, or to hang."""

    def __init__(self) -> None:
        self.deliveries: dict[str, Delivery] = {}
        self.settled: dict[str, tuple[datetime, tuple[Effect, ...]]] = {}
        self.first = 0
        self.busy = False
        self.hangs = False

    async def receive(self, delivery: Delivery) -> bool:
        await asyncio.sleep(0)  # as a real one gives way to other deliveries
        if self.busy:
            raise LedgerBusy("the ledger is locked")
        if self.hangs:
            await asyncio.Event().wait()
        if delivery.id in self.deliveries:
            return False
        self.deliveries[delivery.id] = delivery
        self.first += 1
        return True

    async def hear(self, delivery: Delivery, since: datetime) -> Heard:
        thread = replace(delivery.event.thread, comment=0)
        heard = [
            each.event.sender_type != "User"
            for each in self.deliveries.values()
            if each.received_at >= since and replace(each.event.thread, comment=0) == thread
        ]
        return Heard(len(heard), sum(heard))

    async def get(self, delivery_id: str) -> Delivery | None:
        return self.deliveries.get(delivery_id)

    async def settle(self, lease: Lease, now: datetime, effects: Sequence[Effect] = ()) -> None:
        del self.deliveries[lease.subject.removeprefix("delivery:")]
        self.settled[lease.subject] = (now, tuple(effects))

    async def unsettled(self, now: datetime, limit: int = 100) -> Sequence[str]:
        due = [delivery.id for delivery in self.deliveries.values() if delivery.received_at <= now]
        return due[:limit]


@dataclass
class ListScheduler:
    """Remembers what was scheduled; may be told to fail as a queue that is away."""

    scheduled: list[tuple[Task, str]] = field(default_factory=list)
    failure: Exception | None = None

    async def schedule(self, task: Task, subject: str) -> None:
        if self.failure:
            raise self.failure
        self.scheduled.append((task, subject))


def sign(body: bytes, secret: str = SECRET) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def payload(name: str = "issue_comment-created-0") -> dict[str, Any]:
    """One of GitHub's own examples, as an App gets it."""
    sample: dict[str, Any] = json.loads((DELIVERIES / f"{name}.json").read_bytes())
    sample.setdefault("installation", {"id": 7})
    return sample


def comment(text: str, **changes: Any) -> bytes:
    """The bytes of a delivery that tells of a new comment with this text."""
    sample = payload() | changes
    sample["comment"] |= {"body": text}
    return json.dumps(sample).encode()


def headers(body: bytes, event: str = "issue_comment", guid: str = "a-guid") -> dict[str, str]:
    return {
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": guid,
        "X-Hub-Signature-256": sign(body),
    }


@pytest.fixture
def inbox() -> MemoryInbox:
    return MemoryInbox()


@pytest.fixture
def scheduler() -> ListScheduler:
    return ListScheduler()


@pytest.fixture
def web(inbox: MemoryInbox, scheduler: ListScheduler) -> Starlette:
    return create_web(
        inbox=inbox,
        scheduler=scheduler,
        secrets=[SecretStr(SECRET), SecretStr(PREVIOUS)],
        clock=lambda: NOW,
        checks={},
        max_body=100_000,
    )


@pytest.fixture
async def github(web: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    """GitHub, as the web application sees it."""
    transport = httpx.ASGITransport(web)
    async with httpx.AsyncClient(transport=transport, base_url="http://bot") as client:
        yield client
