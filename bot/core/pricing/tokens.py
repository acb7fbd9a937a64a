"""How many tokens a picture, a prompt and a reference image take.

Formulas: OpenAI's calculator, November 2026.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, isqrt

from bot.core.catalog import THREE_SIZES, Model, Size
from bot.core.pricing.money import Range

Tokens = Range[int]


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call, as the server counted them."""

    text_tokens: int
    image_tokens: int
    output_tokens: int


# --- output tokens ----------------------------------------------------------------------------

_GRID: Mapping[str, Mapping[str, int]] = {
    "2": {"low": 16, "medium": 48, "high": 96},
    "2.5": {"low": 16, "medium": 24, "high": 48, "xhigh": 64, "max": 96},
}

# The older models have a table instead of a formula, in the order of THREE_SIZES.
_TABLE: Mapping[str, Mapping[str, tuple[int, int, int]]] = {
    "1": {"low": (272, 400, 408), "medium": (1056, 1568, 1584), "high": (4160, 6208, 6240)},
    "1.5": {"low": (272, 400, 408), "medium": (1056, 1568, 1584), "high": (4160, 6208, 6240)},
    # Published per image: $.005/.006/.006, .011/.015/.015, .036/.052/.052 at $8 a million.
    "mini": {"low": (625, 750, 750), "medium": (1375, 1875, 1875), "high": (4500, 6500, 6500)},
}

# A price that is rounded to a tenth of a cent may hide half of it: 62.5 tokens of the mini.
_ROUNDED: Mapping[str, int] = {"mini": 63}

# 2.6 has no published formula: low and medium were measured at 1 to 4.5 times those of 2.5, never
# above its own high (third parties, November 2026).
_MEASURED_FACTOR = Fraction(9, 2)


def output_tokens(model: Model, size: Size, quality: str, n: int = 1) -> Tokens:
    """Tokens of `n` pictures; a range only where no formula is published."""
    if model.family in _TABLE:
        exact = n * _TABLE[model.family][quality][THREE_SIZES.index(str(size))]
        lost = n * _ROUNDED.get(model.family, 0)
        return Range(exact - lost, exact, exact + lost)
    exact = _formula(_GRID["2" if model.family == "2" else "2.5"][quality], size, n)
    if model.approximate and quality in {"low", "medium"}:
        most = min(ceil(exact * _MEASURED_FACTOR), _formula(_GRID["2.5"]["high"], size, n))
        return Range(exact, (exact + most) // 2, most)
    return Range(exact, exact, exact)


def _formula(grid: int, size: Size, n: int) -> int:
    long, short = max(size.width, size.height), min(size.width, size.height)
    rows = round(Fraction(grid * short, long))  # half to even, as the calculator does
    return ceil(Fraction(n * grid * rows * (2_000_000 + size.pixels), 4_000_000))


# --- input tokens -----------------------------------------------------------------------------

_PATCH = 16
MOST_PATCHES = 1536
_OVERHEAD = 6  # tokens of text a call has besides its prompt
_LONGEST_TOKEN = 128  # bytes; only runs of blanks come near it


def text_tokens(prompt: str) -> Tokens:
    """About a quarter of the bytes; never more than there are bytes."""
    size = len(prompt.encode())
    counts = ceil(size / _LONGEST_TOKEN), ceil(size / 4), size
    return Range(*(count + _OVERHEAD for count in counts))


def image_tokens(size: Size) -> int:
    """Tokens of one reference image of this size (models 2 and newer)."""
    long, short = max(size.width, size.height), min(size.width, size.height)
    scale = min(max(Fraction(512, long), Fraction(1, 2)), Fraction(1))
    width, height = long * scale, max(short * scale, long * scale / 3)
    patches = ceil(width / _PATCH) * ceil(height / _PATCH)
    if patches <= MOST_PATCHES:
        return patches
    shape = width / height
    return isqrt(int(MOST_PATCHES * shape)) * isqrt(int(MOST_PATCHES / shape))
