"""What one call costs: before it as a range, after it from the server's own usage figures.

Prices: OpenAI's pricing page, November 2026. A price in dollars per million tokens is the same
number in micro-dollars per token, so all sums are exact.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import partial
from math import ceil
from typing import TypeVar

from bot.core.batch import Job
from bot.core.catalog import MODELS, THREE_SIZES, Model, Size, TokenPrices, parse_size
from bot.core.pricing.book import BUILT_IN, PriceBook
from bot.core.pricing.money import Costs, Money, Range
from bot.core.pricing.tokens import (
    MOST_PATCHES,
    Tokens,
    Usage,
    image_tokens,
    output_tokens,
    text_tokens,
)

N = TypeVar("N", int, Decimal)
_Measure = Callable[[Model, Size, str], Range[N]]


def cost(model: str, usage: Usage, book: PriceBook = BUILT_IN) -> Money | None:
    """What a call with this usage is billed; None where no price is known."""
    match book.price(model):
        case TokenPrices() as prices:
            picture = usage.output_tokens * prices.image_out
            return _bill(prices, usage.text_tokens, usage.image_tokens, picture)
        case each:
            return each


def _bill(prices: TokenPrices, text: int, image: int, picture: Decimal) -> Money:
    return Money(ceil(text * prices.text_in + image * prices.image_in + picture))


def upper_bound(job: Job, book: PriceBook = BUILT_IN) -> Money | None:
    """The most that one call of this job can be billed; None where no price is known."""
    return call_costs(job, {}, book).high


def call_costs(job: Job, references: Mapping[str, Size], book: PriceBook) -> Costs:
    """The bill of one call with one image."""
    match book.price(job.model):
        case TokenPrices() as prices:
            known = MODELS.get(job.model)
            return _by_tokens(known, prices, job, references) if known else _UNKNOWN
        case each:
            return Range(each, each, each)


# A price by tokens says nothing before the call where no formula counts them.
_UNKNOWN: Costs = Range(None, None, None)


def _by_tokens(
    model: Model, prices: TokenPrices, job: Job, references: Mapping[str, Size]
) -> Costs:
    text, image = text_tokens(job.prompt), reference_tokens(job, references)
    picture = of_one_picture(model, job, partial(_picture_price, prices))
    return Range(
        _bill(prices, text.low, image.low, picture.low),
        _bill(prices, text.expected, image.expected, picture.expected),
        _bill(prices, text.high, image.high, picture.high),
    )


# --- the picture ------------------------------------------------------------------------------

# Only gateways still serve gpt-image-1, and some bill it by picture: micro-dollars, as in the guide
# of aihubmix and in the order of THREE_SIZES.
_PER_IMAGE: Mapping[str, Mapping[str, tuple[int, int, int]]] = {
    "1": {
        "low": (11_000, 16_000, 16_000),
        "medium": (42_000, 63_000, 63_000),
        "high": (167_000, 250_000, 250_000),
    },
}


def _picture_price(prices: TokenPrices, model: Model, size: Size, quality: str) -> Range[Decimal]:
    """What one picture adds to the bill, in micro-dollars."""
    tokens, price = output_tokens(model, size, quality), prices.image_out
    low, expected, high = tokens.low * price, tokens.expected * price, tokens.high * price
    if model.family in _PER_IMAGE and prices is model.prices:
        expected = Decimal(_PER_IMAGE[model.family][quality][THREE_SIZES.index(str(size))])
    return Range(min(low, expected), expected, max(high, expected))


def of_one_picture(model: Model, job: Job, measure: _Measure[N]) -> Range[N]:
    """Measured for one picture of the job, also where it leaves size or quality to the server."""
    size = parse_size(job.size)
    sizes = [size] if size else [Size(*map(int, name.split("x"))) for name in THREE_SIZES]
    qualities = model.qualities if job.quality == "auto" else (job.quality,)
    every = [measure(model, s, q) for s in sizes for q in qualities]
    usual = measure(model, sizes[0], "medium" if job.quality == "auto" else job.quality)
    return Range(min(t.low for t in every), usual.expected, max(t.high for t in every))


# --- its references ---------------------------------------------------------------------------

# What the older models count besides, at most, for a reference that is kept to closely: OpenAI's
# guide on images.
_HIGH_FIDELITY = 6240
# No page says whether a mask is billed as an image: expect not, and reserve as if.
_MASK = Range(0, 0, MOST_PATCHES)


def reference_tokens(job: Job, references: Mapping[str, Size]) -> Tokens:
    """Tokens of the images that one picture of the job is made from."""
    each = [_one_reference(job, references.get(path)) for path in job.references]
    if job.mask_image_path is not None:
        each.append(_MASK)
    return Range(sum(t.low for t in each), sum(t.expected for t in each), sum(t.high for t in each))


def _one_reference(job: Job, size: Size | None) -> Tokens:
    model = MODELS.get(job.model)
    if size is None or model is None or not model.free_size:
        more = _HIGH_FIDELITY if job.input_fidelity == "high" else 0
        return Range(1, MOST_PATCHES, MOST_PATCHES + more)
    exact = image_tokens(size)
    return Range(exact, exact, MOST_PATCHES)
