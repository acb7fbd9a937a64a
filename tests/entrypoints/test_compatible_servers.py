"""Servers that are nearly like OpenAI's: every answer is an image, or words and a charge."""

import asyncio
import base64
import gzip
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import (
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Route

from bot.entrypoints.loopback import served
from bot.simulators.images.picture import Picture, draw
from tests.entrypoints.conftest import Ended, Shell

PICTURE = draw(Picture("fox", "simulated", (1024, 1024)))
TEXT = base64.b64encode(PICTURE).decode()
GOOD = {"created": 1, "data": [{"b64_json": TEXT}]}
USAGE = {
    "input_tokens": 10,
    "output_tokens": 196,
    "input_tokens_details": {"text_tokens": 10, "image_tokens": 0},
}

Answer = Callable[["Gateway"], Response]


class Gateway:
    """A server that answers each prompt in a way of its own, and remembers who asked for what."""

    def __init__(self, answers: Mapping[str, Answer]) -> None:
        self.answers = answers
        self.url = ""
        self.asked: list[tuple[str, str, Mapping[str, str], bytes]] = []

    async def answer(self, request: Request) -> Response:
        body = await request.body()
        self.asked.append((request.method, request.url.path, dict(request.headers), body))
        match request.url.path:
            case "/pictures/fox.png":
                return Response(PICTURE, media_type="image/png")
            case "/pictures/near.png":
                return RedirectResponse("/pictures/fox.png")
            case "/pictures/far.png":
                return RedirectResponse("http://images.invalid/fox.png")
            case _:
                return self.answers[json.loads(body)["prompt"]](self)

    def paths(self, method: str) -> list[str]:
        return [path for asked, path, _, _ in self.asked if asked == method]


def named(place: str) -> Answer:
    return lambda gateway: JSONResponse({"data": [{"url": place.format(gateway.url)}]})


def whole(answer: object, status: int = 200) -> Answer:
    return lambda _: JSONResponse(answer, status)


def with_usage(usage: object) -> Answer:
    return whole(GOOD | {"usage": usage})


async def dripping() -> AsyncIterator[bytes]:
    text = json.dumps(GOOD).encode()
    for at in range(0, len(text), 1 + len(text) // 20):
        await asyncio.sleep(0.05)
        yield text[at : at + 1 + len(text) // 20]


def compressed(_: Gateway) -> Response:
    return Response(gzip.compress(json.dumps(GOOD).encode()), headers={"content-encoding": "gzip"})


MADE: dict[str, Answer] = {
    "data-prefix": whole({"data": [{"b64_json": f"data:image/png;base64,{TEXT}"}]}),
    "data-address": whole({"data": [{"b64_json": None, "url": f"data:image/png;base64,{TEXT}"}]}),
    "broken-lines": whole({"data": [{"b64_json": "\n".join(TEXT.partition("A"))}]}),
    "address": named("{}/pictures/fox.png"),
    "moved-address": named("{}/pictures/near.png"),
    "usage": with_usage(USAGE),
    "no-usage": whole(GOOD),
    "usage-null": with_usage(None),
    "usage-text": with_usage("12"),
    "usage-negative": with_usage(USAGE | {"output_tokens": -5}),
    "usage-endless": with_usage(USAGE | {"output_tokens": 10**30}),
    "usage-of-a-chat": with_usage({"prompt_tokens": 10, "completion_tokens": 196}),
    "created": whole(GOOD, 201),
    "plain-text": lambda _: PlainTextResponse(json.dumps(GOOD)),
    "byte-order-mark": lambda _: Response(b"\xef\xbb\xbf" + json.dumps(GOOD).encode()),
    "gzip": compressed,
    "chunked-drip": lambda _: StreamingResponse(dripping()),
}

DOUBT, FREE = "in_doubt", "not_charged"
REFUSED: dict[str, tuple[Answer, str, str]] = {
    "text-500": (lambda _: PlainTextResponse("no", 500), DOUBT, "HTTP 500"),
    "empty-500": (lambda _: Response(status_code=500), DOUBT, "HTTP 500"),
    "html-502": (lambda _: HTMLResponse("<html>", 502), DOUBT, "HTTP 502"),
    "text-400": (whole({"error": "nope"}, 400), FREE, "HTTP 400"),
    "html-400": (lambda _: HTMLResponse("<html>", 400), FREE, "HTTP 400"),
    "empty-400": (lambda _: Response(status_code=400), FREE, "HTTP 400"),
    "list-400": (whole([{"error": {"code": "odd"}}], 400), FREE, "HTTP 400"),
    "detail-422": (whole({"detail": [{"msg": "field required"}]}, 422), FREE, "HTTP 422"),
    "error-200": (whole({"error": {"message": "bad"}}), DOUBT, "no usable image"),
    "html-200": (lambda _: HTMLResponse("<html>"), DOUBT, "no usable image"),
    "empty-200": (lambda _: Response(), DOUBT, "no usable image"),
    "nothing-204": (lambda _: Response(status_code=204), DOUBT, "no usable image"),
    "null-200": (whole(None), DOUBT, "no usable image"),
    "no-data": (whole({"data": []}), DOUBT, "no usable image"),
    "no-picture": (whole({"data": [{"b64_json": "aGVsbG8="}]}), DOUBT, "no usable image"),
    "false-gzip": (
        lambda _: Response(b"plain", headers={"content-encoding": "gzip"}),
        DOUBT,
        "cut off",
    ),
    "elsewhere-307": (lambda it: RedirectResponse(f"{it.url}/else", 307), DOUBT, "a redirect"),
    "elsewhere-302": (lambda it: RedirectResponse(f"{it.url}/else", 302), DOUBT, "a redirect"),
    "plain-http": (named("http://images.invalid/fox.png"), DOUBT, "no usable image"),
    "a-file": (named("file:///etc/hostname"), DOUBT, "no usable image"),
    "moved-far": (named("{}/pictures/far.png"), DOUBT, "no usable image"),
}


async def asked(shell: Shell, gateway: Gateway, *command: str, **env: str) -> Ended:
    routes = [Route("/{path:path}", gateway.answer, methods=["GET", "POST"])]
    async with served(Starlette(routes=routes)) as url:
        gateway.url = url
        return await shell.run("gptimage", *command, env={"OPENAI_BASE_URL": f"{url}/v1", **env})


def results(ended: Ended) -> dict[str, Mapping[str, Any]]:
    return {job["prompt"]: job for job in ended.report["results"]}


async def test_every_way_to_send_a_picture_is_understood(shell: Shell) -> None:
    gateway = Gateway(MADE)

    ended = await asked(shell, gateway, "run", shell.batch(*MADE, max_concurrent=10))

    made = results(ended)
    assert {prompt: job.get("error") for prompt, job in made.items()} == dict.fromkeys(MADE)
    assert len(gateway.paths("POST")) == len(MADE)
    assert shell.images() == sorted(f"{prompt}.png" for prompt in MADE)
    assert min(job["cost"] for job in made.values()) > 0, "a bill that is not told is not nothing"
    assert [prompt for prompt, job in made.items() if job["usage"]] == ["usage"]


async def test_the_key_is_shown_to_nobody_but_the_server(shell: Shell) -> None:
    gateway = Gateway(MADE)

    await asked(shell, gateway, "run", shell.batch("address", "moved-address"))

    fetched = [headers for method, _, headers, _ in gateway.asked if method == "GET"]
    assert len(fetched) == 3
    assert [headers for headers in fetched if "authorization" in headers] == []


async def test_every_other_answer_is_named_and_priced_and_asked_for_once(shell: Shell) -> None:
    gateway = Gateway({prompt: answer for prompt, (answer, _, _) in REFUSED.items()})

    ended = await asked(shell, gateway, "run", shell.batch(*REFUSED, max_concurrent=10))

    assert ended.code == 1
    assert "Traceback" not in ended.err
    for prompt, job in results(ended).items():
        _, charge, words = REFUSED[prompt]
        assert (job["status"], job["charge"]) == ("failed", charge), prompt
        assert words in job["error"], prompt
    assert len(gateway.paths("POST")) == len(REFUSED), "no call was repeated, no redirect followed"
    assert gateway.paths("GET") == ["/pictures/far.png"]


NO_MODEL = {"error": {"message": "no such model: sk-secret", "code": "model_not_found"}}


@pytest.mark.parametrize(
    ("flags", "helps"), [((), True), (("--model", "gpt-image-2"), False)], ids=["default", "named"]
)
async def test_a_gateway_without_the_default_model_is_told_how_to_name_another(
    shell: Shell, flags: tuple[str, ...], helps: bool
) -> None:
    gateway = Gateway({"fox": whole(NO_MODEL, 404), "owl": whole(NO_MODEL, 404)})
    batch = shell.batch("fox", "owl", max_concurrent=1)

    ended = await asked(shell, gateway, "run", batch, *flags)

    error = results(ended)["fox"]["error"]
    assert "HTTP 404: the image server does not serve this model" in error
    assert ("GPTIMAGE_MODEL" in error) == helps
    assert len(gateway.paths("POST")) == 1, "the second would fail in the same way"


async def test_an_account_of_a_gateway_without_money_stops_the_batch(shell: Shell) -> None:
    code = "insufficient_user_quota"  # that of the gateways that are built on One API
    gateway = Gateway({"fox": whole({"error": {"message": "x", "code": code}}, 403)})

    ended = await asked(shell, gateway, "run", shell.batch("fox", "owl", max_concurrent=1))

    assert "no credit left" in results(ended)["fox"]["error"]
    assert results(ended)["owl"]["status"] == "cancelled"


async def test_the_old_model_of_a_gateway_has_the_price_of_its_table(shell: Shell) -> None:
    gateway = Gateway(MADE)
    batch = shell.batch("no-usage")

    estimated = await asked(shell, gateway, "estimate", batch, "--model", "gpt-image-1")
    ended = await asked(shell, gateway, "run", batch, "--model", "gpt-image-1")

    assert estimated.code == 0
    assert ended.code == 0
    assert 0.01 < results(ended)["no-usage"]["cost"] < 0.02


@pytest.mark.parametrize("count", [1, 2])
async def test_an_edit_sends_what_was_set_and_nothing_else(
    shell: Shell, tmp_path: Path, count: int
) -> None:
    names = [f"{n}.png" for n in range(count)]
    for name in names:
        (tmp_path / name).write_bytes(PICTURE)
    job = {
        "prompt": "fox",
        "operation": "edit",
        "reference_image_path": names,
        "size": "auto",
        "quality": "auto",
        "moderation": "low",
    }

    editor = Editor({})

    ended = await asked(shell, editor, "run", shell.file("b.json", json.dumps({"jobs": [job]})))

    assert ended.code == 0
    images = ["image"] if count == 1 else ["image[]", "image[]"]
    assert sorted(editor.fields) == sorted(["prompt", "model", *images])


class Editor(Gateway):
    """One that remembers the fields of the form that it was sent."""

    fields: Sequence[str] = ()

    async def answer(self, request: Request) -> Response:
        async with request.form() as form:
            self.fields = [name for name, _ in form.multi_items()]
        return JSONResponse(GOOD)
