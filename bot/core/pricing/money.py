"""Amounts of money, exact to the micro-dollar, and ranges of them."""

from dataclasses import dataclass
from decimal import ROUND_CEILING, Context, Decimal
from typing import Generic, TypeVar

_MICROS = 1_000_000
_UP = Context(rounding=ROUND_CEILING)


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """An exact amount of US dollars, in whole micro-dollars."""

    micros: int

    @classmethod
    def from_usd(cls, dollars: Decimal) -> "Money":
        """The amount; what is below a micro-dollar is rounded up. Raises ValueError for NaN."""
        if not dollars.is_finite() or dollars < 0:
            raise ValueError("an amount of money must be finite and not below zero")
        return cls(int(_UP.multiply(dollars, _MICROS).to_integral_value(ROUND_CEILING)))

    @property
    def usd(self) -> Decimal:
        """In dollars."""
        return Decimal(self.micros) / _MICROS

    def __add__(self, other: "Money") -> "Money":
        return Money(self.micros + other.micros)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.micros - other.micros)

    def __mul__(self, times: int) -> "Money":
        return Money(self.micros * times)

    def __str__(self) -> str:
        """Such as `$0.0132`: at least cents, and what is below them as far as four places."""
        amount = abs(self.usd).quantize(Decimal("0.0001"), ROUND_CEILING)
        sign = "-" if self.micros < 0 else ""
        return f"{sign}${amount:,.4f}".removesuffix("00")


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Range(Generic[T]):
    """Lowest, expected and highest; the highest is never below what is billed later."""

    low: T
    expected: T
    high: T


Costs = Range[Money | None]
