"""What each simulated model accepts, and how many tokens its pictures take."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from math import isqrt
from types import MappingProxyType
from typing import TypeAlias

Size: TypeAlias = tuple[int, int]

THREE_SIZES: tuple[Size, ...] = ((1024, 1024), (1024, 1536), (1536, 1024))
PATCHES = 1536  # the most that one reference image is cut into

# Grids of OpenAI's own calculator: a picture is as many tokens as its grid has cells, scaled.
GRIDS_2: Mapping[str, int] = MappingProxyType({"low": 16, "medium": 48, "high": 96})
GRIDS_2_5: Mapping[str, int] = MappingProxyType(
    {"low": 16, "medium": 24, "high": 48, "xhigh": 64, "max": 96}
)

# Tokens for the three sizes in the order of THREE_SIZES.
TABLE_1: Mapping[str, tuple[int, ...]] = MappingProxyType(
    {"low": (272, 408, 400), "medium": (1056, 1584, 1568), "high": (4160, 6240, 6208)}
)
# The mini has a price per image: these are its prices at 8 dollars for a million tokens.
TABLE_MINI: Mapping[str, tuple[int, ...]] = MappingProxyType(
    {"low": (625, 750, 750), "medium": (1375, 1875, 1875), "high": (4500, 6500, 6500)}
)


@dataclass(frozen=True, slots=True)
class Grids:
    """Pictures of any size, counted by formula."""

    by_quality: Mapping[str, int]
    # 2.6 has no published formula; its cheap qualities were seen at 1 to 4.5 times those of 2.5.
    cheap_factor: int = 1

    def tokens(self, quality: str, size: Size, n: int) -> int:
        tokens = _cells(self.by_quality[quality], size, n)
        if quality in {"low", "medium"}:
            return min(tokens * self.cheap_factor, _cells(self.by_quality["high"], size, n))
        return tokens


@dataclass(frozen=True, slots=True)
class Table:
    """Pictures of three sizes, counted by a published table."""

    by_quality: Mapping[str, tuple[int, ...]]

    def tokens(self, quality: str, size: Size, n: int) -> int:
        return n * self.by_quality[quality][THREE_SIZES.index(size)]


@dataclass(frozen=True, slots=True)
class Model:
    name: str
    created: date
    counts: Grids | Table
    fidelities: tuple[str, ...] = ()
    shutdown: date | None = None

    @property
    def qualities(self) -> tuple[str, ...]:
        return (*self.counts.by_quality, "auto")

    def accepts(self, size: Size) -> bool:
        return free_size(size) if isinstance(self.counts, Grids) else size in THREE_SIZES

    def serves(self, today: date) -> bool:
        return self.shutdown is None or today < self.shutdown


def free_size(size: Size) -> bool:
    """Whether gpt-image-2 and later draw this size: sides by 16, at most 3840 and 3 to 1."""
    short, long = sorted(size)
    return (
        all(side > 0 and side % 16 == 0 for side in size)
        and long <= min(3840, 3 * short)
        and 655_360 <= short * long <= 8_294_400
    )


def reference_tokens(size: Size) -> int:
    """Tokens of one reference image, by the formula of gpt-image-2 and 2.5.

    The older models are billed by it too: what they really took was never published whole.
    """
    long = max(size)
    scale = min(Fraction(1), max(Fraction(1, 2), Fraction(512, long)))
    width, height = (max(Fraction(side), Fraction(long, 3)) * scale for side in size)
    patches = -(-width // 16) * -(-height // 16)
    if patches <= PATCHES:
        return patches
    return isqrt(PATCHES * width // height) * isqrt(PATCHES * height // width)


def prompt_tokens(prompt: str) -> int:
    """About what the tokenizer counts, with the 6 that every call adds."""
    return -(-len(prompt.encode()) // 4) + 6


def _cells(grid: int, size: Size, n: int) -> int:
    short, long = sorted(size)
    cells = grid * round(Fraction(grid * short, long))
    return -(-n * cells * (2_000_000 + short * long) // 4_000_000)


def _family(counts: Grids, created: date, *names: str) -> list[Model]:
    return [Model(name, created, counts) for name in names]


_END_OF_1_5 = date(2026, 12, 1)

MODELS: Mapping[str, Model] = MappingProxyType(
    {
        model.name: model
        for model in [
            *_family(
                Grids(GRIDS_2_5, cheap_factor=2),
                date(2026, 11, 4),
                "gpt-image-2.6-flare",
                "gpt-image-2.6-sunburst",
            ),
            *_family(
                Grids(GRIDS_2_5),
                date(2026, 9, 8),
                "gpt-image-2.5-flare",
                "gpt-image-2.5-flare-2026-09-08",
                "gpt-image-2.5-sunburst",
                "gpt-image-2.5-sunburst-2026-09-08",
            ),
            *_family(Grids(GRIDS_2), date(2026, 4, 21), "gpt-image-2", "gpt-image-2-2026-04-21"),
            Model(
                "gpt-image-1.5", date(2025, 12, 16), Table(TABLE_1), ("low", "high"), _END_OF_1_5
            ),
            Model(
                "chatgpt-image-latest",
                date(2025, 12, 16),
                Table(TABLE_1),
                ("low", "high"),
                _END_OF_1_5,
            ),
            Model("gpt-image-1-mini", date(2025, 10, 6), Table(TABLE_MINI), ("low",), _END_OF_1_5),
            Model(
                "gpt-image-1",
                date(2025, 4, 23),
                Table(TABLE_1),
                ("low", "high"),
                date(2026, 10, 23),
            ),
        ]
    }
)
