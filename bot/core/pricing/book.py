"""The price of a model: the built-in list, and over it what the operator says of other servers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import Annotated

from pydantic import BeforeValidator, Field, ValidationError

from bot.core import strict_json
from bot.core.batch import Part, exact
from bot.core.catalog import MODELS, TokenPrices
from bot.core.errors import BatchError, Problem
from bot.core.parse.words import complaint
from bot.core.pricing.money import Money
from bot.core.said import said

Price = TokenPrices | Money
"""By tokens, or the same for every picture."""

_LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class PriceBook:
    """Prices by the model's name; the operator's own outrank the built-in ones."""

    own: Mapping[str, Price] = field(default_factory=dict)

    def price(self, model: str) -> Price | None:
        """The price of a model; None where nobody knows it."""
        if model in self.own:
            return self.own[model]
        known = MODELS.get(model)
        return known.prices if known else None


BUILT_IN = PriceBook()
"""OpenAI's published prices, and no other."""


class _ByPicture(Part):
    per_image: Annotated[Decimal, BeforeValidator(exact), Field(ge=0, le=1_000)]


_PerMillion = Annotated[Decimal, BeforeValidator(exact), Field(ge=0, le=100_000)]


class _ByTokens(Part):
    text_in: _PerMillion
    image_in: _PerMillion
    image_out: _PerMillion


def parse_prices(text: str) -> PriceBook:
    """The operator's prices: `{"my-model": {"per_image": 0.04}}` in USD, or per million tokens.

    By tokens they are `{"text_in": 5, "image_in": 8, "image_out": 30}`, all three. Raises
    BatchError with every wrong price at once.
    """
    data, faults = strict_json.read(text)
    if not isinstance(data, Mapping):
        example = '{"my-model": {"per_image": 0.04}}'
        message = said("must be an object such as {example}", example=example)
        raise BatchError([Problem("", message)])
    problems = list(faults)
    own: dict[str, Price] = {}
    for name, entry in data.items():
        match _price(name, entry):
            case list() as wrong:
                problems += [each for each in wrong if each.path not in {p.path for p in faults}]
            case price:
                own[name] = price
    if problems:
        raise BatchError(problems)
    return PriceBook(own)


def _price(name: str, entry: object) -> Price | list[Problem]:
    path = strict_json.join("", name)
    if not 1 <= len(name) <= _LONGEST_NAME or not name.isprintable() or " " in name:
        return [Problem(path, said("must be the name of a model, without blanks"))]
    if not isinstance(entry, Mapping):
        hint = said("such as {example}", example='{"per_image": 0.04}')
        return [Problem(path, said("must be an object"), hint)]
    if "per_image" in entry and len(entry) > 1:
        message = said("has a price per image and more")
        return [Problem(path, message, said("give per_image alone, or tokens"))]
    kind: type[_ByPicture | _ByTokens] = (
        _ByPicture if "per_image" in entry or not entry else _ByTokens
    )
    try:
        found = kind.model_validate(entry)
    except ValidationError as error:
        place = partial(strict_json.join, path)
        return [complaint(kind, fault, place) for fault in error.errors(include_url=False)]
    match found:
        case _ByPicture(per_image=dollars):
            return Money.from_usd(dollars)
        case _ByTokens(text_in=text, image_in=image, image_out=out):
            return TokenPrices(text, image, out)
