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
    "the artifact could not be linked: {why}": (
        "アーティファクトへのリンクを追加できませんでした: {why}"
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
    "destination: {destination} needs github-token": (
        "destination: {destination} には github-token が必要です"
    ),
    "no record has room for more than {most:,} images": ("記録に収まるのは {most:,} 枚までです"),
    "GitHub takes no record of this run ({why}): it would be paid for anew if the job were run"
    " again": (
        "GitHub がこの実行の記録を受け付けません（{why}）。ジョブを再実行すると、あらためて課金され"
        "ます"
    ),
    "An earlier attempt of this job has begun this run. Nothing that it made, or may have paid"
    " for, is ordered again.": (
        "この実行は、同じジョブの以前の試行が始めたものです。そこで作成済みの画像と、課金された"
        "可能性のある画像は、あらためて注文しません。"
    ),
    "{count} images were made by an earlier attempt and not published: see the artifact of that"
    " attempt.": (
        "{count} 枚は以前の試行で作成され、公開されていません。その試行のアーティファクトをご覧"
        "ください。"
    ),
    "run {run} was recorded with another openai-api-key, so nobody can tell what it has paid for:"
    " start the workflow anew": (
        "実行 {run} は別の openai-api-key で記録されているため、何に支払ったのか確認できません。"
        "ワークフローを新しく開始してください"
    ),
    "the record of the run could not be written on GitHub": (
        "実行の記録を GitHub に書き込めませんでした"
    ),
    "the record of the run could not be brought up to date: {why}": (
        "実行の記録を更新できませんでした: {why}"
    ),
    "Another job begins to lead this run right now.": (
        "ちょうど別のジョブがこの実行を担当し始めたところです。"
    ),
    "Comment this anew when it is over.": "終わってから、もう一度コメントしてください。",
    "Its job: {url}": "担当のジョブ: {url}",
    "By its comment run {run} has {made} of {count} images. Whether its job is over, GitHub does"
    " not tell this workflow.": (
        "コメントによると、実行 {run} は {count} 枚のうち {made} 枚ができています。そのジョブが"
        "終わったかどうかは、このワークフローからは確認できません。"
    ),
    "The job of run {run} is asked to stop. Whether it is over, GitHub does not tell this"
    " workflow.": (
        "実行 {run} のジョブに停止を依頼しました。そのジョブが終わったかどうかは、このワークフロー"
        "からは確認できません。"
    ),
    "The job had to end before its images were published. {kept}": (
        "画像を公開する前にジョブを終えなければなりませんでした。{kept}"
    ),
    "They are in the artifact of this job.": "このジョブのアーティファクトに入っています。",
    "GITHUB_EVENT_PATH is required: the event that is answered": (
        "GITHUB_EVENT_PATH が必要です（対応するイベント）"
    ),
    "GITHUB_EVENT_PATH: {file}: cannot be read ({why})": (
        "GITHUB_EVENT_PATH: {file} を読めません（{why}）"
    ),
    "GITHUB_EVENT_PATH: {file}: this is no issue_comment event": (
        "GITHUB_EVENT_PATH: {file} は issue_comment イベントではありません"
    ),
    "github-token and RUNNER_TEMP are required to answer a comment": (
        "コメントに答えるには github-token と RUNNER_TEMP が必要です"
    ),
    "post-comment: false cannot answer a comment: the run's comment is the record by which no"
    " image is paid for twice": (
        "post-comment: false ではコメントに答えられません。同じ画像に二度支払わないための記録が、"
        "実行のコメントそのものだからです"
    ),
    "this run was recorded with another openai-api-key, so nobody can tell what it has paid for:"
    " comment /batch anew": (
        "この実行は別の openai-api-key で記録されているため、何に支払ったのか確認できません。"
        "あらためて /batch とコメントしてください"
    ),
    "GitHub did not take the last words of this run": (
        "この実行の最後の内容を GitHub に書き込めませんでした"
    ),
    "GitHub: {why}": "GitHub: {why}",
    "the run was stopped before this call": "この呼び出しの前に実行が停止されました",
    "the comment that records the run could not be edited": (
        "実行を記録するコメントを編集できませんでした"
    ),
    "Comment /batch anew: a run is always of one and the same batch.": (
        "あらためて /batch とコメントしてください。ひとつの実行は常に同じバッチのものです。"
    ),
    "The comment or the file that {name} was made of has changed since.": (
        "{name} のもとになったコメントまたはファイルが、その後変更されています。"
    ),
    "Whether the job of run {run} is over, GitHub does not tell this workflow.": (
        "実行 {run} のジョブが終了したかどうかを、このワークフローからは GitHub に確認できません。"
    ),
    "If it is, run that job again, which settles it: {url}. Or give the workflow the permission"
    " `actions: read`, and comment this anew.": (
        "終わっている場合、そのジョブを再実行すると決着がつきます: {url} 。または、ワークフローに"
        "権限 `actions: read` を与えてから、もう一度コメントしてください。"
    ),
    "Another job is at work on this comment: nothing to do here": (
        "このコメントは別のジョブが処理中です。ここですることはありません"
    ),
    "An earlier job of this run ended before the run did. Nothing that it made, or may have paid"
    " for, is ordered again.": (
        "以前のジョブがこの実行の途中で終了しました。すでに作られた画像や、支払われた可能性のある画像を"
        "自動で注文し直すことはありません。"
    ),
    "{count} images were made by that job: what it had not handed over when it ended is lost.": (
        "そのジョブが作った画像は {count} 枚です。"
        "終了までに引き渡されていなかったものは失われています。"
    ),
}
