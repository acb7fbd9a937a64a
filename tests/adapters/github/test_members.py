"""Whose a repository is, and who is in a team."""

from typing import Any

import pytest

from bot.core.errors import HostError
from bot.core.run import Person
from bot.simulators.github import FaultKind, User
from tests.adapters.github.conftest import Octo


@pytest.fixture
def teams(octo: Octo) -> Octo:
    octo.state.app.permissions["members"] = "read"
    octo.state.people.teams["art"] = {"tomas": "active", "rin": "pending"}
    return octo


async def test_the_owner_is_who_owns_it_now(octo: Octo) -> None:
    owner = octo.state.people.owner
    assert await octo.host.owner(octo.thread) == Person(owner.id, "acme")
    octo.state.people.owner = octo.state.people.add(User("other", type="Organization"))
    assert (await octo.host.owner(octo.thread)).login == "other"


@pytest.mark.parametrize(
    ("team", "login", "member"),
    [
        ("acme/art", "tomas", True),
        ("Acme/art", "tomas", True),
        ("acme/art", "rin", False),
        ("acme/art", "maya", False),
        ("acme/none", "tomas", False),
        ("acme/..", "tomas", False),
        ("acme/art", "../tomas", False),
    ],
)
async def test_who_accepted_the_invitation_is_a_member(
    teams: Octo, team: str, login: str, *, member: bool
) -> None:
    assert await teams.host.is_member(teams.thread, team, login) is member


async def test_what_may_see_members_may_do_nothing_else(teams: Octo) -> None:
    await teams.host.is_member(teams.thread, "acme/art", "tomas")
    await teams.host.is_member(teams.thread, "acme/art", "maya")
    await teams.host.owner(teams.thread)
    assert teams.tokens == 2


async def test_an_app_that_may_not_see_members_says_what_it_needs(octo: Octo) -> None:
    with pytest.raises(HostError, match=r"permission members: read"):
        await octo.host.is_member(octo.thread, "acme/art", "tomas")


@pytest.mark.parametrize(
    "how", [{"status": 502, "times": 3}, {"kind": FaultKind.SECONDARY_LIMIT, "retry_after": 90}]
)
async def test_an_answer_that_does_not_come_is_no_membership(
    teams: Octo, how: dict[str, Any]
) -> None:
    teams.breaks(path="/memberships/", **how)
    with pytest.raises(HostError, match="GitHub") as error:
        await teams.host.is_member(teams.thread, "acme/art", "tomas")
    assert not error.value.final
