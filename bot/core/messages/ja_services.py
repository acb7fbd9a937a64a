"""Japanese: what the image service, GitHub, the ledger and the system say no to."""

SERVICES = {
    # the image service
    "HTTP {status}: {sentence}": "HTTP {status}: {sentence}",
    "{sentence}; the image may have been made and billed": (
        "{sentence}。画像が作成され、課金された可能性があります"
    ),
    "{sentence} (parameter {param})": "{sentence}（パラメーター {param}）",
    "{sentence} (code {code})": "{sentence}（コード {code}）",
    "{sentence} (parameter {param}, code {code})": (
        "{sentence}（パラメーター {param}、コード {code}）"
    ),
    "no connection to the image server could be made": "画像サービスに接続できませんでした",
    "the prompt or the key cannot be sent as text": (
        "プロンプトかキーをテキストとして送信できません"
    ),
    "the image server did not answer in time": "画像サービスから時間内に応答がありませんでした",
    "the connection broke before the answer came": "応答の前に接続が切れました",
    "the answer was cut off": "応答が途中で切れました",
    "the image server sent a redirect: check OPENAI_BASE_URL": (
        "画像サービスが転送を返しました。OPENAI_BASE_URL をご確認ください"
    ),
    "the image server gave up waiting": "画像サービスが待機を打ち切りました",
    "the image server failed": "画像サービスで障害が発生しました",
    "the account has no credit left, or its spending limit is reached": (
        "アカウントの残高がないか、利用上限に達しています"
    ),
    "the safety system rejected the finished image": ("安全システムが完成した画像を拒否しました"),
    "the safety system rejected the request": "安全システムが要求を拒否しました",
    "the rate limit is reached": "レート制限に達しました",
    "the image server does not serve this model, or not for this key": (
        "画像サービスにこのモデルがないか、このキーでは使えません"
    ),
    "{sentence}; name one that it serves in GPTIMAGE_MODEL": (
        "{sentence}。提供されているモデルを GPTIMAGE_MODEL に指定してください"
    ),
    "the API key was not accepted": "API キーが受け付けられませんでした",
    "the organization must be verified to use this model": (
        "このモデルを使うには、組織の認証が必要です"
    ),
    "the API key may not do this": "この API キーには権限がありません",
    "the image server has no such address: check OPENAI_BASE_URL": (
        "画像サービスにこのアドレスがありません。OPENAI_BASE_URL をご確認ください"
    ),
    "the request is too large: compress the reference images": (
        "要求が大きすぎます。参照画像を圧縮してください"
    ),
    "the image server found the request wrong": "画像サービスが要求を誤りと判断しました",
    "the image server gave an answer without a meaning": (
        "画像サービスの応答を解釈できませんでした"
    ),
    "the answer holds no usable image; it may be billed all the same": (
        "応答に使える画像がありませんが、課金された可能性があります"
    ),
    "the server's picture could not be fetched; it may be billed all the same": (
        "サーバーの画像を取得できませんでしたが、課金された可能性があります"
    ),
    "there is no room for the answer, so nothing was sent": (
        "応答を保存する空き容量がないため、送信しませんでした"
    ),
    "the answer could not be kept ({why}), so nothing was sent": (
        "応答を保存できないため（{why}）、送信しませんでした"
    ),
    "the store at SPOOL_URL did not answer or refuses": (
        "SPOOL_URL のストアが応答しないか、拒否しています"
    ),
    "the store at SPOOL_URL has no such bucket": "SPOOL_URL のストアにそのバケットがありません",
    "a reference image cannot be read": "参照画像を読み取れません",
    # GitHub
    "The App may not see who is in a team: it needs the permission {name}.": (
        "App はチームのメンバーを確認できません。{name} の権限が必要です。"
    ),
    "GitHub does not accept the App's credentials.": "GitHub が App の認証情報を受け付けません。",
    "GitHub does not let the App do this.": "App にこの操作の権限がありません。",
    "GitHub does not know this, or hides it from the App.": (
        "GitHub に見つからないか、App から見えません。"
    ),
    "This is gone from GitHub.": "GitHub から削除されています。",
    "This is larger than GitHub takes.": "GitHub の上限より大きいです。",
    "GitHub refuses this as invalid.": "GitHub が無効な操作として拒否しました。",
    "GitHub may not show this for legal reasons.": "法的な理由で GitHub が表示できません。",
    "GitHub cannot be reached.": "GitHub に接続できません。",
    "GitHub did not answer in time.": "GitHub から時間内に応答がありませんでした。",
    "The connection to GitHub broke.": "GitHub との接続が切れました。",
    "Other words for GitHub are sent first.": "GitHub への別の書き込みを先に送信します。",
    "GitHub asks for a pause.": "GitHub が一時停止を求めています。",
    "GitHub has a fault of its own ({status}).": "GitHub 側で障害が発生しています（{status}）。",
    "GitHub refuses this ({status}).": "GitHub が拒否しました（{status}）。",
    "The repository has moved to another address.": "リポジトリは別のアドレスに移動しました。",
    "GitHub's answer cannot be read.": "GitHub の応答を読み取れません。",
    "This list is longer than GitHub can show.": "一覧が GitHub の表示できる長さを超えています。",
    "The App's private key cannot be used to sign.": "App の秘密鍵で署名できません。",
    # publishing
    "{files} could not be published: {why} {kept}": "{files}を公開できませんでした: {why}{kept}",
    "They are kept on the server, in spool/{run}.": "サーバーの spool/{run} に保存してあります。",
    "The images": "画像",
    "Published on {place} instead: {files}. The reason: {why}": (
        "代わりに{place}で公開しました: {files}。理由: {why}"
    ),
    "Which of these pictures do you see?": "どの画像が見えますか？",
    "Set GPTIMAGE_DESTINATION to a way whose picture you see. The release and the branch"
    " of this test can be deleted.": (
        "画像が見えた方法を GPTIMAGE_DESTINATION に設定してください。"
        "このテストのリリースとブランチは削除できます。"
    ),
    "a release": "リリース",
    "a branch": "ブランチ",
    "GitHub makes no branch in an empty repository. It needs at least one commit.": (
        "空のリポジトリにはブランチを作成できません。コミットが 1 つ以上必要です。"
    ),
    "the repository's rules do not let the App make this branch.": (
        "リポジトリのルールにより、App はこのブランチを作成できません。"
    ),
    "The images could not be written to the server's folder: {why}."
    " They are kept in spool/{run} there.": (
        "サーバーのフォルダーに画像を書き込めませんでした: {why}。"
        "サーバーの spool/{run} に保存してあります。"
    ),
    "GPTIMAGE_OUTPUT_DIR: {folder} cannot be made ({why})": (
        "GPTIMAGE_OUTPUT_DIR: {folder} を作成できません（{why}）"
    ),
    "The images are files on the server, in its folder {folder}, with small copies beside them.": (
        "画像はサーバーのフォルダー {folder} にあります。それぞれの横に小さな写しがあります。"
    ),
    "The images are files on the server, in its folder {folder}, with small copies beside"
    " them; the files {overviews} there show many at once.": (
        "画像はサーバーのフォルダー {folder} にあります。それぞれの横に小さな写しがあり、"
        "{overviews} では多くの画像を一度に見られます。"
    ),
    "The images are files on the server, in its folder {folder}.": (
        "画像はサーバーのフォルダー {folder} にあるファイルです。"
    ),
    "1 file": "1 個のファイル",
    "{count} files": "{count} 個のファイル",
    'nothing may be written here with this token. Grant the App "Contents: write", or the workflow'
    " `contents: write`.": (
        "このトークンには書き込みの権限がありません。App なら「Contents: write」を、ワークフロー"
        "なら `contents: write` を許可してください。"
    ),
    "the repository is gone, or hidden from the App.": (
        "リポジトリが削除されたか、App から見えません。"
    ),
    "GitHub makes no release here. It needs a repository with at least one commit,"
    " and rules that allow the tag.": (
        "GitHub がリリースを作成できません。コミットが 1 つ以上あり、"
        "タグを許可する設定のリポジトリが必要です。"
    ),
    "the release is published already, and may not be changed.": (
        "リリースは公開済みで、変更できません。"
    ),
    "cannot be written to the output directory: {why}": "出力先のフォルダーに書き込めません: {why}",
    "it goes through a symbolic link": "シンボリックリンクを経由しています",
    # the ledger
    "No price is known for this run, so the cap for {scope} cannot be kept."
    " The operator can give it in GPTIMAGE_PRICES.": (
        "価格が不明なため、費用の上限（{scope}）を守れません。"
        "運用者が GPTIMAGE_PRICES で価格を設定できます。"
    ),
    "This run could cost up to {amount}, and the cap for {scope} is {limit}, of which"
    " {left} is left.": (
        "この実行の費用は最大 {amount} になりますが、{scope}の上限 {limit} の残りは {left} です。"
    ),
    "DATABASE_URL: {scheme}:// is not known; use postgresql:// or leave it out": (
        "DATABASE_URL: {scheme}:// は使えません。postgresql:// にするか、省いてください"
    ),
    "GPTIMAGE_DATA_DIR: no ledger at {path}: {why}": (
        "GPTIMAGE_DATA_DIR: {path} に台帳を作れません: {why}"
    ),
    "it is not a file": "ファイルではありません",
    "DATABASE_URL: PostgreSQL needs the server's parts: pip install 'gptimage[server]'": (
        "DATABASE_URL: PostgreSQL にはサーバー用の部品が必要です: pip install 'gptimage[server]'"
    ),
    "DATABASE_URL: a newer gptimage made this ledger ({error})": (
        "DATABASE_URL: この台帳は新しい版の gptimage のものです（{error}）"
    ),
    "HISTORY_DB_PATH or DATABASE_URL: {path} is the database of another program, and is not"
    " written into; leave the setting out, or name a file of its own for gptimage; the Node"
    " tool's history comes in with: gptimage history import {path}": (
        "HISTORY_DB_PATH か DATABASE_URL: {path} は別のプログラムのデータベースなので、"
        "書き込みません。"
        "設定を外すか、gptimage 専用のファイルを指定してください。Node 版の履歴は"
        "次のコマンドで取り込めます: gptimage history import {path}"
    ),
    "the ledger cannot be used just now": "現在、台帳を使えません",
    "the ledger's disk is full": "台帳のディスクがいっぱいです",
    "the ledger did not answer in time": "台帳から時間内に応答がありませんでした",
    "the ledger cannot be reached": "台帳に接続できません",
    # the queue
    "SPOOL_URL: this is not the address of a store ({example})": (
        "SPOOL_URL：ストアのアドレスではありません（例：{example}）"
    ),
    "REDIS_URL: this is not the address of a Redis ({example})": (
        "REDIS_URL: Redis のアドレスではありません（例: {example}）"
    ),
    "REDIS_URL: a Redis on another machine needs a password ({example})": (
        "REDIS_URL: 別のマシンの Redis にはパスワードが必要です（{example}）"
    ),
    "REDIS_URL: there is no embedded queue for {name}; set it to the URL of a Redis": (
        "REDIS_URL: {name} 用の内蔵キューはありません。Redis の URL を設定してください"
    ),
    "GPTIMAGE_DATA_DIR: another server uses {folder}; stop that one,"
    " choose another directory, or set REDIS_URL to share a Redis": (
        "GPTIMAGE_DATA_DIR: 別のサーバーが {folder} を使っています。それを停止するか、"
        "別のフォルダーにするか、REDIS_URL で Redis を共有してください"
    ),
    "GPTIMAGE_DATA_DIR: the embedded queue in {folder} does not start, see valkey.log there;"
    " the directory may be deleted (no run is lost), or set REDIS_URL to the URL of a Redis": (
        "GPTIMAGE_DATA_DIR: {folder} の内蔵キューが起動しません。valkey.log をご確認ください。"
        "フォルダーを削除するか（実行は失われません）、REDIS_URL に Redis の URL を設定してください"
    ),
    # the system
    "No such file or directory": "ファイルやフォルダーがありません",
    "Permission denied": "アクセス権がありません",
    "Operation not permitted": "許可されていない操作です",
    "Is a directory": "フォルダーです",
    "Not a directory": "フォルダーではありません",
    "Read-only file system": "読み取り専用です",
    "No space left on device": "ディスクの空き容量がありません",
    "Disk quota exceeded": "ディスクの割り当てを超えています",
    "File name too long": "ファイル名が長すぎます",
}
