"""Stories: a mistake is named at once, all of it, and can be mended where it stands."""

# ruff: noqa: E501  (what the bot says is quoted as it stands)

import pytest
from inline_snapshot import snapshot

from tests.stories.conftest import Thread

WRONG = """\
/batch
```json
{
  "jobs": [
    {"promt": "a red fox", "size": "1000x1000"},
    {"prompt": "an owl", "quality": "best", "sample_count": 11}
  ],
  "max_concurrent": 0
}
```
"""
RIGHT = '/batch --quality low\n```json\n{"jobs": [{"prompt": "a red fox"}]}\n```'


async def test_all_faults_of_a_batch_are_in_one_answer(thread: Thread) -> None:
    command = await thread.say(WRONG)

    assert thread.reactions(command) == ["confused"]
    assert thread.calls() == []
    assert thread.answer() == snapshot("""\
### 🔎 6 things to mend in the batch

- <code>max&#95;concurrent</code> must be 1 to 10<br>*it is 0*
- <code>jobs&#91;0&#93;.prompt</code> is required
- <code>jobs&#91;0&#93;.promt</code> is no field of a job<br>*did you mean &#34;prompt&#34;?*
- <code>jobs&#91;0&#93;.size</code> 1000x1000: width and height must be multiples of 16<br>*try 1008x1008; the usual ratios are 2:\u200b3, 3:\u200b2 and 1:\u200b1*
- <code>jobs&#91;1&#93;.sample&#95;count</code> must be 1 to 10<br>*it is 11*
- <code>jobs&#91;1&#93;.quality</code> \u200b&#34;best&#34; must be one of auto, low, medium, high, xhigh, max for gpt-image-\u200b2.5-flare

Edit your comment: I read it again, and nothing has been billed.

<!-- marker -->\
""")


async def test_broken_json_is_named_with_its_place(thread: Thread) -> None:
    command = await thread.say('/batch\n```json\n{"jobs": [{"prompt": "a red fox"},]}\n```')

    assert thread.reactions(command) == ["confused"]
    assert thread.answer() == snapshot("""\
### 🔎 One thing to mend in the batch

- the JSON cannot be read at line 1, column 35: &#96;{&#34;jobs&#34;: &#91;{&#34;prompt&#34;: &#34;a red fox&#34;},&#93;}&#96;<br>*remove the comma after the last entry*

Edit your comment: I read it again, and nothing has been billed.

<!-- marker -->\
""")


async def test_the_author_mends_the_comment_and_the_same_answer_becomes_the_run(
    thread: Thread,
) -> None:
    command = await thread.say(WRONG)
    (fault,) = thread.by_bot

    await thread.edit(command, RIGHT)
    await thread.quiet()

    assert thread.by_bot == [fault]
    assert len(thread.pictures()) == 1
    assert thread.reactions(command) == snapshot(["confused", "eyes", "rocket"])


async def test_what_has_run_does_not_run_again_when_it_is_edited(thread: Thread) -> None:
    command = await thread.say(RIGHT)
    answer = thread.answer()

    await thread.edit(command, RIGHT.replace("fox", "owl"))
    await thread.quiet()

    assert thread.answer() == answer
    assert len(thread.calls()) == 1


async def test_a_word_that_is_unknown_is_named_with_the_one_that_was_meant(thread: Thread) -> None:
    command = await thread.say("/batch hlep")

    assert thread.reactions(command) == ["confused"]
    assert thread.answer().partition("<details>")[0] == snapshot("""\
### 🔎 I could not read that

\u200b/batch does not know the word “hlep”.

*Did you mean /batch help?*

""")


async def test_a_command_without_a_batch_says_where_it_belongs(thread: Thread) -> None:
    command = await thread.say("/batch --quality high")

    assert thread.reactions(command) == ["confused"]
    assert thread.answer().partition("<details>")[0] == snapshot("""\
### 🔎 I could not read that

There is no batch below /batch.

*Put the JSON into a fenced block below the command, or write the prompts as a list.*

""")


@pytest.mark.parametrize("words", ["/batch", "/batch help"])
async def test_help_is_an_example_to_copy(thread: Thread, words: str) -> None:
    command = await thread.say(words)

    assert thread.reactions(command) == ["rocket"]
    assert thread.answer() == snapshot("""\
### 🎨 Pictures from a comment

Copy this, change the words, and post it:

````markdown
/batch --size 1536x1024 --quality medium

- a red fox in fresh snow, watercolour
- the same fox asleep under a birch, watercolour
````

Or say everything yourself, in JSON:

````markdown
/batch
```json
{
  "jobs": [
    {
      "prompt": "a red fox in fresh snow, watercolour",
      "output_path": "fox.png",
      "size": "1536x1024",
      "quality": "high",
      "sample_count": 2
    }
  ]
}
```
````

| Comment | What happens |
|---|---|
| `/batch` | makes the pictures and answers here |
| `/batch path/in/repo.yaml` | the same with a file of the default branch: JSON or YAML |
| `/estimate` | says what they would cost, and makes none |
| `/batch run ID` | makes exactly what an estimate has priced, within a day |
| `/batch status` | says how the newest run here is doing, and what may still be spent |
| `/batch cancel` | starts nothing more of it |
| `/batch retry` | orders again what it could not make |
| `/batch help` | shows this |

<!-- marker -->\
""")


async def test_an_estimate_makes_no_image(thread: Thread) -> None:
    command = await thread.say("/estimate --quality high\n\n- a red fox\n- an owl")

    assert thread.reactions(command) == ["rocket"]
    assert thread.calls() == []
    assert thread.room.github.releases.entries == {}
    assert thread.answer() == snapshot("""\
### 🧮 2 images would cost

| Job | Images | Lowest | Expected | Highest |
| --: | --: | --: | --: | --: |
| 1 | 1 | $0.0412 | $0.0528 | $0.0528 |
| 2 | 1 | $0.0412 | $0.0528 | $0.0528 |
| **Total** | **2** | **$0.0824** | **$0.1055** | **$0.1055** |

About 1 min at the present rate. Nothing has been made or billed.

To make exactly these, comment within a day:

```
/batch run mbepjrf5tr
```

<!-- marker -->\
""")


@pytest.mark.parametrize(
    "words",
    [
        "What a nice batch of pictures!",
        "/rebase",
        "/lgtm\n/assign @tomas",
        "/estimate 3h",
        "/batches of everything",
        "> /batch\n> - a quoted fox",
        "Say `/batch` to me",
        "    /batch\n    - indented code is no command",
        "```\n/batch\n- nor is a block of code\n```",
        "<!-- /batch -->",
    ],
)
async def test_other_comments_get_no_answer_and_no_reaction(thread: Thread, words: str) -> None:
    command = await thread.say(words)

    assert thread.reactions(command) == []
    assert thread.answers() == []
    assert thread.calls() == []
