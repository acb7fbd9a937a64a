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
    "{event}: this event has no answer here": "{event}: このイベントには対応していません",
}
