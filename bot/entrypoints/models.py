"""`gptimage models`: what can be asked for, what it costs, and until when."""

from collections.abc import Iterable, Mapping

from bot.core.catalog import DEFAULT_MODEL, MODELS, Model


def rows() -> Iterable[Mapping[str, object]]:
    """Every known model; prices are US dollars per million tokens."""
    return [
        {
            "model": model.name,
            "default": model.name == DEFAULT_MODEL,
            "qualities": model.qualities,
            "sizes": model.sizes or "free",
            "prices": {
                "text_in": float(model.prices.text_in),
                "image_in": float(model.prices.image_in),
                "image_out": float(model.prices.image_out),
            },
            "shutdown": model.shutdown and model.shutdown.isoformat(),
            "successor": model.successor,
        }
        for model in MODELS.values()
    ]


def text() -> str:
    """The same for a person, one line each."""
    width = max(map(len, MODELS))
    head = f"{'model':<{width}}  text in  image in  image out  USD per million tokens"
    return "\n".join([head, *(_line(model, width) for model in MODELS.values())])


def _line(model: Model, width: int) -> str:
    prices = model.prices
    amounts = f"{prices.text_in:>7}  {prices.image_in:>8}  {prices.image_out:>9}"
    notes = [
        "the default" if model.name == DEFAULT_MODEL else "",
        f"shut down on {model.shutdown}" if model.shutdown else "",
    ]
    return f"{model.name:<{width}}  {amounts}  {', '.join(filter(None, notes))}".rstrip()
