"""Who may spend, and how much."""
# ruff: noqa: E501  (a sentence is quoted as it is said)

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inline_snapshot import snapshot

from bot.core.errors import Reason, Refused
from bot.core.event import CommentEvent, run_id
from bot.core.policy import (
    AllowList,
    Ignored,
    Limits,
    Proceed,
    caps,
    decide_author,
    decide_budget,
    decide_list,
    decide_owner,
    is_addressed,
    narrow,
)
from bot.core.ports import Cap, Role
from bot.core.pricing import Money
from bot.core.run import Person, Thread

ANN, BOB, BOT = Person(1, "ann"), Person(2, "bob"), Person(3, "renovate[bot]")
NOW = datetime(2026, 11, 21, 23, 59, 59, tzinfo=UTC)
THREAD = Thread(
    installation=7, repository_id=70, repository="acme/art", private=False, issue=3, comment=700
)
EVENT = CommentEvent(
    action="created",
    body="/batch",
    thread=THREAD,
    author=ANN,
    sender=ANN,
    sender_type="User",
    owner=Person(9, "Acme"),
    default_branch="main",
    comment_created_at=NOW,
)


def usd(amount: str) -> Money:
    return Money.from_usd(Decimal(amount))


def refusal(upper_bound: Money | None, limits: Limits, max_cost: Money | None = None) -> Refused:
    with pytest.raises(Refused) as caught:
        decide_budget(upper_bound, limits, max_cost)
    return caught.value


# --- who --------------------------------------------------------------------------------------


def test_a_person_is_heard() -> None:
    assert is_addressed(EVENT, ours=99) == Proceed()
    assert is_addressed(replace(EVENT, action="edited")) == Proceed()


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (replace(EVENT, sender_type="Bot"), "sent by a bot"),
        (replace(EVENT, sender_type="Mannequin"), "sent by a bot"),
        (replace(EVENT, sender_type=""), "sent by a bot"),
        (replace(EVENT, action="edited", sender=BOB), "edited by somebody else"),
        (replace(EVENT, app=99), "our own comment"),
        (replace(EVENT, app=99, sender=BOT, author=BOT, sender_type="Bot"), "our own comment"),
    ],
)
def test_bots_other_peoples_edits_and_our_own_words_are_ignored(
    event: CommentEvent, reason: str
) -> None:
    assert is_addressed(event, ours=99, bots={BOT.id} if event.app else set()) == Ignored(reason)


def test_a_bot_is_heard_if_its_id_is_named_and_a_name_proves_nothing() -> None:
    event = replace(EVENT, author=BOT, sender=BOT, sender_type="Bot")
    assert is_addressed(event, bots={BOT.id}) == Proceed()
    assert is_addressed(event, bots={BOT.id + 1}) == Ignored("sent by a bot")
    assert is_addressed(replace(event, author=ANN), bots={BOT.id}) == Ignored(
        "edited by somebody else"
    )


@pytest.mark.parametrize("owners", [{"acme"}, {"ACME", "other"}, {"9"}])
def test_the_operators_accounts_are_served(owners: set[str]) -> None:
    decide_owner(EVENT.owner, owners)


@pytest.mark.parametrize("owners", [set[str](), {"acme2"}, {"1"}, {""}, {"acme[bot]"}])
def test_any_other_account_is_not(owners: set[str]) -> None:
    with pytest.raises(Refused) as caught:
        decide_owner(EVENT.owner, owners)
    assert caught.value.reason is Reason.OWNER


def test_a_login_that_is_somebody_elses_id_opens_nothing() -> None:
    with pytest.raises(Refused):
        decide_owner(Person(77, "9"), {"9"})


def test_a_list_names_people_and_the_teams_of_the_owner() -> None:
    allowed = AllowList(frozenset({"Ann", "2"}), frozenset({"acme/art", "Acme/ink", "else/art"}))
    assert allowed.names(ANN)
    assert allowed.names(BOB)
    assert not allowed.names(Person(4, "2"))
    assert not AllowList().names(ANN)
    assert allowed.teams_of(Person(9, "Acme")) == ["Acme/ink", "acme/art"]


def test_who_is_not_on_the_list_is_refused() -> None:
    decide_list(ANN, listed=True)
    with pytest.raises(Refused) as caught:
        decide_list(ANN, listed=False)
    assert caught.value.reason is Reason.PERMISSION


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("min_role", Role)
def test_nobody_below_the_role_spends_and_nobody_without_one(role: Role, min_role: Role) -> None:
    if role >= min_role and role is not Role.NONE:
        decide_author(ANN, role, min_role)
        return
    with pytest.raises(Refused) as caught:
        decide_author(ANN, role, min_role)
    assert caught.value.reason is Reason.PERMISSION


# --- how much ---------------------------------------------------------------------------------


def test_every_scope_has_its_window_in_utc_and_counts_ids() -> None:
    limits = Limits(usd("1"), usd("2"), usd("3"), usd("4"), usd("5"))
    assert caps(THREAD, ANN, NOW, limits) == (
        Cap("one run", f"run:{run_id(THREAD)}", "always", usd("1")),
        Cap("ann in one day", "person:1", "2026-11-21", usd("2")),
        Cap("this repository in one day", "repository:70", "2026-11-21", usd("3")),
        Cap("this installation in one month", "installation:7", "2026-11", usd("4")),
        Cap("this server in one day", "server", "2026-11-21", usd("5")),
    )


def test_a_day_ends_at_midnight_in_utc_wherever_the_server_stands() -> None:
    limits = Limits(server_day=usd("5"))
    tokyo = timezone(timedelta(hours=9))
    windows = [
        caps(THREAD, ANN, now, limits)[0].window
        for now in (NOW, NOW.astimezone(tokyo), NOW + timedelta(seconds=1))
    ]
    assert windows == ["2026-11-21", "2026-11-21", "2026-11-22"]


def test_without_a_limit_there_is_no_cap() -> None:
    assert caps(THREAD, ANN, NOW, Limits()) == ()


AMOUNTS = st.none() | st.integers(0, 10**9).map(Money)
LIMITS = st.builds(Limits, AMOUNTS, AMOUNTS, AMOUNTS, AMOUNTS, AMOUNTS)


@given(LIMITS, LIMITS)
def test_narrowing_never_widens(limits: Limits, other: Limits) -> None:
    narrowed = narrow(limits, other)
    for name in Limits.__slots__:
        before, wish, after = (getattr(x, name) for x in (limits, other, narrowed))
        assert after in (before, wish)
        assert before is None or (after is not None and after <= before)
        assert wish is None or (after is not None and after <= wish)


def test_a_run_up_to_its_cap_is_allowed() -> None:
    decide_budget(usd("10"), Limits(run=usd("10")))
    decide_budget(usd("10"), Limits())
    decide_budget(None, Limits())


def test_a_run_above_its_cap_is_refused_with_both_amounts_and_the_setting() -> None:
    error = refusal(usd("10.01"), Limits(run=usd("10")))
    assert error.reason is Reason.BUDGET
    assert str(error) == snapshot(
        "This batch could cost up to $10.01; GPTIMAGE_MAX_COST_PER_RUN allows $10.00. Ask for fewer images, a smaller size or a lower quality."
    )


def test_the_batchs_own_max_cost_is_kept_too() -> None:
    error = refusal(usd("2.50"), Limits(run=usd("10")), usd("2"))
    assert error.reason is Reason.BUDGET
    assert str(error) == snapshot(
        "This batch could cost up to $2.50; max_cost allows $2.00. Ask for fewer images, a smaller size or a lower quality."
    )


@pytest.mark.parametrize(
    ("limits", "max_cost"), [(Limits(server_day=usd("50")), None), (Limits(), usd("1"))]
)
def test_without_a_price_nothing_runs_under_a_cap(limits: Limits, max_cost: Money | None) -> None:
    error = refusal(None, limits, max_cost)
    assert error.reason is Reason.PRICE
    assert str(error) == snapshot(
        "No price is known for this model, so no spending cap could be kept. Whoever runs this can give its price in GPTIMAGE_PRICES."
    )
