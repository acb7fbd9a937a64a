"""What is in the spool after a crash is all that is needed, and halves are never believed."""

import asyncio
import base64
import json
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.openai_images import OpenAIImages
from bot.adapters.openai_images.answer import first_line
from bot.adapters.spool import LocalSpool
from bot.core.errors import Charge, Failure, ProviderError
from bot.core.killpoints import Point, install
from bot.core.plan import ImageCall
from bot.simulators.images import Fault, FaultKind, ImagesSimulator

Provide = Callable[..., OpenAIImages]
FOX = ImageCall(model="gpt-image-2", prompt="a red fox")


async def useless(provider: OpenAIImages, key: str) -> ProviderError:
    with pytest.raises(ProviderError) as raised:
        await provider.recall(key)
    assert (raised.value.failure, raised.value.charge) == (Failure.BAD_ANSWER, Charge.IN_DOUBT)
    return raised.value


async def keep(spool: LocalSpool, key: str, data: bytes) -> None:
    async with spool.receive(key) as writer:
        await writer.write(data)


async def kept(spool: LocalSpool, key: str) -> bytes:
    path = await spool.fetch(key)
    assert path is not None
    return await asyncio.to_thread(Path(path).read_bytes)


async def test_an_answer_that_was_spooled_and_not_read_is_recalled_as_it_was(
    provider: OpenAIImages, provide: Provide, spool: LocalSpool, simulator: ImagesSimulator
) -> None:
    answer = await provider.create(FOX, "run/item-1")
    picture = await kept(spool, "run/item-1.image")
    await spool.discard("run/item-1.image")

    assert await provide(base_url="http://127.0.0.1:9/v1").recall("run/item-1") == answer
    assert await kept(spool, "run/item-1.image") == picture
    assert await provider.recall("run/item-1") == answer
    assert len(simulator.calls) == 1


async def test_what_was_never_answered_is_none(provider: OpenAIImages) -> None:
    assert await provider.recall("run/item-1") is None


@pytest.mark.parametrize("kind", [FaultKind.SERVER_ERROR, FaultKind.CUT_BODY])
async def test_a_failed_call_leaves_nothing_to_recall(
    provider: OpenAIImages, simulator: ImagesSimulator, kind: FaultKind
) -> None:
    simulator.faults.append(Fault(kind))
    with pytest.raises(ProviderError):
        await provider.create(FOX, "run/item-1")
    assert await provider.recall("run/item-1") is None


async def test_without_room_for_an_answer_nothing_is_sent(
    provide: Provide, simulator: ImagesSimulator, tmp_path: Path
) -> None:
    (tmp_path / "full" / "run").mkdir(parents=True)
    (tmp_path / "full" / "run" / "item-1").touch()  # where a directory has to be made

    with pytest.raises(ProviderError) as refused:
        await provide(spool=LocalSpool(tmp_path / "full")).create(FOX, "run/item-1/call")

    assert refused.value.failure is Failure.STORAGE
    assert refused.value.charge is Charge.NOT_CHARGED
    assert not simulator.billed


async def test_a_useless_answer_stays_and_stays_in_doubt(
    provider: OpenAIImages, simulator: ImagesSimulator
) -> None:
    simulator.faults.append(Fault(FaultKind.NO_IMAGE))
    with pytest.raises(ProviderError):
        await provider.create(FOX, "run/item-1")
    error = await useless(provider, "run/item-1")
    assert error.request_id == simulator.calls[0].request_id


async def test_a_truncated_answer_never_becomes_a_success(
    provider: OpenAIImages, spool: LocalSpool
) -> None:
    await provider.create(FOX, "whole")
    whole = await kept(spool, "whole.answer")
    line = whole.index(b"\n") + 1
    for cut in {line, line + 1, line + 30, len(whole) // 2, len(whole) - 40, len(whole) - 1}:
        await keep(spool, f"cut-{cut}.answer", whole[:cut])
        await useless(provider, f"cut-{cut}")


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"<html>", b"null", b'{"data":[{"b64_json":"AAAA"}]}']
)
async def test_a_strange_answer_never_becomes_a_success(
    provider: OpenAIImages, spool: LocalSpool, body: bytes
) -> None:
    await keep(spool, "a.answer", first_line(None) + body)
    await useless(provider, "a")


class Died(BaseException):
    """Ends a call where `kill -9` would."""


@pytest.mark.parametrize("point", [Point.REQUEST_SENT, Point.ANSWER_HALF_READ])
async def test_a_call_that_dies_before_its_answer_is_kept_leaves_none(
    provider: OpenAIImages, simulator: ImagesSimulator, point: Point
) -> None:
    def die(reached: Point) -> None:
        if reached is point:
            raise Died

    install(die)
    with pytest.raises(Died):
        await provider.create(FOX, "run/item-1")
    install(lambda _: None)

    assert await provider.recall("run/item-1") is None
    assert len(simulator.calls) <= 1


async def test_a_cancelled_call_leaves_nothing_half(
    provider: OpenAIImages, spool: LocalSpool, simulator: ImagesSimulator
) -> None:
    sent = asyncio.Event()
    install(lambda point: sent.set() if point is Point.REQUEST_SENT else None)
    simulator.faults.append(Fault(FaultKind.HANG))
    task = asyncio.create_task(provider.create(FOX, "run/item-1"))
    await sent.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await spool.fetch("run/item-1.answer") is None


# --- pictures by address ----------------------------------------------------------------------


def by_url(url: str) -> bytes:
    return first_line("req_1") + json.dumps({"data": [{"url": url}]}).encode()


def pixel() -> bytes:
    return base64.b64decode(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5Erk"
        "JggolFTkSuQmCC"
    )


async def test_an_address_is_fetched_when_the_answer_is_recalled(
    provide: Provide, spool: LocalSpool, gateway: Any
) -> None:
    gateway.reply(200, pixel())
    gateway.reply(302, path="/moved", location="/there")
    await keep(spool, "a.answer", by_url(f"{gateway.url.removesuffix('/v1')}/moved"))

    answer = await provide(base_url=gateway.url).recall("a")

    assert answer is not None
    assert (answer.width, answer.height, answer.bytes) == (1, 1, len(pixel()))
    assert gateway.requests == [("GET", "/moved"), ("GET", "/there")]
    assert "authorization" not in gateway.headers


@pytest.mark.parametrize("base_url", ["https://gateway.test/v1", "http://192.0.2.1/v1"])
async def test_plain_http_is_fetched_only_beside_a_server_on_this_machine(
    provide: Provide, spool: LocalSpool, gateway: Any, base_url: str
) -> None:
    await keep(spool, "a.answer", by_url(f"{gateway.url}/picture"))
    await useless(provide(base_url=base_url), "a")
    assert gateway.requests == []


@pytest.mark.parametrize(
    "url", ["http://192.0.2.1/", "ftp://127.0.0.1/", "file:///etc/passwd", "//x", "http://[", "x"]
)
async def test_no_other_address_is_ever_asked(
    provide: Provide, spool: LocalSpool, gateway: Any, url: str
) -> None:
    gateway.reply(302, path="/v1/moved", location=url)
    provider = provide(base_url=gateway.url)
    await keep(spool, "straight.answer", by_url(url))
    await useless(provider, "straight")
    await keep(spool, "moved.answer", by_url(f"{gateway.url}/moved"))
    gateway.reply(404)
    await useless(provider, "moved")


async def test_redirects_that_go_round_in_a_circle_end(
    provide: Provide, spool: LocalSpool, gateway: Any
) -> None:
    gateway.reply(302, location="/again")
    await keep(spool, "a.answer", by_url(f"{gateway.url}/again"))
    await useless(provide(base_url=gateway.url), "a")
    assert len(gateway.requests) == 4


@pytest.mark.parametrize("status", [408, 429, 500, 503, None])
async def test_a_picture_that_cannot_be_had_now_is_asked_for_again(
    provide: Provide, spool: LocalSpool, gateway: Any, status: int | None
) -> None:
    """It is paid for: to take a gateway's short fault for an answer without a picture loses it."""
    gateway.reply(status or 200, pixel())
    there = f"{gateway.url}/picture"
    nowhere = "http://127.0.0.1:1/picture"
    await keep(spool, "a.answer", by_url(there if status else nowhere))
    provider = provide(base_url=gateway.url)

    with pytest.raises(ProviderError) as raised:
        await provider.recall("a")
    assert (raised.value.failure, raised.value.charge) == (Failure.LOST, Charge.IN_DOUBT)
    assert raised.value.request_id == "req_1"

    gateway.reply(200, pixel())
    await keep(spool, "a.answer", by_url(there))
    assert await provider.recall("a")


async def test_a_picture_that_is_too_heavy_is_left_where_it_is(
    provide: Provide, spool: LocalSpool, gateway: Any
) -> None:
    gateway.reply(200, bytes(51 * 1024 * 1024))
    await keep(spool, "a.answer", by_url(f"{gateway.url}/heavy"))
    await useless(provide(base_url=gateway.url), "a")
    assert await spool.fetch("a.image") is None


# --- weight -----------------------------------------------------------------------------------

_SERVER = """
import socket, sys
import uvicorn
from datetime import date
from bot.simulators.images import ImagesSimulator, Settings, create_images_app

simulator = ImagesSimulator(Settings(padding_bytes=30_000_000), today=date(2026, 11, 21))
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
config = uvicorn.Config(create_images_app(simulator), log_config=None, lifespan="off", ws="none")
uvicorn.Server(config).run(sockets=[listener])
"""


async def test_the_memory_of_a_call_does_not_grow_with_the_picture(
    provide: Provide, spool: LocalSpool
) -> None:
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _SERVER, stdout=subprocess.PIPE
    )
    try:
        assert server.stdout is not None
        port = int(await server.stdout.readline())
        provider = provide(base_url=f"http://127.0.0.1:{port}/v1")
        await provider.create(FOX, "first")  # imports the SDK
        tracemalloc.start()
        before, _ = tracemalloc.get_traced_memory()
        answer = await provider.create(FOX, "second")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        server.terminate()
        await server.wait()
    assert answer.bytes >= 30_000_000
    assert len(await kept(spool, "second.answer")) >= 40_000_000
    assert peak - before < 10_000_000


def test_the_sdk_is_not_imported_before_the_first_call() -> None:
    program = """
import sys
from bot.adapters.openai_images import OpenAIImages
print(sorted({name.partition(".")[0] for name in sys.modules} & {"openai", "httpx2", "httpx"}))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]"
