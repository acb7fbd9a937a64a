"""Stories: the bot speaks the language that its operator has chosen, or that of the comment."""

# ruff: noqa: E501  (what the bot says is quoted as it stands)

import re

from inline_snapshot import snapshot

from bot.simulators.github.faults import Fault as GitHubFault
from bot.simulators.images import Fault, FaultKind
from tests.stories.conftest import Thread, with_settings


@with_settings(gptimage_language="ja")
async def test_a_run_is_told_in_japanese(thread: Thread) -> None:
    command = await thread.say("お願いします。\n\n/batch --quality low\n\n- 雪の中の赤い狐")

    assert thread.reactions(command) == ["eyes", "rocket"]
    assert thread.answer() == snapshot("""\
### ✅ 画像 1 枚が完成しました

<a href="/releases/download/gptimage-rfbghrhhek/image-d8ca2f7393.png"><img src="/releases/download/gptimage-rfbghrhhek/thumb-image-d8ca2f7393.webp" alt="雪の中の赤い狐" height="320"></a>

| 見積もり | 支払い | 結果不明 | 予約の上限 |
| --: | --: | --: | --: |
| $0.0060 | $0.0060 | $0.00 | $0.0061 |

| ファイル | プロンプト | サイズ | 品質 | 費用 | 時間 |
| --- | --- | --- | --- | --- | --- |
| [雪の中の赤い狐.png](/releases/download/gptimage-rfbghrhhek/image-d8ca2f7393.png) | 雪の中の赤い狐 | auto | low | $0.0060 | N 秒 |

📦 [すべてのファイル](/releases/tag/gptimage-rfbghrhhek) · [report.json](/releases/download/gptimage-rfbghrhhek/report.json)

<sub>実行 `rfbghrhhek`（maya） · N 秒</sub>

<!-- marker -->\
""")


@with_settings(gptimage_language="ja")
async def test_help_is_given_in_japanese(thread: Thread) -> None:
    await thread.say("/batch")

    assert thread.answer() == snapshot("""\
### 🎨 コメントから画像を作成

次の例をコピーし、言葉を変えて投稿してください。

````markdown
/batch --size 1536x1024 --quality medium

- 新雪の中の赤い狐、水彩画
- 白樺の下で眠る同じ狐、水彩画
````

JSON ですべてを指定することもできます。

````markdown
/batch
```json
{
  "jobs": [
    {
      "prompt": "新雪の中の赤い狐、水彩画",
      "output_path": "fox.png",
      "size": "1536x1024",
      "quality": "high",
      "sample_count": 2
    }
  ]
}
```
````

| コメント | 動作 |
|---|---|
| `/batch` | 画像を作成し、ここに返信します |
| `/batch path/in/repo.yaml` | 既定のブランチのファイル（JSON か YAML）で同じことをします |
| `/estimate` | 費用だけをお知らせします（画像は作成しません） |
| `/batch run ID` | 見積もったとおりのものを作成します（1 日以内） |
| `/batch status` | ここでの最新の実行の様子と、使える残りの予算をお知らせします |
| `/batch cancel` | その実行の残りを中止します |
| `/batch retry` | 作成できなかったものをもう一度注文します |
| `/batch help` | この説明を表示します |

<!-- marker -->\
""")


FAULTS = """\
/batch
```json
{
  "jobs": [
    {"promt": "a red fox", "size": "1000x1000"},
    {"prompt": "an owl", "quality": "best", "sample_count": 11},
    {"prompt": "a hare", "output_path": "../hare.png", "mask_image_path": 5}
  ],
  "max_concurrent": 0,
  "variables": {"animal": "fox"}
}
```
"""


@with_settings(gptimage_language="ja")
async def test_the_faults_of_a_batch_are_named_in_japanese(thread: Thread) -> None:
    await thread.say(FAULTS)

    assert thread.answer() == snapshot("""\
### 🔎 バッチに直すところが 9 件あります

- <code>max&#95;concurrent</code> 1～10 にしてください<br>*今は 0 です*
- <code>variables.animal</code> 文字列のリストにしてください<br>*\u200b&#91;&#34;fox&#34;&#93; と書いてください*
- <code>jobs&#91;0&#93;.prompt</code> 必須です
- <code>jobs&#91;0&#93;.promt</code> ジョブにこの項目はありません<br>*\u200b「prompt」ではありませんか？*
- <code>jobs&#91;0&#93;.size</code> 1000x1000: 幅と高さは 16 の倍数にしてください<br>*1008x1008 をお試しください。標準の縦横比は 2:\u200b3、3:\u200b2、1:\u200b1 です*
- <code>jobs&#91;1&#93;.sample&#95;count</code> 1～10 にしてください<br>*今は 11 です*
- <code>jobs&#91;1&#93;.quality</code> \u200b「best」は使えません。次のいずれかにしてください: auto, low, medium, high, xhigh, max（gpt-image-\u200b2.5-flare の場合）
- <code>jobs&#91;2&#93;.mask&#95;image&#95;path</code> 文字列にしてください
- <code>jobs&#91;2&#93;.output&#95;path</code> \u200b「..」は使えません。ファイルは &#96;output&#95;dir&#96; の中に置かれます

コメントを編集すると読み直します。課金はありません。

<!-- marker -->\
""")


@with_settings(gptimage_language="ja", gptimage_model="gpt-image-2.6-flare")
async def test_what_deserves_attention_is_told_in_japanese(thread: Thread) -> None:
    await thread.say(
        '/batch --quality low\n```json\n{"jobs": [{"prompt": "a fox", "return_base64": true}],'
        ' "timeout": 1000}\n```'
    )

    (warnings,) = re.findall(r"<details>.*?</details>", thread.answer(), re.DOTALL)
    assert warnings == snapshot("""\
<details><summary>お知らせ 3 件</summary>

- jobs&#91;0&#93;.return&#95;base64 は無視します。画像はファイルに書き込みます
- gpt-image-\u200b2.6-flare のトークン数の計算式は公開されていないため、見積もりは概算です
- 現在の速度では約 N 秒かかり、時間制限の N 秒を超えます。&#96;timeout&#96; を長くしてください

</details>\
""")


@with_settings(gptimage_language="ja", gptimage_max_cost_per_run="0.001")
async def test_a_refusal_is_told_in_japanese(thread: Thread) -> None:
    await thread.say("/batch --quality high\n\n- a fox")

    assert thread.answer() == snapshot("""\
### 💰 費用の上限を超えています

このバッチの費用は最大 &#36;0.0528 になり、GPTIMAGE&#95;MAX&#95;COST&#95;PER&#95;RUN の上限 &#36;0.0010 を超えます。枚数、サイズ、品質のいずれかを下げてください。

<!-- marker -->\
""")


@with_settings(gptimage_language="ja", gptimage_max_cost_per_person_and_day="0.001")
async def test_a_full_budget_is_told_in_japanese(thread: Thread) -> None:
    await thread.say("/batch --quality high\n\n- a fox")

    assert thread.answer() == snapshot("""\
### 💰 費用の上限を超えています

この実行の費用は最大 &#36;0.0528 になりますが、maya さんの 1 日の上限 &#36;0.0010 の残りは &#36;0.0010 です。

<!-- marker -->\
""")


@with_settings(gptimage_language="ja")
async def test_what_the_image_service_refused_is_told_in_japanese(thread: Thread) -> None:
    thread.room.images.faults.append(Fault(FaultKind.STRING_ERROR, status=413, prompt="fox"))
    thread.room.github.faults.add(GitHubFault(method="POST", path="/releases$", status=403))

    await thread.say("/batch --quality low\n\n- a fox\n- Miyazaki\n- a hare")

    assert thread.answer() == snapshot("""\
### ⚠️ 画像 3 枚のうち 1 枚が完成しました

<a href="/blob/COMMIT/a-hare-52a0073282.png?raw=true"><img src="/blob/COMMIT/thumb-a-hare-52a0073282.webp?raw=true" alt="a hare" height="320"></a>

**作成できなかった画像: 2 枚**

- 画像サービスが要求を受け付けませんでした。 HTTP 413: 要求が大きすぎます。参照画像を圧縮してください<br>a-fox.png
- 安全システムがプロンプトを拒否しました。 *存命の作家、著名人、既存のキャラクター、ロゴ、露出の多い服装が主な原因です。作風を表す言葉、昔の作家の名前、一般的な描写なら、たいてい通ります。*<br>miyazaki.png

拒否されたものは、そのまま注文しても再び拒否されます。上の説明のとおりに変更し、その画像だけを新しい `/batch` で注文してください。

| 見積もり | 支払い | 結果不明 | 予約の上限 |
| --: | --: | --: | --: |
| $0.0178 | $0.0060 | $0.00 | $0.0179 |

| ファイル | プロンプト | サイズ | 品質 | 費用 | 時間 |
| --- | --- | --- | --- | --- | --- |
| ❌ a-fox.png | a fox | auto | low | – | N 秒 |
| ❌ miyazaki.png | Miyazaki | auto | low | – | N 秒 |
| [a-hare.png](/blob/COMMIT/a-hare-52a0073282.png?raw=true) | a hare | auto | low | $0.0060 | N 秒 |

📦 [すべてのファイル](/tree/gptimage-rfbghrhhek) · [report.json](/blob/COMMIT/report.json?raw=true)

> [!NOTE]
> 代わりにブランチで公開しました: 1 個のファイル。理由: このトークンには書き込みの権限がありません。App なら「Contents: write」を、ワークフローなら &#96;contents: write&#96; を許可してください。

<sub>実行 `rfbghrhhek`（maya） · N 秒</sub>

<!-- marker -->\
""")


@with_settings(gptimage_language="ja")
async def test_a_command_that_cannot_be_read_is_told_in_japanese(thread: Thread) -> None:
    await thread.say("/batch --qualty high")

    assert thread.answer().partition("<details>")[0] == snapshot("""\
### 🔎 コマンドを読み取れませんでした

\u200b「--qualty」というオプションはありません。

*\u200b--quality ではありませんか？*

""")


@with_settings(gptimage_language="auto")
async def test_each_run_speaks_the_language_of_its_comment_to_its_end(thread: Thread) -> None:
    for command in ("/batch\n- a red fox", "/batch\n- 赤い狐", "/batch help", "/batch ヘルプ"):
        await thread.say(command)

    assert [answer.partition("\n")[0] for answer in thread.answers()] == snapshot(
        [
            "### ✅ 1 image",
            "### ✅ 画像 1 枚が完成しました",
            "### 🎨 Pictures from a comment",
            "### 🔎 コマンドを読み取れませんでした",
        ]
    )
