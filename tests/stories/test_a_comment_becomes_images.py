"""Stories: a comment in, the thread out."""

# ruff: noqa: E501  (what the bot says is quoted as it stands)

import asyncio
import json
from io import BytesIO

from inline_snapshot import snapshot
from PIL import Image

from bot.simulators.images import Fault, FaultKind
from tests.stories.conftest import Thread

TWO = """\
Good morning! Two pictures for the launch, please.

/batch --quality low --size 1024x1024

- a red fox
- an owl
"""


async def test_a_batch_becomes_images_in_the_thread(thread: Thread) -> None:
    command = await thread.say(TWO)

    assert thread.reactions(command) == ["eyes", "rocket"]
    assert thread.answer() == snapshot("""\
### ✅ 2 images

<a href="/releases/download/gptimage-rfbghrhhek/a-red-fox-33e530de40.png"><img src="/releases/download/gptimage-rfbghrhhek/thumb-a-red-fox-33e530de40.webp" alt="a red fox" height="320"></a> <a href="/releases/download/gptimage-rfbghrhhek/an-owl-8cb6d05aa5.png"><img src="/releases/download/gptimage-rfbghrhhek/thumb-an-owl-8cb6d05aa5.webp" alt="an owl" height="320"></a>

| Estimated | Paid | In doubt | Reserved at most |
| --: | --: | --: | --: |
| $0.0119 | $0.0119 | $0.00 | $0.0119 |

| Files | Prompt | Size | Quality | Cost | Time |
| --- | --- | --- | --- | --- | --- |
| [a-red-fox.png](/releases/download/gptimage-rfbghrhhek/a-red-fox-33e530de40.png) | a red fox | 1024x1024 | low | $0.0060 | N s |
| [an-owl.png](/releases/download/gptimage-rfbghrhhek/an-owl-8cb6d05aa5.png) | an owl | 1024x1024 | low | $0.0060 | N s |

📦 [All files](/releases/tag/gptimage-rfbghrhhek) · [report.json](/releases/download/gptimage-rfbghrhhek/report.json)

<sub>Run `rfbghrhhek` for maya · N s</sub>

<!-- marker -->\
""")


async def test_every_picture_in_the_answer_can_be_fetched(thread: Thread) -> None:
    await thread.say(TWO)

    files = [Image.open(BytesIO(await thread.fetch(url))) for url in thread.pictures()]

    assert [(file.format, file.size) for file in files] == [("PNG", (1024, 1024))] * 2

    small = [Image.open(BytesIO(await thread.fetch(url))) for url in thread.thumbnails()]

    assert [(file.format, file.size) for file in small] == [("WEBP", (480, 480))] * 2


async def test_the_files_are_a_published_prerelease_that_is_not_the_latest(thread: Thread) -> None:
    await thread.say(TWO)

    (release,) = thread.room.github.releases.entries.values()
    assert (release.draft, release.prerelease, release.make_latest) == (False, True, "false")
    assert sorted(asset.name for asset in release.assets.values()) == snapshot(
        [
            "a-red-fox-33e530de40.png",
            "an-owl-8cb6d05aa5.png",
            "report.json",
            "thumb-a-red-fox-33e530de40.webp",
            "thumb-an-owl-8cb6d05aa5.webp",
        ]
    )
    assert json.loads(await thread.fetch(_report(thread)))["succeeded"] == 2


def _report(thread: Thread) -> str:
    return thread.pictures()[0].rpartition("/")[0] + "/report.json"


async def test_a_file_of_the_repository_becomes_images(thread: Thread) -> None:
    command = await thread.say("/batch batches/foxes.yaml --max-cost 0.05")

    assert thread.reactions(command) == ["eyes", "rocket"]
    assert len(thread.pictures()) == 2


async def test_a_refused_prompt_does_not_hold_up_the_others(thread: Thread) -> None:
    command = await thread.say("""\
/batch
```json
{
  "defaults": {"quality": "low", "size": "1024x1024"},
  "jobs": [
    {"prompt": "a red fox", "output_path": "animals/fox.png"},
    {"prompt": "a castle by Miyazaki"},
    {"prompt": "a blue owl", "output_format": "webp"}
  ]
}
```
""")

    assert thread.reactions(command) == ["eyes", "rocket"]
    assert len(thread.pictures()) == 2
    assert thread.answer() == snapshot("""\
### ⚠️ 2 of 3 images

<a href="/releases/download/gptimage-rfbghrhhek/animals-fox-33e530de40.png"><img src="/releases/download/gptimage-rfbghrhhek/thumb-animals-fox-33e530de40.webp" alt="a red fox" height="320"></a> <a href="/releases/download/gptimage-rfbghrhhek/a-blue-owl-e445f42f56.webp"><img src="/releases/download/gptimage-rfbghrhhek/thumb-a-blue-owl-e445f42f56.webp" alt="a blue owl" height="320"></a>

**1 image was not made**

- The safety system refused the prompt. *Living artists, celebrities, known characters, logos and revealing clothing are the usual causes. Words for a style, artists long dead and general descriptions usually pass.*<br>a-castle-by-miyazaki.png

What was refused would be refused again: change it as said above, and order only those images in a new `/batch`.

| Estimated | Paid | In doubt | Reserved at most |
| --: | --: | --: | --: |
| $0.0178 | $0.0119 | $0.00 | $0.0180 |

| Files | Prompt | Size | Quality | Cost | Time |
| --- | --- | --- | --- | --- | --- |
| [animals/fox.png](/releases/download/gptimage-rfbghrhhek/animals-fox-33e530de40.png) | a red fox | 1024x1024 | low | $0.0060 | N s |
| ❌ a-castle-by-miyazaki.png | a castle by Miyazaki | 1024x1024 | low | – | N s |
| [a-blue-owl.webp](/releases/download/gptimage-rfbghrhhek/a-blue-owl-e445f42f56.webp) | a blue owl | 1024x1024 | low | $0.0060 | N s |

📦 [All files](/releases/tag/gptimage-rfbghrhhek) · [report.json](/releases/download/gptimage-rfbghrhhek/report.json)

<sub>Run `rfbghrhhek` for maya · N s</sub>

<!-- marker -->\
""")


async def test_a_batch_of_which_nothing_was_made_ends_with_a_puzzled_face(thread: Thread) -> None:
    command = await thread.say("/batch\n- a castle by Miyazaki")

    assert thread.reactions(command) == ["eyes", "confused"]
    assert thread.answer() == snapshot("""\
### ❌ No image was made

**1 image was not made**

- The safety system refused the prompt. *Living artists, celebrities, known characters, logos and revealing clothing are the usual causes. Words for a style, artists long dead and general descriptions usually pass.*<br>a-castle-by-miyazaki.png

What was refused would be refused again: change it as said above, and order only those images in a new `/batch`.

| Estimated | Paid | In doubt | Reserved at most |
| --: | --: | --: | --: |
| $0.0133 | $0.00 | $0.00 | $0.2109 |

| Files | Prompt | Size | Quality | Cost | Time |
| --- | --- | --- | --- | --- | --- |
| ❌ a-castle-by-miyazaki.png | a castle by Miyazaki | auto | auto | – | N s |

<sub>Run `rfbghrhhek` for maya · N s</sub>

<!-- marker -->\
""")


async def test_a_busy_image_api_is_asked_again(thread: Thread) -> None:
    thread.room.images.faults.append(Fault(FaultKind.RATE_LIMIT, wait_ms=10))

    async with asyncio.timeout(10):  # the server asked for a hundredth of a second
        command = await thread.say("""\
/batch
```json
{"jobs": [{"prompt": "a red fox"}], "retry_policy": {"retry_delay_ms": 100}}
```
""")

    assert thread.reactions(command) == ["eyes", "rocket"]
    assert [call.outcome for call in thread.calls()] == ["rate_limit", "answered"]
    assert len(thread.room.images.billed) == 1


async def test_a_call_that_may_be_billed_is_not_repeated_but_named_with_its_amount(
    thread: Thread,
) -> None:
    thread.room.images.faults.append(Fault(FaultKind.SERVER_ERROR, prompt="fox"))

    command = await thread.say(TWO)

    assert thread.reactions(command) == ["eyes", "rocket"]
    assert len(thread.calls()) == 2
    assert thread.answer() == snapshot("""\
### ⚠️ 1 of 2 images

<a href="/releases/download/gptimage-rfbghrhhek/an-owl-8cb6d05aa5.png"><img src="/releases/download/gptimage-rfbghrhhek/thumb-an-owl-8cb6d05aa5.webp" alt="an owl" height="320"></a>

> [!WARNING]
> 1 image is in doubt, $0.0060 at most: it may be billed, so I do not ask again.
>
> - The image service had a fault of its own.<br>1: a-red-fox.png ($0.0060)

To order also what is in doubt, and perhaps pay twice: `/batch retry rfbghrhhek doubt 1`

| Estimated | Paid | In doubt | Reserved at most |
| --: | --: | --: | --: |
| $0.0119 | $0.0060 | $0.0060 | $0.0119 |

| Files | Prompt | Size | Quality | Cost | Time |
| --- | --- | --- | --- | --- | --- |
| ⚠️ a-red-fox.png | a red fox | 1024x1024 | low | – | N s |
| [an-owl.png](/releases/download/gptimage-rfbghrhhek/an-owl-8cb6d05aa5.png) | an owl | 1024x1024 | low | $0.0060 | N s |

📦 [All files](/releases/tag/gptimage-rfbghrhhek) · [report.json](/releases/download/gptimage-rfbghrhhek/report.json)

<sub>Run `rfbghrhhek` for maya · N s</sub>

<!-- marker -->\
""")


async def test_a_key_that_is_not_accepted_stops_the_batch(thread: Thread) -> None:
    thread.room.images.faults.append(Fault(FaultKind.INVALID_KEY))
    prompts = "\n".join(f"- fox number {number}" for number in range(10))

    command = await thread.say(f"/batch --max-concurrent 1\n\n{prompts}")

    assert thread.reactions(command) == ["eyes", "confused"]
    assert len(thread.calls()) == 1
    assert thread.answer() == snapshot("""\
### ❌ No image was made

The image service would have refused every further call, so I stopped.

**1 image was not made**

- The image service did not accept the key. *The operator has to check the key, and that the organisation is verified.*<br>fox-number-\u200b0.png

9 images were not started.

What was not made can be ordered again: `/batch retry rfbghrhhek`

| Estimated | Paid | In doubt | Reserved at most |
| --: | --: | --: | --: |
| $0.1322 | $0.00 | $0.00 | $2.1081 |

| Files | Prompt | Size | Quality | Cost | Time |
| --- | --- | --- | --- | --- | --- |
| ❌ fox-number-\u200b0.png | fox number 0 | auto | auto | – | N s |
| ⬛ fox-number-\u200b1.png | fox number 1 | auto | auto | – | – |
| ⬛ fox-number-\u200b2.png | fox number 2 | auto | auto | – | – |
| ⬛ fox-number-\u200b3.png | fox number 3 | auto | auto | – | – |
| ⬛ fox-number-\u200b4.png | fox number 4 | auto | auto | – | – |
| ⬛ fox-number-\u200b5.png | fox number 5 | auto | auto | – | – |
| ⬛ fox-number-\u200b6.png | fox number 6 | auto | auto | – | – |
| ⬛ fox-number-\u200b7.png | fox number 7 | auto | auto | – | – |
| ⬛ fox-number-\u200b8.png | fox number 8 | auto | auto | – | – |
| ⬛ fox-number-\u200b9.png | fox number 9 | auto | auto | – | – |

<sub>Run `rfbghrhhek` for maya · N s</sub>

<!-- marker -->\
""")


async def test_the_comment_is_kept_true_while_the_images_are_made(thread: Thread) -> None:
    thread.room.images.faults.append(Fault(FaultKind.HANG, prompt="owl", hang_ms=2500))

    await thread.say(TWO)

    (comment,) = thread.by_bot
    said = [thread.plain(body) for _, body in comment.revisions]
    assert said[0] == snapshot("""\
### ⏳ 2 images are waiting for their turn

⬜⬜ **0 of 2**

2 to come

About $0.0119, at most $0.0119

<sub>Run `rfbghrhhek` for maya</sub>

<!-- marker -->\
""")
    assert next(words for words in said if "🟩" in words) == snapshot("""\
### 🎨 Making 2 images

🟩🟦 **1 of 2**

1 made · 1 under way

$0.0060 so far, at most $0.0119

<sub>Run `rfbghrhhek` for maya</sub>

<!-- marker -->\
""")
    assert len(said) <= 8
