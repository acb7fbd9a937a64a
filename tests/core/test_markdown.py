"""What the bot says in a thread, word for word."""
# ruff: noqa: E501  (a comment is quoted as it is posted)

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta
from string import Formatter
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inline_snapshot import snapshot

from bot.core.attempts import Attempt, AttemptState
from bot.core.batch import BatchConfig, Job
from bot.core.command import Batch, Block, Help, Prompts, parse_command
from bot.core.errors import BatchError, CommandError, Failure, Problem, Reason, Refused
from bot.core.markdown import (
    FOLLOWED,
    MAX_BODY,
    Markers,
    batch_problems,
    command_problem,
    estimate_answer,
    final,
    help_text,
    live,
    refused,
    with_marker,
)
from bot.core.messages import Language, messages
from bot.core.plan import plan
from bot.core.pricing import Money, estimate
from bot.core.run import (
    Extra,
    FileKind,
    ItemState,
    ItemView,
    Person,
    Run,
    RunState,
    RunView,
    Stop,
    Thread,
)

T0 = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
ENGLISH, JAPANESE = messages("en"), messages("ja")
_FUTILE = (Failure.MODERATION, Failure.INVALID, Failure.NO_MODEL)
BASE = "https://github.com/acme/art/releases/download/r/"


def job(name: str, prompt: str = "a red fox in snow", *, quality: str = "low") -> Job:
    return Job(prompt=prompt, output_path=name, size="1024x1024", quality=quality)


def waiting(*jobs: Job) -> RunView:
    """A run in the queue, as intake stores it."""
    batch = BatchConfig(jobs=jobs)
    bill = estimate(batch).total
    run = Run(
        id="abcdefghij",
        state=RunState.QUEUED,
        batch=batch,
        created_at=T0,
        thread=Thread(7, 70, "acme/art", private=False, issue=3, comment=700),
        author=Person(1, "ann"),
        expected=bill.expected,
        upper_bound=bill.high,
    )
    return RunView(run, tuple(map(ItemView, plan(batch, run.id))))


def tried(
    item: ItemView, state: AttemptState, failure: Failure | None = None, message: str = ""
) -> ItemView:
    """The item after one call of 12 seconds."""
    made = state is AttemptState.SUCCEEDED
    attempt = Attempt(
        number=1,
        order=1,
        state=state,
        started_at=T0,
        settled_at=None if state is AttemptState.STARTED else T0 + timedelta(seconds=12),
        amount=Money(6_002),
        cost=Money(5_945) if made else None,
        failure=failure,
        message=message,
    )
    if not made:
        return replace(item, attempts=(attempt,))
    url, small = f"{BASE}{item.item.asset_name}", f"{BASE}thumb-{item.item.id}.webp"
    return replace(item, attempts=(attempt,), url=url, path=item.item.path, thumbnail=small)


def made(view: RunView, **changes: object) -> RunView:
    """The run when every image is there."""
    items = tuple(tried(item, AttemptState.SUCCEEDED) for item in view.items)
    return at(replace(view, items=items), RunState.DONE, **changes)


def at(view: RunView, state: RunState, **changes: object) -> RunView:
    known = {"started_at": T0, "finished_at": T0 + timedelta(seconds=61)}
    return replace(view, run=replace(view.run, state=state, **(known | changes)))  # type: ignore[arg-type]  # fields by name


def mixed() -> RunView:
    """One of everything that can become of an image."""
    names = ("made", "refused", "wrong", "doubt", "open", "next", "off")
    view = waiting(*(job(f"{name}.png") for name in names))
    fox, no, wrong, doubt, started, waits, off = view.items
    items = (
        tried(fox, AttemptState.SUCCEEDED),
        tried(no, AttemptState.FAILED, Failure.MODERATION),
        tried(wrong, AttemptState.FAILED, Failure.INVALID, "the size is not served"),
        tried(doubt, AttemptState.IN_DOUBT, Failure.TIMEOUT),
        tried(started, AttemptState.STARTED),
        waits,
        replace(off, cancelled=True),
    )
    return at(replace(view, items=items), RunState.RUNNING)


def plain(comment: str) -> str:
    """The comment without the gaps that nobody sees and without ids that change with the plan."""
    return re.sub(r"-[a-z0-9]{6,}(?=\.png|\.webp)", "-ID", comment.replace("\u200b", ""))


# --- live -------------------------------------------------------------------------------------


def test_a_queued_run_says_what_it_will_cost() -> None:
    assert plain(live(waiting(job("a.png"), job("b.png")), T0, ENGLISH)) == snapshot("""\
### ⏳ 2 images are waiting for their turn

⬜⬜ **0 of 2**

2 to come

About $0.0119, at most $0.0120

<sub>Run `abcdefghij` for ann</sub>\
""")


def test_a_running_run_shows_each_image_as_a_square() -> None:
    assert plain(live(mixed(), T0 + timedelta(seconds=47), ENGLISH)) == snapshot("""\
### 🎨 Making 7 images

🟩🟥🟥🟨⬛🟦⬜ **5 of 7**

1 made · 2 not made · 1 in doubt · 1 cancelled · 1 under way · 1 to come · 40 s · about 20 s left

$0.0060 so far, at most $0.0420

<sub>Run `abcdefghij` for ann</sub>\
""")


def test_a_queued_run_says_how_many_came_before_it() -> None:
    view = waiting(job("a.png"))
    assert "2 runs are before it" in live(view, T0, ENGLISH, ahead=2)
    assert "It is the next one" in live(view, T0, ENGLISH, ahead=0)
    assert "3 runs were before it when it came in" in live(view, T0, ENGLISH, ahead=FOLLOWED)
    assert "More than 100 runs were before it" in live(view, T0, ENGLISH, ahead=101)
    assert "before it" not in live(view, T0, ENGLISH)
    assert "before it" not in live(at(view, RunState.RUNNING), T0, ENGLISH, ahead=2)


def test_a_run_without_an_image_yet_guesses_no_time_to_come() -> None:
    view = at(waiting(job("a.png")), RunState.RUNNING)
    assert "left" not in live(view, T0 + timedelta(minutes=1), ENGLISH)


def test_a_run_speaks_japanese() -> None:
    assert plain(live(mixed(), T0 + timedelta(minutes=5), JAPANESE)) == snapshot("""\
### 🎨 画像 7 枚を作成しています

🟩🟥🟥🟨⬛🟦⬜ **5 / 7**

完成 1 · 失敗 2 · 結果不明 1 · 取り消し 1 · 作成中 1 · 待機中 1 · 5 分 · 残り約 2 分

これまでに $0.0060、最大 $0.0420

<sub>実行 `abcdefghij`（ann）</sub>\
""")


def test_a_long_run_keeps_its_bar_short_and_in_proportion() -> None:
    view = waiting(*(job(f"{n}.png") for n in range(100)))
    half = tuple(tried(item, AttemptState.SUCCEEDED) for item in view.items[:50])
    comment = live(replace(view, items=half + view.items[50:]), T0, ENGLISH)
    assert "🟩" * 10 + "⬜" * 10 + " **50 of 100**" in comment


def test_ten_seconds_that_change_nothing_change_no_word() -> None:
    view = at(waiting(job("a.png")), RunState.RUNNING)
    words = [live(view, T0 + timedelta(seconds=s), ENGLISH) for s in (0, 9, 10, 19, 20)]
    assert words[0] == words[1] != words[2] == words[3] != words[4]


def test_without_a_price_no_amount_is_made_up() -> None:
    view = waiting(job("a.png"))
    unpriced = replace(view, run=replace(view.run, expected=None, upper_bound=None))
    assert "No price is known for this model" in live(unpriced, T0, ENGLISH)


# --- final ------------------------------------------------------------------------------------


def test_a_good_end_shows_the_images_and_the_bill() -> None:
    page = "https://github.com/acme/art/releases/tag/r"
    view = made(waiting(job("fox.png"), job("owl.png", "an owl | @octocat #1")), page_url=page)
    assert plain(final(view, T0, ENGLISH)) == snapshot("""\
### ✅ 2 images

<a href="https://github.com/acme/art/releases/download/r/fox-ID.png"><img src="https://github.com/acme/art/releases/download/r/thumb-ID.webp" alt="a red fox in snow" height="320"></a> <a href="https://github.com/acme/art/releases/download/r/owl-ID.png"><img src="https://github.com/acme/art/releases/download/r/thumb-ID.webp" alt="an owl &#124; @octocat #1" height="320"></a>

| Estimated | Paid | In doubt | Reserved at most |
| --: | --: | --: | --: |
| $0.0119 | $0.0119 | $0.00 | $0.0121 |

| Files | Prompt | Size | Quality | Cost | Time |
| --- | --- | --- | --- | --- | --- |
| [fox.png](https://github.com/acme/art/releases/download/r/fox-ID.png) | a red fox in snow | 1024x1024 | low | $0.0060 | 12 s |
| [owl.png](https://github.com/acme/art/releases/download/r/owl-ID.png) | an owl &#124; @octocat #1 | 1024x1024 | low | $0.0060 | 12 s |

📦 [All files](https://github.com/acme/art/releases/tag/r)

<sub>Run `abcdefghij` for ann · 61 s</sub>\
""")


def test_a_mixed_end_says_why_what_to_do_and_what_is_in_doubt() -> None:
    view = mixed()
    items = tuple(i for i in view.items if i.state not in {ItemState.STARTED, ItemState.RESERVED})
    view = at(replace(view, items=items), RunState.DONE, stop=Stop.CANCELLED, note="Kept here.")
    assert plain(final(view, T0, ENGLISH)) == snapshot("""\
### ⚠️ 1 of 5 images

Somebody cancelled this run. What was under way has been kept.

<a href="https://github.com/acme/art/releases/download/r/made-ID.png"><img src="https://github.com/acme/art/releases/download/r/thumb-ID.webp" alt="a red fox in snow" height="320"></a>

**2 images were not made**

- The image service did not accept the request. the size is not served<br>wrong.png
- The safety system refused the prompt. *Living artists, celebrities, known characters, logos and revealing clothing are the usual causes. Words for a style, artists long dead and general descriptions usually pass.*<br>refused.png

1 image was not started.

> [!WARNING]
> 1 image is in doubt, $0.0061 at most: it may be billed, so I do not ask again.
>
> - No answer came in time.<br>4: doubt.png ($0.0061)

What was not made can be ordered again: `/batch retry abcdefghij`

What was refused would be refused again: change it as said above, and order only those images in a new `/batch`.

To order also what is in doubt, and perhaps pay twice: `/batch retry abcdefghij doubt 4`

| Estimated | Paid | In doubt | Reserved at most |
| --: | --: | --: | --: |
| $0.0416 | $0.0060 | $0.0061 | $0.0420 |

| Files | Prompt | Size | Quality | Cost | Time |
| --- | --- | --- | --- | --- | --- |
| [made.png](https://github.com/acme/art/releases/download/r/made-ID.png) | a red fox in snow | 1024x1024 | low | $0.0060 | 12 s |
| ❌ refused.png | a red fox in snow | 1024x1024 | low | – | 12 s |
| ❌ wrong.png | a red fox in snow | 1024x1024 | low | – | 12 s |
| ⚠️ doubt.png | a red fox in snow | 1024x1024 | low | – | 12 s |
| ⬛ off.png | a red fox in snow | 1024x1024 | low | – | – |

> [!NOTE]
> Kept here.

<sub>Run `abcdefghij` for ann · 61 s</sub>\
""")


def test_an_image_in_doubt_stays_so_after_a_later_call_that_failed_for_free() -> None:
    view = waiting(job("made.png"), job("doubt.png"))
    fox, doubt = view.items
    doubt = tried(doubt, AttemptState.IN_DOUBT, Failure.TIMEOUT)
    later = tried(doubt, AttemptState.FAILED, Failure.AUTHENTICATION).attempts[0]
    attempts = (*doubt.attempts, replace(later, number=2, order=2))
    items = (tried(fox, AttemptState.SUCCEEDED), replace(doubt, attempts=attempts, order=2))
    over = at(replace(view, items=items), RunState.DONE)
    assert live(over, T0, ENGLISH).splitlines()[2] == snapshot("🟩🟨 **2 of 2**")
    assert plain(final(over, T0, ENGLISH)) == snapshot("""\
### ⚠️ 1 of 2 images

<a href="https://github.com/acme/art/releases/download/r/made-ID.png"><img src="https://github.com/acme/art/releases/download/r/thumb-ID.webp" alt="a red fox in snow" height="320"></a>

> [!WARNING]
> 1 image is in doubt, $0.0061 at most: it may be billed, so I do not ask again.
>
> - No answer came in time. → The image service did not accept the key. *The operator has to check the key, and that the organisation is verified.*<br>2: doubt.png ($0.0061)

To order also what is in doubt, and perhaps pay twice: `/batch retry abcdefghij doubt 2`

| Estimated | Paid | In doubt | Reserved at most |
| --: | --: | --: | --: |
| $0.0119 | $0.0060 | $0.0061 | $0.0120 |

| Files | Prompt | Size | Quality | Cost | Time |
| --- | --- | --- | --- | --- | --- |
| [made.png](https://github.com/acme/art/releases/download/r/made-ID.png) | a red fox in snow | 1024x1024 | low | $0.0060 | 12 s |
| ⚠️ doubt.png | a red fox in snow | 1024x1024 | low | – | 12 s |

<sub>Run `abcdefghij` for ann · 61 s</sub>\
""")


def test_an_end_without_images_has_no_gallery() -> None:
    view = waiting(job("fox.png"))
    items = (tried(view.items[0], AttemptState.FAILED, Failure.MODERATION),)
    assert plain(final(at(replace(view, items=items), RunState.DONE), T0, JAPANESE)) == snapshot("""\
### ❌ 画像は作成されませんでした

**作成できなかった画像: 1 枚**

- 安全システムがプロンプトを拒否しました。 *存命の作家、著名人、既存のキャラクター、ロゴ、露出の多い服装が主な原因です。作風を表す言葉、昔の作家の名前、一般的な描写なら、たいてい通ります。*<br>fox.png

拒否されたものは、そのまま注文しても再び拒否されます。上の説明のとおりに変更し、その画像だけを新しい `/batch` で注文してください。

| 見積もり | 支払い | 結果不明 | 予約の上限 |
| --: | --: | --: | --: |
| $0.0060 | $0.00 | $0.00 | $0.0060 |

| ファイル | プロンプト | サイズ | 品質 | 費用 | 時間 |
| --- | --- | --- | --- | --- | --- |
| ❌ fox.png | a red fox in snow | 1024x1024 | low | – | 12 秒 |

<sub>実行 `abcdefghij`（ann） · 61 秒</sub>\
""")


def test_the_images_of_a_job_stand_in_one_row_with_what_they_cost_together() -> None:
    view = made(waiting(Job(prompt="an owl", output_path="owl.png", sample_count=3, quality="low")))
    rows = [line for line in plain(final(view, T0, ENGLISH)).splitlines() if "an owl |" in line]
    assert [row.count("](https://") for row in rows] == [3]
    assert rows[0].endswith("| an owl | auto | low | $0.0179 | 12 s |")


@pytest.mark.parametrize(
    ("count", "folds"),
    [
        (12, []),
        (13, ["All 13 jobs in a table"]),
        (50, ["26 more images", "All 50 jobs in a table"]),
        (60, ["36 more images", "Jobs 1 to 50", "Jobs 51 to 60"]),
    ],
)
def test_many_jobs_are_folded_and_very_many_in_several_folds(count: int, folds: list[str]) -> None:
    view = made(waiting(*(job(f"{n}.png") for n in range(count))))
    comment = final(view, T0, ENGLISH)
    assert re.findall("<summary>(.*?)</summary>", comment) == folds
    assert comment.count("<details>") == comment.count("</details>") == len(folds)


def test_archives_and_overviews_stand_in_the_place_of_a_gallery() -> None:
    names = [
        ("images-1.zip", FileKind.ARCHIVE),
        ("1.jpg", FileKind.SHEET),
        ("2.jpg", FileKind.SHEET),
    ]
    extras = tuple(Extra(kind, name, f"{BASE}{name}") for name, kind in names)
    view = made(waiting(job("animals/fox.png")), extras=extras)
    items = tuple(replace(i, thumbnail=None, url=f"{BASE}images-1.zip") for i in view.items)
    comment = plain(final(replace(view, items=items), T0, ENGLISH))
    assert comment.partition("\n\n| Estimated")[0] == snapshot("""\
### ✅ 1 image

🗜️ [images-1.zip](https://github.com/acme/art/releases/download/r/images-1.zip)

<a href="https://github.com/acme/art/releases/download/r/1.jpg"><img src="https://github.com/acme/art/releases/download/r/1.jpg" alt="1.jpg"></a>

<details><summary>1 more overview</summary>

<a href="https://github.com/acme/art/releases/download/r/2.jpg"><img src="https://github.com/acme/art/releases/download/r/2.jpg" alt="2.jpg"></a>

</details>\
""")
    assert "| animals/fox.png | a red fox" in comment


@given(
    prompts=st.lists(st.text(min_size=1, max_size=4_000), min_size=1, max_size=40),
    copies=st.integers(1, 40),
    state=st.sampled_from([AttemptState.SUCCEEDED, AttemptState.FAILED, AttemptState.IN_DOUBT]),
    language=st.sampled_from(get_args(Language)),
)
def test_no_last_word_is_ever_too_long_or_leaves_a_fold_open(
    prompts: list[str], copies: int, state: AttemptState, language: Language
) -> None:
    view = waiting(*(job(f"{n}.png", text) for n, text in enumerate(prompts * copies)))
    items = tuple(
        tried(item, state, None if state == "succeeded" else Failure.TIMEOUT) for item in view.items
    )
    comment = final(at(replace(view, items=items), RunState.DONE), T0, messages(language))
    assert len(comment) <= MAX_BODY
    assert comment.count("<details>") == comment.count("</details>")


def test_images_without_an_address_are_named_and_not_linked() -> None:
    view = made(waiting(job("fox.png")))
    local = replace(view, items=tuple(replace(item, url=None) for item in view.items))
    comment = final(local, T0, ENGLISH)
    assert "<img" not in comment
    assert "| fox.png |" in comment


@pytest.mark.parametrize("prompt", ["狐" * 4_000, "|" * 4_000, "@a #1 " * 700])
def test_a_thousand_long_prompts_fit_and_the_rest_is_counted(prompt: str) -> None:
    view = made(waiting(*(job(f"{n}.png", prompt) for n in range(1_000))))
    comment = final(view, T0, ENGLISH)
    assert 20_000 < len(comment) <= MAX_BODY
    shown, left = comment.count("<img"), re.search(r"and (\d+) more, which are all in", comment)
    assert left is not None
    assert shown + int(left[1]) == 1_000


def test_a_thousand_different_failures_fit_too() -> None:
    view = waiting(*(job(f"{n}.png") for n in range(1_000)))
    items = tuple(
        tried(item, AttemptState.FAILED, Failure.INVALID, f"{n} " + "|" * 500)
        for n, item in enumerate(view.items)
    )
    run = replace(view.run, warnings=("|" * 4_000,) * 1_000, note="|" * 4_000)
    assert len(final(RunView(run, items), T0, ENGLISH)) <= MAX_BODY
    assert len(live(RunView(run, items), T0, ENGLISH)) <= MAX_BODY


# --- answers ----------------------------------------------------------------------------------


def test_every_fault_of_a_batch_is_named_at_once() -> None:
    error = BatchError(
        [
            Problem("jobs[1].qualty", "is no field of a job", "did you mean quality?"),
            Problem("", "the JSON ends too early", "line 3, column 5"),
            Problem("jobs[2].prompt", "must be text, not <b>@octocat</b>"),
        ]
    )
    assert plain(batch_problems(error, ENGLISH)) == snapshot("""\
### 🔎 3 things to mend in the batch

- <code>jobs&#91;1&#93;.qualty</code> is no field of a job<br>*did you mean quality?*
- the JSON ends too early<br>*line 3, column 5*
- <code>jobs&#91;2&#93;.prompt</code> must be text, not &#60;b&#62;@octocat&#60;/b&#62;

Edit your comment: I read it again, and nothing has been billed.\
""")


def test_a_thousand_faults_fit() -> None:
    error = BatchError([Problem(f"jobs[{n}]", "|" * 900, "|" * 900) for n in range(1_000)])
    comment = batch_problems(error, ENGLISH)
    assert len(comment) <= MAX_BODY
    assert re.search(r"…and \d+ more\.", comment)


def test_a_command_that_cannot_be_read_gets_an_example() -> None:
    with pytest.raises(CommandError) as caught:
        parse_command("/batch @octocat")
    comment = plain(command_problem(caught.value, ENGLISH))
    assert comment.partition("<details>")[0] == snapshot("""\
### 🔎 I could not read that

/batch does not know the word “@octocat”.

*The commands are /batch, /estimate, /batch run, /batch status, /batch cancel, /batch retry, /batch help. Prompts go below the command, as a list.*

""")
    assert help_text(ENGLISH) in comment


@pytest.mark.parametrize("failure", _FUTILE)
def test_what_would_be_refused_again_is_not_offered_again(failure: Failure) -> None:
    (item,) = (view := waiting(job("a.png"))).items
    items = (tried(item, AttemptState.FAILED, failure, "the size is not served"),)
    comment = final(at(replace(view, items=items), RunState.DONE), T0, ENGLISH)
    assert "/batch retry" not in comment
    assert "change it as said above" in comment


@pytest.mark.parametrize("failure", sorted(set(Failure) - set(_FUTILE)))
def test_what_may_pass_the_next_time_is_offered_again(failure: Failure) -> None:
    (item,) = (view := waiting(job("a.png"))).items
    items = (tried(item, AttemptState.FAILED, failure),)
    comment = final(at(replace(view, items=items), RunState.DONE), T0, ENGLISH)
    assert "`/batch retry abcdefghij`" in comment
    assert "refused again" not in comment


@pytest.mark.parametrize("language", get_args(Language))
@pytest.mark.parametrize("reason", Reason)
def test_a_refusal_has_a_title_and_its_reason(reason: Reason, language: Language) -> None:
    comment = plain(refused(Refused(reason, "ann needs the write role."), messages(language)))
    assert comment.startswith("### ")
    assert comment.endswith("\n\nann needs the write role.")


def test_an_estimate_is_a_table_with_a_total() -> None:
    batch = BatchConfig(jobs=(job("fox.png"), job("owl.png", quality="auto")))
    assert plain(
        estimate_answer(estimate(batch), ("a warning",), ENGLISH, "abcdefgh23")
    ) == snapshot("""\
### 🧮 2 images would cost

| Job | Images | Lowest | Expected | Highest |
| --: | --: | --: | --: | --: |
| 1 | 1 | $0.0060 | $0.0060 | $0.0060 |
| 2 | 1 | $0.0060 | $0.0133 | $0.2109 |
| **Total** | **2** | **$0.0119** | **$0.0192** | **$0.2169** |

About 1 min at the present rate. Nothing has been made or billed.

<details><summary>1 thing to know</summary>

- a warning

</details>

To make exactly these, comment within a day:

```
/batch run abcdefgh23
```\
""")


def test_an_estimate_of_a_thousand_jobs_fits() -> None:
    batch = BatchConfig(jobs=tuple(job(f"{n}.png") for n in range(1_000)))
    assert len(estimate_answer(estimate(batch), (), JAPANESE, "abcdefgh23")) <= MAX_BODY


def test_an_unknown_price_is_said_and_never_zero() -> None:
    batch = BatchConfig(jobs=(Job(prompt="a fox", model="a-new-model"),))
    comment = plain(estimate_answer(estimate(batch), (), ENGLISH, "abcdefgh23"))
    assert "| unknown | unknown | unknown |" in comment
    assert "For some of them no price is known" in comment


@pytest.mark.parametrize("language", get_args(Language))
def test_the_examples_of_the_help_are_commands(language: Language) -> None:
    text = help_text(messages(language))
    examples = re.findall(r"````markdown\n(.*?)````", text, re.DOTALL)
    first, second = map(parse_command, examples)
    assert isinstance(first, Batch)
    assert isinstance(first.source, Prompts)
    assert isinstance(second, Batch)
    assert isinstance(second.source, Block)
    assert parse_command(text) is None
    assert parse_command("/batch help") == Help()


# --- languages --------------------------------------------------------------------------------


def sentences(value: object, place: str = "") -> Iterator[tuple[str, str]]:
    """Every sentence in a value, with its place."""
    if isinstance(value, str):
        yield place, value
    elif is_dataclass(value):
        for f in fields(value):
            yield from sentences(getattr(value, f.name), f"{place}.{f.name}")
    elif isinstance(value, Mapping):
        for key, entry in value.items():
            yield from sentences(entry, f"{place}[{key}]")
    elif isinstance(value, tuple):
        yield from sentences(dict(enumerate(value)), place)


def counted(place: str) -> bool:
    """The help has no values, and tests/core/test_translations.py looks at the other sentences."""
    return place != ".help" and not place.startswith(".sentences")


def test_both_languages_say_the_same_with_the_same_values() -> None:
    def names(text: str) -> set[str | None]:
        return {name for _, name, _, _ in Formatter().parse(text) if name is not None}

    english, japanese = (
        {place: names(text) for place, text in sentences(words) if counted(place)}
        for words in (ENGLISH, JAPANESE)
    )
    assert english.keys() == japanese.keys()
    for place, named in english.items():  # "one" may do without its number
        assert named == japanese[place] or (place.endswith("[0]") and named < japanese[place])


@pytest.mark.parametrize("language", get_args(Language))
def test_there_is_a_word_for_everything_that_can_happen(language: Language) -> None:
    words = messages(language)
    assert set(words.live.states) == set(ItemState)
    assert set(words.final.stops) == set(Stop)
    assert set(words.final.failures) == set(Failure)
    assert set(words.refused) == set(Reason)


# --- markers ----------------------------------------------------------------------------------

MARKERS = Markers(b"key")


def test_a_marker_is_found_again_in_its_comment() -> None:
    comment = with_marker("words", MARKERS.sign("comment:1-2-3"))
    assert MARKERS.verify(comment) == "comment:1-2-3"
    assert comment.startswith("words\n\n<!-- gptimage:comment:1-2-3:")


def test_a_marker_of_somebody_else_is_not_believed() -> None:
    forged = Markers(b"other").sign("comment:1")
    assert MARKERS.verify(forged) is None
    assert MARKERS.verify(MARKERS.sign("comment:1").replace("comment:1", "comment:2")) is None
    assert MARKERS.verify(f"{forged}\n{MARKERS.sign('comment:1')}") == "comment:1"
    assert MARKERS.verify("no marker at all") is None


@pytest.mark.parametrize("effect_id", ["", "a--b", "a>b", "a b", "é", "a\nb"])
def test_an_id_that_could_break_the_marker_is_refused(effect_id: str) -> None:
    with pytest.raises(ValueError, match="effect"):
        MARKERS.sign(effect_id)


def test_a_marker_needs_a_key() -> None:
    with pytest.raises(ValueError, match="empty"):
        Markers(b"")


def test_a_comment_with_its_marker_is_never_too_long() -> None:
    marker = MARKERS.sign("comment:1")
    comment = with_marker("x" * 70_000, marker)
    assert len(comment) == MAX_BODY
    assert MARKERS.verify(comment) == "comment:1"
