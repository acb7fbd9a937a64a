"""Stories: a repository asks for less than the operator allows, in `.github/gptimage.yml`."""

# ruff: noqa: E501  (what the bot says is quoted as it stands)

from inline_snapshot import snapshot

from bot.core.repository import PATH
from bot.simulators.github import Fault
from tests.stories.conftest import Thread

FOX = "/batch --quality low --size 1024x1024\n\n- a red fox"


def ask_for(thread: Thread, text: str) -> None:
    thread.room.github.repository.files[PATH] = text.encode()


async def test_a_repository_sets_defaults_for_its_batches(thread: Thread) -> None:
    ask_for(thread, "language: ja\ndefaults:\n  quality: low\n  size: 1024x1024\n")
    command = await thread.say("/batch\n\n- a red fox")

    assert thread.reactions(command) == ["eyes", "rocket"]
    (call,) = thread.calls()
    assert (call.sent["quality"], call.sent["size"]) == ("low", "1024x1024")
    assert "画像 1 枚" in thread.answer()


async def test_wrong_words_are_answered_in_the_language_of_the_repository(thread: Thread) -> None:
    ask_for(thread, "language: ja\n")
    await thread.say("/batch hlep")

    assert "コマンドを読み取れませんでした" in thread.answer()


async def test_wrong_words_are_answered_in_their_own_language_where_it_says_auto(
    thread: Thread,
) -> None:
    ask_for(thread, "language: auto\n")
    await thread.say("この絵を作ってください。\n\n/batch hlep")

    assert "コマンドを読み取れませんでした" in thread.answer()


async def test_a_repository_lowers_the_cap_of_a_run(thread: Thread) -> None:
    ask_for(thread, "max_cost_per_run: 0.01\n")
    command = await thread.say("/batch --quality high\n\n- a red fox")

    assert thread.reactions(command) == ["confused"]
    assert thread.calls() == []
    assert thread.answer() == snapshot("""\
### 💰 Above the spending cap

This batch could cost up to &#36;0.0528; max&#95;cost&#95;per&#95;run in .github/gptimage.yml allows &#36;0.01. Ask for fewer images, a smaller size or a lower quality.

<!-- marker -->\
""")


async def test_a_repository_lowers_what_a_person_may_spend_in_it(thread: Thread) -> None:
    ask_for(thread, "max_cost_per_person_and_day: 0.01\nmax_images: 1\n")
    many = await thread.say(FOX + "\n- an owl")
    first, second = await thread.say(FOX), await thread.say(FOX)
    other = await thread.say(FOX, by="tomas")

    assert [thread.reactions(each)[-1] for each in (many, first, second, other)] == [
        "confused",
        "rocket",
        "confused",
        "rocket",
    ]
    assert [thread.answers()[0], thread.answers()[2]] == snapshot(
        [
            """\
### 💰 Above the spending cap

This batch has 2 images, and max&#95;images allows 1. Split it, or ask for fewer.

<!-- marker -->\
""",
            """\
### 💰 Above the spending cap

This run could cost up to &#36;0.0060, and the cap for maya in this repository in one day is &#36;0.01, of which &#36;0.0041 is left.

<!-- marker -->\
""",
        ]
    )


async def test_a_repository_chooses_where_its_images_go(thread: Thread) -> None:
    ask_for(thread, "destination: branch\n")
    command = await thread.say(FOX)

    assert thread.reactions(command) == ["eyes", "rocket"]
    assert thread.room.github.releases.entries == {}
    assert all("/blob/" in url for url in thread.pictures())


async def test_an_organisation_narrows_all_its_repositories(thread: Thread) -> None:
    thread.room.github.shared_files = {PATH: b"allowed_users: [tomas]\n"}
    ask_for(thread, "min_role: write\n")
    maya, tomas = await thread.say(FOX), await thread.say(FOX, by="tomas")

    assert thread.reactions(maya) == ["confused"]
    assert thread.reactions(tomas) == ["eyes", "rocket"]
    assert len(thread.answers()) == 1


async def test_a_broken_file_is_told_to_those_with_rights_and_runs_nothing(thread: Thread) -> None:
    ask_for(thread, "max_cost_per_rum: 2\nmax_images: many\n")
    stranger, command = await thread.say(FOX, by="ada"), await thread.say(FOX)

    assert thread.reactions(stranger) == thread.reactions(command) == ["confused"]
    assert thread.calls() == []
    assert thread.answer() == snapshot("""\
### 🔎 2 things to mend in the repository's settings

- <code>max&#95;cost&#95;per&#95;rum (line 1, column 1)</code> is no field of this object<br>*did you mean &#34;max&#95;cost&#95;per&#95;run&#34;?*
- <code>max&#95;images (line 2, column 1)</code> must be a whole number

Mend \u200b.github/gptimage.yml on the default branch, and comment again: nothing has been billed.

<!-- marker -->\
""")


async def test_a_file_that_cannot_be_read_runs_nothing(thread: Thread) -> None:
    thread.room.github.faults.add(Fault(path="/contents/", status=500, times=100))
    command = await thread.say(FOX)

    assert thread.reactions(command) == ["confused"]
    assert thread.calls() == []
    assert thread.answer() == snapshot("""\
### 🔒 Your rights could not be checked

\u200b.github/gptimage.yml could not be read: GitHub has a fault of its own (500). Nothing was started: try again in a moment.

<!-- marker -->\
""")
