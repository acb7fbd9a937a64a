"""Japanese: what became of a run."""

RUNS = {
    # the report
    "✅ Batch image generation completed": "✅ 画像の一括作成が完了しました",
    "⚠️ Batch image generation completed with failures": (
        "⚠️ 画像の一括作成が終わりましたが、失敗があります"
    ),
    "❌ Batch image generation failed": "❌ 画像の一括作成に失敗しました",
    "Total jobs: {n}": "ジョブ: {n}",
    "Succeeded: {n}": "成功: {n}",
    "Failed: {n}": "失敗: {n}",
    "Cancelled: {n}": "取り消し: {n}",
    "Duration: {seconds:.2f}s": "時間: {seconds:.2f} 秒",
    "Total cost: {amount}": "費用: {amount}",
    "In doubt, at most: {amount}": "結果不明（最大）: {amount}",
    "Run: {run}": "実行: {run}",
    "Images:": "画像:",
    "Failed:": "失敗:",
    "Cancelled:": "取り消し:",
    "Warnings:": "注意:",
    "Timeout reached. Cancelling remaining jobs...": (
        "時間制限に達しました。残りのジョブを取り消します..."
    ),
    "Some jobs failed": "失敗したジョブがあります",
    "On refusals by the safety system: {hint}": "安全システムによる拒否について: {hint}",
    "{where}: {asked} was asked for, {got} was sent: {path}": (
        "{where}: {asked} を頼みましたが、{got} が届きました: {path}"
    ),
    "{name} holds no metadata: the picture {why}.": (
        "{name} にはメタデータがありません（画像: {why}）。"
    ),
    "cannot be copied ({why})": "複製できません（{why}）",
    "{first} {then}": "{first} {then}",
    # why images are missing
    "{missing} of {count}: {why}": "{count} 枚中 {missing} 枚: {why}",
    "{first}; {then}": "{first}、{then}",
    "cancelled": "取り消し",
    "Timeout": "時間制限",
    "interrupted": "中断",
    "not started": "開始していません",
    "the image service refuses every call": "画像サービスがすべての要求を拒否します",
    "the next image could have exceeded the cap on cost": (
        "次の画像で費用の上限を超える可能性がありました"
    ),
    "answers could not be kept": "応答を保存できませんでした",
    "the repository's settings had faults": "リポジトリの設定に誤りがありました",
    "whoever ordered it may not spend here any more": "依頼者はここで費用を使えなくなりました",
    "nobody could say whether whoever ordered it may still spend here": (
        "依頼者にまだ権限があるかを確認できませんでした"
    ),
    "this machine could not keep the answer (is its disk full?)": (
        "このマシンに応答を保存できませんでした（ディスクの空き容量を確認してください）"
    ),
    "the process ended during the call, and no answer was kept": (
        "呼び出しの途中でプロセスが終了し、応答が残っていません"
    ),
}
