"""A delivery's way in: verified, looked at and, if it is a command, durable before the 202."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from time import perf_counter

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse

from bot.core.command import may_command, parse_command
from bot.core.errors import CommandError, GptimageError, LedgerBusy, WebhookError
from bot.core.event import CommentEvent, delivery_id, parse, verify
from bot.core.killpoints import Point, reach
from bot.core.ports import Clock, Delivery, Inbox, Scheduler, Task
from bot.engine.context import bind, bind_thread
from bot.entrypoints.web.body import read_body

_log = logging.getLogger(__name__)

_STORE_SECONDS = 2.5  # so that a sender hears of a locked ledger within three
_RETRY_AFTER = "30"
_PAUSES = (0.5, 1.0, 2.0, 4.0)  # seconds, before what was refused is stored after all
_LONGEST_GUID = 100  # it is not signed: anybody may write anything there


Count = Callable[[str, float], None]
"""Told what became of a delivery, and after how many seconds it was answered."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """Receives deliveries; makes no call to GitHub and knows nothing of permissions."""

    inbox: Inbox
    scheduler: Scheduler
    secrets: Sequence[bytes]
    clock: Clock
    max_body: int
    count: Count
    pauses: Sequence[float] = _PAUSES
    late: dict[str, asyncio.Task[None]] = field(default_factory=dict)  # what waits for the ledger

    async def receive(self, request: Request) -> JSONResponse:
        """Answer 202 once the delivery is stored or is no command; 4xx, or 503 to come again.

        What is told to come again is stored later, too, if the ledger takes it within seconds.
        """
        began = perf_counter()
        result, answer = await self._answer(request)
        self.count(result, perf_counter() - began)
        return answer

    async def _answer(self, request: Request) -> tuple[str, JSONResponse]:
        """The answer, and what became of the delivery in one word."""
        try:
            event = await self._read(request)
        except WebhookError as error:
            return "refused", JSONResponse({"error": str(error)}, error.status)
        if event is None:
            return "ignored", JSONResponse({"status": "ignored"}, 202)
        guid = request.headers.get("x-github-delivery", "")[:_LONGEST_GUID]
        delivery = Delivery(delivery_id(event), guid, event, self.clock())
        bind(delivery=delivery.id, guid=guid)
        bind_thread(event.thread)
        return await self._accept(delivery)

    async def _read(self, request: Request) -> CommentEvent | None:
        """The comment, if it may hold a command."""
        body = await read_body(request, self.max_body)
        verify(body, _only(request, "x-hub-signature-256"), self.secrets)
        if request.headers.get("x-github-event") != "issue_comment" or not may_command(body):
            return None
        event = parse("issue_comment", body)
        return event if event and _addresses_us(event.body) else None

    async def _accept(self, delivery: Delivery) -> tuple[str, JSONResponse]:
        try:
            async with asyncio.timeout(_STORE_SECONDS):
                new = await self.inbox.receive(delivery)
        except (LedgerBusy, TimeoutError):
            _log.warning("the delivery is not stored yet: the ledger is busy")
            if delivery.id not in self.late:
                self.late[delivery.id] = asyncio.create_task(self._store_late(delivery))
            busy = {"error": "the ledger is busy, deliver again later"}
            return "unavailable", JSONResponse(busy, 503, headers={"Retry-After": _RETRY_AFTER})
        reach(Point.DELIVERY_STORED)
        _log.info("the delivery is accepted")
        return "accepted" if new else "repeated", JSONResponse(
            {"status": "accepted", "id": delivery.id},
            202,
            background=BackgroundTask(self._schedule, delivery.id),
        )

    async def _store_late(self, delivery: Delivery) -> None:
        """Store what was refused as soon as the ledger takes it: GitHub does not come by itself."""
        try:
            for pause in self.pauses:
                await asyncio.sleep(pause)
                with suppress(LedgerBusy, TimeoutError):
                    async with asyncio.timeout(_STORE_SECONDS):
                        await self.inbox.receive(delivery)
                    _log.info("the delivery is stored after all")
                    await self._schedule(delivery.id)
                    return
            _log.warning("the delivery was not stored: GitHub will be asked for it")
        finally:
            del self.late[delivery.id]

    async def _schedule(self, delivery: str) -> None:
        """Put the id into the queue, after the answer: the sweep finds what gets lost here."""
        reach(Point.DELIVERY_UNSCHEDULED)
        try:
            await self.scheduler.schedule(Task.INTAKE, delivery)
        except GptimageError as error:
            _log.warning("the delivery waits for the sweep: %s", error)


def _only(request: Request, header: str) -> str | None:
    values = request.headers.getlist(header)
    return values[0] if len(values) == 1 else None


def _addresses_us(text: str) -> bool:
    """Whether there is a command, or something that must be answered as a wrong one."""
    try:
        return parse_command(text) is not None
    except CommandError:
        return True
