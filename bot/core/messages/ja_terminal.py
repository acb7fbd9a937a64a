"""Japanese: the command line, its settings, and the table that shows a run."""

TERMINAL = {
    # how a command ends
    "Error: {what}": "エラー: {what}",
    "Configuration Error: {what}": "バッチのエラー: {what}",
    "Configuration Error: {count} problems": "バッチのエラー: {count} 件",
    "  - {what}": "  - {what}",
    "Warning: {text}": "注意: {text}",
    "stdout is closed, so nobody would read the answer: leave it open": (
        "標準出力が閉じられているため、結果を出力できません。開いたままにしてください"
    ),
    "stdout cannot be written ({why})": "標準出力に書き込めません（{why}）",
    "{batch}: {jobs} jobs, {images} images, no errors": (
        "{batch}: ジョブ {jobs} 件、画像 {images} 枚、誤りはありません"
    ),
    # what is in doubt
    "In doubt: {count} of {total} images, {amount} may have been paid:": (
        "結果不明: {total} 枚中 {count} 枚。{amount}が課金された可能性があります:"
    ),
    "an unknown amount": "不明な金額",
    "up to {amount}": "最大 {amount} ",
    "  - {path} ({amount})": "  - {path}（{amount}）",
    "No machine orders them again. You can: {command}": (
        "自動では再実行しません。再実行するには: {command}"
    ),
    # a run
    "Stopping: calls under way are awaited, they are paid for (again: leave now)": (
        "停止します。実行中の呼び出しは課金されるため、完了を待ちます（もう一度押すと即座に終了）"
    ),
    "Run {run} is complete: nothing is left to do": "実行 {run} は完了しており、残りはありません",
    "Going on with run {run}: {made} of {count} images are there": (
        "実行 {run} を再開します。画像 {count} 枚のうち {made} 枚は完成しています"
    ),
    "Another process holds run {run}: waiting for {seconds} seconds at most": (
        "別のプロセスが実行 {run} を処理しています。最大 {seconds} 秒待ちます"
    ),
    "run {run}: another process drives it; its report will be there": (
        "実行 {run}: 別のプロセスが処理しています。レポートはそちらに出ます"
    ),
    "{file} cannot be written ({why}); what had arrived is kept in {folder} (then: {command})": (
        "{file} に書き込めません（{why}）。届いた画像は {folder} に保存してあります"
        "（次の操作: {command}）"
    ),
    "a file": "ファイル",
    "Left at once; what is in doubt: {command}": "即座に終了します。結果不明の確認: {command}",
    "Stopped: {why}. What was not started is cancelled and costs nothing.": (
        "停止しました: {why}。開始していないものは取り消し、課金されません。"
    ),
    "the next image could exceed max_cost, for what was made cost more than estimated": (
        "費用が見積もりより多く、次の画像で max_cost を超える可能性があります"
    ),
    "an answer could not be kept (is the disk full?)": (
        "応答を保存できませんでした（ディスクの空き容量を確認してください）"
    ),
    "There is no earlier run of exactly this batch: this is a new one": (
        "このバッチと同じ内容の実行はまだないため、新しく始めます"
    ),
    "no run of the command line is there: see history": (
        "コマンドラインの実行はまだありません。history でご確認ください"
    ),
    "no one run of the command line is {name}: see history": (
        "{name} に当てはまる実行が 1 つに決まりません。history でご確認ください"
    ),
    "run {run} was simulated: add --simulate": (
        "実行 {run} はシミュレーションです。--simulate を付けてください"
    ),
    "run {run} was not simulated: leave out --simulate": (
        "実行 {run} はシミュレーションではありません。--simulate を外してください"
    ),
    "a picture has changed since run {run} began": "実行 {run} の開始後に画像が変わっています",
    "bring the old one back, or start anew: gptimage run": (
        "元の画像に戻すか、gptimage run で新しく始めてください"
    ),
    # the table
    "making": "作成中",
    "retry": "再試行",
    "retry in {time}": "{time}後に再試行",
    "waiting": "待機中",
    "in doubt": "結果不明",
    "failed": "失敗",
    "done": "完成",
    "{count} {state}": "{state} {count}",
    "{ended}/{count} images": "{ended}/{count} 枚",
    "{amount} so far": "これまでに {amount}",
    "at most {amount}": "最大 {amount}",
    "{amount} in doubt": "結果不明 {amount}",
    "stopping": "停止中",
    "waiting for the rate limit, {time}": "レート制限の待機 {time}",
    "about {time} left": "残り約 {time}",
    "{n} s": "{n} 秒",
    # files and settings
    "{file}: cannot be read ({why})": "{file}: 読み取れません（{why}）",
    "{file}: not UTF-8 text (byte {place})": (
        "{file}: UTF-8 のテキストではありません（{place} バイト目）"
    ),
    "{file}: larger than {most:,} bytes, no batch file is": (
        "{file}: {most:,} バイトを超えており、バッチのファイルとして大きすぎます"
    ),
    "output_dir: {folder} cannot be written ({why})": (
        "output_dir: {folder} に書き込めません（{why}）"
    ),
    "output_dir: it leads to paths longer than {most:,} bytes ({longest:,})": (
        "output_dir: パスが {most:,} バイトを超えます（{longest:,} バイト）"
    ),
    "not UTF-8 text": "UTF-8 のテキストではありません",
    "{file} cannot be read ({why}): give a path, or the JSON itself": (
        "{file} を読み取れません（{why}）。パスか JSON そのものを指定してください"
    ),
    "cannot listen on {address} ({why}): choose another with --port or --host"
    " (GPTIMAGE_PORT, GPTIMAGE_HOST)": (
        "{address} で待ち受けできません（{why}）。"
        "--port か --host（GPTIMAGE_PORT、GPTIMAGE_HOST）で別のものを選んでください"
    ),
    "GITHUB_WEBHOOK_SECRET: it is empty; take the one of the GitHub App": (
        "GITHUB_WEBHOOK_SECRET: 空です。GitHub App と同じものを設定してください"
    ),
    "output_dir: {folder}: there is no such person here": (
        "output_dir: {folder}: このユーザーは存在しません"
    ),
    "OPENAI_API_KEY environment variable is required": "環境変数 OPENAI_API_KEY を設定してください",
    ".env: line {line} is not NAME=VALUE and is left out": (
        ".env: {line} 行目は「名前=値」の形でないため、無視します"
    ),
    ".env sets OPENAI_BASE_URL: your key goes to {address}": (
        ".env が OPENAI_BASE_URL を設定しています。API キーは {address} に送信されます"
    ),
    "OPENAI_API_KEY is required: create one on the API keys page of OpenAI": (
        "OPENAI_API_KEY が必要です。OpenAI の API キーのページで作成してください"
    ),
    "GITHUB_APP_ID is required: the App ID on your GitHub App's settings page": (
        "GITHUB_APP_ID が必要です。GitHub App の設定ページにある App ID です"
    ),
    "GITHUB_WEBHOOK_SECRET is required: the secret that you gave your GitHub App's webhook": (
        "GITHUB_WEBHOOK_SECRET が必要です。GitHub App の Webhook に設定したシークレットです"
    ),
    "GPTIMAGE_ALLOWED_OWNERS is required: the accounts whose installations may spend,"
    " separated by commas": (
        "GPTIMAGE_ALLOWED_OWNERS が必要です。利用を許可するアカウントをコンマ区切りで書いてください"
    ),
    "GITHUB_PRIVATE_KEY or GITHUB_PRIVATE_KEY_PATH is required: generate a private key"
    " on your GitHub App's settings page": (
        "GITHUB_PRIVATE_KEY か GITHUB_PRIVATE_KEY_PATH が必要です。"
        "GitHub App の設定ページで秘密鍵を生成してください"
    ),
    "GITHUB_PRIVATE_KEY or GITHUB_PRIVATE_KEY_PATH is required": (
        "GITHUB_PRIVATE_KEY か GITHUB_PRIVATE_KEY_PATH が必要です"
    ),
    "{name} is empty: an empty secret would let anybody in": (
        "{name} が空です。空のシークレットでは誰でもアクセスできてしまいます"
    ),
    "{name}: this is not a private key, which begins with -----BEGIN RSA PRIVATE KEY-----": (
        "{name}: 秘密鍵ではありません。秘密鍵は -----BEGIN RSA PRIVATE KEY----- で始まります"
    ),
    "the server's parts are not installed ({name}): pip install 'gptimage[server]'": (
        "サーバー用の部品がありません（{name}）: pip install 'gptimage[server]'"
    ),
    "GPTIMAGE_KILL_POINT: {text} is not one of {names}, with :HIT": (
        "GPTIMAGE_KILL_POINT: {text} は次のいずれか（と :回数）ではありません: {names}"
    ),
    "an id is a number, such as {example}": "ID は {example} のような数字です",
    "a team is written org/team": "チームは org/team の形で指定してください",
    "an address begins with https:// or http://": (
        "https:// か http:// で始まるアドレスにしてください"
    ),
    # options and arguments
    "{what} (usage: {usage}; more: {command} --help)": (
        "{what}（使い方: {usage}。詳しくは {command} --help）"
    ),
    "No such command '{word}'": "「{word}」というコマンドはありません",
    "No such command '{word}'. Did you mean {guess}?": (
        "「{word}」というコマンドはありません。{guess} ではありませんか？"
    ),
    "No such option: {word}": "{word} というオプションはありません",
    "No such option: {word} (Possible options: {guess})": (
        "{word} というオプションはありません（近いもの: {guess}）"
    ),
    "Missing argument {word}": "引数 {word} が必要です",
    "Got unexpected extra argument(s) ({words})": "余分な引数があります（{words}）",
    "Option {word} requires an argument": "{word} には値が必要です",
    "Option {word} does not take a value": "{word} には値を指定できません",
    "Invalid value for {where}: {why}": "{where} の値が正しくありません: {why}",
    "{word} is not one of {words}": "{word} は {words} のいずれでもありません",
    "must be {least} or more": "{least} 以上にしてください",
    "must be {most} or less": "{most} 以下にしてください",
    "--max-cost: {text} is not a number of dollars": (
        "--max-cost: {text} はドルの金額ではありません"
    ),
    "--retry-in-doubt goes with --resume: only an earlier run has doubts": (
        "--retry-in-doubt は --resume と一緒にお使いください。結果不明は以前の実行にしかありません"
    ),
    # looking back
    "run": "実行",
    "when": "日時",
    "state": "状態",
    "images": "画像",
    "paid": "支払い",
    "prompt": "プロンプト",
    "day": "日",
    "model": "モデル",
    "cost": "費用",
    "total": "合計",
    "simulated": "模擬",
    "complete": "完了",
    "unfinished": "未完了",
    "partial": "一部完成",
    "timeout": "時間制限",
    "refused": "拒否",
    "budget": "費用の上限",
    "fault": "障害",
    "No runs yet: gptimage run BATCH.json makes one.": (
        "実行はまだありません。gptimage run BATCH.json で始められます。"
    ),
    "No run holds {words}.": "{words} を含む実行はありません。",
    "No runs in this time.": "この期間の実行はありません。",
    "Nothing was paid in {days} days.": "過去 {days} 日間の支払いはありません。",
    "several runs begin with {prefix}: {names}": "{prefix} で始まる実行が複数あります: {names}",
    "no run begins with {prefix}: see `gptimage history list`": (
        "{prefix} で始まる実行はありません。`gptimage history list` でご確認ください"
    ),
    "imported from the Node tool: the cost is that tool's own estimate": (
        "Node 版からの取り込み: 費用は Node 版による見積もりです"
    ),
    "{path}: imported {new}, already there {there}, not readable {unread}": (
        "{path}: 取り込み {new} 件、取り込み済み {there} 件、読み取り不可 {unread} 件"
    ),
    "  - and {count} more": "  - ほか {count} 件",
    "{file}: is no history of the Node tool ({why})": (
        "{file}: Node 版の履歴ではありません（{why}）"
    ),
    # models
    "text in  image in  image out  USD per million tokens": (
        "   文字  入力画像   出力画像  100 万トークンあたりの米ドル"
    ),
    "your own price": "独自の価格",
    "the default": "既定",
    "shut down on {day}": "{day} に提供終了",
    "{price} an image": "1 枚 {price}",
    "uuid: not one": "uuid: UUID ではありません",
    "created_at: not a time in ISO 8601": "created_at: ISO 8601 の日時ではありません",
    "output_paths: not a list of paths": "output_paths: パスのリストではありません",
    "{column}: not JSON": "{column}: JSON ではありません",
    "{column}: not an object": "{column}: オブジェクトではありません",
    "{column}: not a list": "{column}: リストではありません",
    # servers and the sandbox
    "gptimage listens on {url} (webhook: {hook})": (
        "gptimage は {url} で待ち受けています（Webhook: {hook}）"
    ),
    "gptimage worker is ready": "gptimage worker の準備ができました",
    "stopping: calls in flight are awaited": "停止します。実行中の呼び出しの完了を待っています",
    "The sandbox is open: {url}": "サンドボックスを開きました: {url}",
    "Comment as anybody you like: {url}  (Ctrl-C ends)": (
        "好きな人としてコメントできます: {url}（Ctrl-C で終了）"
    ),
    "The run did not finish within {seconds:g} s.": (
        "実行は {seconds:g} 秒以内に終わりませんでした。"
    ),
    "--comment: {file} cannot be read ({why})": "--comment: {file} を読み取れません（{why}）",
    "\n--- {headline}": "\n--- {headline}",
    "{person} edited": "{person} さんが編集しました",
    "{person} commented": "{person} さんがコメントしました",
    "{person} got a reaction from {other}": "{person} さんに {other} さんがリアクションしました",
}
