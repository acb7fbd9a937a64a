"""The image models: what each accepts, what its tokens cost, and until when it is served.

Source: OpenAI's pages on image generation and pricing, November 2026. The list can lag behind the
world, so an unknown model is warned about and never refused.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import Literal

from bot.core.said import said

DEFAULT_MODEL = "gpt-image-2.5-flare"

Family = Literal["2", "2.5", "2.6", "1.5", "1", "mini"]

THREE_SIZES = ("1024x1024", "1536x1024", "1024x1536")
"""The sizes of the older models, and the standard ones of all."""


@dataclass(frozen=True, slots=True)
class TokenPrices:
    """USD per million tokens."""

    text_in: Decimal
    image_in: Decimal
    image_out: Decimal


@dataclass(frozen=True, slots=True)
class Model:
    """One model by its name in the API.

    `sizes` is None where any size is accepted that `size_problem` has nothing against.
    `input_fidelity` lists the values that may be sent. `shutdown` is the first day without it.
    """

    name: str
    family: Family
    prices: TokenPrices
    qualities: tuple[str, ...]
    sizes: tuple[str, ...] | None = None
    input_fidelity: tuple[str, ...] = ()
    shutdown: date | None = None
    successor: str | None = None
    approximate: bool = False  # no published formula: its estimates are ranges
    offline_batch: bool | None = None  # half the price within 24 h; None is unknown

    @property
    def free_size(self) -> bool:
        """Whether any size is accepted that keeps the rule."""
        return self.sizes is None


_NEW = TokenPrices(Decimal(5), Decimal(8), Decimal(30))
_OLD = TokenPrices(Decimal(5), Decimal(8), Decimal(32))
_FIRST = TokenPrices(Decimal(5), Decimal(10), Decimal(40))
_MINI = TokenPrices(Decimal(2), Decimal("2.5"), Decimal(8))

_THREE_QUALITIES = ("low", "medium", "high")
_FIVE_QUALITIES = (*_THREE_QUALITIES, "xhigh", "max")
_DECEMBER = date(2026, 12, 1)


def _free(
    name: str, family: Family, *, approximate: bool = False, offline_batch: bool | None = None
) -> Model:
    qualities = _THREE_QUALITIES if family == "2" else _FIVE_QUALITIES
    return Model(
        name, family, _NEW, qualities, approximate=approximate, offline_batch=offline_batch
    )


def _fixed(
    name: str, family: Family, prices: TokenPrices, shutdown: date, fidelity: tuple[str, ...]
) -> Model:
    return Model(
        name,
        family,
        prices,
        _THREE_QUALITIES,
        sizes=THREE_SIZES,
        input_fidelity=fidelity,
        shutdown=shutdown,
        successor=DEFAULT_MODEL,
    )


_ALL = (
    _free("gpt-image-2.6-flare", "2.6", approximate=True),
    _free("gpt-image-2.6-sunburst", "2.6", approximate=True),
    _free("gpt-image-2.5-flare", "2.5", offline_batch=False),
    _free("gpt-image-2.5-flare-2026-09-08", "2.5", offline_batch=False),
    _free("gpt-image-2.5-sunburst", "2.5", offline_batch=False),
    _free("gpt-image-2.5-sunburst-2026-09-08", "2.5", offline_batch=False),
    _free("gpt-image-2", "2", offline_batch=True),
    _free("gpt-image-2-2026-04-21", "2", offline_batch=True),
    _fixed("gpt-image-1.5", "1.5", _OLD, _DECEMBER, ("low", "high")),
    _fixed("chatgpt-image-latest", "1.5", _OLD, _DECEMBER, ("low", "high")),
    _fixed("gpt-image-1-mini", "mini", _MINI, _DECEMBER, ("low",)),
    _fixed("gpt-image-1", "1", _FIRST, date(2026, 10, 23), ("low", "high")),
)

MODELS: Mapping[str, Model] = MappingProxyType({model.name: model for model in _ALL})
"""Every known model by its name, the newest first."""

# --- free sizes -------------------------------------------------------------------------------

_STEP = 16
_LONGEST = 3840
_LEAST_PIXELS, _MOST_PIXELS = 655_360, 8_294_400
_STEEPEST = 3
_EXPERIMENTAL = 2560 * 1440
_SIZE = re.compile(r"([1-9][0-9]{0,4})x([1-9][0-9]{0,4})")


@dataclass(frozen=True, slots=True)
class Size:
    """A picture's width and height in pixels."""

    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"

    @property
    def pixels(self) -> int:
        """Its area."""
        return self.width * self.height

    @property
    def experimental(self) -> bool:
        """Accepted, but OpenAI promises nothing above 2560x1440."""
        return self.pixels > _EXPERIMENTAL


def parse_size(text: str) -> Size | None:
    """The size that `WIDTHxHEIGHT` names; None for anything else."""
    found = _SIZE.fullmatch(text)
    return Size(int(found[1]), int(found[2])) if found else None


def size_problem(size: Size) -> str:
    """What is wrong with a free size, or nothing ("")."""
    long, short = max(size.width, size.height), min(size.width, size.height)
    if size.width % _STEP or size.height % _STEP:
        return said("width and height must be multiples of {step}", step=_STEP)
    if long > _LONGEST:
        return said("no edge may be longer than {most}", most=_LONGEST)
    if long > _STEEPEST * short:
        return said("the long edge may be at most {most} times the short one", most=_STEEPEST)
    if not _LEAST_PIXELS <= size.pixels <= _MOST_PIXELS:
        return said(
            "it must have {least:,} to {most:,} pixels", least=_LEAST_PIXELS, most=_MOST_PIXELS
        )
    return ""


def nearest_size(size: Size) -> Size:
    """A size near this one that is accepted: 1920x1088 for 1920x1080."""
    width, height = float(max(size.width, 1)), float(max(size.height, 1))
    if width > _STEEPEST * height:
        height = width / _STEEPEST
    if height > _STEEPEST * width:
        width = height / _STEEPEST
    least, most = (
        (_LEAST_PIXELS / (width * height)) ** 0.5,
        (_MOST_PIXELS / (width * height)) ** 0.5,
    )
    scale = min(max(1.0, least), most, _LONGEST / max(width, height))
    return _rounded(width * scale, height * scale)


def _rounded(width: float, height: float) -> Size:
    """The nearest grid point, or the first one around it that keeps the rule."""
    column, row = round(width / _STEP), round(height / _STEP)
    around = sorted(
        ((dx, dy) for dx in range(-3, 4) for dy in range(-3, 4)),
        key=lambda d: (
            abs((column + d[0]) * _STEP - width) + abs((row + d[1]) * _STEP - height),
            -d[0] - d[1],  # of two as near, the larger
        ),
    )
    near = (Size((column + dx) * _STEP, (row + dy) * _STEP) for dx, dy in around)
    valid = (size for size in near if size.width > 0 < size.height and not size_problem(size))
    return next(valid, Size(1024, 1024))
