"""Japanese: prices, estimates, and who may spend how much."""

MONEY = {
    "unknown": "不明",
    # estimates
    "{count} images with {model}, about {time}": "{model} で画像 {count} 枚、約 {time}",
    "  job {number}: {count} x, {cost}": "  ジョブ {number}: {count} 枚、{cost}",
    "Total: {cost}": "合計: {cost}",
    "about {expected} (lowest {low}, at most {high})": "約 {expected}（最低 {low}、最高 {high}）",
    "{count:.0f} seconds": "{count:.0f} 秒",
    "{count:g} minutes": "{count:g} 分",
    "at the present rate this takes about {time}, longer than the timeout of {limit}:"
    " raise `timeout`": (
        "現在の速度では約 {time}かかり、時間制限の {limit}を超えます。`timeout` を長くしてください"
    ),
    "no price is known for the model {model}: its cost cannot be estimated": (
        "モデル {model} の価格が不明なため、費用を見積もれません"
    ),
    "nobody knows how many tokens {model} takes: only its bill tells the cost": (
        "{model} のトークン数は事前にわからないため、費用は請求時に決まります"
    ),
    "{model} has no published token formula: its estimate is approximate": (
        "{model} のトークン数の計算式は公開されていないため、見積もりは概算です"
    ),
    "has a price per image and more": "per_image と他の価格が両方あります",
    "give per_image alone, or tokens": "per_image だけか、トークンの価格だけにしてください",
    # refusals
    "This bot does not work for {owner}.": "このボットは {owner} では利用できません。",
    "{person} needs the {role} role in this repository.": (
        "{person} さんには、このリポジトリの {role} 権限が必要です。"
    ),
    "{person} is not on the list of those who may spend.": (
        "{person} さんは、利用できる人の一覧にありません。"
    ),
    "Too many commands came here within ten minutes, so I do nothing more in this thread"
    " until {time} UTC. What is under way goes on.": (
        "10 分間のコマンドが多すぎるため、このスレッドでは {time}（UTC）まで何も行いません。"
        "実行中のものは続けます。"
    ),
    "{why} Nothing was started: try again in a moment.": (
        "{why}何も開始していません。少し後にもう一度お試しください。"
    ),
    "one run": "1 回の実行",
    "{person} in one day": "{person} さんの 1 日",
    "{person} in this repository in one day": "{person} さんのこのリポジトリでの 1 日",
    "{name} in {file}": "{file} の {name}",
    "This batch has {images} images, and max_images allows {most}. Split it, or ask for fewer.": (
        "このバッチの画像は {images} 枚で、max_images の {most} 枚を超えています。"
        "分けるか、枚数を減らしてください。"
    ),
    "{file} could not be read: {why}": "{file} を読み取れませんでした。{why}",
    "the file must hold settings": "このファイルには設定を書いてください",
    "it is no file of at most {most:,} bytes": "{most:,} バイト以下のファイルではありません",
    "this repository in one day": "このリポジトリの 1 日",
    "this installation in one month": "このインストールの 1 か月",
    "this server in one day": "このサーバーの 1 日",
    "This batch could cost up to {amount}; {setting} allows {limit}."
    " Ask for fewer images, a smaller size or a lower quality.": (
        "このバッチの費用は最大 {amount} になり、{setting} の上限 {limit} を超えます。"
        "枚数、サイズ、品質のいずれかを下げてください。"
    ),
    "No price is known for this model, so no spending cap could be kept."
    " Whoever runs this can give its price in GPTIMAGE_PRICES.": (
        "このモデルの価格が不明なため、費用の上限を守れません。"
        "運用者が GPTIMAGE_PRICES で価格を設定できます。"
    ),
}
