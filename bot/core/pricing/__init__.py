"""What images cost: before the call as a range, after it from the server's own usage figures."""

from bot.core.pricing.book import BUILT_IN, Price, PriceBook, parse_prices
from bot.core.pricing.costs import cost, upper_bound
from bot.core.pricing.estimates import (
    Estimate,
    InputTokens,
    JobEstimate,
    calls_in_doubt,
    estimate,
    estimate_json,
    estimate_text,
)
from bot.core.pricing.money import Costs, Money, Range
from bot.core.pricing.tokens import Tokens, Usage, image_tokens, output_tokens, text_tokens

__all__ = [
    "BUILT_IN",
    "Costs",
    "Estimate",
    "InputTokens",
    "JobEstimate",
    "Money",
    "Price",
    "PriceBook",
    "Range",
    "Tokens",
    "Usage",
    "calls_in_doubt",
    "cost",
    "estimate",
    "estimate_json",
    "estimate_text",
    "image_tokens",
    "output_tokens",
    "parse_prices",
    "text_tokens",
    "upper_bound",
]
