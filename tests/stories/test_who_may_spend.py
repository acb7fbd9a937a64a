"""Stories: only people with write access spend, and never more than the operator allows."""

# ruff: noqa: E501  (what the bot says is quoted as it stands)

import json
import re
from decimal import Decimal

import pytest
from inline_snapshot import snapshot

from bot.simulators import images
from bot.simulators.github import Fault, FaultKind, Role, User
from tests.stories.conftest import Thread, with_settings

FOX = "/batch --quality low --size 1024x1024\n\n- a red fox"


@pytest.mark.parametrize("person", ["passer-by", "ada", "rin"])
async def test_people_without_write_access_get_one_quiet_reaction(
    thread: Thread, person: str
) -> None:
    command = await thread.say(FOX, by=person)

    assert thread.reactions(command) == ["confused"]
    assert thread.answers() == []
    assert thread.calls() == []


@pytest.mark.parametrize("words", ["/batch hlep", "/batch help", "/estimate\n- a fox", "/batch"])
async def test_strangers_are_not_answered_whatever_they_ask(thread: Thread, words: str) -> None:
    command = await thread.say(words, by="passer-by")

    assert thread.reactions(command) == ["confused"]
    assert thread.answers() == []


async def test_a_person_with_write_access_is_served(thread: Thread) -> None:
    command = await thread.say(FOX, by="tomas")

    assert thread.reactions(command) == ["eyes", "rocket"]
    assert "for tomas" in thread.answer()


async def test_a_role_that_cannot_be_read_counts_as_none(thread: Thread) -> None:
    thread.room.github.faults.add(Fault(path="/permission$", status=500, times=100))

    command = await thread.say(FOX)

    assert thread.reactions(command) == ["confused"]
    assert thread.calls() == []
    assert thread.answer() == snapshot("""\
### 🔒 Your rights could not be checked

GitHub has a fault of its own (500). Nothing was started: try again in a moment.

<!-- marker -->\
""")


@with_settings(gptimage_allowed_owners=("somebody-else",))
async def test_an_account_that_the_operator_does_not_serve_gets_nothing(thread: Thread) -> None:
    command = await thread.say(FOX)

    assert thread.reactions(command) == []
    assert thread.answers() == []
    assert thread.calls() == []


@with_settings(gptimage_allowed_users=("Tomas", "passer-by"))
async def test_of_those_with_the_role_only_the_named_are_served(thread: Thread) -> None:
    others = [await thread.say(FOX, by=person) for person in ("maya", "passer-by")]
    command = await thread.say(FOX, by="tomas")

    assert [thread.reactions(each) for each in others] == [["confused"], ["confused"]]
    assert thread.reactions(command) == ["eyes", "rocket"]
    assert len(thread.answers()) == 1


@with_settings(gptimage_allowed_teams=("acme/art",))
async def test_the_members_of_a_named_team_are_served(thread: Thread) -> None:
    unseen = await thread.say(FOX, by="tomas")
    thread.room.github.app.permissions["members"] = "read"
    thread.room.github.people.teams["art"] = {"tomas": "active", "maya": "pending"}
    member, invited = await thread.say(FOX, by="tomas"), await thread.say(FOX, by="maya")

    assert [thread.reactions(each) for each in (unseen, invited)] == [["confused"], ["confused"]]
    assert thread.reactions(member) == ["eyes", "rocket"]
    assert thread.answers()[0] == snapshot("""\
### 🔒 Your rights could not be checked

The App may not see who is in a team: it needs the permission members: read. Nothing was started: try again in a moment.

<!-- marker -->\
""")


@with_settings(gptimage_allowed_bots=(41_898_282,))
async def test_of_all_bots_only_those_are_served_whose_ids_are_named(thread: Thread) -> None:
    people = thread.room.github.people
    people.add(User("planner[bot]", type="Bot", id=41_898_282))
    people.add(User("41898282[bot]", Role.ADMIN, type="Bot", id=7))
    named = await thread.say(FOX, by="planner[bot]")
    other = await thread.say(FOX, by="41898282[bot]")

    assert thread.reactions(named) == ["eyes", "rocket"]
    assert thread.reactions(other) == []
    assert "for planner" in thread.answer()


@with_settings(gptimage_allowed_bots=(41_898_282,))
async def test_two_bots_that_answer_each_other_stop_after_a_few_images(thread: Thread) -> None:
    thread.room.github.people.add(User("parrot[bot]", type="Bot", id=41_898_282))
    answered = -1
    while len(thread.by_bot) > answered:  # the parrot answers each comment of ours
        answered = len(thread.by_bot)
        await thread.say(f"Lovely! Another one:\n\n{FOX}", by="parrot[bot]")

    assert len(thread.calls()) == 5
    assert len(thread.answers()) == 6
    assert re.sub(r"\d\d:\u200b\d\d", "HH:MM", thread.answers()[-1]) == snapshot("""\
### 🔇 Quiet for an hour

Too many commands came here within ten minutes, so I do nothing more in this thread until HH:MM UTC. What is under way goes on.

<!-- marker -->\
""")


async def test_who_loses_the_role_before_the_run_starts_pays_for_nothing(thread: Thread) -> None:
    github = thread.room.github
    github.faults.add(Fault(FaultKind.HANG, path="^/repos/acme/posters$", seconds=0.5))
    command = await thread.write(FOX, by="tomas")
    await thread.until(lambda: any(call.fault for call in github.calls))
    github.people.add(User("tomas", Role.READ))
    await thread.quiet()

    assert thread.reactions(command) == ["eyes", "confused"]
    assert thread.calls() == []
    assert thread.answer() == snapshot("""\
### ❌ No image was made

When its turn came, whoever had ordered it was not allowed to spend here any more. Nothing was started or billed for this order.

1 image was not started.

What was not made can be ordered again: `/batch retry rfbghrhhek`

| Estimated | Paid | In doubt | Reserved at most |
| --: | --: | --: | --: |
| $0.0060 | $0.00 | $0.00 | $0.0060 |

| Files | Prompt | Size | Quality | Cost | Time |
| --- | --- | --- | --- | --- | --- |
| ⬛ a-red-fox.png | a red fox | 1024x1024 | low | – | – |

<sub>Run `rfbghrhhek` for tomas · N s</sub>

<!-- marker -->\
""")


async def test_who_loses_the_role_before_a_retry_starts_pays_for_nothing(thread: Thread) -> None:
    github = thread.room.github
    thread.room.images.faults.append(images.Fault(images.FaultKind.MODERATED_INPUT, prompt="owl"))
    await thread.say(FOX + "\n- an owl")
    assert len(thread.calls()) == 2
    github.faults.add(Fault(FaultKind.HANG, path="^/repos/acme/posters$", seconds=0.5))

    command = await thread.write("/batch retry", by="tomas")  # of whom nobody has asked yet
    await thread.until(lambda: any(call.fault for call in github.calls))
    github.people.add(User("tomas", Role.READ))
    await thread.quiet()

    assert thread.reactions(command) == ["rocket"]
    assert len(thread.calls()) == 2
    assert thread.answer() == snapshot("""\
### ⚠️ 1 of 2 images

When its turn came, whoever had ordered it was not allowed to spend here any more. Nothing was started or billed for this order.

<a href="/releases/download/gptimage-rfbghrhhek/a-red-fox-33e530de40.png"><img src="/releases/download/gptimage-rfbghrhhek/thumb-a-red-fox-33e530de40.webp" alt="a red fox" height="320"></a>

1 image was not started.

What was not made can be ordered again: `/batch retry rfbghrhhek`

| Estimated | Paid | In doubt | Reserved at most |
| --: | --: | --: | --: |
| $0.0119 | $0.0060 | $0.00 | $0.0119 |

| Files | Prompt | Size | Quality | Cost | Time |
| --- | --- | --- | --- | --- | --- |
| [a-red-fox.png](/releases/download/gptimage-rfbghrhhek/a-red-fox-33e530de40.png) | a red fox | 1024x1024 | low | $0.0060 | N s |
| ⬛ an-owl.png | an owl | 1024x1024 | low | – | N s |

📦 [All files](/releases/tag/gptimage-rfbghrhhek) · [report.json](/releases/download/gptimage-rfbghrhhek/report.json)

<sub>Run `rfbghrhhek` for maya · N s</sub>

<!-- marker -->\
""")


async def test_a_repository_that_has_a_new_owner_is_not_served_any_more(thread: Thread) -> None:
    people = thread.room.github.people
    github = thread.room.github
    github.faults.add(Fault(FaultKind.HANG, path="^/repos/acme/posters$", seconds=0.5))
    command = await thread.write(FOX)
    await thread.until(lambda: any(call.fault for call in github.calls))
    people.owner = people.add(User("elsewhere", type="Organization"))
    await thread.quiet()

    assert thread.reactions(command) == ["eyes", "confused"]
    assert thread.calls() == []


@with_settings(gptimage_max_cost_per_run=Decimal("0.01"))
async def test_a_run_above_the_cap_is_refused_by_name(thread: Thread) -> None:
    command = await thread.say(FOX + "\n- an owl")

    assert thread.reactions(command) == ["confused"]
    assert thread.calls() == []
    assert thread.answer() == snapshot("""\
### 💰 Above the spending cap

This batch could cost up to &#36;0.0119; GPTIMAGE&#95;MAX&#95;COST&#95;PER&#95;RUN allows &#36;0.01. Ask for fewer images, a smaller size or a lower quality.

<!-- marker -->\
""")


@with_settings(gptimage_max_cost_per_day=Decimal("0.01"))
async def test_runs_of_one_day_stay_below_the_cap_together(thread: Thread) -> None:
    first, second = await thread.say(FOX), await thread.say(FOX)

    assert thread.reactions(first) == ["eyes", "rocket"]
    assert thread.reactions(second) == ["confused"]
    assert len(thread.calls()) == 1
    assert thread.answers()[1] == snapshot("""\
### 💰 Above the spending cap

This run could cost up to &#36;0.0060, and the cap for this server in one day is &#36;0.01, of which &#36;0.0041 is left.

<!-- marker -->\
""")


async def test_an_author_can_set_a_cap_of_their_own(thread: Thread) -> None:
    command = await thread.say("/batch --max-cost 0.01 --quality high\n\n- a red fox")

    assert thread.reactions(command) == ["confused"]
    assert thread.calls() == []
    assert thread.answer() == snapshot("""\
### 💰 Above the spending cap

This batch could cost up to &#36;0.0528; max&#95;cost allows &#36;0.01. Ask for fewer images, a smaller size or a lower quality.

<!-- marker -->\
""")


async def test_the_bot_does_not_obey_its_own_words(thread: Thread) -> None:
    own = await thread.say(FOX, by="gptimage[bot]")

    assert thread.reactions(own) == []
    assert thread.calls() == []


async def test_a_prompt_that_is_a_command_is_not_obeyed_where_it_is_echoed(thread: Thread) -> None:
    batch = {"jobs": [{"prompt": FOX}]}
    command = await thread.say(f"/batch --quality low\n```json\n{json.dumps(batch)}\n```")

    assert thread.reactions(command) == ["eyes", "rocket"]
    assert len(thread.by_bot) == 1
    assert len(thread.calls()) == 1


async def test_an_edit_by_somebody_else_runs_nothing(thread: Thread) -> None:
    comment = await thread.say("Shall we have pictures?", by="rin")

    await thread.edit(comment, FOX, by="maya")
    await thread.quiet()

    assert thread.reactions(comment) == []
    assert thread.answers() == []
    assert thread.calls() == []
