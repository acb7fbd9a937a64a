"""What the operator allows."""

from dataclasses import dataclass, field

from bot.core.parse import Around
from bot.core.policy import Limits
from bot.core.ports import Role
from bot.core.pricing import BUILT_IN, PriceBook


@dataclass(frozen=True, slots=True)
class Rules:
    """What the operator allows, and the defaults of a batch that says nothing."""

    owners: frozenset[str]
    min_role: Role = Role.WRITE
    limits: Limits = field(default_factory=Limits)
    around: Around = field(default_factory=Around)
    images_per_minute: int | None = None
    prices: PriceBook = BUILT_IN
    ours: int | None = None  # the id of our own account, which is never obeyed
