"""Japanese: what a step of a workflow says."""

ACTION = {
    "pull_request_target is refused: everybody's pull request would run with this repository's"
    " secrets. Use issue_comment, pull_request or push": (
        "pull_request_target では動作しません。誰のプルリクエストでもこのリポジトリの Secrets を"
        "使えてしまうためです。issue_comment、pull_request、push のいずれかをお使いください"
    ),
    "openai-api-key is required: keep a key in the repository's secrets, and give it as an input": (
        "openai-api-key が必要です。リポジトリの Secrets にキーを保存し、入力として渡してください"
    ),
    "the job ended during the call, or just before it": (
        "呼び出しの途中か直前でジョブが終了しました"
    ),
    "The comment holds no command: nothing to do": ("コメントにコマンドがないため、何も行いません"),
    "{event}: give the batch in config or config-file, for this event has no comment": (
        "{event}: このイベントにはコメントがありません。config か config-file でバッチを指定して"
        "ください"
    ),
    "{names}: give one of them": "{names}: どれか 1 つだけを指定してください",
    "Without a thread there is no run to look after.": (
        "スレッドがないため、対象となる実行がありません。"
    ),
    "Give `/batch` or `/estimate` with a batch.": (
        "`/batch` か `/estimate` にバッチを添えてください。"
    ),
    "{lacking} of {total} jobs lack images: the summary of this job says why": (
        "{total} 件のジョブのうち {lacking} 件で画像が不足しています。理由はこのジョブのサマリーを"
        "ご覧ください"
    ),
    "destination: {destination} needs a comment's thread; use artifact or directory": (
        "destination: {destination} はコメントのスレッドでだけ使えます。artifact か directory を"
        "指定してください"
    ),
}
