"""`gptimage models`: what can be asked for, what it costs, and until when."""

from collections.abc import Iterable, Mapping

from rich.cells import cell_len

from bot.core.catalog import DEFAULT_MODEL, MODELS, TokenPrices
from bot.core.pricing import Money, Price
from bot.core.said import said
from bot.entrypoints.console import words

_OWN = said("your own price")
_WIDTHS = (7, 8, 9)  # of the columns of prices


def rows(own: Mapping[str, Price]) -> Iterable[Mapping[str, object]]:
    """Every known model, and those that the operator gives a price.

    Prices are US dollars per million tokens, or per image.
    """
    return [_row(name, own) for name in _names(own)]


def _names(own: Mapping[str, Price]) -> Iterable[str]:
    return dict.fromkeys([*MODELS, *own])


def _price(name: str, own: Mapping[str, Price]) -> Price:
    return own[name] if name in own else MODELS[name].prices


def _row(name: str, own: Mapping[str, Price]) -> Mapping[str, object]:
    model = MODELS.get(name)
    return {
        "model": name,
        "default": name == DEFAULT_MODEL,
        "qualities": model and model.qualities,
        "sizes": model and (model.sizes or "free"),
        "prices": _dollars(_price(name, own)),
        "own_price": name in own,
        "shutdown": model and model.shutdown and model.shutdown.isoformat(),
        "successor": model and model.successor,
    }


def _dollars(price: Price) -> Mapping[str, float]:
    match price:
        case Money():
            return {"per_image": float(price.usd)}
        case TokenPrices(text, image, out):
            return {"text_in": float(text), "image_in": float(image), "image_out": float(out)}


def text(own: Mapping[str, Price]) -> str:
    """The same for a person, one line each."""
    width = max(map(len, _names(own)))
    columns = words(said("text in  image in  image out  USD per million tokens"))
    head = _aligned(words(said("model")), width) + f"  {columns}"
    return "\n".join([head, *(_line(name, own, width) for name in _names(own))])


def _aligned(text: str, width: int) -> str:
    """As wide as the column; Japanese takes two places a character."""
    return text + " " * (width - cell_len(text))


def _line(name: str, own: Mapping[str, Price], width: int) -> str:
    model, columns, note = MODELS.get(name), *_shown(_price(name, own))
    notes = [
        note,
        _OWN if name in own else "",
        said("the default") if name == DEFAULT_MODEL else "",
        said("shut down on {day}", day=model.shutdown) if model and model.shutdown else "",
    ]
    told = ", ".join(map(words, filter(None, notes)))
    amounts = "  ".join(f"{cell:>{size}}" for cell, size in zip(columns, _WIDTHS, strict=True))
    return f"{name:<{width}}  {amounts}  {told}".rstrip()


def _shown(price: Price) -> tuple[tuple[str, str, str], str]:
    """The columns of prices by tokens, and the note on one that goes by images."""
    match price:
        case Money():
            return ("–", "–", "–"), said("{price} an image", price=price)
        case TokenPrices(text, image, out):
            return (f"{text}", f"{image}", f"{out}"), ""
