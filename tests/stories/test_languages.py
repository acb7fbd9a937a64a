"""Stories: the bot speaks the language that its operator has chosen."""

# ruff: noqa: E501  (what the bot says is quoted as it stands)

from inline_snapshot import snapshot

from tests.stories.conftest import Thread, with_settings


@with_settings(gptimage_language="ja")
async def test_a_run_is_told_in_japanese(thread: Thread) -> None:
    command = await thread.say("お願いします。\n\n/batch --quality low\n\n- 雪の中の赤い狐")

    assert thread.reactions(command) == ["eyes", "rocket"]
    assert thread.answer() == snapshot("""\
### ✅ 画像 1 枚が完成しました

<a href="/releases/download/gptimage-rfbghrhhek/image-d8ca2f7393.png"><img src="/releases/download/gptimage-rfbghrhhek/image-d8ca2f7393.png" alt="雪の中の赤い狐" width="240"></a>

| 見積もり | 支払い | 結果不明 | 予約の上限 |
| --: | --: | --: | --: |
| $0.0060 | $0.0060 | $0.00 | $0.0061 |

| ファイル | プロンプト | サイズ | 品質 | 費用 | 時間 |
| --- | --- | --- | --- | --- | --- |
| [image.png](/releases/download/gptimage-rfbghrhhek/image-d8ca2f7393.png) | 雪の中の赤い狐 | auto | low | $0.0060 | N 秒 |

📦 [すべてのファイルと `report.json`](/releases/tag/gptimage-rfbghrhhek)

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
| `/estimate` | 費用だけをお知らせします（画像は作成しません） |
| `/batch help` | この説明を表示します |

<!-- marker -->\
""")
