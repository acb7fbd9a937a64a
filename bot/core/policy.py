"""Who may spend, and how much: decided on values, before anything is asked of anybody.

Budgets count ids, because logins can change hands; days and months are those of UTC.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta

from bot.core.batch import BatchConfig
from bot.core.errors import Reason, Refused
from bot.core.event import CommentEvent, run_id
from bot.core.ports import Cap, Heard, Role
from bot.core.pricing import Money
from bot.core.run import Person, Thread
from bot.core.said import said


@dataclass(frozen=True, slots=True)
class Proceed:
    """The event may hold a command for us."""


@dataclass(frozen=True, slots=True)
class Ignored:
    """The event is none of ours; `reason` is for the log, nobody is answered."""

    reason: str


def is_addressed(
    event: CommentEvent, *, ours: int | None = None, bots: AbstractSet[int] = frozenset()
) -> Proceed | Ignored:
    """Whether somebody said this in their own words; `ours` is the id of our own App.

    Bots run nothing, or two of them could answer each other, unless the operator names them by
    their ids: a login that ends in `[bot]` proves nothing. An edit counts only by the author:
    people with write access can put words into other people's comments.
    """
    if ours is not None and event.app == ours:
        return Ignored("our own comment")
    if event.sender_type != "User" and event.sender.id not in bots:
        return Ignored("sent by a bot")
    if event.sender.id != event.author.id:
        return Ignored("edited by somebody else")
    return Proceed()


def is_named(person: Person, names: AbstractSet[str]) -> bool:
    """Whether one of the names, which are logins or ids, is this account's.

    A name of digits is an id: otherwise a stranger could take somebody's id for a login.
    """
    if str(person.id) in names:
        return True
    logins = {name.casefold() for name in names if not name.isdecimal()}
    return person.login.casefold() in logins


def decide_owner(owner: Person, owners: AbstractSet[str]) -> None:
    """Refuse an account that the operator does not serve; `owners` are logins or ids.

    Anybody can install a public App, and would spend the operator's money.
    """
    if not is_named(owner, owners):
        message = said("This bot does not work for {owner}.", owner=owner.login)
        raise Refused(Reason.OWNER, message)


def decide_author(author: Person, role: Role, min_role: Role) -> None:
    """Refuse an author without the role; who has none in the repository is never enough."""
    if role < max(min_role, Role.READ):
        raise Refused(
            Reason.PERMISSION,
            said(
                "{person} needs the {role} role in this repository.",
                person=author.login,
                role=min_role.name.lower(),
            ),
        )


@dataclass(frozen=True, slots=True)
class AllowList:
    """Who is meant: people by login or id, and those who are in one of the teams (`org/team`)."""

    people: frozenset[str] = frozenset()
    teams: frozenset[str] = frozenset()

    def names(self, person: Person) -> bool:
        """Whether the person is named."""
        return is_named(person, self.people)

    def teams_of(self, owner: Person) -> Sequence[str]:
        """Those teams of whose members an installation of the owner can know."""
        prefix = f"{owner.login.casefold()}/"
        return sorted(team for team in self.teams if team.casefold().startswith(prefix))


def decide_list(author: Person, *, listed: bool) -> None:
    """Refuse an author who is missing on a list that there is."""
    if not listed:
        message = said("{person} is not on the list of those who may spend.", person=author.login)
        raise Refused(Reason.PERMISSION, message)


# --- too much ---------------------------------------------------------------------------------

LISTENING = timedelta(minutes=10)
QUIET = timedelta(hours=1)
_MOST_COMMANDS, _MOST_BY_BOTS = 20, 5


def is_too_much(heard: Heard) -> bool:
    """Whether what a thread heard in ten minutes looks like programs that answer each other.

    Two of them can spend a fortune in a night, and one may well have a person's account.
    """
    return heard.commands > _MOST_COMMANDS or heard.by_bots > _MOST_BY_BOTS


# --- budgets ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that may be spent in each scope; None is no limit."""

    run: Money | None = None
    person_day: Money | None = None
    repository_day: Money | None = None
    installation_month: Money | None = None
    server_day: Money | None = None
    person_repository_day: Money | None = None  # of one person, in the repository alone


SETTINGS = {
    "run": "GPTIMAGE_MAX_COST_PER_RUN",
    "person_day": "GPTIMAGE_MAX_COST_PER_PERSON_AND_DAY",
    "repository_day": "GPTIMAGE_MAX_COST_PER_REPOSITORY_AND_DAY",
    "installation_month": "GPTIMAGE_MAX_COST_PER_INSTALLATION_AND_MONTH",
    "server_day": "GPTIMAGE_MAX_COST_PER_DAY",
}
"""Which setting holds which limit, for the sentences that refuse."""


def narrow(limits: Limits, other: Limits) -> Limits:
    """The lower of both in every scope: who narrows can never widen."""
    return Limits(
        **{f.name: _lower(getattr(limits, f.name), getattr(other, f.name)) for f in fields(Limits)}
    )


def _lower(one: Money | None, other: Money | None) -> Money | None:
    amounts = [amount for amount in (one, other) if amount is not None]
    return min(amounts, default=None)


def caps(thread: Thread, author: Person, now: datetime, limits: Limits) -> tuple[Cap, ...]:
    """The caps under which the run of this comment must be reserved."""
    day, month = f"{now.astimezone(UTC):%Y-%m-%d}", f"{now.astimezone(UTC):%Y-%m}"
    scopes = (
        (said("one run"), f"run:{run_id(thread)}", "always", limits.run),
        (
            said("{person} in one day", person=author.login),
            f"person:{author.id}",
            day,
            limits.person_day,
        ),
        (
            said("{person} in this repository in one day", person=author.login),
            f"person:{author.id}/repository:{thread.repository_id}",
            day,
            limits.person_repository_day,
        ),
        (
            said("this repository in one day"),
            f"repository:{thread.repository_id}",
            day,
            limits.repository_day,
        ),
        (
            said("this installation in one month"),
            f"installation:{thread.installation}",
            month,
            limits.installation_month,
        ),
        (said("this server in one day"), "server", day, limits.server_day),
    )
    return tuple(
        Cap(name, scope, window, limit)
        for name, scope, window, limit in scopes
        if limit is not None
    )


def cap_of(batch: BatchConfig) -> Money | None:
    """The most that its author wants to pay for the batch."""
    return None if batch.max_cost is None else Money.from_usd(batch.max_cost)


def decide_budget(
    upper_bound: Money | None,
    limits: Limits,
    max_cost: Money | None = None,
    *,
    run_cap: str = SETTINGS["run"],
) -> None:
    """Refuse a run that could cost more than one run may, or than its author wants.

    `run_cap` is where the limit of one run is set, for the sentence that refuses. An unknown price
    runs only where nothing is capped, because no cap could be kept.
    """
    if upper_bound is None:
        return _refuse_unpriced(limits, max_cost)
    for limit, setting in ((limits.run, run_cap), (max_cost, "max_cost")):
        if limit is not None and upper_bound > limit:
            raise Refused(
                Reason.BUDGET,
                said(
                    "This batch could cost up to {amount}; {setting} allows {limit}."
                    " Ask for fewer images, a smaller size or a lower quality.",
                    amount=upper_bound,
                    setting=setting,
                    limit=limit,
                ),
            )
    return None


def decide_images(images: int, most: int | None) -> None:
    """Refuse a batch of more images than the repository wants in one."""
    if most is not None and images > most:
        raise Refused(
            Reason.BUDGET,
            said(
                "This batch has {images} images, and max_images allows {most}."
                " Split it, or ask for fewer.",
                images=images,
                most=most,
            ),
        )


def _refuse_unpriced(limits: Limits, max_cost: Money | None) -> None:
    amounts = [getattr(limits, f.name) for f in fields(Limits)]
    if any(amount is not None for amount in (*amounts, max_cost)):
        raise Refused(
            Reason.PRICE,
            said(
                "No price is known for this model, so no spending cap could be kept."
                " Whoever runs this can give its price in GPTIMAGE_PRICES."
            ),
        )
