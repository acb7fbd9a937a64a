"""Sends events to the App's webhook address, and remembers every attempt."""

import asyncio
import hashlib
import hmac
import json
import ssl
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from time import perf_counter
from typing import Any

import httpx

from bot.simulators.github.refusals import not_found

PATIENCE = 10.0  # seconds that GitHub waits for an answer


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where events go; `transport` replaces the network in a test's own process."""

    url: str
    secret: str
    transport: httpx.AsyncBaseTransport | None = None
    patience: float = PATIENCE


@dataclass(slots=True)
class Delivery:
    """One attempt to deliver an event; attempts of one event share the guid."""

    id: int
    guid: str
    event: str
    headers: Mapping[str, str]
    body: bytes
    delivered_at: datetime
    redelivery: bool = False
    duration: float = 0
    status: str = "pending"
    status_code: int = 0
    answer: str = ""

    @property
    def payload(self) -> dict[str, Any]:
        parsed: dict[str, Any] = json.loads(self.body)
        return parsed

    def summary(self) -> dict[str, Any]:
        payload = self.payload
        return {
            "id": self.id,
            "guid": self.guid,
            "delivered_at": self.delivered_at.isoformat(timespec="seconds").replace("+00:00", "Z"),
            "redelivery": self.redelivery,
            "duration": round(self.duration, 3),
            "status": self.status,
            "status_code": self.status_code,
            "event": self.event,
            "action": payload["action"],
            "installation_id": payload["installation"]["id"],
            "repository_id": payload["repository"]["id"],
            "throttled_at": None,
        }

    def details(self) -> dict[str, Any]:
        return self.summary() | {
            "request": {"headers": dict(self.headers), "payload": self.payload},
            "response": {"headers": {}, "payload": self.answer},
        }


class Webhooks:
    """Delivers in the background, once: what fails waits for somebody to ask again."""

    def __init__(
        self, webhook: Webhook | None, ids: Iterator[int], now: Callable[[], datetime]
    ) -> None:
        self.webhook = webhook
        self.deliveries: list[Delivery] = []
        self._ids = ids
        self._now = now
        self._sending: set[asyncio.Task[None]] = set()

    def deliver(self, event: str, payload: Mapping[str, Any], app_id: int) -> None:
        """Send an event, if there is an address; returns at once."""
        if self.webhook is None:
            return
        body = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
        guid = str(uuid.uuid4())
        headers = _headers(event, guid, body, self.webhook.secret, app_id)
        self._send(Delivery(next(self._ids), guid, event, headers, body, self._now()))

    def redeliver(self, number: int) -> None:
        """Send the same bytes once more, under the same guid."""
        first = self.find(number)
        again = replace(first, id=next(self._ids), delivered_at=self._now(), redelivery=True)
        again.status, again.status_code, again.answer = "pending", 0, ""
        self._send(again)

    def find(self, number: int) -> Delivery:
        for delivery in self.deliveries:
            if delivery.id == number:
                return delivery
        raise not_found()

    async def settled(self) -> None:
        """Return when nothing is on its way any more."""
        while self._sending:
            await asyncio.gather(*self._sending)

    async def close(self) -> None:
        """Give up what is on its way."""
        for task in self._sending:
            task.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)

    def _send(self, delivery: Delivery) -> None:
        self.deliveries.append(delivery)
        task = asyncio.create_task(self._post(delivery))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _post(self, delivery: Delivery) -> None:
        webhook = self.webhook
        if webhook is None:
            return
        began = perf_counter()
        try:
            async with (
                asyncio.timeout(webhook.patience),  # httpx limits each of its waits, not their sum
                httpx.AsyncClient(
                    verify=_certificates(),
                    transport=webhook.transport,
                    timeout=webhook.patience,
                    trust_env=False,
                ) as client,
            ):
                answer = await client.post(
                    webhook.url, content=delivery.body, headers=dict(delivery.headers)
                )
            delivery.status_code, delivery.answer = answer.status_code, answer.text
            ok = answer.is_success
            delivery.status = "OK" if ok else f"Invalid HTTP Response: {answer.status_code}"
        except (TimeoutError, httpx.TimeoutException):
            delivery.status, delivery.status_code = "timed out", 504
        except httpx.TransportError:
            delivery.status, delivery.status_code = "failed to connect to host", 502
        finally:
            delivery.duration = perf_counter() - began


@cache
def _certificates() -> ssl.SSLContext:
    return httpx.create_ssl_context(trust_env=False)  # reading them takes 50 ms


def sign(body: bytes, secret: str) -> str:
    """The value of `X-Hub-Signature-256`.

    Source: https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries
    """
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def _headers(event: str, guid: str, body: bytes, secret: str, app_id: int) -> dict[str, str]:
    signed = {"X-Hub-Signature-256": sign(body, secret)} if secret else {}
    return {
        "Accept": "*/*",
        "Content-Type": "application/json",
        "User-Agent": "GitHub-Hookshot/simulated",
        "X-GitHub-Delivery": guid,
        "X-GitHub-Event": event,
        "X-GitHub-Hook-ID": "555001",
        "X-GitHub-Hook-Installation-Target-ID": str(app_id),
        "X-GitHub-Hook-Installation-Target-Type": "integration",
        **signed,
    }
