"""Japanese: what is wrong with a batch, and what to do about it."""

BATCH = {
    # where, what and what to do
    "{where}: {what}": "{where}: {what}",
    "{what} ({hint})": "{what}（{hint}）",
    "the environment's {name}": "環境変数の {name}",
    "such as {example}": "例: {example}",
    'did you mean "{word}"?': "「{word}」ではありませんか？",
    "use {name}": "{name} をお使いください",
    # the JSON itself
    "the batch must be an object such as {example}": (
        "バッチは {example} のようなオブジェクトにしてください"
    ),
    "the JSON cannot be read at line {line}, column {column}{found}": (
        "JSON の {line} 行 {column} 文字目を読み取れません{found}"
    ),
    "the JSON is nested too deeply": "JSON の入れ子が深すぎます",
    "there is nothing in it": "中身がありません",
    # the YAML itself
    "{where} (line {line}, column {column})": "{where}（{line} 行 {column} 文字目）",
    "the YAML cannot be read at line {line}, column {column}{found}": (
        "YAML の {line} 行 {column} 文字目を読み取れません{found}"
    ),
    "the YAML is nested too deeply": "YAML の入れ子が深すぎます",
    "more than {most:,} characters of YAML": "YAML が {most:,} 文字を超えています",
    "write so much as JSON": "これだけの量は JSON で書いてください",
    "write it out, or put the text into quotes": (
        "値をそのまま書くか、文字列なら引用符で囲んでください"
    ),
    "a key must be text": "キーは文字列にしてください",
    "aliases (*name) are not understood": "エイリアス（*name）は使えません",
    "anchors (&name) are not understood": "アンカー（&name）は使えません",
    "tags (!name) are not understood": "タグ（!name）は使えません",
    "`{text}` means different things to different readers": (
        "`{text}` は読むプログラムによって意味が変わります"
    ),
    'write "{text}" for the text, or {value}': (
        '文字列なら "{text}"、そうでなければ {value} と書いてください'
    ),
    'write "{text}" for the text, or a plain number': (
        '文字列なら "{text}"、数値なら普通の数字で書いてください'
    ),
    "keep one document, without lines of ---": "--- の行で分けず、文書を 1 つにしてください",
    "there is no such character": "そのような文字はありません",
    "indent with blanks, not with tabs": "字下げにはタブではなく空白をお使いください",
    "put a text that holds a colon into quotes": ("コロンを含む文字列は引用符で囲んでください"),
    "put a text that begins with this character into quotes": (
        "この文字で始まる文字列は引用符で囲んでください"
    ),
    "a text in quotes is not closed": "引用符が閉じられていません",
    "the lines that belong together begin in the same column": (
        "同じまとまりの行は、字下げをそろえてください"
    ),
    "begin the list on a line of its own": "リストは次の行から書き始めてください",
    "remove the comma after the last entry": "最後の要素の後のコンマを消してください",
    "use double quotes": "二重引用符をお使いください",
    "comments are understood in a ```jsonc block only": (
        "コメントは ```jsonc のブロックでだけ使えます"
    ),
    "a comma, or a closing bracket, is missing before this place": (
        "この手前にコンマか閉じ括弧がありません"
    ),
    "a value is missing at this place": "ここに値がありません",
    "a colon is missing before this place": "この手前にコロンがありません",
    "a key in double quotes is missing at this place": "ここに二重引用符で囲んだキーがありません",
    "the text that begins here is not closed": "ここから始まる文字列が閉じられていません",
    "write line breaks and tabs inside a text as \\n and \\t": (
        "文字列の中の改行とタブは \\n、\\t と書いてください"
    ),
    "a backslash inside a text is written twice": (
        "文字列の中のバックスラッシュは 2 つ続けて書いてください"
    ),
    "there is more behind the end of the batch": "バッチの終わりの後に余分な文字があります",
    "this key is given more than once": "同じキーが 2 回以上あります",
    "{number} is not a usable number": "{number} は数値として使えません",
    "a number of more than {most} digits is not usable": "{most} 桁を超える数値は使えません",
    "it holds a NUL character": "NUL 文字が含まれています",
    "it holds half of a character (a lone surrogate)": (
        "文字の片割れ（単独のサロゲート）が含まれています"
    ),
    "holds half of a character (a lone surrogate)": (
        "文字の片割れ（単独のサロゲート）が含まれています"
    ),
    # fields
    "is required": "必須です",
    "is blank": "空白だけです",
    "is empty": "空です",
    "is no field of {whose}": "{whose}にこの項目はありません",
    "is no field: keys are text": "項目の名前は文字列にしてください",
    "a batch": "バッチ",
    "a job": "ジョブ",
    "this object": "このオブジェクト",
    "it belongs in a job": "ジョブの中に書いてください",
    "it belongs in a job, or in defaults": "ジョブか defaults の中に書いてください",
    "it belongs in retry_policy": "retry_policy の中に書いてください",
    "it belongs at the top of the batch": "バッチの最上位に書いてください",
    "belongs to each job, not to all of them": "全ジョブ共通にはできず、各ジョブに書く項目です",
    "name the files in the jobs, and their folder in output_dir": (
        "ファイル名は各ジョブに、フォルダーは output_dir に書いてください"
    ),
    "must be text": "文字列にしてください",
    "must be true or false": "true か false にしてください",
    "must be a whole number": "整数にしてください",
    "must be a number": "数値にしてください",
    "must be a usable number": "有効な数値にしてください",
    "must be an object": "オブジェクトにしてください",
    "must be an object such as {example}": "{example} のようなオブジェクトにしてください",
    "must be a list": "リストにしてください",
    'write ["{text}"]': '["{text}"] と書いてください',
    "must be one of {words}": "次のいずれかにしてください: {words}",
    "{choice} for {whose}": "{choice}（{whose} の場合）",
    '"{word}" {choice}': "「{word}」は使えません。{choice}",
    "must be {least:,} to {most:,}": "{least:,}～{most:,} にしてください",
    "must be above {below:,} and at most {most:,}": (
        "{below:,} より大きく {most:,} 以下にしてください"
    ),
    "must have {least:,} to {most:,} characters": "{least:,}～{most:,} 文字にしてください",
    "must have {least:,} to {most:,} entries": "{least:,}～{most:,} 件にしてください",
    "must have 1 to {most} entries, not {count}": (
        "1～{most} 件にしてください（今は {count} 件です）"
    ),
    "it has {count:,}": "今は {count:,} です",
    "it is {number}": "今は {number} です",
    "jobs must be an array": "jobs は配列にしてください",
    # between fields
    "jpeg cannot be transparent": "JPEG は透明にできません",
    "use png or webp": "png か webp をお使いください",
    "png is not compressed": "PNG には圧縮率を指定できません",
    "use jpeg or webp": "jpeg か webp をお使いください",
    "{value} contradicts transparent_background: true": (
        "{value} は transparent_background: true と矛盾します"
    ),
    "leave one of them out": "どちらかを省いてください",
    "is required for {operation}": "{operation} では必須です",
    "leave `operation` out, or say edit": "`operation` を省くか、edit にしてください",
    "generate takes no reference images": "generate では参照画像を使えません",
    "only an edit has a mask": "マスクを使えるのは edit だけです",
    "needs a reference image": "参照画像が必要です",
    # models and sizes
    "{model} was shut down by OpenAI on {day}": "{model} は {day} に OpenAI での提供が終了しました",
    "must be the name of a model, without blanks": "空白のないモデル名にしてください",
    '"{word}" is not a word such as high': "「{word}」は high のような語ではありません",
    '"{word}" is not auto or WIDTHxHEIGHT': "「{word}」は auto でも「幅x高さ」でもありません",
    "such as 1536x1024 (3:2), 1024x1536 (2:3) or 1024x1024 (1:1)": (
        "例: 1536x1024（3:2）、1024x1536（2:3）、1024x1024（1:1）"
    ),
    "{size}: {why}": "{size}: {why}",
    "try {size}; the usual ratios are 2:3, 3:2 and 1:1": (
        "{size} をお試しください。標準の縦横比は 2:3、3:2、1:1 です"
    ),
    "width and height must be multiples of {step}": "幅と高さは {step} の倍数にしてください",
    "no edge may be longer than {most}": "どの辺も {most} 以下にしてください",
    "the long edge may be at most {most} times the short one": (
        "長い辺は短い辺の {most} 倍以下にしてください"
    ),
    "it must have {least:,} to {most:,} pixels": "全体で {least:,}～{most:,} 画素にしてください",
    # files
    '"{name}" is the file of {job} already': "「{name}」は {job} のファイルと重なります",
    '"{name}" is the file of {job}, and no folder': (
        "「{name}」は {job} のファイルなので、フォルダーにできません"
    ),
    "it holds an encoded dot or slash (%2e, %2f)": (
        "符号化されたピリオドかスラッシュ（%2e、%2f）が含まれています"
    ),
    "it holds a character that only looks like a slash": (
        "スラッシュに見える別の文字が含まれています"
    ),
    "it is empty": "空です",
    "it is longer than {most} bytes": "{most} バイトを超えています",
    "it holds a backslash; use / between folders": (
        "バックスラッシュが含まれています。フォルダーは / で区切ってください"
    ),
    "it must be relative: the folder is `output_dir`": (
        "相対パスにしてください。フォルダーは `output_dir` で決まります"
    ),
    "it holds a character that cannot be seen": "目に見えない文字が含まれています",
    "it has an empty folder name (// or / at the end)": (
        "空のフォルダー名（// や末尾の /）があります"
    ),
    '"{name}" is no name: the file stays inside `output_dir`': (
        "「{name}」は使えません。ファイルは `output_dir` の中に置かれます"
    ),
    '"{name}" begins with a dot': "「{name}」がピリオドで始まっています",
    '"{name}" has a dot or a blank at its end': "「{name}」の端にピリオドか空白があります",
    "a name in it is longer than {most} bytes": "{most} バイトを超える名前があります",
    '"{name}" is a name that Windows keeps for itself': "「{name}」は Windows の予約名です",
    '"{letter}" is not allowed in file names on Windows': (
        "「{letter}」は Windows のファイル名に使えません"
    ),
    # variables
    "the variables make {made} jobs of {entries}; 1 to {most} are allowed": (
        "変数により {entries} 件のジョブが {made} 件になります。上限は 1～{most} 件です"
    ),
    "more than {count:,}": "{count:,} 件超",
    "use fewer values, or several batches": "値を減らすか、バッチを分けてください",
    "the prompt does not use {name}: its images would be the same": (
        "プロンプトに {name} がないため、同じ画像になります"
    ),
    "for more of one, use sample_count": "同じ画像を複数作るには sample_count をお使いください",
    "must have 1 to {most:,} characters with its variables": (
        "変数を入れた長さを 1～{most:,} 文字にしてください"
    ),
    "it has up to {count:,}": "今は最大 {count:,} 文字です",
    "{where} is used by no job": "{where} はどのジョブでも使われていません",
    "{name} is none of the variables": "{name} という変数はありません",
    "declare it, such as {example}": "宣言してください。例: {example}",
    "must have at most {most} names, not {count:,}": (
        "名前は {most} 個以下にしてください（今は {count:,} 個です）"
    ),
    "is no name: use up to 60 of A-Z, a-z, 0-9 and _, no digit first": (
        "名前に使えません。A-Z、a-z、0-9、_ を 60 文字まで使い、数字以外で始めてください"
    ),
    "must be a list of texts": "文字列のリストにしてください",
    "must have 1 value or more": "値を 1 つ以上書いてください",
    '"{value}" is given twice: its images would be paid for twice': (
        "「{value}」が重複しており、同じ画像に 2 回支払うことになります"
    ),
    # warnings
    "{where}: {value} is no value any more; auto is used": (
        "{where}: {value} は廃止されたため、auto として扱います"
    ),
    "{where} is left out: a picture made from others takes none": (
        "{where} は送信しません。参照画像から作る場合は指定できません"
    ),
    "{where} is ignored: images are written to files": (
        "{where} は無視します。画像はファイルに書き込みます"
    ),
    "{where} is left out: {model} takes none": "{where} は送信しません。{model} では指定できません",
    "{where}: no {ending} is made; the file becomes {name}": (
        "{where}: {ending} 形式では作成できないため、{name} になります"
    ),
    "{where}: output_format makes it {name}": "{where}: output_format に合わせて {name} になります",
    "{model} is not a model that this version knows; it is used as it is": (
        "{model} はこの版が知らないモデルですが、そのまま使います"
    ),
    "{model} is shut down on {day}; its successor is {successor}": (
        "{model} は {day} に提供が終了します。後継は {successor} です"
    ),
    "{where}: {size} is above 2560x1440, which OpenAI calls experimental": (
        "{where}: {size} は 2560x1440 を超えており、OpenAI では試験的な扱いです"
    ),
    "{one} and {other}": "{one} と {other}",
    "{where}: {names} will be retried only with retry_in_doubt: true, because it may pay twice": (
        "{where}: {names} は二重払いのおそれがあるため、"
        "retry_in_doubt: true がある場合だけ再試行します"
    ),
}
