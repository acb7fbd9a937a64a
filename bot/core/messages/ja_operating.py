"""Japanese: what the doctor finds, and what an operator is told."""

OPERATING = {
    "write the issue as OWNER/REPO#N": "Issue は OWNER/REPO#N の形で書いてください",
    "posted a comment: look which pictures show in it": (
        "コメントを投稿しました。どの画像が見えるかご確認ください"
    ),
    "{health} {part}: {what}": "{health} {part}: {what}",
    # pruning
    "say how old it must be, in days from {least} on: gptimage prune --older-than 90d": (
        "何日より古いものかを {least} 日以上で指定してください：gptimage prune --older-than 90d"
    ),
    "Removed what the ledger kept of": "台帳から次の記録を削除しました",
    "This would remove what the ledger keeps of": "台帳から次の記録が削除されます",
    "  runs: {n:,} (their reports stay)": "  実行：{n:,} 件（レポートは残ります）",
    "  answered comments: {n:,}": "  回答済みのコメント：{n:,} 件",
    "  words and reactions on GitHub: {n:,}": "  GitHub への返信とリアクション：{n:,} 件",
    "  estimates: {n:,}": "  見積もり：{n:,} 件",
    "Run {run} is too old: only its report is kept.": (
        "実行 {run} は古いため、レポートだけが残っています。"
    ),
    "run {run} is too old, only its report is kept: gptimage history show {run}": (
        "実行 {run} は古いため、レポートだけが残っています：gptimage history show {run}"
    ),
    # image API
    "OPENAI_API_KEY is required": "OPENAI_API_KEY が必要です",
    "{why} (at {time} UTC)": "{why}（{time} UTC）",
    "the key is accepted": "キーは有効です",
    "{why}: make a new one, and set OPENAI_API_KEY": (
        "{why}。新しく作り、OPENAI_API_KEY に設定してください"
    ),
    "{why}: it may lack the right to list models only": (
        "{why}。モデル一覧の権限だけがないのかもしれません"
    ),
    "{why}; some gateways have no list of models": (
        "{why}。モデル一覧のないゲートウェイもあります"
    ),
    "the image server does not list its models ({status})": (
        "画像サービスからモデル一覧が得られません（{status}）"
    ),
    "{name} is not served to this key: name another in GPTIMAGE_MODEL": (
        "{name} はこのキーでは使えません。GPTIMAGE_MODEL に別のモデルを指定してください"
    ),
    "{name} ends on {day}; its successor is {other}": (
        "{name} は {day} に終了します。後継は {other} です"
    ),
    # setup
    "there is no GitHub App yet: to make one, open {url}": (
        "GitHub App がまだありません。作るには {url} を開いてください"
    ),
    "the App's credentials are in {file}": "App の認証情報を {file} に保存しました",
    "{file}: these are no credentials: delete it, and open /setup": (
        "{file}: 認証情報として読めません。削除して /setup を開いてください"
    ),
    "GPTIMAGE_DATA_DIR: {folder} cannot be written ({why})": (
        "GPTIMAGE_DATA_DIR: {folder} に書き込めません（{why}）"
    ),
    # replay
    "{file}: this is not JSON": "{file}: JSON ではありません",
    "GITHUB_WEBHOOK_SECRET is required: the server's, to sign with": (
        "署名のため、サーバーと同じ GITHUB_WEBHOOK_SECRET が必要です"
    ),
    # GitHub
    "there are no credentials: set GITHUB_APP_ID, or open the /setup link of the log": (
        "認証情報がありません。GITHUB_APP_ID を設定するか、ログの /setup のリンクを開いてください"
    ),
    "{slug} signs in ({url})": "{slug} としてサインインできます（{url}）",
    "{why} Compare GITHUB_APP_ID, the private key and GITHUB_API_URL with the App's page.": (
        "{why}GITHUB_APP_ID、秘密鍵、GITHUB_API_URL を App のページと見比べてください。"
    ),
    "all that the bot needs": "必要なものがそろっています",
    "{lacks} is not asked for, so no release can be made": (
        "{lacks} が求められていないため、リリースを作れません"
    ),
    "{lacks} not asked for: add it on the App's page, and accept it where it is installed": (
        "{lacks} が求められていません。App のページで追加し、インストール先で承認してください"
    ),
    "subscribe to “Issue comment” on the App's page": (
        "App のページで「Issue comment」を購読してください"
    ),
    "GitHub did not answer, so it cannot be compared": (
        "GitHub から応答がないため、比べられません"
    ),
    "within {seconds} s of GitHub's": "GitHub の時計との差は {seconds} 秒以内です",
    "{seconds:+} s from GitHub's: let it be set by NTP": (
        "GitHub の時計と {seconds:+} 秒ずれています。NTP で合わせてください"
    ),
    "the App has none: activate it, with the address …/webhook": (
        "App に設定がありません。アドレスを …/webhook として有効にしてください"
    ),
    "its content type must be application/json": (
        "Content type は application/json でなければなりません"
    ),
    "it goes to {url}, not to {wanted}": "送り先が {wanted} ではなく {url} です",
    "{url} is not protected by TLS: turn it on": (
        "{url} は TLS で守られていません。有効にしてください"
    ),
    "none yet: comment where the App is installed": (
        "まだありません。App のインストール先でコメントしてみてください"
    ),
    "the last {n} arrived": "直近の {n} 件は届いています",
    "{k} of the last {n} failed, but not the newest": (
        "直近 {n} 件のうち {k} 件が失敗しましたが、最新のものは届いています"
    ),
    "the newest was refused: GITHUB_WEBHOOK_SECRET is not the App's secret": (
        "最新のものが拒否されました。GITHUB_WEBHOOK_SECRET が App のものと違います"
    ),
    "the newest met 404: the address must end in /webhook": (
        "最新のものが 404 でした。アドレスは /webhook で終わらなければなりません"
    ),
    "the newest failed with {status}: see the App's page": (
        "最新のものが {status} で失敗しました。App のページをご覧ください"
    ),
    "none: install it at {url}": "ありません。{url} でインストールしてください",
    "nothing runs for {accounts}: GPTIMAGE_ALLOWED_OWNERS does not name them": (
        "{accounts} では何も実行されません。GPTIMAGE_ALLOWED_OWNERS にありません"
    ),
    # this machine
    "set it to the secret of the App's webhook": "App の Webhook のシークレットを設定してください",
    "it can be guessed: take a longer one": "推測されかねません。もっと長くしてください",
    "set": "設定されています",
    "name the accounts whose installations may spend": (
        "費用を使ってよいアカウントを指定してください"
    ),
    "embedded, in GPTIMAGE_DATA_DIR; other machines cannot share it": (
        "内蔵のもの（GPTIMAGE_DATA_DIR）です。ほかのマシンとは共有できません"
    ),
    "set maxmemory-policy to noeviction: ids may get lost": (
        "maxmemory-policy を noeviction にしてください。ID が失われることがあります"
    ),
    "set appendonly to yes: a restart of it delays what waits": (
        "appendonly を yes にしてください。再起動すると、待っているものが遅れます"
    ),
    "answers, keeps a file and never evicts": "応答し、ファイルに残し、追い出しません",
    "answers, and its tables are up to date": "応答し、テーブルは最新です",
    "not there yet or of an earlier version: the next start sees to it": (
        "まだないか、古い版です。次の起動時に整えられます"
    ),
    "{folder} cannot be written: {why}": "{folder} に書き込めません: {why}",
    "the store at SPOOL_URL takes answers, for all machines": (
        "SPOOL_URL のストアに応答を保存でき、すべてのマシンで共有されます"
    ),
    "{free:.1f} GB free in {folder}": "{folder} の空きは {free:.1f} GB です",
    "GPTIMAGE_PUBLIC_URL is not set, so it cannot be tried": (
        "GPTIMAGE_PUBLIC_URL が設定されていないため、試せません"
    ),
    "{url} does not answer from here": "{url} はここからは応答がありません",
    "{url}/healthz answers {status}": "{url}/healthz の応答は {status} です",
}
