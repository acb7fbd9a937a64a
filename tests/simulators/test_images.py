import asyncio
import base64
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from pathlib import Path
from time import monotonic
from typing import Any

import httpx2
import openai
import pytest
from PIL import Image

from bot.entrypoints.loopback import served
from bot.simulators.images import Fault, FaultKind, ImagesSimulator, Settings, create_images_app
from bot.simulators.images.models import (
    GRIDS_2,
    GRIDS_2_5,
    MODELS,
    Grids,
    free_size,
    reference_tokens,
)
from bot.simulators.images.order import Order
from bot.simulators.images.picture import Picture, draw
from bot.simulators.images.simulator import Call

VECTORS = json.loads((Path(__file__).parent.parent / "data" / "token-vectors.json").read_text())
OUTPUT_VECTORS = [(name, row) for name, rows in VECTORS["output_tokens"].items() for row in rows]
TODAY = date(2026, 11, 21)
FOX = {"model": "gpt-image-2", "prompt": "a red fox"}


class Client:
    """Speaks plain HTTP to a simulator in the same process."""

    def __init__(self, simulator: ImagesSimulator, key: str = "sk-good") -> None:
        self.simulator = simulator
        transport = httpx2.ASGITransport(create_images_app(simulator))
        headers = {"authorization": f"Bearer {key}"} if key else {}
        self.http = httpx2.AsyncClient(transport=transport, base_url="http://sim", headers=headers)

    async def generate(self, **parameters: Any) -> httpx2.Response:
        return await self.http.post("/v1/images/generations", json=FOX | parameters)

    async def edit(self, files: list[tuple[str, bytes]], **parameters: str) -> httpx2.Response:
        parts = [(name, ("file.png", data, "image/png")) for name, data in files]
        return await self.http.post("/v1/images/edits", files=parts, data=FOX | parameters)


@pytest.fixture
def simulator() -> ImagesSimulator:
    return ImagesSimulator(today=TODAY)


@pytest.fixture
async def client(simulator: ImagesSimulator) -> AsyncIterator[Client]:
    client = Client(simulator)
    async with client.http:
        yield client


def picture(size: tuple[int, int] = (64, 64), mode: str = "RGB", kind: str = "PNG") -> bytes:
    buffer = BytesIO()
    Image.new(mode, size).save(buffer, kind)
    return buffer.getvalue()


def decoded(answer: dict[str, Any], index: int = 0) -> Image.Image:
    image = Image.open(BytesIO(base64.b64decode(answer["data"][index]["b64_json"])))
    image.load()
    return image


def error(response: httpx2.Response) -> tuple[int, str | None, str | None]:
    body = response.json()["error"]
    return response.status_code, body["code"], body["param"]


# -- What a good request gets ------------------------------------------------------------------


async def test_a_plain_request_draws_a_square_png_of_medium_quality(client: Client) -> None:
    response = await client.generate()

    answer = response.json()
    image = decoded(answer)
    assert (image.format, image.size) == ("PNG", (1024, 1024))
    assert answer["size"] == "1024x1024"
    assert (answer["quality"], answer["background"]) == ("medium", "opaque")
    assert answer["output_format"] == "png"
    assert answer["usage"] == {
        "input_tokens": 9,
        "input_tokens_details": {"text_tokens": 9, "image_tokens": 0},
        "output_tokens": 1756,
        "total_tokens": 1765,
    }
    assert response.headers["x-request-id"] == client.simulator.calls[0].request_id


@pytest.mark.parametrize(
    ("output_format", "background", "mode"),
    [
        ("png", "opaque", "RGB"),
        ("png", "transparent", "RGBA"),
        ("jpeg", "auto", "RGB"),
        ("webp", "auto", "RGB"),
        ("webp", "transparent", "RGBA"),
    ],
)
@pytest.mark.parametrize("padding", [0, 200_000, 200_001])
async def test_every_format_opens_with_and_without_padding(
    client: Client, output_format: str, background: str, mode: str, padding: int
) -> None:
    client.simulator.settings = Settings(padding_bytes=padding)

    response = await client.generate(
        output_format=output_format, background=background, size="1536x1024"
    )

    image = decoded(response.json())
    assert (image.format, image.size) == (output_format.upper(), (1536, 1024))
    assert image.mode == mode
    if padding:
        weight = len(base64.b64decode(response.json()["data"][0]["b64_json"]))
        assert abs(weight - padding) <= 12


async def test_the_same_prompt_gives_the_same_picture_and_another_one_does_not(
    client: Client,
) -> None:
    first, again, other = [
        (await client.generate(prompt=prompt)).json()["data"][0]["b64_json"]
        for prompt in ("a red fox", "a red fox", "a blue fox")
    ]
    assert first == again
    assert first != other


@pytest.mark.parametrize("prompt", [" ", "\n", "狐" * 500, "x" * 32_000, "a\x00b", "🦊 <b>"])
async def test_any_text_can_be_drawn(client: Client, prompt: str) -> None:
    assert (await client.generate(prompt=prompt)).status_code == 200


async def test_n_images_are_n_pictures_and_n_times_the_input(client: Client) -> None:
    answer = (await client.generate(n=3, quality="low")).json()

    assert [decoded(answer, index).size for index in range(3)] == [(1024, 1024)] * 3
    assert len({entry["b64_json"] for entry in answer["data"]}) == 3
    assert answer["usage"]["input_tokens"] == 27
    assert len(client.simulator.billed) == 1


@pytest.mark.parametrize(("family", "row"), OUTPUT_VECTORS)
def test_output_tokens_are_those_published(family: str, row: dict[str, Any]) -> None:
    model = MODELS[{"gpt-image-2.5": "gpt-image-2.5-flare"}.get(family, family)]
    size = (row["width"], row["height"])

    assert model.counts.tokens(row["quality"], size, row["n"]) == row["tokens"]


async def test_the_bill_follows_the_formula(client: Client) -> None:
    answer = await client.generate(
        model="gpt-image-2.5-sunburst", size="2048x2048", quality="xhigh", prompt="é" * 10
    )
    usage = answer.json()["usage"]
    assert (usage["output_tokens"], usage["input_tokens"]) == (6343, 11)


@pytest.mark.parametrize("row", VECTORS["input_image_tokens"])
def test_reference_images_cost_the_tokens_published(row: dict[str, int]) -> None:
    assert reference_tokens((row["width"], row["height"])) == row["tokens"]


@pytest.mark.parametrize(
    ("model", "quality", "size", "tokens"),
    [
        ("gpt-image-1.5", "low", "1024x1024", 272),
        ("gpt-image-1.5", "medium", "1024x1536", 1584),
        ("chatgpt-image-latest", "high", "1536x1024", 6208),
        ("gpt-image-1-mini", "low", "1024x1024", 625),
        ("gpt-image-1-mini", "high", "1536x1024", 6500),
        ("gpt-image-2.6-flare", "high", "1024x1024", 1756),
    ],
)
async def test_models_without_the_formula_have_their_table(
    client: Client, model: str, quality: str, size: str, tokens: int
) -> None:
    answer = await client.generate(model=model, quality=quality, size=size)
    assert answer.json()["usage"]["output_tokens"] == tokens


@pytest.mark.parametrize("quality", ["low", "medium"])
@pytest.mark.parametrize("size", [(1024, 1024), (1536, 1024), (3840, 2160)])
def test_cheap_qualities_of_2_6_stay_in_the_range_seen(quality: str, size: tuple[int, int]) -> None:
    base, new = Grids(GRIDS_2_5), MODELS["gpt-image-2.6-flare"].counts
    tokens = new.tokens(quality, size, 1)
    assert base.tokens(quality, size, 1) <= tokens <= 4.5 * base.tokens(quality, size, 1)
    assert tokens <= new.tokens("high", size, 1)


def test_the_qualities_of_2_are_not_those_of_2_5() -> None:
    assert set(GRIDS_2) < set(GRIDS_2_5)


# -- What a wrong request gets -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"response_format": "b64_json"}, (400, "unknown_parameter", "response_format")),
        ({"input_fidelity": "high"}, (400, "unknown_parameter", "input_fidelity")),
        ({"prompt": ""}, (400, "missing_required_parameter", "prompt")),
        ({"prompt": None}, (400, "missing_required_parameter", "prompt")),
        ({"prompt": 7}, (400, "invalid_type", "prompt")),
        ({"prompt": "x" * 32_001}, (400, "string_above_max_length", "prompt")),
        ({"prompt": "\ud800"}, (400, None, None)),
        ({"model": None}, (400, "missing_required_parameter", "model")),
        ({"model": "gpt-image-99"}, (404, "model_not_found", "model")),
        ({"model": "gpt-image-1"}, (404, "model_not_found", "model")),
        ({"size": "512x512"}, (400, "invalid_value", "size")),
        ({"size": "1920x1080"}, (400, "invalid_value", "size")),
        ({"size": "big"}, (400, "invalid_value", "size")),
        ({"size": ["1024x1024"]}, (400, "invalid_value", "size")),
        ({"size": "-16x1024"}, (400, "invalid_value", "size")),
        ({"model": "gpt-image-1.5", "size": "2048x2048"}, (400, "invalid_value", "size")),
        ({"quality": "xhigh"}, (400, "invalid_value", "quality")),
        ({"quality": "hd"}, (400, "invalid_value", "quality")),
        ({"output_format": "gif"}, (400, "invalid_value", "output_format")),
        ({"moderation": "high"}, (400, "invalid_value", "moderation")),
        ({"background": "red"}, (400, "invalid_value", "background")),
        (
            {"background": "transparent", "output_format": "jpeg"},
            (400, "invalid_value", "background"),
        ),
        (
            {"output_format": "webp", "output_compression": 101},
            (400, "invalid_value", "output_compression"),
        ),
        ({"output_compression": 0}, (400, "invalid_value", "output_compression")),
        ({"output_compression": True}, (400, "invalid_type", "output_compression")),
        ({"n": 0}, (400, "invalid_value", "n")),
        ({"n": 11}, (400, "invalid_value", "n")),
        ({"n": "2"}, (400, "invalid_type", "n")),
        ({"stream": True}, (400, "invalid_value", "stream")),
    ],
)
async def test_a_wrong_parameter_is_named_and_costs_nothing(
    client: Client, parameters: dict[str, Any], expected: tuple[int, str | None, str | None]
) -> None:
    response = await client.http.post(
        "/v1/images/generations", content=json.dumps(FOX | parameters)
    )
    assert error(response) == expected
    assert client.simulator.billed == []
    assert client.simulator.calls[0].outcome == (expected[1] or "http_400")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b"[" * 100_000])
async def test_a_body_that_is_no_object_is_refused(client: Client, body: bytes) -> None:
    response = await client.http.post("/v1/images/generations", content=body)
    assert error(response) == (400, None, None)


@pytest.mark.parametrize(
    ("size", "good"),
    [
        ((1024, 640), True),
        ((1024, 624), False),
        ((3840, 2160), True),
        ((3856, 2160), False),
        ((3840, 2176), False),
        ((1536, 512), True),
        ((1552, 512), False),
        ((1920, 1088), True),
        ((1920, 1080), False),
        ((0, 0), False),
    ],
)
def test_free_sizes_have_these_borders(size: tuple[int, int], good: bool) -> None:
    assert free_size(size) is good
    assert free_size((size[1], size[0])) is good


async def test_a_model_is_gone_on_its_last_day_and_not_before() -> None:
    statuses = []
    for today in (date(2026, 10, 22), date(2026, 10, 23)):
        client = Client(ImagesSimulator(today=today))
        async with client.http:
            statuses.append((await client.generate(model="gpt-image-1")).status_code)
    assert statuses == [200, 404]


async def test_a_missing_key_and_a_wrong_key_are_refused(simulator: ImagesSimulator) -> None:
    nobody, stranger = Client(simulator, key=""), Client(simulator, key="sk-invalid-0123456789abcd")
    async with nobody.http, stranger.http:
        assert error(await nobody.generate()) == (401, None, None)
        refusal = await stranger.generate()
        listing = await stranger.http.get("/v1/models")
    assert error(refusal) == (401, "invalid_api_key", None)
    message = refusal.json()["error"]["message"]
    assert "abcd" in message
    assert "0123456789" not in message
    assert listing.status_code == 401
    assert simulator.billed == []


async def test_an_unknown_address_answers_in_the_shape_of_an_api_error(client: Client) -> None:
    response = await client.http.post("/v1/images/variations")
    assert error(response) == (404, None, None)


async def test_the_models_say_when_they_end(client: Client) -> None:
    listed = (await client.http.get("/v1/models")).json()["data"]
    dates = {model["id"]: model["shutdown_date"] for model in listed}
    assert dates["gpt-image-1"] == "2026-10-23"
    assert dates["gpt-image-1-mini"] == dates["gpt-image-1.5"] == "2026-12-01"
    assert dates["gpt-image-2.5-flare"] is None


# -- Edits -------------------------------------------------------------------------------------


@pytest.mark.parametrize("names", [["image"], ["image[]"], ["image[]", "image[]"]])
async def test_an_edit_bills_its_reference_images(client: Client, names: list[str]) -> None:
    data = picture((1536, 1024), kind="JPEG")
    response = await client.edit([(name, data) for name in names], n="2", quality="low")

    assert response.status_code == 200
    details = response.json()["usage"]["input_tokens_details"]
    assert details == {"text_tokens": 18, "image_tokens": 2 * 1536 * len(names)}


async def test_a_mask_with_alpha_and_the_same_size_is_taken(client: Client) -> None:
    response = await client.edit([("image", picture()), ("mask", picture(mode="RGBA"))])
    assert response.status_code == 200


@pytest.mark.parametrize(
    ("files", "parameters", "expected"),
    [
        ([("image", picture())], {"moderation": "low"}, (400, "unknown_parameter", "moderation")),
        (
            [("image", picture()), ("mask", picture())],
            {},
            (400, "invalid_image_file", "mask"),
        ),
        (
            [("image", picture()), ("mask", picture((32, 32), "RGBA"))],
            {},
            (400, "invalid_image_file", "mask"),
        ),
        ([("image", b"not a picture")], {}, (400, "invalid_image_file", "image")),
        ([("image", picture((640, 640))[:-60])], {}, (400, "invalid_image_file", "image")),
        ([("image", picture(kind="GIF"))], {}, (400, "invalid_image_file", "image")),
        ([("mask", picture(mode="RGBA"))], {}, (400, "missing_required_parameter", "image")),
        ([("image[]", picture())] * 17, {}, (400, "invalid_value", "image")),
        ([("picture", picture())], {}, (400, "unknown_parameter", "picture")),
        (
            [("image", picture())],
            {"input_fidelity": "high"},
            (400, "invalid_value", "input_fidelity"),
        ),
        ([("image", picture())], {"n": "many"}, (400, "invalid_type", "n")),
    ],
)
async def test_a_wrong_edit_is_refused_and_costs_nothing(
    client: Client,
    files: list[tuple[str, bytes]],
    parameters: dict[str, str],
    expected: tuple[int, str | None, str | None],
) -> None:
    assert error(await client.edit(files, **parameters)) == expected
    assert client.simulator.billed == []


async def test_the_older_models_take_input_fidelity(client: Client) -> None:
    response = await client.edit(
        [("image", picture())], model="gpt-image-1.5", input_fidelity="high"
    )
    assert response.status_code == 200


async def test_a_broken_form_is_refused(client: Client) -> None:
    response = await client.http.post(
        "/v1/images/edits",
        content=b"--x\r\nrubbish",
        headers={"content-type": "multipart/form-data"},
    )
    assert error(response) == (400, None, None)


WITHOUT_MULTIPART = """
import asyncio, sys
sys.modules["python_multipart"] = None
sys.modules["multipart"] = None
import httpx2
from bot.simulators.images import create_images_app

async def main():
    transport = httpx2.ASGITransport(create_images_app())
    async with httpx2.AsyncClient(
        transport=transport, base_url="http://sim", headers={"authorization": "Bearer k"}
    ) as http:
        fox = {"model": "gpt-image-2", "prompt": "a red fox"}
        drawn = await http.post("/v1/images/generations", json=fox)
        edited = await http.post("/v1/images/edits", data=fox, files={"image": b""})
        print(drawn.status_code, edited.status_code, "gptimage[server]" in edited.text)

asyncio.run(main())
"""


def test_an_installation_without_the_server_extra_generates_and_says_what_edits_need() -> None:
    run = subprocess.run(
        [sys.executable, "-c", WITHOUT_MULTIPART],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.split() == ["200", "400", "True"]


# -- Refusals and faults -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prompt", "stage", "billed"),
    [
        ("a MODERATION-BLOCKED fox", "input", 0),
        ("a fox by Miyazaki", "input", 0),
        ("a fox, moderation-blocked-output", "output", 1),
    ],
)
async def test_some_prompts_are_refused_by_the_safety_system(
    client: Client, prompt: str, stage: str, billed: int
) -> None:
    response = await client.generate(prompt=prompt)

    assert error(response) == (400, "moderation_blocked", None)
    assert response.json()["error"]["moderation_details"]["moderation_stage"] == stage
    assert len(client.simulator.billed) == billed


@pytest.mark.parametrize(
    ("fault", "expected", "billed"),
    [
        (Fault(FaultKind.RATE_LIMIT, wait_ms=1500), (429, "rate_limit_exceeded", None), 0),
        (Fault(FaultKind.INVALID_KEY), (401, "invalid_api_key", None), 0),
        (Fault(FaultKind.UNVERIFIED), (403, None, None), 0),
        (Fault(FaultKind.NO_QUOTA), (429, "insufficient_quota", None), 0),
        (Fault(FaultKind.MODERATED_INPUT), (400, "moderation_blocked", None), 0),
        (Fault(FaultKind.SERVER_ERROR), (500, "server_error", None), 1),
        (Fault(FaultKind.SERVER_ERROR, status=409), (409, "server_error", None), 1),
        (Fault(FaultKind.HANG, hang_ms=0), (524, "server_error", None), 1),
    ],
)
async def test_a_fault_strikes_once_and_is_billed_by_its_kind(
    client: Client, fault: Fault, expected: tuple[int, str | None, str | None], billed: int
) -> None:
    client.simulator.faults.append(fault)

    struck, spared = await client.generate(), await client.generate()

    assert error(struck) == expected
    assert spared.status_code == 200
    assert len(client.simulator.billed) == billed + 1
    assert [call.outcome for call in client.simulator.calls] == [fault.kind, "answered"]


async def test_a_rate_limit_tells_its_wait_in_three_ways(client: Client) -> None:
    client.simulator.faults.append(Fault(FaultKind.RATE_LIMIT, wait_ms=1500))
    response = await client.generate()
    assert response.headers["retry-after-ms"] == "1500"
    assert response.headers["retry-after"] == "2"
    assert "try again in 1.5s" in response.json()["error"]["message"]


async def test_gateways_answer_with_pages_words_and_redirects(client: Client) -> None:
    client.simulator.faults += [
        Fault(FaultKind.HTML_ERROR, status=502),
        Fault(FaultKind.STRING_ERROR, status=400),
        Fault(FaultKind.REDIRECT, location="http://elsewhere/"),
    ]
    page, words, redirect = [await client.generate() for _ in range(3)]

    assert (page.status_code, page.text[:6]) == (502, "<html>")
    assert (words.status_code, words.json()) == (400, {"error": "upstream said no"})
    assert (redirect.status_code, redirect.headers["location"]) == (307, "http://elsewhere/")
    assert [call.billed for call in client.simulator.calls] == [True, False, False]


async def test_good_answers_can_be_spoiled(client: Client) -> None:
    kinds = [
        FaultKind.NO_IMAGE,
        FaultKind.FEWER_IMAGES,
        FaultKind.DATA_PREFIX,
        FaultKind.NO_USAGE,
        FaultKind.URL,
    ]
    client.simulator.faults += [Fault(kind) for kind in kinds]
    answers = [(await client.generate(n=2)).json() for _ in kinds]

    none, fewer, prefixed, unpriced, linked = answers
    assert none["data"] == []
    assert len(fewer["data"]) == 1
    assert prefixed["data"][0]["b64_json"].startswith("data:image/png;base64,iVBOR")
    assert "usage" not in unpriced
    fetched = await client.http.get(linked["data"][1]["url"])
    assert fetched.content == base64.b64decode(unpriced["data"][1]["b64_json"])
    assert len(client.simulator.billed) == len(kinds)


@pytest.mark.parametrize(("asked", "sent"), [("png", "jpeg"), ("webp", "jpeg"), ("jpeg", "png")])
async def test_a_gateway_can_send_another_format(client: Client, asked: str, sent: str) -> None:
    client.simulator.faults.append(Fault(FaultKind.OTHER_FORMAT))

    answer = (await client.generate(output_format=asked)).json()

    with Image.open(BytesIO(base64.b64decode(answer["data"][0]["b64_json"]))) as picture:
        assert picture.format == sent.upper()


async def test_a_fault_can_wait_for_its_prompt(client: Client) -> None:
    client.simulator.faults.append(Fault(FaultKind.SERVER_ERROR, times=2, prompt="owl"))
    prompts = ["a fox", "an owl", "an owl", "an owl"]
    statuses = [(await client.generate(prompt=prompt)).status_code for prompt in prompts]
    assert statuses == [200, 500, 500, 200]


async def test_half_of_the_json_arrives_whole(client: Client) -> None:
    client.simulator.faults.append(Fault(FaultKind.HALF_JSON))
    response = await client.generate()
    assert len(response.content) == int(response.headers["content-length"])
    with pytest.raises(ValueError, match="Unterminated string"):
        response.json()


async def test_a_cut_body_breaks_the_connection(simulator: ImagesSimulator) -> None:
    simulator.faults.append(Fault(FaultKind.CUT_BODY, after_bytes=5000))
    received = b""
    async with served(create_images_app(simulator)) as url, httpx2.AsyncClient() as http:
        key = {"authorization": "Bearer sk-good"}
        with pytest.raises(httpx2.RemoteProtocolError):  # noqa: PT012 - the body is read here
            async with http.stream(
                "POST", f"{url}/v1/images/generations", json=FOX, headers=key
            ) as response:
                async for chunk in response.aiter_raw():
                    received += chunk
    assert len(received) == 5000
    assert simulator.billed[0].outcome == FaultKind.CUT_BODY


async def test_a_dear_server_bills_more_tokens_than_the_formulas_say(client: Client) -> None:
    client.simulator.faults.append(Fault(FaultKind.DEAR, factor=3))
    dear, usual = [(await client.generate()).json()["usage"] for _ in range(2)]

    assert dear["output_tokens"] == 3 * usual["output_tokens"]
    assert dear["input_tokens"] == 3 * usual["input_tokens"]
    assert dear["total_tokens"] == dear["input_tokens"] + dear["output_tokens"]
    assert client.simulator.calls[0].as_json()["usage"] == dear


# -- Latency, limits, the bill -----------------------------------------------------------------


class Watched(ImagesSimulator):
    """Says when it has taken so many orders."""

    def __init__(self, settings: Settings, orders: int) -> None:
        super().__init__(settings)
        self.orders = orders
        self.accepted = asyncio.Event()

    def accept(self, call: Call, order: Order) -> Fault | None:
        fault = super().accept(call, order)
        if len(self.billed) == self.orders:
            self.accepted.set()
        return fault


async def test_calls_are_billed_at_once_and_stay_so_without_their_clients() -> None:
    simulator = Watched(Settings(latency_ms=60_000), orders=10)
    client = Client(simulator)
    async with client.http:
        calls = [asyncio.create_task(client.generate()) for _ in range(10)]
        await simulator.accepted.wait()
        assert [call.outcome for call in simulator.billed] == ["in_flight"] * 10

        for call in calls:
            call.cancel()
        await asyncio.wait(calls)

    assert [call.outcome for call in simulator.billed] == ["disconnected"] * 10


async def test_latency_is_what_a_billed_call_takes_at_least(client: Client) -> None:
    client.simulator.settings = Settings(latency_ms=50)
    started = monotonic()
    await client.generate()
    assert monotonic() - started >= 0.05


async def test_a_client_that_gives_up_on_a_true_server_has_paid(
    simulator: ImagesSimulator,
) -> None:
    simulator.faults.append(Fault(FaultKind.HANG))
    key = {"authorization": "Bearer sk-good"}
    async with served(create_images_app(simulator)) as url, httpx2.AsyncClient(headers=key) as http:
        with pytest.raises(httpx2.ReadTimeout):
            await http.post(f"{url}/v1/images/generations", json=FOX, timeout=0.2)
    assert simulator.calls[0].outcome == "disconnected"
    assert len(simulator.billed) == 1


async def test_heavy_pictures_are_drawn_once(client: Client) -> None:
    client.simulator.settings = Settings(padding_bytes=500_000)
    one, other = [(await client.generate(prompt=prompt)).json() for prompt in ("owl", "a fox")]
    assert one["data"] == other["data"]
    assert one["usage"] != other["usage"]


@pytest.mark.parametrize("output_format", ["png", "jpeg", "webp"])
async def test_small_pictures_have_the_shape_and_the_bill_of_what_was_ordered(
    client: Client, output_format: str
) -> None:
    order = {"size": "1536x1024", "output_format": output_format}
    large = (await client.generate(**order)).json()
    client.simulator.settings = Settings(longest_edge=12)
    small = (await client.generate(**order)).json()

    assert decoded(small).size == (12, 8)
    assert {**small, "created": 0, "data": []} == {**large, "created": 0, "data": []}


async def test_the_limit_lets_a_minute_through_and_then_names_the_wait() -> None:
    clock = [datetime(2026, 11, 21, tzinfo=UTC)]
    client = Client(ImagesSimulator(Settings(images_per_minute=5), now=lambda: clock[0]))
    async with client.http:
        burst = [(await client.generate(quality="low")).status_code for _ in range(5)]
        refused = await client.generate()
        wait = int(refused.headers["retry-after-ms"])
        clock[0] += timedelta(milliseconds=wait)
        after = [(await client.generate()).status_code for _ in range(2)]

    assert burst == [200] * 5
    assert error(refused) == (429, "rate_limit_exceeded", None)
    assert refused.json()["error"]["type"] == "input-images"
    assert wait == 12_000
    assert after == [200, 429]
    assert len(client.simulator.billed) == 6


# -- Over HTTP, for other processes ------------------------------------------------------------


async def test_another_process_scripts_faults_changes_settings_and_reads_the_bill(
    client: Client,
) -> None:
    script = [{"kind": "rate_limit", "wait_ms": 20}, {"kind": "server_error", "status": 503}]
    added = await client.http.post("/sim/faults", json=script)
    changed = await client.http.post("/sim/settings", json={"latency_ms": 1})
    statuses = [(await client.generate(quality="low")).status_code for _ in range(3)]
    log = (await client.http.get("/sim/calls")).json()

    assert [fault["kind"] for fault in added.json()["faults"]] == ["rate_limit", "server_error"]
    assert changed.json() == {
        "latency_ms": 1,
        "images_per_minute": 0,
        "padding_bytes": 0,
        "longest_edge": 0,
    }
    assert statuses == [429, 503, 200]
    assert log["billed"] == 2
    assert [call["outcome"] for call in log["calls"]] == ["rate_limit", "server_error", "answered"]
    assert log["calls"][2]["sent"] == FOX | {"quality": "low"}
    assert log["calls"][2]["usage"]["output_tokens"] == 196
    assert log["calls"][0]["usage"] is None
    assert log["faults"] == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("faults", '{"kind": "earthquake"}'),
        ("faults", "{}"),
        ("faults", '[{"kind": "hang"}, {"kind": "url", "times": "2"}]'),
        ("faults", "3"),
        ("faults", "{"),
        ("settings", '{"latency": 5}'),
        ("settings", '{"latency_ms": -5}'),
        ("settings", '{"latency_ms": true}'),
        ("settings", "[]"),
    ],
)
async def test_a_wrong_script_changes_nothing(client: Client, path: str, body: str) -> None:
    response = await client.http.post(f"/sim/{path}", content=body)
    assert response.status_code == 400
    assert client.simulator.faults == []
    assert client.simulator.settings == Settings()


# -- With the SDK that the product uses --------------------------------------------------------


@pytest.fixture
async def sdk(simulator: ImagesSimulator) -> AsyncIterator[openai.AsyncOpenAI]:
    transport = httpx2.ASGITransport(create_images_app(simulator))
    async with openai.AsyncOpenAI(
        api_key="sk-good",
        base_url="http://sim/v1",
        max_retries=0,
        http_client=httpx2.AsyncClient(transport=transport),
    ) as sdk:
        yield sdk


async def test_the_sdk_generates(sdk: openai.AsyncOpenAI) -> None:
    answer = await sdk.images.generate(
        prompt="a red fox", model="gpt-image-2.5-flare", size="1536x1024", quality="high"
    )
    assert answer.usage is not None
    assert answer.usage.output_tokens == 1372
    assert answer.size == "1536x1024"
    assert decoded(answer.model_dump()).size == (1536, 1024)


@pytest.mark.parametrize("count", [1, 2])
async def test_the_sdk_edits(
    sdk: openai.AsyncOpenAI, simulator: ImagesSimulator, count: int
) -> None:
    references = [(f"{index}.png", picture((1024, 1024)), "image/png") for index in range(count)]
    answer = await sdk.images.edit(
        image=references[0] if count == 1 else references,
        mask=("mask.png", picture((1024, 1024), "RGBA"), "image/png"),
        prompt="a red fox",
        model="gpt-image-2",
        n=1,
    )
    assert answer.usage is not None
    assert answer.usage.input_tokens_details.image_tokens == 1024 * count
    part = "image" if count == 1 else "image[]"
    assert simulator.calls[0].sent[part] == [f"{index}.png" for index in range(count)]


async def test_the_sdk_reads_the_errors(
    sdk: openai.AsyncOpenAI, simulator: ImagesSimulator
) -> None:
    with pytest.raises(openai.BadRequestError) as blocked:
        await sdk.images.generate(prompt="Shinkai skies", model="gpt-image-2")
    assert blocked.value.code == "moderation_blocked"
    assert blocked.value.request_id == simulator.calls[0].request_id

    simulator.faults.append(Fault(FaultKind.RATE_LIMIT))
    with pytest.raises(openai.RateLimitError) as limited:
        await sdk.images.generate(prompt="a red fox", model="gpt-image-2")
    assert limited.value.type == "input-images"


async def test_the_sdk_lists_models(sdk: openai.AsyncOpenAI) -> None:
    ends = {model.id: model.shutdown_date async for model in sdk.models.list()}
    assert ends["gpt-image-1.5"] == "2026-12-01"


@pytest.mark.parametrize(("text", "written"), [("fox", True), ("狐", False)])
def test_letters_that_the_font_lacks_are_left_out_of_the_picture(text: str, written: bool) -> None:
    drawn = Image.open(BytesIO(draw(Picture(text=text, footer="", size=(256, 256)))))

    colours = drawn.convert("RGB").getcolors(256 * 256) or []

    assert ((255, 255, 255) in {colour for _, colour in colours}) is written
