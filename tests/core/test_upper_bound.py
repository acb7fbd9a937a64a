"""The estimate against a bill that somebody else writes: the simulated image API's own formulas."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.batch import BatchConfig, Job, RetryPolicy
from bot.core.catalog import MODELS, THREE_SIZES, Size, TokenPrices, nearest_size, parse_size
from bot.core.pricing import (
    Estimate,
    Money,
    PriceBook,
    Usage,
    cost,
    estimate,
    estimate_text,
    text_tokens,
    upper_bound,
)
from bot.simulators.images import models as simulated
from bot.simulators.images.order import Order

PROMPTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)
SIDES = st.integers(1, 6_000)


@st.composite
def jobs(draw: st.DrawFn) -> Job:
    model = MODELS[draw(st.sampled_from(sorted(MODELS)))]
    free = str(nearest_size(Size(draw(SIDES), draw(SIDES))))
    references = tuple(f"{n}.png" for n in range(draw(st.integers(0, 3))))
    return Job(
        prompt=draw(PROMPTS),
        model=model.name,
        size=draw(st.sampled_from(["auto", *THREE_SIZES, *([free] if model.free_size else [])])),
        quality=draw(st.sampled_from(["auto", *model.qualities])),
        sample_count=draw(st.integers(1, 4)),
        reference_image_path=references or None,
    )


MILLION = st.decimals(0, 200, places=3)
PRICES = st.one_of(
    st.just(None),
    st.integers(0, 5_000_000).map(Money),
    st.builds(TokenPrices, MILLION, MILLION, MILLION),
)


@st.composite
def books(draw: st.DrawFn) -> PriceBook:
    """The operator's own prices of some models."""
    own = {name: draw(PRICES) for name in MODELS}
    return PriceBook({name: price for name, price in own.items() if price is not None})


def billed(job: Job, data: st.DataObject, book: PriceBook) -> Money:
    """What the simulated API bills for one image, in the size and quality that it chose."""
    size = parse_size(job.size) or parse_size(data.draw(st.sampled_from(THREE_SIZES)))
    assert size is not None
    qualities = MODELS[job.model].qualities if job.quality == "auto" else (job.quality,)
    order = Order(
        model=simulated.MODELS[job.model],
        prompt=job.prompt,
        n=1,
        size=(size.width, size.height),
        quality=data.draw(st.sampled_from(qualities)),
        output_format="png",
        transparent=False,
        compression=None,
        references=tuple(data.draw(st.tuples(SIDES, SIDES)) for _ in job.references),
    )
    usage = order.usage()
    details = usage["input_tokens_details"]
    bill = cost(
        job.model,
        Usage(details["text_tokens"], details["image_tokens"], usage["output_tokens"]),
        book,
    )
    assert bill is not None
    return bill


@given(st.lists(jobs(), min_size=1, max_size=3), books(), st.data())
def test_the_bill_is_never_outside_the_estimate(
    wanted: list[Job], book: PriceBook, data: st.DataObject
) -> None:
    total = estimate(BatchConfig(jobs=tuple(wanted)), book=book).total
    bill = Money(0)
    for job in wanted:
        for _ in range(job.sample_count):
            bill += billed(job, data, book)
    assert total.low is not None
    assert total.high is not None
    assert total.low <= bill <= total.high


@given(jobs(), st.integers(0, 5), books(), st.data())
def test_the_estimate_holds_when_every_repetition_is_billed(
    wanted: Job, retries: int, book: PriceBook, data: st.DataObject
) -> None:
    policy = RetryPolicy(max_retries=retries, retry_in_doubt=True)
    total = estimate(BatchConfig(jobs=(wanted,), retry_policy=policy), book=book).total
    bill = Money(0)
    for _ in range(wanted.sample_count * (1 + retries)):
        bill += billed(wanted, data, book)
    assert total.high is not None
    assert bill <= total.high


@given(jobs(), books(), st.data())
def test_the_intent_of_one_call_is_never_below_its_bill(
    wanted: Job, book: PriceBook, data: st.DataObject
) -> None:
    most = upper_bound(wanted, book)
    assert most is not None
    assert billed(wanted, data, book) <= most


@given(jobs(), SIDES, SIDES)
def test_known_references_narrow_the_estimate(wanted: Job, width: int, height: int) -> None:
    config = BatchConfig(jobs=(wanted,))
    sizes = dict.fromkeys(wanted.references, Size(width, height))
    known, unknown = estimate(config, references=sizes).total, estimate(config).total
    assert known.low is not None
    assert unknown.low is not None
    assert known.expected is not None
    assert known.high is not None
    assert unknown.low <= known.low <= known.expected <= known.high
    assert known.high == unknown.high


# --- what the simulated API does not know -----------------------------------------------------


def job(**fields: Any) -> Job:
    return Job(**{"prompt": "a red fox", "size": "1024x1024", "quality": "low", **fields})


@pytest.mark.parametrize("prompt", [" " * 4_000, "a" * 4_000, "🦊" * 1_000, "x", "狐は赤い" * 100])
def test_text_is_at_least_its_longest_words_and_at_most_its_bytes(prompt: str) -> None:
    tokens = text_tokens(prompt)
    assert tokens.low <= tokens.expected <= tokens.high
    assert tokens.low <= len(prompt.encode()) // 64 + 7
    assert tokens.high == len(prompt.encode()) + 6


@pytest.mark.parametrize(
    ("size", "quality", "per_image", "by_tokens"),
    [
        ("1024x1024", "low", 11_000, 10_880),
        ("1536x1024", "low", 16_000, 16_000),
        ("1024x1536", "low", 16_000, 16_320),
        ("1024x1024", "medium", 42_000, 42_240),
        ("1536x1024", "medium", 63_000, 62_720),
        ("1024x1536", "medium", 63_000, 63_360),
        ("1024x1024", "high", 167_000, 166_400),
        ("1536x1024", "high", 250_000, 248_320),
        ("1024x1536", "high", 250_000, 249_600),
    ],
)
def test_the_first_model_is_expected_at_the_gateways_price_and_never_above_its_bound(
    size: str, quality: str, per_image: int, by_tokens: int
) -> None:
    wanted = job(model="gpt-image-1", size=size, quality=quality)
    text = text_tokens(wanted.prompt)
    total = estimate(BatchConfig(jobs=(wanted,))).total
    assert total.expected == Money(per_image + 5 * text.expected)
    assert total.high == Money(max(per_image, by_tokens) + 5 * text.high)
    assert total.low == Money(min(per_image, by_tokens) + 5 * text.low)


def test_a_closely_kept_reference_of_an_older_model_is_reserved_for() -> None:
    plain = upper_bound(job(model="gpt-image-1.5", reference_image_path=("a.png",)))
    close = upper_bound(
        job(model="gpt-image-1.5", reference_image_path=("a.png",), input_fidelity="high")
    )
    assert plain is not None
    assert close == plain + Money(6_240 * 8)


def test_a_mask_is_reserved_for_as_if_it_were_a_reference() -> None:
    fields: dict[str, Any] = {"operation": "edit", "reference_image_path": ("a.png",)}
    plain, masked = upper_bound(job(**fields)), upper_bound(job(**fields, mask_image_path="m.png"))
    assert plain is not None
    assert masked == plain + Money(1_536 * 8)


def text_of(*wanted: Job, **top: Any) -> str:
    bill: Estimate = estimate(BatchConfig(jobs=wanted, **top))
    return estimate_text(bill)


def test_the_estimate_in_text_has_a_line_for_each_job() -> None:
    assert text_of(job(), job(sample_count=2), job(model="my-deployment")).splitlines() == [
        "4 images with gpt-image-2.5-flare, my-deployment, about 18 seconds",
        "  job 1: 1 x, about $0.0060 (lowest $0.0060, at most $0.0060)",
        "  job 2: 2 x, about $0.0119 (lowest $0.0119, at most $0.0120)",
        "  job 3: 1 x, unknown",
        "Total: unknown",
    ]


@pytest.mark.parametrize(
    ("quality", "timeout", "said"),
    [
        ("low", 10_000, "about 12 seconds, longer than the timeout of 10 seconds"),
        ("max", 110_000, "about 2 minutes, longer than the timeout of 1.8 minutes"),
    ],
)
def test_a_timeout_that_is_too_short_is_named_with_both_times(
    quality: str, timeout: int, said: str
) -> None:
    bill = estimate(BatchConfig(jobs=(job(quality=quality),), timeout=timeout))
    (warning,) = bill.warnings
    assert said in warning


def test_the_newest_models_are_estimated_approximately() -> None:
    (warning,) = estimate(BatchConfig(jobs=(job(model="gpt-image-2.6-flare"),))).warnings
    assert "approximate" in warning
