"""What the bot asks and says in a thread, also when GitHub does not feel well."""

import asyncio
import gc
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, cast
from weakref import ref

import httpx
import pytest
from pydantic import SecretStr

from bot.adapters.github.refusals import refusal
from bot.adapters.github.wire import Request, Wire
from bot.core.errors import HostError
from bot.core.ports import Role
from bot.simulators.github import FaultKind, User
from bot.simulators.github import Role as GitHubRole

Octo = Any  # of the conftest, which has no name to import
MARKER = "<!-- gptimage:run:1:0123 -->"
IMPATIENT = 0.5  # seconds for an answer, where the field allows 20
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


# --- roles ------------------------------------------------------------------------------------

ROLES = [
    ("maya", Role.ADMIN),
    ("mika", Role.MAINTAIN),
    ("tomas", Role.WRITE),
    ("rin", Role.TRIAGE),
    ("ada", Role.READ),
    ("custom", Role.WRITE),
    ("pretender", Role.READ),
    ("dependabot[bot]", Role.NONE),
    ("nobody/../maya", Role.NONE),
]


@pytest.mark.parametrize(("login", "role"), ROLES)
async def test_a_role_is_the_true_one(octo: Octo, login: str, role: Role) -> None:
    octo.state.people.add(User("mika", GitHubRole.MAINTAIN))
    octo.state.people.add(User("custom", GitHubRole.WRITE, custom_role="illustrator"))
    octo.state.people.add(User("pretender", GitHubRole.READ, custom_role="admin"))
    assert await octo.host.role(octo.thread, login) is role


async def test_a_stranger_has_no_role_in_a_private_repository(meet: Any) -> None:
    octo = await meet(private=True)
    assert await octo.host.role(octo.thread, "passer-by") is Role.NONE


async def test_a_role_that_cannot_be_read_is_an_error(octo: Octo) -> None:
    octo.breaks(path="/permission$", status=500, times=3)
    with pytest.raises(HostError) as failed:
        await octo.host.role(octo.thread, "maya")
    assert (failed.value.status, failed.value.ambiguous) == (500, False)
    assert octo.pauses == [0.5, 2.0]


async def test_a_role_that_does_not_come_in_time_is_an_error(octo: Octo) -> None:
    octo.breaks(FaultKind.HANG, path="/permission$", times=3)
    with pytest.raises(HostError, match="did not answer in time") as failed:
        await octo.connect(IMPATIENT).role(octo.thread, "maya")
    assert (failed.value.status, failed.value.ambiguous) == (None, False)


async def test_a_role_is_asked_for_again_after_a_fault(octo: Octo) -> None:
    octo.breaks(path="/permission$", status=502)
    octo.breaks(FaultKind.CUT, path="/permission$")
    assert await octo.host.role(octo.thread, "maya") is Role.ADMIN


async def test_a_github_that_is_away_cannot_be_reached(octo: Octo) -> None:
    host = octo.connect(api_url="http://127.0.0.1:9")
    with pytest.raises(HostError, match="cannot be reached") as failed:
        await host.post(octo.thread, "hello")
    assert (failed.value.status, failed.value.ambiguous) == (None, False)


# --- comments ---------------------------------------------------------------------------------


async def test_a_comment_is_posted_edited_and_found(octo: Octo) -> None:
    comment = await octo.host.post(octo.thread, f"Working\n\n{MARKER}")
    await octo.host.edit(octo.thread, comment, f"Done\n\n{MARKER}")
    assert await octo.host.find(octo.thread, MARKER, LONG_AGO) == comment
    assert [said.body for said in octo.comments] == [f"Done\n\n{MARKER}"]
    await octo.host.delete(octo.thread, comment)
    assert not octo.comments


@pytest.mark.parametrize("kind", [FaultKind.ERROR, FaultKind.CUT, FaultKind.HANG])
async def test_a_comment_whose_answer_was_lost_is_not_posted_again_and_found(
    octo: Octo, kind: FaultKind
) -> None:
    octo.breaks(kind, method="POST", path="/comments$", after_effect=True)
    with pytest.raises(HostError) as failed:
        await octo.connect(IMPATIENT).post(octo.thread, f"Working {MARKER}")
    assert failed.value.ambiguous
    (stored,) = octo.comments
    assert await octo.host.find(octo.thread, MARKER, LONG_AGO) == stored.id


async def test_a_refused_comment_is_certainly_not_there(octo: Octo) -> None:
    with pytest.raises(HostError) as failed:
        await octo.host.post(octo.thread, "x" * 65_537)
    assert (failed.value.status, failed.value.ambiguous) == (422, False)
    assert octo.calls("POST", "/comments") == 1


async def test_what_github_wrote_is_never_repeated(octo: Octo) -> None:
    with pytest.raises(HostError) as failed:
        await octo.host.edit(octo.thread, 404, "hello")
    assert str(failed.value) == "GitHub does not know this, or hides it from the App."


async def test_a_comment_of_somebody_else_is_never_ours(octo: Octo) -> None:
    maya, threads = octo.state.people.find("maya"), octo.state.threads
    robot = octo.state.people.add(User("other[bot]", type="Bot"))
    threads.add(1, f"echo {MARKER}", maya, octo.state.now())
    threads.add(1, f"echo {MARKER}", robot, octo.state.now())
    assert await octo.host.find(octo.thread, MARKER, LONG_AGO) is None


async def test_our_comment_is_known_by_its_author_where_no_app_is_named(octo: Octo) -> None:
    ours = octo.state.threads.add(1, MARKER, octo.state.bot, octo.state.now())
    assert await octo.host.find(octo.thread, MARKER, LONG_AGO) == ours.id


async def test_an_app_may_be_known_by_its_client_id(octo: Octo) -> None:
    host = octo.connect(app_id=octo.state.app.client_id)
    comment = await host.post(octo.thread, MARKER)
    assert await host.find(octo.thread, MARKER, LONG_AGO) == comment


async def test_a_comment_is_found_on_any_page_but_not_before_its_time(octo: Octo) -> None:
    now = octo.state.now()
    maya = octo.state.people.find("maya")
    for number in range(250):
        octo.state.threads.add(1, f"chat {number}", maya, now)
    comment = await octo.host.post(octo.thread, MARKER)
    assert await octo.host.find(octo.thread, MARKER, now - timedelta(hours=1)) == comment
    assert await octo.host.find(octo.thread, MARKER, now + timedelta(hours=1)) is None


async def test_an_edit_is_repeated_after_a_fault(octo: Octo) -> None:
    comment = await octo.host.post(octo.thread, "Working")
    octo.breaks(method="PATCH", status=502)
    await octo.host.edit(octo.thread, comment, "Done")
    assert octo.comments[0].body == "Done"
    assert octo.pauses == [0.5]


async def test_the_same_reaction_twice_is_one_also_after_a_fault(octo: Octo) -> None:
    octo.breaks(method="POST", path="/reactions$", after_effect=True)
    first = await octo.host.react(octo.thread, "eyes")
    assert await octo.host.react(octo.thread, "eyes") == first
    command = octo.state.threads.comment(octo.thread.comment)
    assert [reaction.content for reaction in command.reactions] == ["eyes"]


async def test_a_page_of_a_proxy_in_place_of_an_answer_is_an_error(octo: Octo) -> None:
    octo.breaks(method="POST", path="/comments$", status=200)
    with pytest.raises(HostError, match="cannot be read") as failed:
        await octo.host.post(octo.thread, "hello")
    assert failed.value.ambiguous


# --- limits -----------------------------------------------------------------------------------


async def test_a_secondary_limit_without_a_header_means_a_minute(octo: Octo) -> None:
    octo.breaks(FaultKind.SECONDARY_LIMIT, path="/comments$")
    with pytest.raises(HostError, match="pause") as failed:
        await octo.host.post(octo.thread, "hello")
    assert (failed.value.status, failed.value.retry_after) == (403, 60.0)
    assert not failed.value.ambiguous


async def test_a_long_pause_is_the_callers_to_make(octo: Octo) -> None:
    octo.breaks(FaultKind.SECONDARY_LIMIT, path="/permission$", retry_after=90)
    with pytest.raises(HostError) as failed:
        await octo.host.role(octo.thread, "maya")
    assert failed.value.retry_after == 90.0
    assert octo.pauses == []


async def test_a_short_pause_is_made_and_the_question_asked_again(octo: Octo) -> None:
    octo.breaks(path="/permission$", status=429, retry_after=3)
    assert await octo.host.role(octo.thread, "maya") is Role.ADMIN
    assert octo.pauses == [3.0]


async def test_a_pause_may_be_written_as_a_date(octo: Octo) -> None:
    date = format_datetime(octo.now() + timedelta(seconds=120), usegmt=True)
    octo.breaks(path="/permission$", status=429, retry_after=date)
    with pytest.raises(HostError) as failed:
        await octo.host.role(octo.thread, "maya")
    assert failed.value.retry_after == pytest.approx(120, abs=5)


async def test_an_hourly_limit_lasts_until_its_reset(octo: Octo) -> None:
    assert await octo.host.role(octo.thread, "maya") is Role.ADMIN
    octo.state.rate_limit.limit = 1
    with pytest.raises(HostError) as failed:
        await octo.host.role(octo.thread, "maya")
    assert failed.value.retry_after == pytest.approx(3600, abs=60)


def test_a_limit_lasts_as_long_as_github_says_also_where_our_clock_is_wrong() -> None:
    response = httpx.Response(
        429,
        headers={
            "date": format_datetime(LONG_AGO, usegmt=True),
            "x-ratelimit-remaining": "0",
            "x-ratelimit-reset": f"{LONG_AGO.timestamp() + 600:.0f}",
        },
    )
    ahead = LONG_AGO + timedelta(hours=2)
    assert refusal(response, ahead, writes=False).retry_after == 600


async def test_a_plain_403_is_a_refusal_and_no_limit(octo: Octo) -> None:
    octo.breaks(path="/comments$", status=403)
    with pytest.raises(HostError) as failed:
        await octo.host.post(octo.thread, "hello")
    assert (failed.value.status, failed.value.retry_after) == (403, None)


# --- tokens -----------------------------------------------------------------------------------


async def test_ten_cold_calls_make_one_token(octo: Octo) -> None:
    await asyncio.gather(*(octo.host.role(octo.thread, "maya") for _ in range(10)))
    assert octo.tokens == 1


async def test_a_token_is_for_one_repository_and_no_more_rights_than_needed(octo: Octo) -> None:
    octo.state.app = replace(
        octo.state.app, permissions={**octo.state.app.permissions, "administration": "write"}
    )
    await octo.host.post(octo.thread, "hello")
    stranger = replace(octo.thread, repository_id=1)
    with pytest.raises(HostError) as failed:
        await octo.host.post(stranger, "hello")
    assert failed.value.status == 422
    (token,) = octo.state.tokens._issued.values()
    assert dict(token.permissions) == {
        "contents": "write",
        "issues": "write",
        "metadata": "read",
        "pull_requests": "write",
    }


async def test_an_installation_that_granted_less_is_still_talked_to(octo: Octo) -> None:
    del cast("dict[str, str]", octo.state.app.permissions)["contents"]
    await octo.host.post(octo.thread, "hello")
    assert len(octo.comments) == 1


async def test_a_token_is_renewed_before_it_ends(octo: Octo) -> None:
    await octo.host.role(octo.thread, "maya")
    octo.late = timedelta(minutes=54)
    await octo.host.role(octo.thread, "maya")
    assert octo.tokens == 1
    octo.late = timedelta(minutes=56)
    await octo.host.role(octo.thread, "maya")
    assert octo.tokens == 2


async def test_a_refused_token_is_replaced_once_for_everybody(octo: Octo) -> None:
    await octo.host.role(octo.thread, "maya")
    octo.state.tokens.revoke_all()
    await asyncio.gather(*(octo.host.post(octo.thread, "hello") for _ in range(5)))
    assert octo.tokens == 2
    assert len(octo.comments) == 5


async def test_an_app_that_stays_refused_is_told_so(octo: Octo) -> None:
    octo.breaks(path="/comments$", status=401, times=2)
    with pytest.raises(HostError, match="credentials") as failed:
        await octo.host.post(octo.thread, "hello")
    assert (failed.value.status, octo.tokens) == (401, 2)


async def test_without_a_token_nothing_was_posted_for_certain(octo: Octo) -> None:
    octo.breaks(path="/access_tokens$", status=500, times=3)
    with pytest.raises(HostError) as failed:
        await octo.host.post(octo.thread, "hello")
    assert (failed.value.status, failed.value.ambiguous) == (500, False)


async def test_a_fault_while_a_token_is_made_is_waited_out(octo: Octo) -> None:
    octo.breaks(path="/access_tokens$", status=502)
    await octo.host.post(octo.thread, "hello")
    assert len(octo.comments) == 1


async def test_a_removed_installation_is_final(octo: Octo) -> None:
    with pytest.raises(HostError) as failed:
        await octo.host.post(replace(octo.thread, installation=1), "hello")
    assert failed.value.status == 404


async def test_a_key_that_is_none_is_named(octo: Octo) -> None:
    host = octo.connect(private_key=SecretStr("not a key"))
    with pytest.raises(HostError, match="private key"):
        await host.post(octo.thread, "hello")


async def test_tasks_share_their_connections(octo: Octo) -> None:
    for _ in range(5):
        await asyncio.create_task(octo.host.role(octo.thread, "maya"))
    assert len(octo.connections) == 1


async def test_an_answer_is_gone_with_whoever_held_it(octo: Octo) -> None:
    wire = Wire(octo.credentials, clock=octo.now, sleep=octo.pause, read_seconds=20)
    gc.disable()  # a circle, and the picture in it, would lie there until its next full look
    try:
        answer = ref(await wire.send(Request("GET", "/app")))
        assert answer() is None
    finally:
        gc.enable()
        await wire.aclose()
