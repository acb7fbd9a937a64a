"""Whole calls, against a simulated image API behind a true server."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from pydantic import SecretStr

from bot.adapters.openai_images import OpenAIImages
from bot.adapters.spool import LocalSpool
from bot.core.errors import Charge, Failure, ProviderError, SettingsError
from bot.core.killpoints import Point, install
from bot.core.plan import ImageCall
from bot.core.ports import Answer
from bot.core.pricing import Usage
from bot.simulators.images import Fault, FaultKind, ImagesSimulator, Settings

Provide = Callable[..., OpenAIImages]
FREE, DOUBT = Charge.NOT_CHARGED, Charge.IN_DOUBT


def call(**fields: Any) -> ImageCall:
    return ImageCall(**{"model": "gpt-image-2", "prompt": "a red fox", **fields})


async def image(spool: LocalSpool, answer: Answer) -> Image.Image:
    path = await spool.fetch(answer.image)
    assert path is not None
    with Image.open(path) as opened:
        opened.load()
        return opened


def drawn(path: Path, size: tuple[int, int] = (64, 64), mode: str = "RGB") -> str:
    buffer = BytesIO()
    Image.new(mode, size).save(buffer, "PNG")
    path.write_bytes(buffer.getvalue())
    return str(path)


async def failed(provider: OpenAIImages, asked: ImageCall | None = None) -> ProviderError:
    with pytest.raises(ProviderError) as raised:
        await provider.create(asked or call(), "run/item-1")
    return raised.value


# --- what arrives -----------------------------------------------------------------------------


@pytest.mark.parametrize("output_format", [None, "png", "jpeg", "webp"])
async def test_a_call_leaves_its_picture_in_the_spool_in_the_format_asked_for(
    provider: OpenAIImages,
    spool: LocalSpool,
    simulator: ImagesSimulator,
    output_format: str | None,
) -> None:
    answer = await provider.create(call(output_format=output_format), "run/item-1")

    opened = await image(spool, answer)
    assert opened.format == (output_format or "png").upper()
    assert opened.size == (answer.width, answer.height) == (1024, 1024)
    path = await spool.fetch("run/item-1.image")
    assert replace(answer, kept_at=None) == Answer(
        image="run/item-1.image",
        media_type=f"image/{output_format or 'png'}",
        bytes=Path(path or "").stat().st_size,  # noqa: ASYNC240  (a test may wait)
        width=1024,
        height=1024,
        usage=Usage(text_tokens=9, image_tokens=0, output_tokens=1756),
        size="1024x1024",
        quality="medium",
        request_id=simulator.calls[0].request_id,
    )


async def test_only_what_the_user_set_is_sent(
    provider: OpenAIImages, simulator: ImagesSimulator
) -> None:
    await provider.create(call(size="auto", quality="low", moderation="low"), "a")
    assert simulator.calls[0].sent == {
        "model": "gpt-image-2",
        "prompt": "a red fox",
        "quality": "low",
        "moderation": "low",
    }


@pytest.mark.parametrize("operation", ["edit", "transform"])
async def test_one_reference_goes_as_image(
    provider: OpenAIImages, simulator: ImagesSimulator, tmp_path: Path, operation: str
) -> None:
    asked = call(
        operation=operation,
        references=(drawn(tmp_path / "My Holiday.PNG"),),
        mask=drawn(tmp_path / "mask.png", mode="RGBA"),
        moderation="low",
        size="1536x1024",
    )
    answer = await provider.create(asked, "a")

    assert simulator.calls[0].sent == {
        "model": "gpt-image-2",
        "prompt": "a red fox",
        "size": "1536x1024",
        "image": ["image-1.png"],
        "mask": ["mask.png"],
    }
    assert (answer.width, answer.height) == (1536, 1024)


async def test_two_references_go_as_a_list(
    provider: OpenAIImages, simulator: ImagesSimulator, tmp_path: Path
) -> None:
    files = (drawn(tmp_path / "b.png"), drawn(tmp_path / "a.png"))
    answer = await provider.create(call(operation="edit", references=files), "a")

    assert simulator.calls[0].sent["image[]"] == ["image-1.png", "image-2.png"]
    assert answer.usage is not None
    assert answer.usage.image_tokens > 0


async def test_a_reference_is_called_what_it_is_and_not_what_its_name_says(
    provider: OpenAIImages, simulator: ImagesSimulator, tmp_path: Path
) -> None:
    picture = tmp_path / "fox.png"
    Image.new("RGB", (64, 64), "red").save(picture, "JPEG")

    await provider.create(call(operation="edit", references=(str(picture),)), "a")

    assert simulator.calls[0].sent["image"] == ["image-1.jpeg"]


async def test_a_reference_that_is_gone_costs_nothing(
    provider: OpenAIImages, simulator: ImagesSimulator, tmp_path: Path
) -> None:
    asked = call(operation="edit", references=(str(tmp_path / "gone.png"),))
    error = await failed(provider, asked)
    assert (error.failure, error.charge) == (Failure.INVALID, FREE)
    assert simulator.calls == []


@pytest.mark.parametrize("kind", [FaultKind.DATA_PREFIX, FaultKind.URL])
async def test_a_gateway_s_way_of_sending_the_picture_is_understood(
    provider: OpenAIImages, spool: LocalSpool, simulator: ImagesSimulator, kind: FaultKind
) -> None:
    simulator.faults.append(Fault(kind))
    answer = await provider.create(call(), "a")
    assert (await image(spool, answer)).size == (1024, 1024)
    assert len(simulator.calls) == 1


async def test_a_server_that_does_not_tell_the_usage_still_gives_the_picture(
    provider: OpenAIImages, simulator: ImagesSimulator
) -> None:
    simulator.faults.append(Fault(FaultKind.NO_USAGE))
    assert (await provider.create(call(), "a")).usage is None


# --- what goes wrong --------------------------------------------------------------------------

WRONG = [
    (Fault(FaultKind.RATE_LIMIT, wait_ms=1500), Failure.RATE_LIMIT, FREE),
    (Fault(FaultKind.NO_QUOTA), Failure.NO_MONEY, FREE),
    (Fault(FaultKind.INVALID_KEY), Failure.AUTHENTICATION, FREE),
    (Fault(FaultKind.UNVERIFIED), Failure.AUTHENTICATION, FREE),
    (Fault(FaultKind.MODERATED_INPUT), Failure.MODERATION, FREE),
    (Fault(FaultKind.MODERATED_OUTPUT), Failure.MODERATION, DOUBT),
    (Fault(FaultKind.SERVER_ERROR), Failure.SERVER_ERROR, DOUBT),
    (Fault(FaultKind.SERVER_ERROR, status=503), Failure.SERVER_ERROR, DOUBT),
    (Fault(FaultKind.SERVER_ERROR, status=409), Failure.SERVER_ERROR, DOUBT),
    (Fault(FaultKind.SERVER_ERROR, status=408), Failure.TIMEOUT, DOUBT),
    (Fault(FaultKind.SERVER_ERROR, status=524), Failure.TIMEOUT, DOUBT),
    (Fault(FaultKind.HTML_ERROR, status=502), Failure.SERVER_ERROR, DOUBT),
    (Fault(FaultKind.STRING_ERROR, status=500), Failure.SERVER_ERROR, DOUBT),
    (Fault(FaultKind.STRING_ERROR, status=422), Failure.INVALID, FREE),
    (Fault(FaultKind.HTML_ERROR, status=403), Failure.AUTHENTICATION, FREE),
    (Fault(FaultKind.REDIRECT), Failure.BAD_ANSWER, DOUBT),
    (Fault(FaultKind.CUT_BODY), Failure.BAD_ANSWER, DOUBT),
    (Fault(FaultKind.CUT_BODY, after_bytes=1), Failure.BAD_ANSWER, DOUBT),
    (Fault(FaultKind.HALF_JSON), Failure.BAD_ANSWER, DOUBT),
    (Fault(FaultKind.NO_IMAGE), Failure.BAD_ANSWER, DOUBT),
    (Fault(FaultKind.FEWER_IMAGES), Failure.BAD_ANSWER, DOUBT),
    (Fault(FaultKind.HANG), Failure.TIMEOUT, DOUBT),
]


@pytest.mark.parametrize(
    ("fault", "failure", "charge"), WRONG, ids=[f"{f.kind}-{f.status}" for f, _, _ in WRONG]
)
async def test_every_fault_is_named_and_priced_and_never_asked_for_again(
    provide: Provide, simulator: ImagesSimulator, fault: Fault, failure: Failure, charge: Charge
) -> None:
    simulator.faults.append(fault)
    limit = 0.3 if fault.kind is FaultKind.HANG else None

    error = await failed(provide(call_timeout=limit))

    assert (error.failure, error.charge) == (failure, charge)
    assert len(simulator.calls) == 1
    assert simulator.calls[0].billed <= (error.charge is DOUBT)


async def test_a_rate_limit_says_how_long_to_wait_and_a_refusal_which_request_it_was(
    provider: OpenAIImages, simulator: ImagesSimulator
) -> None:
    simulator.faults.append(Fault(FaultKind.RATE_LIMIT, wait_ms=1500))
    error = await failed(provider)
    assert error.retry_after == 1.5
    assert error.request_id == simulator.calls[0].request_id


async def test_a_wrong_parameter_is_named(provider: OpenAIImages) -> None:
    error = await failed(provider, call(size="512x512"))
    assert (error.failure, error.charge) == (Failure.INVALID, FREE)
    assert "(parameter size, code invalid_value)" in str(error)


async def test_a_model_that_is_gone_is_a_failure_of_its_own(provider: OpenAIImages) -> None:
    error = await failed(provider, call(model="gpt-image-1"))
    assert (error.failure, error.charge) == (Failure.NO_MODEL, FREE)


@pytest.mark.parametrize("kind", [FaultKind.MODERATED_INPUT, FaultKind.INVALID_KEY])
async def test_a_gateway_that_charges_for_issued_calls_leaves_refusals_in_doubt(
    provide: Provide, simulator: ImagesSimulator, kind: FaultKind
) -> None:
    simulator.faults.append(Fault(kind))
    error = await failed(provide(charges="issued"))
    assert error.charge is DOUBT


@pytest.mark.parametrize(
    ("address", "issued"),
    [
        ("https://aihubmix.com/v1", True),
        ("https://API.aihubmix.com/v1", True),
        ("https://notaihubmix.com/v1", False),
        ("https://api.openai.com/v1", False),
    ],
)
def test_aihubmix_is_known_to_charge_for_issued_calls(
    provide: Provide, address: str, issued: bool
) -> None:
    assert provide(base_url=address)._issued is issued


async def test_a_server_that_is_not_there_costs_nothing(provide: Provide) -> None:
    error = await failed(provide(base_url="http://127.0.0.1:9/v1"))
    assert (error.failure, error.charge) == (Failure.CONNECTION, FREE)


async def test_a_prompt_that_cannot_be_written_costs_nothing(
    provider: OpenAIImages, simulator: ImagesSimulator
) -> None:
    error = await failed(provider, call(prompt="half a \ud83d pair"))
    assert (error.failure, error.charge) == (Failure.INVALID, FREE)
    assert simulator.calls == []


async def test_a_key_with_the_newline_of_its_file_is_a_key(provide: Provide) -> None:
    answer = await provide(api_key=SecretStr("sk-from-a-file\n")).create(call(), "a")
    assert answer.image == "a.image"


async def test_no_word_of_the_server_and_no_key_is_repeated(
    provide: Provide, simulator: ImagesSimulator
) -> None:
    provider = provide(api_key=SecretStr("sk-invalid-canary-0987"))
    error = await failed(provider)
    assert str(error) == "HTTP 401: the API key was not accepted"
    assert error.__cause__ is None
    assert error.__suppress_context__
    assert "canary" not in f"{provider!r}{vars(provider)!r}{vars(provider._client)!r}"
    assert len(simulator.calls) == 1


async def test_a_key_is_good_or_not_as_the_latest_call_has_shown(
    provide: Provide, simulator: ImagesSimulator
) -> None:
    now = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)
    provider = provide(clock=lambda: now)
    await provider.check()
    simulator.faults += [Fault(FaultKind.INVALID_KEY), Fault(FaultKind.SERVER_ERROR)]
    for _ in range(2):  # a fault of the server says nothing of the key
        await failed(provider)
        with pytest.raises(SettingsError, match=r"401: the API key was not accepted \(at 12:30"):
            await provider.check()
    now += timedelta(minutes=10)
    await provider.check()  # nobody has called for long
    simulator.faults.append(Fault(FaultKind.UNVERIFIED))
    await failed(provider)
    with pytest.raises(SettingsError, match="must be verified"):
        await provider.check()
    await provider.create(call(), "b")
    await provider.check()
    with pytest.raises(SettingsError, match="OPENAI_API_KEY is required"):
        await provide(api_key=SecretStr("")).check()


async def test_the_points_at_which_a_crash_matters_are_met_in_order(
    provider: OpenAIImages, simulator: ImagesSimulator
) -> None:
    points: list[Point] = []
    install(points.append)
    simulator.settings = Settings(padding_bytes=3_000_000)

    await provider.create(call(), "a")

    assert points == [
        Point.REQUEST_SENT,
        Point.ANSWER_HALF_READ,
        Point.SPOOL_HALF_WRITTEN,  # the answer
        Point.SPOOL_HALF_WRITTEN,  # the picture in it
    ]


async def test_a_closed_provider_opens_the_network_again(provider: OpenAIImages) -> None:
    await provider.create(call(), "a")
    await provider.aclose()
    await provider.aclose()
    assert (await provider.create(call(), "b")).image == "b.image"


async def test_many_calls_at_once_share_one_provider(
    provider: OpenAIImages, simulator: ImagesSimulator
) -> None:
    answers = await asyncio.gather(*(provider.create(call(), f"run/{n}") for n in range(8)))
    assert {answer.image for answer in answers} == {f"run/{n}.image" for n in range(8)}
    assert len(simulator.calls) == 8
