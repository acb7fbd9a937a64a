"""Japanese."""

from bot.core.errors import Failure, Reason
from bot.core.messages.ja_action import ACTION
from bot.core.messages.ja_batch import BATCH
from bot.core.messages.ja_commands import COMMANDS
from bot.core.messages.ja_money import MONEY
from bot.core.messages.ja_operating import OPERATING
from bot.core.messages.ja_pictures import PICTURES
from bot.core.messages.ja_runs import RUNS
from bot.core.messages.ja_services import SERVICES
from bot.core.messages.ja_terminal import TERMINAL
from bot.core.messages.sentences import (
    Asked,
    Counted,
    Estimated,
    Explanation,
    Final,
    Live,
    Messages,
)
from bot.core.run import ItemState, RunState, Stop


def _any(sentence: str) -> Counted:
    """Japanese words do not change with the number."""
    return sentence, sentence


_HELP = """\
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
"""

JAPANESE = Messages(
    live=Live(
        queued=_any("⏳ 画像 {n} 枚が順番を待っています"),
        running=_any("🎨 画像 {n} 枚を作成しています"),
        publishing=_any("📦 画像 {n} 枚を公開しています"),
        next="次に開始します",
        ahead=_any("この前に {n} 件が待っています"),
        was_ahead=_any("受付のとき、この前に {n} 件が待っていました"),
        many_ahead="受付のとき、この前に {n} 件を超える実行が待っていました",
        progress="{done} / {total}",
        left="残り約 {span}",
        states={
            ItemState.SUCCEEDED: "完成 {n}",
            ItemState.FAILED: "失敗 {n}",
            ItemState.IN_DOUBT: "結果不明 {n}",
            ItemState.STARTED: "作成中 {n}",
            ItemState.RESERVED: "待機中 {n}",
            ItemState.CANCELLED: "取り消し {n}",
        },
        cost="これまでに {paid}、最大 {bound}",
        cost_before="約 {expected}、最大 {bound}",
        unpriced="このモデルの価格は不明です",
    ),
    final=Final(
        all_made=_any("✅ 画像 {n} 枚が完成しました"),
        some_made=_any("⚠️ 画像 {n} 枚のうち {made} 枚が完成しました"),
        none_made="❌ 画像は作成されませんでした",
        stops={
            Stop.CANCELLED: "実行は取り消されました。作成中だった画像は保存しました。",
            Stop.TIMEOUT: "`timeout` の時間に達したため、残りは開始していません。",
            Stop.INTERRUPTED: "実行は中断されました。作成中だった画像は保存しました。",
            Stop.REFUSED: "画像サービスが以降の要求も拒否するため、停止しました。",
            Stop.BUDGET: "次の画像で費用の上限を超える可能性があるため、以降は作成していません。",
            Stop.FAULT: "画像を安全に保存できなくなったため、以降は依頼していません。",
            Stop.PERMISSION: (
                "順番が来た時点で、依頼者にはここで費用を使う権限がなくなっていました。"
                "この依頼では何も開始しておらず、課金もありません。"
            ),
            Stop.UNCHECKED: (
                "依頼者にまだ権限があるかを GitHub で確認できなかったため、この依頼では"
                "何も開始しておらず、課金もありません。新しいコメントでもう一度お試しください。"
            ),
            Stop.RULES: (
                "順番が来た時点で、リポジトリの設定に誤りがあり、許可される範囲が分かりませんでした。"
                "この依頼では何も開始しておらず、課金もありません。"
            ),
        },
        failures={
            Failure.RATE_LIMIT: Explanation(
                "画像サービスが混み合っていました。", "少し後に同じ内容でお試しください。"
            ),
            Failure.TIMEOUT: Explanation("時間内に応答がありませんでした。"),
            Failure.SERVER_ERROR: Explanation("画像サービス側で障害が発生しました。"),
            Failure.CONNECTION: Explanation(
                "画像サービスに接続できませんでした。", "何も送信されず、課金もありません。"
            ),
            Failure.MODERATION: Explanation(
                "安全システムがプロンプトを拒否しました。",
                "存命の作家、著名人、既存のキャラクター、ロゴ、露出の多い服装が主な原因です。"
                "作風を表す言葉、昔の作家の名前、一般的な描写なら、たいてい通ります。",
            ),
            Failure.INVALID: Explanation("画像サービスが要求を受け付けませんでした。"),
            Failure.AUTHENTICATION: Explanation(
                "画像サービスが API キーを受け付けませんでした。",
                "運用者がキーと組織の認証を確認する必要があります。",
            ),
            Failure.NO_MONEY: Explanation(
                "画像サービスの残高がありません。", "運用者が残高を追加する必要があります。"
            ),
            Failure.NO_MODEL: Explanation(
                "画像サービスにこのモデルがありません。",
                "提供が終了した可能性があります。`model` を省くと現行モデルを使います。",
            ),
            Failure.BAD_ANSWER: Explanation("応答に使える画像が含まれていませんでした。"),
            Failure.STORAGE: Explanation(
                "画像を保存する空き容量がないため、依頼しませんでした。",
                "運用者がディスクの空き容量を増やせます。",
            ),
            Failure.LOST: Explanation(
                "呼び出しの途中でワーカーが終了したか、応答の保存または画像の取得ができませんでした。"
            ),
        },
        unknown_failure=Explanation("理由は不明です。"),
        not_made=_any("作成できなかった画像: {n} 枚"),
        in_doubt=_any(
            "{n} 枚は結果が不明です。作成され、最大 {amount} が課金された可能性があります。"
            "自動では再実行しません。"
        ),
        cancelled=_any("{n} 枚は開始されませんでした。"),
        amounts=("見積もり", "支払い", "結果不明", "予約の上限"),
        columns=("ファイル", "プロンプト", "サイズ", "品質", "費用", "時間"),
        table=_any("全 {n} 件のジョブの一覧"),
        part="ジョブ {first}〜{last}",
        more_images=_any("ほか {n} 枚の画像"),
        more_overviews=_any("ほか {n} 枚の一覧画像"),
        doubt="{number}: {file}（{amount}）",
        elided="…ほか {n} 件は `report.json` にあります。",
        again="作成できなかったものは、もう一度注文できます: `{command}`",
        refused_again="拒否されたものは、そのまま注文しても再び拒否されます。上の説明のとおりに変更し、"
        "その画像だけを新しい `/batch` で注文してください。",
        doubt_again="不明なものも注文する場合（二重に支払うことがあります）: `{command}`",
        files="すべてのファイル",
        seconds="{n} 秒",
        minutes="{n} 分",
    ),
    estimated=Estimated(
        title=_any("🧮 画像 {n} 枚の見積もり"),
        columns=("ジョブ", "枚数", "最低", "見込み", "最高"),
        total="合計",
        time="現在の速度で約 {minutes} 分。画像は作成されず、課金もありません。",
        unpriced="価格が不明なものがあるため、合計は出せません。",
        run="このとおりに作成するには、1 日以内に次のようにコメントしてください:",
    ),
    asked=Asked(
        states={
            RunState.QUEUED: "⏳ 実行 `{run}` は順番を待っています",
            RunState.RUNNING: "🎨 実行 `{run}` は作成中です",
            RunState.PUBLISHING: "📦 実行 `{run}` は公開中です",
            RunState.DONE: "🏁 実行 `{run}` は終わりました",
        },
        stopping="中止が指示されています。新しくは始めず、作成中のものは残します。",
        link="実行 {run} を見る",
        no_run="このスレッドにはまだ実行がありません",
        budgets=("上限", "残り", "限度額"),
        undone="🔎 何も変更していません",
    ),
    footer="実行 `{run}`（{author}）",
    warnings=_any("お知らせ {n} 件"),
    rules_problems=_any("🔎 リポジトリの設定に直すところが {n} か所あります"),
    problems=_any("🔎 バッチに直すところが {n} 件あります"),
    more=_any("…ほか {n} 件。"),
    mend_file="既定のブランチの {file} を直して、もう一度コメントしてください。課金はありません。",
    mend_batch="直して、ワークフローをもう一度実行してください。課金はありません。",
    mend="コメントを編集すると読み直します。課金はありません。",
    command="🔎 コマンドを読み取れませんでした",
    refused={
        Reason.PERMISSION: "🔒 権限がありません",
        Reason.UNREACHABLE: "🔒 権限を確認できませんでした",
        Reason.OWNER: "🔒 ここでは利用できません",
        Reason.QUIET: "🔇 1 時間お休みします",
        Reason.BUDGET: "💰 費用の上限を超えています",
        Reason.PRICE: "💰 価格が不明です",
    },
    unknown="不明",
    help=_HELP,
    sentences={
        **ACTION,
        **BATCH,
        **COMMANDS,
        **MONEY,
        **OPERATING,
        **PICTURES,
        **RUNS,
        **SERVICES,
        **TERMINAL,
    },
)
