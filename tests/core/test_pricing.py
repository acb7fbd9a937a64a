"""What images cost, to the token and to the micro-dollar."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from genai_prices import Usage as PricedUsage
from genai_prices import calc_price
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.core.batch import BatchConfig, Job, RetryPolicy
from bot.core.catalog import MODELS, THREE_SIZES, Size, nearest_size, parse_size
from bot.core.pricing import (
    Money,
    Usage,
    cost,
    estimate,
    estimate_json,
    image_tokens,
    output_tokens,
    text_tokens,
    upper_bound,
)

VECTORS = json.loads((Path(__file__).parents[1] / "data" / "token-vectors.json").read_text())


def batch(*jobs: Job, **top: Any) -> BatchConfig:
    return BatchConfig(jobs=jobs, **top)


def job(**fields: Any) -> Job:
    return Job(**{"prompt": "a red fox", "size": "1024x1024", "quality": "low", **fields})


# --- money ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dollars", "micros"),
    [
        ("0", 0),
        ("0.000001", 1),
        ("0.0000001", 1),
        ("1.0000000000000000000000000000000001", 1_000_001),
        ("2.5", 2_500_000),
        ("1e3", 1_000_000_000),
    ],
)
def test_an_amount_is_whole_micro_dollars_never_less_than_it_was(dollars: str, micros: int) -> None:
    assert Money.from_usd(Decimal(dollars)) == Money(micros)


@pytest.mark.parametrize("dollars", ["NaN", "Infinity", "-Infinity", "-0.01"])
def test_money_is_finite_and_not_below_zero(dollars: str) -> None:
    with pytest.raises(ValueError, match="finite"):
        Money.from_usd(Decimal(dollars))


@pytest.mark.parametrize(
    ("micros", "text"),
    [
        (0, "$0.00"),
        (1, "$0.0001"),
        (12_300, "$0.0123"),
        (100_000, "$0.10"),
        (2_500_000, "$2.50"),
        (1_234_567_891, "$1,234.5679"),
        (9_999_999, "$10.00"),
        (-500_000, "-$0.50"),
    ],
)
def test_an_amount_is_shown_in_cents_and_below_and_never_too_small(micros: int, text: str) -> None:
    assert str(Money(micros)) == text


@given(st.integers(0, 10**15), st.integers(0, 10**15))
def test_amounts_add_up_exactly(one: int, other: int) -> None:
    total = Money(one) + Money(other)
    assert total - Money(other) == Money(one)
    assert Money.from_usd(total.usd) == total
    assert (Money(one) < total) is (other > 0)


# --- tokens -----------------------------------------------------------------------------------

OUTPUT = [
    pytest.param(
        family, row, id=f"{family}-{row['width']}x{row['height']}-{row['quality']}-{row['n']}"
    )
    for family, rows in VECTORS["output_tokens"].items()
    for row in rows
]


@pytest.mark.parametrize(("family", "row"), OUTPUT)
def test_output_tokens_are_those_of_the_published_vectors(family: str, row: dict[str, Any]) -> None:
    model = MODELS[family if family in MODELS else f"{family}-flare"]
    tokens = output_tokens(model, Size(row["width"], row["height"]), row["quality"], row["n"])
    assert {tokens.low, tokens.expected, tokens.high} == {row["tokens"]}


@pytest.mark.parametrize(
    "row", VECTORS["input_image_tokens"], ids=lambda r: f"{r['width']}x{r['height']}"
)
def test_reference_tokens_are_those_of_the_published_vectors(row: dict[str, int]) -> None:
    assert image_tokens(Size(row["width"], row["height"])) == row["tokens"]


@given(st.integers(1, 20_000), st.integers(1, 20_000))
def test_a_reference_is_never_more_than_1536_tokens(width: int, height: int) -> None:
    assert 1 <= image_tokens(Size(width, height)) <= 1536


@pytest.mark.parametrize(
    ("size", "quality", "dollars"),
    [
        ("1024x1024", "low", "0.01088"),
        ("1024x1536", "medium", "0.06336"),
        ("1536x1024", "high", "0.24832"),
    ],
)
def test_the_first_model_costs_what_its_table_says(size: str, quality: str, dollars: str) -> None:
    shape = parse_size(size)
    assert shape is not None
    tokens = output_tokens(MODELS["gpt-image-1"], shape, quality).expected
    assert cost("gpt-image-1", Usage(0, 0, tokens)) == Money.from_usd(Decimal(dollars))


@pytest.mark.parametrize("quality", ["low", "medium"])
def test_2_6_is_a_range_from_2_5_up_to_its_own_high(quality: str) -> None:
    new, old = MODELS["gpt-image-2.6-flare"], MODELS["gpt-image-2.5-flare"]
    for name in THREE_SIZES:
        size = parse_size(name)
        assert size is not None
        tokens = output_tokens(new, size, quality)
        assert tokens.low == output_tokens(old, size, quality).low
        assert tokens.low < tokens.expected < tokens.high
        assert tokens.high <= output_tokens(old, size, "high").high


def test_text_is_a_quarter_of_its_bytes_and_never_more_than_all_of_them() -> None:
    tokens = text_tokens("a red fox")
    assert (tokens.expected, tokens.high) == (3 + 6, 9 + 6)
    assert text_tokens("狐").high == 3 + 6


# --- the bill ---------------------------------------------------------------------------------


def test_a_bill_is_rounded_up_to_a_micro_dollar() -> None:
    assert cost("gpt-image-1-mini", Usage(0, 1, 0)) == Money(3)
    assert cost("gpt-image-2", Usage(9, 1024, 1756)) == Money(9 * 5 + 1024 * 8 + 1756 * 30)


def test_an_unknown_model_has_no_price() -> None:
    assert cost("my-deployment", Usage(1, 1, 1)) is None
    assert upper_bound(job(model="my-deployment")) is None


@pytest.mark.parametrize("name", [name for name in MODELS if "2.6" not in name])
def test_an_independent_price_list_agrees(name: str) -> None:
    usage = Usage(text_tokens=1_000, image_tokens=2_000, output_tokens=7_000)
    priced = calc_price(
        PricedUsage(
            input_tokens=3_000,
            input_text_tokens=1_000,
            input_image_tokens=2_000,
            output_tokens=7_000,
            output_image_tokens=7_000,
        ),
        name,
        provider_id="openai",
        genai_request_timestamp=datetime(2026, 9, 30, tzinfo=UTC),
    )
    assert cost(name, usage) == Money.from_usd(priced.total_price)


# --- estimates --------------------------------------------------------------------------------

MODEL_NAMES = st.sampled_from(sorted(MODELS))


@st.composite
def jobs(draw: st.DrawFn) -> Job:
    model = MODELS[draw(MODEL_NAMES)]
    shape = nearest_size(Size(draw(st.integers(1, 4_000)), draw(st.integers(1, 4_000))))
    size = st.sampled_from(["auto", *THREE_SIZES, *([str(shape)] if model.free_size else [])])
    return Job(
        prompt=draw(st.text(st.characters(exclude_categories=["Cs"]), min_size=1)),
        model=model.name,
        size=draw(size),
        quality=draw(st.sampled_from(["auto", *model.qualities])),
        sample_count=draw(st.integers(1, 10)),
        reference_image_path=draw(st.none() | st.just(("a.png", "b.png"))),
    )


@given(st.lists(jobs(), min_size=1, max_size=4))
def test_the_lowest_is_never_above_the_expected_nor_that_above_the_highest(
    wanted: list[Job],
) -> None:
    bill = estimate(batch(*wanted))
    for costs in (bill.total, *(each.cost for each in bill.jobs)):
        assert costs.low is not None
        assert costs.expected is not None
        assert costs.high is not None
        assert costs.low <= costs.expected <= costs.high


@given(jobs(), st.data())
def test_no_bill_is_above_the_upper_bound(wanted: Job, data: st.DataObject) -> None:
    """Whatever size and quality the server chooses, and however the tokenizer cuts the prompt."""
    model, most = MODELS[wanted.model], upper_bound(wanted)
    assert most is not None
    size = parse_size(wanted.size) or parse_size(data.draw(st.sampled_from(THREE_SIZES)))
    assert size is not None
    qualities = model.qualities if wanted.quality == "auto" else (wanted.quality,)
    tokens = output_tokens(model, size, data.draw(st.sampled_from(qualities)))
    reference = st.builds(Size, st.integers(1, 9_000), st.integers(1, 9_000)).map(image_tokens)
    usage = Usage(
        text_tokens=data.draw(st.integers(1, len(wanted.prompt.encode()))) + 6,
        image_tokens=sum(data.draw(reference) for _ in wanted.references),
        output_tokens=data.draw(st.integers(tokens.low, tokens.high)),
    )
    bill = cost(wanted.model, usage)
    assert bill is not None
    assert bill <= most


@pytest.mark.parametrize("quality", MODELS["gpt-image-2.5-flare"].qualities)
def test_auto_is_estimated_from_the_cheapest_to_the_dearest(quality: str) -> None:
    (auto,) = estimate(batch(job(size="auto", quality="auto"))).jobs
    (exact,) = estimate(batch(job(quality=quality))).jobs
    assert auto.cost.low is not None
    assert exact.cost.low is not None
    assert auto.cost.high is not None
    assert exact.cost.high is not None
    assert auto.cost.low <= exact.cost.low
    assert exact.cost.high <= auto.cost.high
    (medium,) = estimate(batch(job(quality="medium"))).jobs
    assert auto.cost.expected == medium.cost.expected


def test_every_image_is_billed_with_its_own_input() -> None:
    one = estimate(batch(job())).total
    ten = estimate(batch(job(sample_count=10))).total
    assert one.high is not None
    assert ten.high == one.high * 10
    assert estimate(batch(job(), job())).total.high == one.high * 2


def test_a_mask_is_reserved_as_if_it_were_an_image() -> None:
    edit = job(operation="edit", reference_image_path=("a.png",))
    masked = edit.model_copy(update={"mask_image_path": "m.png"})
    plain, careful = upper_bound(edit), upper_bound(masked)
    assert plain is not None
    assert careful == plain + Money(1536 * 8)
    assert estimate(batch(masked)).total.expected == estimate(batch(edit)).total.expected


def test_the_minis_rounded_prices_are_reserved_with_what_the_rounding_hides() -> None:
    most = upper_bound(job(model="gpt-image-1-mini", prompt="x"))
    assert most is not None
    assert most >= Money.from_usd(Decimal("0.0055"))


def test_a_retry_that_may_be_billed_is_in_the_upper_bound_from_the_start() -> None:
    careful = estimate(batch(job())).total
    bold = estimate(
        batch(job(), retry_policy=RetryPolicy(max_retries=3, retry_in_doubt=True))
    ).total
    assert careful.high is not None
    assert bold.high == careful.high * 4
    assert bold.expected == careful.expected


def test_a_model_without_a_price_makes_the_total_unknown_and_says_so() -> None:
    bill = estimate(batch(job(), job(model="my-deployment")))
    assert (bill.total.low, bill.total.expected, bill.total.high) == (None, None, None)
    assert bill.warnings == (
        "no price is known for the model my-deployment: its cost cannot be estimated",
    )


def test_a_batch_that_is_longer_than_its_timeout_is_warned_of() -> None:
    slow = batch(*[job(sample_count=10)] * 10, timeout=60_000)
    (warning,) = estimate(slow, images_per_minute=5).warnings
    assert "timeout" in warning


@given(st.integers(1, 10), st.integers(1, 10), st.integers(1, 500))
def test_pacing_never_makes_a_batch_faster(width: int, samples: int, pace: int) -> None:
    assume(samples * width > 1)
    config = batch(*[job(sample_count=samples)] * width, max_concurrent=width)
    assert estimate(config, images_per_minute=pace).seconds >= estimate(config).seconds


def test_the_estimate_in_json_has_the_documented_shape() -> None:
    bill = estimate(batch(job(sample_count=2)))
    assert estimate_json(bill) == {
        "model": "gpt-image-2.5-flare",
        "images": 2,
        "cost": {"low": 0.01183, "expected": 0.01185, "high": 0.01191},
        "jobs": [
            {
                "index": 0,
                "model": "gpt-image-2.5-flare",
                "images": 2,
                "output_tokens": {"low": 392, "expected": 392, "high": 392},
                "input_tokens": {
                    "text": {"low": 14, "expected": 18, "high": 30},
                    "image": {"low": 0, "expected": 0, "high": 0},
                },
                "cost": {"low": 0.01183, "expected": 0.01185, "high": 0.01191},
            }
        ],
        "seconds": 12,
        "warnings": [],
    }


def test_an_unknown_cost_is_null_in_json() -> None:
    shown = json.loads(json.dumps(estimate_json(estimate(batch(job(model="my-deployment"))))))
    assert shown["cost"] == {"low": None, "expected": None, "high": None}
    assert shown["jobs"][0]["output_tokens"] is None
