"""The windows: the process, its parts by name, a page; nothing that a stranger could use."""

import asyncio
from collections.abc import Mapping

import httpx
import pytest
from pydantic import SecretStr

from bot.core.errors import GptimageError
from bot.entrypoints.web import create_web
from bot.entrypoints.web.health import Check
from tests.web.conftest import NOW, ListScheduler, MemoryInbox


async def well() -> None:
    pass


async def away() -> None:
    raise GptimageError("the queue cannot be reached")


async def broken() -> None:
    raise RuntimeError("redis://:password@host")


async def frozen() -> None:
    await asyncio.Event().wait()


async def ask(path: str, checks: Mapping[str, Check], method: str = "GET") -> httpx.Response:
    web = create_web(
        inbox=MemoryInbox(),
        scheduler=ListScheduler(),
        secrets=[SecretStr("secret")],
        clock=lambda: NOW,
        checks=checks,
    )
    transport = httpx.ASGITransport(web)
    async with httpx.AsyncClient(transport=transport, base_url="http://bot") as client:
        return await client.request(method, path)


async def test_the_process_is_well_even_when_its_parts_are_not() -> None:
    answer = await ask("/healthz", {"queue": away})
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert (await ask("/healthz", {}, "HEAD")).status_code == 200


async def test_it_is_ready_when_every_part_is() -> None:
    answer = await ask("/readyz", {"ledger": well, "queue": well})
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "parts": {"ledger": "ok", "queue": "ok"}}


async def test_each_part_that_fails_is_named_in_our_own_words() -> None:
    async with asyncio.timeout(3):  # the parts are asked at once
        answer = await ask(
            "/readyz",
            {"ledger": well, "queue": away, "spool": broken, "disk": frozen, "net": frozen},
        )
    assert answer.status_code == 503
    assert answer.json() == {
        "status": "unavailable",
        "parts": {
            "ledger": "ok",
            "queue": "the queue cannot be reached",
            "spool": "failed",
            "disk": "no answer within 2 s",
            "net": "no answer within 2 s",
        },
    }


async def test_the_page_says_what_this_is_and_shows_no_data() -> None:
    answer = await ask("/", {})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "gptimage" in answer.text


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json", "/webhook", "/.env"])
async def test_there_is_nothing_else_to_see(path: str) -> None:
    assert (await ask(path, {})).status_code in {404, 405}
