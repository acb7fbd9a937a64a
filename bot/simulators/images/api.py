"""The endpoints that the real API has."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, time

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from bot.simulators.images import answer, picture, refusals
from bot.simulators.images.faults import Fault, FaultKind, error_answer
from bot.simulators.images.models import MODELS, Model
from bot.simulators.images.order import (
    Endpoint,
    Order,
    Sent,
    open_images,
    read_form,
    read_json,
    take_order,
)
from bot.simulators.images.refusals import ApiError
from bot.simulators.images.simulator import Call, ImagesSimulator


async def generate(request: Request) -> Response:
    return await _serve(request, Endpoint.GENERATIONS, read_json)


async def edit(request: Request) -> Response:
    return await _serve(request, Endpoint.EDITS, read_form)


async def list_models(request: Request) -> Response:
    """All models with their last day; like the real list, it still names those shut down."""
    try:
        _check_key(request)
    except ApiError as error:
        return error.response("req_models")
    return JSONResponse({"object": "list", "data": [_describe(each) for each in MODELS.values()]})


async def fetch_picture(request: Request) -> Response:
    """A picture of an earlier call, for answers that give an address in place of bytes."""
    simulator: ImagesSimulator = request.app.state.simulator
    if simulator.pictures_away:
        raise HTTPException(503)
    number, index = request.path_params["number"], request.path_params["index"]
    order = next((call.order for call in simulator.calls if call.number == number), None)
    if order is None or index >= order.n:
        raise HTTPException(404)
    weight, edge = simulator.settings.padding_bytes, simulator.settings.longest_edge
    wanted = answer.depict(order, index, weight, edge)
    drawn = await asyncio.to_thread(picture.draw, wanted, weight)
    return Response(drawn, media_type=f"image/{order.output_format}")


async def say_error(request: Request, error: Exception) -> Response:
    """A wrong address or method, in the shape that the API's clients read."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    reply = ApiError(status, f"Invalid URL ({request.method} {request.url.path})")
    return reply.response("req_none")


async def _serve(
    request: Request, endpoint: Endpoint, read: Callable[[Request], Awaitable[Sent]]
) -> Response:
    simulator: ImagesSimulator = request.app.state.simulator
    call = simulator.arrive(endpoint)
    try:
        _check_key(request)
        sent = await read(request)
        simulator.receive(call, sent)
        order = take_order(sent, endpoint, simulator.today)
        if endpoint is Endpoint.EDITS:
            order = replace(order, references=await asyncio.to_thread(open_images, sent))
        fault = simulator.accept(call, order)
    except ApiError as error:
        call.outcome = error.code or f"http_{error.status}"
        return error.response(call.request_id)
    except ClientDisconnect:
        call.outcome = "disconnected"
        raise
    return await _watched(request, call, _answer(request, call, call.order or order, fault))


async def _watched(request: Request, call: Call, work: Awaitable[tuple[str, Response]]) -> Response:
    """Do the work and write down how it ended, also when the client did not wait for it."""
    try:
        outcome, response = await work
    except asyncio.CancelledError:
        call.outcome = "disconnected"
        raise
    call.outcome = "disconnected" if await request.is_disconnected() else outcome
    return response


async def _answer(
    request: Request, call: Call, order: Order, fault: Fault | None
) -> tuple[str, Response]:
    simulator: ImagesSimulator = request.app.state.simulator
    settings = simulator.settings
    latency = asyncio.sleep(settings.latency_ms / 1000 if call.billed else 0)
    if fault and (error := error_answer(fault, call.request_id)):
        await latency
        if fault.kind is FaultKind.HANG:
            await _outwait(request, fault.hang_ms / 1000)
        return fault.kind, error
    created, weight, edge = (
        int(call.at.timestamp()),
        settings.padding_bytes,
        settings.longest_edge,
    )
    drawn = answer.in_another_format(order) if _draws_another_format(fault) else order
    drawing = asyncio.to_thread(answer.compose, drawn, created, weight, edge)
    composed, *_ = await asyncio.gather(drawing, latency, simulator.answering.wait())
    if fault:
        composed = answer.spoil(composed, fault, f"{request.base_url}sim/pictures/{call.number}")
    response = answer.send_chunks(composed.chunks(), fault, call.request_id)
    return fault.kind if fault else "answered", response


def _draws_another_format(fault: Fault | None) -> bool:
    return fault is not None and fault.kind is FaultKind.OTHER_FORMAT


async def _outwait(request: Request, seconds: float) -> None:
    """Say nothing until the client has gone, or for as long as that."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while (await request.receive())["type"] != "http.disconnect":
                pass


def _check_key(request: Request) -> None:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        raise refusals.missing_key()
    if key.startswith("sk-invalid"):
        raise refusals.invalid_key(key)


def _describe(model: Model) -> dict[str, str | int | None]:
    return {
        "id": model.name,
        "object": "model",
        "created": int(datetime.combine(model.created, time(), UTC).timestamp()),
        "owned_by": "system",
        "shutdown_date": model.shutdown.isoformat() if model.shutdown else None,
    }
