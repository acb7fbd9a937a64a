"""What every request to the API goes through: the count, the limit, the script of faults."""

import asyncio
from contextlib import suppress
from dataclasses import replace

from starlette.datastructures import MutableHeaders
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.simulators.github.faults import Fault, FaultKind
from bot.simulators.github.refusals import ApiError, rate_limited, refused_query
from bot.simulators.github.state import Call, GitHubState, RateLimit


class Gateway:
    """Wraps the API: each answer carries the rate limit, each call is written down."""

    def __init__(self, app: ASGIApp, state: GitHubState, limit: RateLimit) -> None:
        self._app = app
        self._state = state
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        method, path = scope["method"], scope["path"].removeprefix(scope.get("root_path", ""))
        call = self._state.arrive(method, path)
        self._limit.count(call.at)
        fault = self._state.faults.take(method, path)
        call.fault = fault.kind if fault else ""
        tell = self._teller(call, send)
        if self._limit.exceeded:
            await _exhausted(self._limit)(scope, receive, tell)
        elif fault is None:
            await self._app(scope, receive, tell)
        else:
            await self._go_wrong(fault, scope, receive, tell)

    def _teller(self, call: Call, send: Send) -> Send:
        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                call.status = message["status"]
                MutableHeaders(scope=message).update(self._limit.headers())
            await send(message)

        return tell

    async def _go_wrong(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        if fault.kind is FaultKind.STARTER:
            scope["state"] = {**scope.get("state", {}), "upload_breaks": True}
            await self._app(scope, receive, send)
            return
        if fault.after_effect:
            await self._app(scope, receive, _nobody)
        match fault.kind:
            case FaultKind.HANG:
                await _outwait(receive, fault.seconds)
                await _answer_of(replace(fault, status=504))(scope, receive, send)
            case FaultKind.CUT:
                # Less than promised: the server closes the connection when this returns.
                await send(_promise(1_000))
                await send({"type": "http.response.body", "body": b'{"id":', "more_body": True})
            case _:
                await _answer_of(fault)(scope, receive, send)


async def _nobody(_message: Message) -> None:
    """Take an answer that the client never gets."""


async def _outwait(receive: Receive, seconds: float) -> None:
    """Say nothing until the client has gone, or for as long as that."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while (await receive())["type"] != "http.disconnect":
                pass


def _promise(length: int) -> Message:
    headers = [(b"content-type", b"application/json"), (b"content-length", str(length).encode())]
    return {"type": "http.response.start", "status": 200, "headers": headers}


def _answer_of(fault: Fault) -> Response:
    if fault.kind is FaultKind.SECONDARY_LIMIT:
        return rate_limited(fault.retry_after).response()
    text = "Server Error" if fault.status >= 500 else "Simulated refusal"
    waits = {} if fault.retry_after is None else {"retry-after": str(fault.retry_after)}
    return JSONResponse({"message": text, "status": str(fault.status)}, fault.status, waits)


def _exhausted(limit: RateLimit) -> Response:
    message = "API rate limit exceeded for installation."
    if limit.resource == "graphql":
        return refused_query("RATE_LIMIT", message)
    return ApiError(403, message).response()
