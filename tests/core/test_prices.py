"""Prices that the operator gives: read strictly, used before and after the call, never guessed."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.batch import BatchConfig, Job, RetryPolicy
from bot.core.catalog import MODELS, TokenPrices
from bot.core.errors import BatchError
from bot.core.pricing import (
    BUILT_IN,
    Money,
    PriceBook,
    Range,
    Usage,
    cost,
    estimate,
    estimate_json,
    parse_prices,
    upper_bound,
)

OWN = '{"my-model": {"per_image": 0.04}}'
TOKENS = {"text_in": 1, "image_in": 2, "image_out": 3}
USAGE = Usage(text_tokens=10, image_tokens=20, output_tokens=30)


def job(**fields: Any) -> Job:
    return Job(**{"prompt": "a red fox", "size": "1024x1024", "quality": "low", **fields})


def book(**models: object) -> PriceBook:
    return parse_prices(json.dumps(models))


def problems(data: object) -> list[str]:
    with pytest.raises(BatchError) as caught:
        parse_prices(data if isinstance(data, str) else json.dumps(data))
    return [str(problem) for problem in caught.value.problems]


# --- what a price does ------------------------------------------------------------------------


def test_a_price_per_image_is_the_bill_whatever_the_usage() -> None:
    own, mine = parse_prices(OWN), job(model="my-model", sample_count=3)
    assert upper_bound(mine, own) == Money(40_000)
    assert cost("my-model", USAGE, own) == Money(40_000)
    bill = estimate(BatchConfig(jobs=(mine,)), book=own)
    assert bill.total == Range(Money(120_000), Money(120_000), Money(120_000))
    assert bill.warnings == ()


def test_a_price_per_image_counts_for_every_call_that_may_be_billed() -> None:
    policy = RetryPolicy(max_retries=2, retry_in_doubt=True)
    config = BatchConfig(jobs=(job(model="my-model"),), retry_policy=policy)
    assert estimate(config, book=parse_prices(OWN)).total.high == Money(120_000)


def test_a_price_by_tokens_is_known_only_after_the_call_where_nobody_counts_them() -> None:
    own, mine = book(mine=TOKENS), job(model="mine")
    assert cost("mine", USAGE, own) == Money(10 + 40 + 90)
    assert upper_bound(mine, own) is None
    bill = estimate(BatchConfig(jobs=(mine,)), book=own)
    assert bill.total == Range(None, None, None)
    assert bill.warnings == (
        "nobody knows how many tokens mine takes: only its bill tells the cost",
    )


@pytest.mark.parametrize("model", ["gpt-image-2", "gpt-image-1.5", "gpt-image-1"])
def test_an_own_price_outranks_the_built_in_one_before_and_after_the_call(model: str) -> None:
    own = book(**{model: TOKENS})
    assert cost(model, USAGE, own) == Money(140)
    mine, theirs = upper_bound(job(model=model), own), upper_bound(job(model=model))
    assert mine is not None
    assert theirs is not None
    assert mine < theirs


def test_a_known_model_at_a_price_per_image_is_not_approximate() -> None:
    name = "gpt-image-2.6-flare"
    config = BatchConfig(jobs=(job(model=name),))
    assert estimate(config).warnings
    assert estimate(config, book=book(**{name: {"per_image": 0.1}})).warnings == ()


def test_an_unknown_price_is_null_and_never_0() -> None:
    config = BatchConfig(jobs=(job(model="other"), job()))
    for prices in (BUILT_IN, parse_prices(OWN)):
        bill = estimate(config, book=prices)
        assert cost("other", USAGE, prices) is None
        assert upper_bound(job(model="other"), prices) is None
        assert estimate_json(bill)["cost"] == {"low": None, "expected": None, "high": None}
        assert bill.warnings == (
            "no price is known for the model other: its cost cannot be estimated",
        )


def test_a_server_of_ones_own_may_cost_nothing() -> None:
    free = book(mine={"per_image": 0})
    assert upper_bound(job(model="mine"), free) == Money(0)
    total: Any = estimate_json(estimate(BatchConfig(jobs=(job(model="mine"),)), book=free))["cost"]
    assert (total["low"], total["high"]) == (0.0, 0.0)


@given(st.sampled_from(sorted(MODELS)), st.integers(0, 10**6), st.integers(0, 10**6))
def test_the_built_in_book_has_the_prices_of_the_catalogue(model: str, text: int, out: int) -> None:
    prices = MODELS[model].prices
    again = PriceBook({model: TokenPrices(prices.text_in, prices.image_in, prices.image_out)})
    usage = Usage(text, 0, out)
    assert cost(model, usage) == cost(model, usage, again)


# --- how it is read ---------------------------------------------------------------------------


def test_a_price_is_the_decimal_that_was_typed() -> None:
    own = parse_prices(
        '{"a": {"per_image": 0.1}, "b": {"text_in": 0.3, "image_in": 0, "image_out": 8}}'
    )
    assert own.price("a") == Money(100_000)
    assert own.price("b") == TokenPrices(Decimal("0.3"), Decimal(0), Decimal(8))
    assert own.price("gpt-image-2") == MODELS["gpt-image-2"].prices
    assert own.price("c") is None
    assert parse_prices("{}") == BUILT_IN


@pytest.mark.parametrize(("name", "most"), [("per_image", 1_000), ("text_in", 100_000)])
def test_a_price_is_accepted_up_to_its_bounds_and_refused_beyond(name: str, most: int) -> None:
    beside = {} if name == "per_image" else TOKENS
    for bound in (0, most):
        assert book(mine={**beside, name: bound}).price("mine") is not None
    for beyond in (-0.01, most + 1):
        assert problems({"mine": {**beside, name: beyond}}) == [
            f"mine.{name}: must be 0 to {most:,} (it is {beyond})"
        ]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("[]", 'must be an object such as {"my-model": {"per_image": 0.04}}'),
        ('{"m": 0.04}', 'm: must be an object (such as {"per_image": 0.04})'),
        ('{"m": {}}', "m.per_image: is required"),
        ('{"m": {"per_image": "5"}}', "m.per_image: must be a number"),
        ('{"m": {"per_image": true}}', "m.per_image: must be a number"),
        ('{"m": {"per_image": NaN}}', "m.per_image: NaN is not a usable number"),
        ('{"m": {"per_image": 1e999}}', "m.per_image: 1e999 is not a usable number"),
        ('{"m": {"text_in": 1, "image_in": 1}}', "m.image_out: is required"),
        (
            '{"m": {"per_image": 1, "text_in": 1}}',
            "m: has a price per image and more (give per_image alone, or tokens)",
        ),
        ('{"": {"per_image": 1}}', "must be the name of a model, without blanks"),
        ('{"a b": {"per_image": 1}}', "a b: must be the name of a model, without blanks"),
        ('{"m": {"per_image": 1}, "m": {"per_image": 2}}', "m: this key is given more than once"),
    ],
)
def test_a_price_that_is_none_is_refused_by_name(data: str, said: str) -> None:
    assert problems(data) == [said]


def test_a_misspelled_kind_of_price_is_recognised() -> None:
    said = problems({"m": {**TOKENS, "image_ot": 3}})
    assert said == ['m.image_ot: is no field of this object (did you mean "image_out"?)']


def test_every_wrong_price_is_named_at_once() -> None:
    said = problems({"a": 1, "b": {"per_image": -1}, "c": {"per_image": 1}})
    assert [each.partition(":")[0] for each in said] == ["a", "b.per_image"]


@given(st.text() | st.recursive(st.none() | st.floats() | st.text(), st.lists).map(json.dumps))
def test_whatever_the_text_is_nothing_but_a_batch_error_is_raised(text: str) -> None:
    found: object
    try:
        found = parse_prices(text)
    except BatchError as error:
        found = error.problems
    assert found
