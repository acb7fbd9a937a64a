"""The command line speaks Japanese from the first line to the last; what programs read does not."""

# ruff: noqa: E501  (what is said is quoted as it stands)

import json
import re

import pytest
from inline_snapshot import snapshot

from bot.simulators.images import Fault, FaultKind, ImagesSimulator
from tests.entrypoints.conftest import Shell

JAPANESE = {"GPTIMAGE_LANGUAGE": "ja"}


def plain(text: str) -> str:
    """Without what differs from one run to the next."""
    text = re.sub(r"\b[0-9a-f]{10}\b", "RUN", text)
    return re.sub(r"\d+\.\d\d 秒", "N 秒", text)


async def test_a_report_for_people(shell: Shell, images: ImagesSimulator) -> None:
    images.faults.append(Fault(FaultKind.SERVER_ERROR, prompt="owl"))
    batch = shell.batch("fox", "owl", "Miyazaki")

    ended = await shell.run("gptimage", "run", batch, "--format", "text", env=JAPANESE)

    assert ended.code == 1
    assert plain(ended.out) == snapshot("""\
⚠️ 画像の一括作成が終わりましたが、失敗があります

ジョブ: 3
成功: 1
失敗: 2
時間: N 秒
費用: $0.0059
結果不明（最大）: $0.0059
実行: RUN

画像:
- out/fox.png  fox

失敗:
- owl: HTTP 500: 画像サービスで障害が発生しました。画像が作成され、課金された可能性があります
- Miyazaki: HTTP 400: 安全システムが要求を拒否しました

安全システムによる拒否について: 存命の作家、著名人、既存のキャラクター、ロゴ、露出の多い服装が主な原因です。作風を表す言葉、昔の作家の名前、一般的な描写なら、たいてい通ります。

失敗したジョブがあります
""")
    assert plain(ended.err) == snapshot("""\
結果不明: 3 枚中 1 枚。最大 $0.0060 が課金された可能性があります:
  - owl.png（$0.0060）
自動では再実行しません。再実行するには: gptimage retry RUN --retry-in-doubt
""")


async def test_the_report_for_programs_is_the_same_in_every_language(shell: Shell) -> None:
    batch = shell.batch("Miyazaki")

    english = await shell.run("gptimage", "run", batch, "--simulate")
    japanese = await shell.run("gptimage", "run", batch, "--simulate", env=JAPANESE)

    assert english.report["results"][0]["error"] == japanese.report["results"][0]["error"]
    assert english.report["results"][0]["error"].isascii()


async def test_the_faults_of_a_batch(shell: Shell) -> None:
    job = {"promt": "a fox", "size": "1920x1080", "output_format": "gif"}
    batch = shell.file("batch.json", json.dumps({"jobs": [job], "timeout": 1}))

    ended = await shell.run("gptimage", "run", batch, "--simulate", env=JAPANESE)

    assert ended.code == 2
    assert "\n".join(ended.complaint) == snapshot("""\
バッチのエラー: 5 件
  - timeout: 1,000～3,600,000 にしてください（今は 1 です）
  - jobs[0].prompt: 必須です
  - jobs[0].output_format: 「gif」は使えません。次のいずれかにしてください: png, jpeg, webp
  - jobs[0].promt: ジョブにこの項目はありません（「prompt」ではありませんか？）
  - jobs[0].size: 1920x1080: 幅と高さは 16 の倍数にしてください（1920x1088 をお試しください。標準の縦横比は 2:3、3:2、1:1 です）\
""")


async def test_a_cap_that_is_too_low(shell: Shell) -> None:
    batch = shell.batch("fox", max_cost=0.001)

    ended = await shell.run("gptimage", "run", batch, "--simulate", env=JAPANESE)

    assert ended.code == 3
    assert ended.complaint == snapshot(
        [
            "エラー: このバッチの費用は最大 $0.0060 になり、max_cost の上限 $0.0010 を超えます。枚数、サイズ、品質のいずれかを下げてください。"
        ]
    )


async def test_an_estimate(shell: Shell) -> None:
    batch = shell.batch("fox", timeout=1000, output_dir=None)

    ended = await shell.run("gptimage", "estimate", batch, "--format", "text", env=JAPANESE)

    assert ended.out == snapshot("""\
gpt-image-2.5-flare で画像 1 枚、約 12 秒
  ジョブ 1: 1 枚、約 $0.0060（最低 $0.0048、最高 $0.0060）
合計: 約 $0.0060（最低 $0.0048、最高 $0.0060）
""")
    assert ended.err == snapshot(
        "注意: 現在の速度では約 12 秒かかり、時間制限の 1 秒を超えます。`timeout` を長くしてください\n"
    )


async def test_the_past(shell: Shell) -> None:
    before = await shell.run("gptimage", "history", env=JAPANESE)
    await shell.run("gptimage", "run", shell.batch("fox", "Miyazaki"))

    runs = await shell.run("gptimage", "history", env=JAPANESE)
    costs = await shell.run("gptimage", "history", "cost", env=JAPANESE)

    assert before.out == snapshot(
        "実行はまだありません。gptimage run BATCH.json で始められます。\n"
    )
    assert re.sub(r"\d{4}-\S+ \S+", "YYYY-MM-DD HH:MM", plain(runs.out)) == snapshot("""\
実行        日時              状態      画像   支払い  プロンプト
RUN  YYYY-MM-DD HH:MM  一部完成   1/2  $0.0060  fox
""")
    assert costs.out.splitlines()[0].split() == snapshot(["日", "モデル", "画像", "費用"])


async def test_a_wrong_price_list(shell: Shell) -> None:
    prices = {"GPTIMAGE_PRICES": '{"mine": {"per_image": -1}, "yours": 5}'}

    ended = await shell.run("gptimage", "estimate", shell.batch("fox"), env=JAPANESE | prices)

    assert "\n".join(ended.complaint) == snapshot("""\
エラー: GPTIMAGE_PRICES: mine.per_image: 0～1,000 にしてください（今は -1 です）
GPTIMAGE_PRICES: yours: オブジェクトにしてください（例: {"per_image": 0.04}）\
""")


async def test_what_the_environment_lacks(shell: Shell) -> None:
    ended = await shell.run(
        "gptimage", "run", shell.batch("fox"), env={**JAPANESE, "OPENAI_API_KEY": None}
    )

    assert ended.complaint == snapshot(["エラー: 環境変数 OPENAI_API_KEY を設定してください"])


async def test_a_setting_that_is_wrong_is_told_in_the_language_that_another_one_says(
    shell: Shell,
) -> None:
    shell.file(".env", "GPTIMAGE_LANGUAGE=ja\nGPTIMAGE_PORT=many\nGPTIMAGE_MIN_ROLE=god\n")

    ended = await shell.run("gptimage", "estimate", shell.batch("fox"))

    assert "\n".join(ended.complaint) == snapshot("""\
エラー: GPTIMAGE_PORT: 整数にしてください
GPTIMAGE_MIN_ROLE: 次のいずれかにしてください: write, maintain, admin\
""")


async def test_a_language_that_is_unknown_is_told_in_english(shell: Shell) -> None:
    ended = await shell.run(
        "gptimage", "estimate", shell.batch("fox"), env={"GPTIMAGE_LANGUAGE": "xx"}
    )

    assert ended.complaint == snapshot(["Error: GPTIMAGE_LANGUAGE: must be one of en, ja, auto"])


@pytest.mark.parametrize(
    "words",
    [
        "rnu",
        "xyzzy",
        "run --quaity low",
        "run --xyzzy",
        "run",
        "run a.json b.json",
        "run a.json --max-concurrent many",
        "run a.json --format yaml",
        "run a.json --size",
        "run a.json --simulate=5",
        "run nowhere.json --simulate",
        "run a.json --max-cost much",
        "run a.json --retry-in-doubt",
        "history --limit 0",
        "history cost --days 9999",
        "history show xyzzy",
        "history import nowhere.db",
        "retry --simulate",
    ],
)
async def test_a_slip(shell: Shell, words: str) -> None:
    ended = await shell.run("gptimage", *words.split(), env=JAPANESE)

    (line,) = ended.complaint
    assert line.startswith("エラー: ")
    told = line.partition("（使い方")[0].removeprefix("エラー: ")
    assert re.search(r"[ぁ-ん]", told)
    assert not re.search(
        r"[a-z]+ [a-z]+", re.sub("`.*?`", "", told)
    )  # no two English words in a row
