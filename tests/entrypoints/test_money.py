"""What a batch may cost and does cost, between the command line and the image API's own bill."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from bot.core.parse import parse_batch_data
from bot.core.pricing import Money, PriceBook, Usage, cost, parse_prices
from bot.entrypoints.inputs import prepared
from bot.entrypoints.leading import Wish
from bot.entrypoints.local import run_here
from bot.entrypoints.loopback import served
from bot.entrypoints.settings import Settings
from bot.simulators.images import Fault, FaultKind, ImagesSimulator, create_images_app
from tests.entrypoints.conftest import Shell

OWN = '{"gpt-image-2": {"per_image": 0.04}, "my-model": {"per_image": 0.05}}'
CHEAP = {"prompt": "fox", "model": "gpt-image-2", "size": "1024x1024", "quality": "low"}
LEAVES_OPEN = {"prompt": "狐 " * 40, "model": "gpt-image-1-mini"}


# --- the prices of the operator ---------------------------------------------------------------


async def test_own_prices_hold_in_the_estimate_the_cap_and_the_report(
    shell: Shell, images: ImagesSimulator
) -> None:
    batch = shell.file("batch.json", json.dumps({"jobs": [CHEAP], "max_cost": 0.04}))
    env = {"GPTIMAGE_PRICES": OWN}

    estimated = await shell.run("gptimage", "estimate", batch, env=env)
    ended = await shell.run("gptimage", "run", batch, env=env)

    assert estimated.report["cost"] == {"low": 0.04, "expected": 0.04, "high": 0.04}
    assert (ended.code, ended.report["total_cost"]) == (0, 0.04)
    assert len(images.billed) == 1


async def test_prices_may_stand_in_a_file(shell: Shell) -> None:
    env = {"GPTIMAGE_PRICES": shell.file("prices.json", OWN)}

    listed = await shell.run("gptimage", "models", env=env)
    for_people = await shell.run("gptimage", "models", "--format", "text", env=env)

    own = {each["model"]: each["prices"] for each in json.loads(listed.out) if each["own_price"]}
    assert own == {"gpt-image-2": {"per_image": 0.04}, "my-model": {"per_image": 0.05}}
    lines = for_people.out.splitlines()
    assert lines[-1].split() == [
        "my-model",
        "–",
        "–",
        "–",
        "$0.05",
        "an",
        "image,",
        "your",
        "own",
        "price",
    ]
    assert len(lines) == len(json.loads(listed.out)) + 1


async def test_every_wrong_price_is_named_at_once(shell: Shell) -> None:
    wrong = '{"a": {"per_image": -1}, "b": 3, "c": {"per_image": 1}}'

    ended = await shell.run("gptimage", "models", env={"GPTIMAGE_PRICES": wrong})

    assert ended.code == 2
    assert ended.complaint == [
        "Error: GPTIMAGE_PRICES: a.per_image: must be 0 to 1,000 (it is -1)",
        'GPTIMAGE_PRICES: b: must be an object (such as {"per_image": 0.04})',
    ]


@pytest.mark.parametrize(
    ("value", "why"), [("nowhere.json", "No such file"), ("bytes.json", "not UTF-8 text")]
)
async def test_a_file_of_prices_that_cannot_be_read_is_named(
    shell: Shell, value: str, why: str
) -> None:
    (shell.home / "bytes.json").write_bytes(b"{\xff}")

    ended = await shell.run("gptimage", "models", env={"GPTIMAGE_PRICES": value})

    assert ended.code == 2
    assert ended.complaint[0].startswith(f"Error: GPTIMAGE_PRICES: {value} cannot be read ({why}")


async def test_a_model_without_a_price_runs_under_no_cap_and_the_sentence_names_the_setting(
    shell: Shell, images: ImagesSimulator
) -> None:
    batch = shell.file("batch.json", json.dumps({"jobs": [CHEAP | {"model": "my-model"}]}))

    ended = await shell.run("gptimage", "run", batch, "--max-cost", "100")
    checked = await shell.run("gptimage", "validate", batch)
    priced = await shell.run("gptimage", "validate", batch, env={"GPTIMAGE_PRICES": OWN})

    assert ended.code == 3
    assert "GPTIMAGE_PRICES" in ended.complaint[-1]
    assert images.calls == []
    assert "no price is known for the model my-model" in checked.err
    assert "no price is known" not in priced.err


# --- the cap ----------------------------------------------------------------------------------


async def test_a_dear_server_is_left_before_the_cap_is_broken_and_the_report_says_why(
    shell: Shell, images: ImagesSimulator
) -> None:
    images.faults.append(Fault(FaultKind.DEAR, times=9, factor=3))
    jobs = [CHEAP | {"prompt": name} for name in ("fox", "owl", "hare")]
    batch = {"jobs": jobs, "max_concurrent": 1, "max_cost": 0.02}

    ended = await shell.run("gptimage", "run", shell.file("batch.json", json.dumps(batch)))

    assert ended.code == 1
    assert len(images.calls) == 1
    assert ended.report["stopped"] == "budget"
    assert ended.report["total_cost"] <= 0.02
    assert [job["status"] for job in ended.report["results"]] == [
        "completed",
        "cancelled",
        "cancelled",
    ]
    assert [job["charge"] for job in ended.report["results"][1:]] == ["not_charged"] * 2
    assert "cap on cost" in ended.report["results"][1]["error"]
    assert ended.err.count("Stopped: the next image could exceed max_cost") == 1


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (FaultKind.INVALID_KEY, "the API key was not accepted"),
        (FaultKind.UNVERIFIED, "the organization must be verified to use this model"),
        (FaultKind.NO_QUOTA, "the account has no credit left, or its spending limit is reached"),
    ],
)
async def test_what_no_call_can_pass_ends_the_batch_with_one_sentence_and_no_bill(
    shell: Shell, images: ImagesSimulator, kind: FaultKind, said: str
) -> None:
    images.faults.append(Fault(kind))

    ended = await shell.run("gptimage", "run", shell.batch("fox", "owl", "hare", max_concurrent=1))

    assert ended.code == 1
    (sentence,) = ended.err.splitlines()
    assert sentence.startswith("Stopped: HTTP 4")
    assert sentence.endswith(f"{said}. What was not started is cancelled and costs nothing.")
    assert (len(images.calls), len(images.billed)) == (1, 0)
    assert ended.report["total_cost"] == 0
    assert [job["status"] for job in ended.report["results"]] == [
        "failed",
        "cancelled",
        "cancelled",
    ]
    assert {job["charge"] for job in ended.report["results"]} == {"not_charged"}


# --- the bill ---------------------------------------------------------------------------------


def bill(images: ImagesSimulator, book: PriceBook) -> Money:
    """What the image API charges for all it has drawn, at these prices."""
    amount = Money(0)
    for call in images.billed:
        assert call.order
        usage = call.order.usage()
        details = usage["input_tokens_details"]
        counted = Usage(details["text_tokens"], details["image_tokens"], usage["output_tokens"])
        price = cost(call.order.model.name, counted, book)
        assert price is not None
        amount += price
    return amount


BROKEN = Fault(FaultKind.SERVER_ERROR)
AGAIN = {
    "max_retries": 2,
    "retry_delay_ms": 100,
    "retry_on_errors": ["server_error", "rate_limit"],
    "retry_in_doubt": True,
}


@pytest.mark.parametrize("prices", ["{}", OWN], ids=["published", "own"])
@pytest.mark.parametrize(
    ("batch", "faults"),
    [
        ({"jobs": [CHEAP, LEAVES_OPEN]}, []),
        ({"jobs": [CHEAP | {"sample_count": 3}], "max_concurrent": 3}, [BROKEN]),
        ({"jobs": [CHEAP | {"sample_count": 2}], "retry_policy": AGAIN}, [BROKEN] * 9),
        ({"jobs": [CHEAP], "retry_policy": AGAIN}, [BROKEN, BROKEN]),
        ({"jobs": [LEAVES_OPEN, CHEAP]}, [Fault(FaultKind.NO_USAGE, times=2)]),
        ({"jobs": [CHEAP], "retry_policy": AGAIN}, [Fault(FaultKind.RATE_LIMIT, wait_ms=100)]),
    ],
)
async def test_no_bill_is_above_the_bound_nor_above_what_the_run_admits(
    tmp_path: Path, prices: str, batch: Mapping[str, Any], faults: Sequence[Fault]
) -> None:
    images = ImagesSimulator()
    images.faults += faults
    book = parse_prices(prices)
    async with served(create_images_app(images)) as url:
        env = Settings(
            openai_api_key=SecretStr("sk-simulated"),
            openai_base_url=f"{url}/v1",
            gptimage_data_dir=tmp_path / "data",
            gptimage_prices=book,
        )
        parsed = parse_batch_data({**batch, "output_dir": str(tmp_path / "out")})
        view = (await run_here(await prepared(parsed, env), env, Wish(quiet=True))).view

    charged = bill(images, book)
    assert view.run.upper_bound is not None
    assert view.paid is not None
    assert view.in_doubt is not None
    assert charged <= view.run.upper_bound
    assert charged <= view.paid + view.in_doubt <= view.run.upper_bound
