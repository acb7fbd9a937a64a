"""A comment in a thread, and the jobs of the workflow that answer it."""

import json
import os
import re

import pytest

from bot.simulators.github.faults import Fault as GitHubFault
from bot.simulators.github.people import Role, User
from bot.simulators.images.faults import Fault, FaultKind
from tests.entrypoints.action.world import KEY, World

TWO = """/batch --quality low --size 1024x1024 --max-concurrent 1

- a red fox
- a blue owl
"""


async def test_a_batch_becomes_files_for_the_artifact_and_a_bill_in_the_thread(the: World) -> None:
    command = await the.write(TWO)

    ended = await the.job(command)

    assert ended.code == 0, ended.log
    assert the.calls == {"a red fox": 1, "a blue owl": 1}
    assert "### ✅ 2 images" in the.answer
    assert "/tmp" not in the.answer, "the runner's folders are nobody's business"
    assert the.reactions(command) == ["eyes", "rocket"]
    files = sorted(os.listdir(ended.outputs["output-dir"]))  # noqa: PTH208
    assert files == ["a-blue-owl.png", "a-red-fox.png", "report.json"]
    assert ended.outputs["status"] == "completed"
    images = [os.path.basename(path) for path in json.loads(ended.outputs["images"])]  # noqa: PTH119
    assert images == ["a-red-fox.png", "a-blue-owl.png"]
    assert ended.outputs["comment-url"].startswith(f"{the.github.base_url}/acme/posters/issues/1#")


async def test_images_go_to_a_release_if_the_workflow_wants_that(the: World) -> None:
    ended = await the.say(TWO, INPUT_DESTINATION="release")

    assert ended.code == 0, ended.log
    assert len(re.findall("<img", the.answer)) == 2
    assert "/releases/tag/" in ended.outputs["release-url"]


async def test_what_is_wrong_with_a_batch_is_said_in_the_thread_and_fails_no_job(
    the: World,
) -> None:
    command = await the.write('/batch\n```json\n{"jobs": [{"promt": "a fox"}]}\n```')

    ended = await the.job(command)

    assert ended.code == 0, ended.log
    assert "did you mean" in the.answer.lower()
    assert the.reactions(command) == ["eyes", "confused"]


async def test_a_batch_above_the_cap_of_the_workflow_is_refused_by_its_name(the: World) -> None:
    ended = await the.say(TWO, INPUT_MAX_COST="0.001")

    assert ended.code == 0, ended.log
    assert "max-cost" in the.answer
    assert the.calls == {}


async def test_exactly_what_was_estimated_is_run_by_another_job_and_once(the: World) -> None:
    await the.say(TWO.replace("/batch", "/estimate"))
    found = re.search(r"/batch run (\w+)", the.answer)
    assert found is not None

    first = await the.say(found[0])
    second = await the.say(found[0])

    assert first.code == second.code == 0, first.log + second.log
    assert the.calls == {"a red fox": 1, "a blue owl": 1}
    assert "### ✅ 2 images" in the.answers[1]
    assert "has been run already" in the.answers[2]


async def test_an_estimate_that_nobody_made_is_not_there(the: World) -> None:
    await the.say("/batch run abcdefgh27")

    assert "There is no estimate" in the.answer


async def test_an_estimate_whose_comment_was_edited_is_not_run(the: World) -> None:
    asked = await the.write(TWO.replace("/batch", "/estimate"))
    await the.job(asked)
    found = re.search(r"/batch run (\w+)", the.answer)
    assert found is not None
    the.github.threads.edit(
        asked, TWO.replace("/batch", "/estimate") + "- more\n", the.github.now()
    )

    await the.say(found[0])

    assert the.calls == {}
    assert "There is no estimate" in the.answers[1]


async def test_another_job_knows_how_a_run_has_ended(the: World) -> None:
    await the.say(TWO)

    await the.say("/batch status")

    assert "is over\n\n2 made" in the.answers[1]


async def test_another_job_orders_again_what_failed_and_nothing_else(the: World) -> None:
    the.images.faults.append(Fault(FaultKind.MODERATED_INPUT, prompt="owl"))
    first = await the.say(TWO)
    retry = await the.write("/batch retry")

    second = await the.job(retry)
    again = await the.job(retry)

    assert (first.code, second.code, again.code) == (1, 0, 0), second.log + again.log
    assert the.calls == {"a red fox": 1, "a blue owl": 1}
    assert "### ✅ 2 images" in the.answer
    assert [path.name for path in (second.temporary / "gptimage-images").glob("*.png")] == [
        "a-blue-owl.png"
    ]


async def test_what_is_in_doubt_is_ordered_again_only_by_its_number(the: World) -> None:
    the.images.faults.append(Fault(FaultKind.SERVER_ERROR, prompt="owl"))
    await the.say(TWO)
    assert "/batch retry" in the.answer

    await the.say("/batch retry")
    assert the.calls == {"a red fox": 1, "a blue owl": 1}
    run = re.search(r"/batch retry \w+ doubt 2", the.answers[0])
    assert run is not None
    await the.say(run[0])

    assert the.calls == {"a red fox": 1, "a blue owl": 2}
    assert "### ✅ 2 images" in the.answers[0]
    assert "| $0.0119 | $0.0119 | $0.0060 |" in the.answers[0], "the first call is still in doubt"


async def test_a_rerun_of_a_job_that_has_ended_does_nothing(the: World) -> None:
    command = await the.write(TWO)
    await the.job(command)
    before = the.answer

    again = await the.job(command, GITHUB_RUN_ATTEMPT="2")

    assert again.code == 0, again.log
    assert the.calls == {"a red fox": 1, "a blue owl": 1}
    assert the.answer == before


async def test_a_comment_that_was_edited_after_its_run_is_not_gone_on_with(the: World) -> None:
    the.images.faults.append(Fault(FaultKind.MODERATED_INPUT, prompt="owl"))
    command = await the.write(TWO)
    await the.job(command)
    the.github.threads.edit(command, TWO + "- a green cat\n", the.github.now())

    await the.say("/batch retry")

    assert the.calls == {"a red fox": 1}
    assert "has changed since" in the.answers[1]


async def test_without_the_key_that_signed_it_a_run_is_never_paid_for_again(the: World) -> None:
    command = await the.write(TWO)
    await the.job(command)

    again = await the.job(command, INPUT_OPENAI_API_KEY="sk-another", GITHUB_RUN_ATTEMPT="2")

    assert again.code == 2
    assert "recorded with another openai-api-key" in again.log
    assert the.calls == {"a red fox": 1, "a blue owl": 1}


async def test_a_comment_that_cannot_be_edited_stops_what_it_does_not_name(the: World) -> None:
    many = "\n".join(f"- fox {number}" for number in range(8))
    the.github.faults.add(
        GitHubFault(method="PATCH", path="issues/comments", status=403, times=10_000)
    )

    ended = await the.say(f"/batch --quality low --max-concurrent 1\n\n{many}")

    assert len(the.calls) <= 2, ended.log


async def test_no_secret_is_in_the_log_the_outputs_or_the_thread(the: World) -> None:
    ended = await the.say(f"/batch --quality low\n\n- a sign that says {KEY}")

    everything = ended.log + repr(ended.outputs) + repr(the.answers)
    assert KEY not in everything
    assert the.token not in everything


async def test_without_a_key_the_job_fails_and_says_how_to_give_one(the: World) -> None:
    command = await the.write(TWO)

    ended = await the.job(command, INPUT_OPENAI_API_KEY="")

    assert ended.code == 2
    assert "openai-api-key is required" in ended.log
    assert the.reactions(command) == ["eyes", "confused"]


async def test_without_its_comment_nothing_is_paid(the: World) -> None:
    ended = await the.say(TWO, INPUT_POST_COMMENT="false")

    assert ended.code == 2
    assert "post-comment: false cannot answer a comment" in ended.log
    assert the.calls == {}


# --- who ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", ["looks good to me", "> /batch\n> - a fox", "`/batch`", ""])
async def test_an_ordinary_comment_ends_quietly_and_asks_github_nothing(
    the: World, words: str
) -> None:
    comment = await the.write(words or "x")

    ended = await the.job(comment)

    assert (ended.code, ended.log) == (0, "")
    assert the.github.calls == []


@pytest.mark.parametrize("by", ["passer-by", "ada", "rin"])
async def test_a_stranger_hears_one_quiet_reaction(the: World, by: str) -> None:
    command = await the.write(TWO, by=by)

    ended = await the.job(command)

    assert ended.code == 0
    assert the.reactions(command) == ["confused"]
    assert the.answers == []
    assert the.calls == {}


async def test_a_bot_runs_nothing(the: World) -> None:
    the.github.people.add(User("helper[bot]", Role.ADMIN, type="Bot"))
    ended = await the.say(TWO, by="helper[bot]")

    assert (ended.code, ended.log, the.github.calls) == (0, "", [])


async def test_our_own_comment_runs_nothing_whosever_token_wrote_it(the: World) -> None:
    ended = await the.say(f"{TWO}\n<!-- gptimage:comment-x:00 -->")

    assert (ended.code, ended.log, the.github.calls) == (0, "", [])


async def test_a_role_that_github_does_not_tell_is_none(the: World) -> None:
    the.github.faults.add(GitHubFault(path="collaborators", status=500, times=9))

    ended = await the.say(TWO)

    assert ended.code == 1
    assert the.calls == {}


async def test_pull_request_target_is_refused_in_plain_words(the: World) -> None:
    command = await the.write(TWO)

    ended = await (await the.start(command, GITHUB_EVENT_NAME="pull_request_target")).end()

    assert ended.code == 2
    assert "::error::pull_request_target is refused" in ended.log
    assert the.github.calls == []


async def test_a_wrong_input_is_an_annotation_of_the_job(the: World) -> None:
    command = await the.write(TWO)

    ended = await (await the.start(command, INPUT_MAX_COST="much")).end()

    assert ended.code == 2
    assert "::error::max-cost: " in ended.log


async def test_hostile_words_become_no_file_and_no_workflow_command(the: World) -> None:
    prompts = [
        "$(touch pwned) `touch pwned` ; touch pwned",
        "::error::pwned",
        "%0A::error::pwned ##[error]pwned",
        "--> <!-- gptimage-run:1:abcdefgh27:AAAA:00000000000000000000000000000000 -->",
    ]
    listed = "\n".join(f"- {prompt}" for prompt in prompts)

    ended = await the.say(f"/batch --quality low\n\n{listed}")

    assert ended.code == 0, ended.log
    assert not list(ended.temporary.rglob("pwned"))
    commands = [x for x in ended.log.splitlines() if x.lstrip().startswith("::") or "##[" in x]
    assert commands == []
    assert sum(the.calls.values()) == 4
