"""The good answer, in chunks that are made once, and the ways to spoil it."""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from types import MappingProxyType
from typing import Any, TypeAlias

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from bot.simulators.images import picture
from bot.simulators.images.faults import Fault, FaultKind
from bot.simulators.images.models import Size
from bot.simulators.images.order import Order
from bot.simulators.images.picture import Picture

Chunks: TypeAlias = tuple[bytes, ...]

_CHUNK_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """A list of pictures and what is said about them; `chunks` is its JSON."""

    created: int
    pictures: tuple[Chunks, ...]
    facts: Mapping[str, Any]
    key: str = "b64_json"

    def chunks(self) -> Chunks:
        whole = [b'{"created":%d,"data":[' % self.created]
        for index, chunks in enumerate(self.pictures):
            whole += [b'%s{"%s":"' % (b"," if index else b"", self.key.encode()), *chunks, b'"}']
        return (*whole, b"]," + json.dumps(dict(self.facts)).encode()[1:])


def compose(order: Order, created: int, padding_bytes: int, longest_edge: int) -> Answer:
    """Draw what was ordered; with padding the drawing is the same for all prompts, and kept."""
    draw = _kept if padding_bytes else _fresh
    return Answer(
        created=created,
        pictures=tuple(
            draw(depict(order, index, padding_bytes, longest_edge), padding_bytes)
            for index in range(order.n)
        ),
        facts={
            "size": "{}x{}".format(*order.size),
            "quality": order.quality,
            "background": "transparent" if order.transparent else "opaque",
            "output_format": order.output_format,
            "usage": order.usage(),
        },
    )


def in_another_format(order: Order) -> Order:
    """As some gateways take it: a picture is a picture."""
    return replace(order, output_format="png" if order.output_format == "jpeg" else "jpeg")


def depict(order: Order, index: int, padding_bytes: int, longest_edge: int) -> Picture:
    """The label of one of the order's pictures."""
    parts = [order.model.name, "{}x{}".format(*order.size), order.quality]
    if order.n > 1:
        parts.append(f"{index + 1} of {order.n}")
    return Picture(
        text="a heavy picture" if padding_bytes else order.prompt,
        footer=" · ".join(parts),
        size=_within(order.size, longest_edge),
        output_format=order.output_format,
        transparent=order.transparent,
        compression=order.compression,
    )


def _within(size: Size, longest_edge: int) -> Size:
    """The size, or one of its shape that is cheap to draw, to send and to decode."""
    if not longest_edge or longest_edge >= max(size):
        return size
    width, height = (max(edge * longest_edge // max(size), 1) for edge in size)
    return width, height


def _fresh(wanted: Picture, weight: int) -> Chunks:
    text = base64.b64encode(picture.draw(wanted, weight))
    return tuple(text[at : at + _CHUNK_BYTES] for at in range(0, len(text), _CHUNK_BYTES))


_kept = lru_cache(maxsize=32)(_fresh)


def spoil(answer: Answer, fault: Fault, address: str) -> Answer:
    """What the fault makes of a good answer; its pictures can be fetched below the address."""
    spoiler = _SPOILERS.get(fault.kind)
    return spoiler(answer, address) if spoiler else answer


def _without_usage(answer: Answer, _: str) -> Answer:
    facts = {name: value for name, value in answer.facts.items() if name != "usage"}
    return replace(answer, facts=facts)


def _with_prefix(answer: Answer, _: str) -> Answer:
    prefix = f"data:image/{answer.facts['output_format']};base64,".encode()
    return replace(answer, pictures=tuple((prefix, *chunks) for chunks in answer.pictures))


def _with_urls(answer: Answer, address: str) -> Answer:
    urls = tuple((f"{address}/{index}".encode(),) for index in range(len(answer.pictures)))
    return replace(answer, key="url", pictures=urls)


_SPOILERS: Mapping[FaultKind, Callable[[Answer, str], Answer]] = MappingProxyType(
    {
        FaultKind.NO_IMAGE: lambda answer, _: replace(answer, pictures=()),
        FaultKind.FEWER_IMAGES: lambda answer, _: replace(answer, pictures=answer.pictures[:-1]),
        FaultKind.URL: _with_urls,
        FaultKind.DATA_PREFIX: _with_prefix,
        FaultKind.NO_USAGE: _without_usage,
    }
)


def send_chunks(chunks: Chunks, fault: Fault | None, request_id: str) -> "ChunkedResponse":
    """The answer on the wire; cut_body promises more than it sends, half_json does not."""
    length = sum(map(len, chunks))
    match fault:
        case Fault(kind=FaultKind.HALF_JSON):
            return ChunkedResponse(_head(chunks, length // 2), length // 2, request_id)
        case Fault(kind=FaultKind.CUT_BODY, after_bytes=after):
            return ChunkedResponse(_head(chunks, min(after, length - 1)), length, request_id)
        case _:
            return ChunkedResponse(chunks, length, request_id)


def _head(chunks: Chunks, length: int) -> Chunks:
    kept: list[bytes] = []
    for chunk in chunks:
        kept.append(chunk[:length])
        length -= len(kept[-1])
    return tuple(kept)


class ChunkedResponse(Response):
    """Sends chunks as they are; below the promised length the server closes the connection."""

    media_type = "application/json"

    def __init__(self, chunks: Chunks, length: int, request_id: str) -> None:
        super().__init__(headers={"content-length": str(length), "x-request-id": request_id})
        self._chunks = chunks
        self._complete = sum(map(len, chunks)) == length

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - the signature of ASGI
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        for chunk in self._chunks:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        if self._complete:
            await send({"type": "http.response.body", "body": b""})
