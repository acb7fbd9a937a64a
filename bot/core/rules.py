"""What the operator allows: who may command, how much may be spent, and a batch's defaults."""

from dataclasses import dataclass, field

from bot.core.language import Choice
from bot.core.parse import Around
from bot.core.policy import SETTINGS, AllowList, Limits
from bot.core.ports import Role
from bot.core.pricing import BUILT_IN, PriceBook
from bot.core.run import Wish


@dataclass(frozen=True, slots=True)
class Rules:
    """What the operator allows, and the defaults of a batch that says nothing.

    Whoever spends needs the role and must be on each of the lists; a bot needs its id in `bots`
    instead, since it has no role that GitHub tells. A repository can take ids out of them.
    """

    owners: frozenset[str]
    min_role: Role = Role.WRITE
    lists: tuple[AllowList, ...] = ()
    bots: frozenset[int] = frozenset()
    limits: Limits = field(default_factory=Limits)
    run_cap: str = SETTINGS["run"]  # where the limit of one run is set
    max_images: int | None = None  # in one batch
    around: Around = field(default_factory=Around)
    images_per_minute: int | None = None
    prices: PriceBook = BUILT_IN
    language: Choice = "en"
    destination: Wish | None = None  # None: wherever the operator wants the files
    ours: int | None = None  # the id of our own App, which is never obeyed
