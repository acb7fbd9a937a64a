"""Japanese: what is wrong with a command in a comment."""

COMMANDS = {
    "This comment holds {count} commands.": "このコメントにはコマンドが {count} つあります。",
    "Write one command in a comment.": "1 つのコメントに 1 つのコマンドを書いてください。",
    "There is no batch below {command}.": "{command} の下にバッチがありません。",
    "Put the JSON into a fenced block below the command, or write the prompts as a list.": (
        "コマンドの下に、JSON をコードブロックで書くか、プロンプトを箇条書きにしてください。"
    ),
    "{command} does not know the word “{word}”.": "{command} に「{word}」という語は使えません。",
    # files of the repository
    "“{name}” names no file of this repository: {why}.": (
        "「{name}」はこのリポジトリのファイルを指していません: {why}。"
    ),
    "it begins outside the repository": "リポジトリの外から始まっています",
    "it has an empty name, or one of dots only": "空の名前か、点だけの名前が含まれています",
    "Name it from the top of the repository, such as: jobs/foxes.json": (
        "リポジトリの最上位から書いてください。例: jobs/foxes.json"
    ),
    "“{name}” is no batch file.": "「{name}」はバッチのファイルではありません。",
    "Batch files end in one of {endings}.": ("バッチのファイルの末尾は {endings} のいずれかです。"),
    "The line names more than one file.": "コマンドの行にファイルが 2 つ以上あります。",
    "Name one; a name with blanks stands in quotes.": (
        "1 つだけ書いてください。空白を含む名前は引用符で囲みます。"
    ),
    "The line names “{words}”, and there is a batch below it, too.": (
        "コマンドの行に「{words}」とあり、その下にもバッチがあります。"
    ),
    "“{path}” could not be read: {why}": "「{path}」を読み取れませんでした: {why}",
    "Nothing was started. Comment again in a moment.": (
        "何も始めていません。少し待ってから、もう一度コメントしてください。"
    ),
    "There is no file “{path}” on the default branch.": (
        "既定のブランチに「{path}」というファイルはありません。"
    ),
    "Check the name, and that it has been merged.": (
        "名前と、マージ済みであることを確かめてください。"
    ),
    "“{path}” is a folder.": "「{path}」はフォルダーです。",
    "Name the file in it.": "その中のファイルを書いてください。",
    "“{path}” leads out of this repository.": "「{path}」はこのリポジトリの外を指しています。",
    "Name a file that is in it.": "リポジトリの中のファイルを書いてください。",
    "“{path}” is larger than {most:,} bytes.": "「{path}」は {most:,} バイトを超えています。",
    "Split it into several batches.": "いくつかのバッチに分けてください。",
    "it is not UTF-8 text (byte {place})": "UTF-8 のテキストではありません（{place} バイト目）",
    # of runs and estimates
    "/batch {word} takes no flags.": "/batch {word} にオプションは付けられません。",
    "Leave them out: the batch is used as it was read.": (
        "消してください。バッチは読み取ったときのまま使います。"
    ),
    "Copy the line from the answer to /estimate.": "/estimate への返信の行を写してください。",
    "/batch run takes the id of one estimate.": (
        "/batch run には見積もりの ID を 1 つ書いてください。"
    ),
    "/batch {word} takes the id of one run.": (
        "/batch {word} には実行の ID を 1 つ書いてください。"
    ),
    "It stands at the foot of the answer; without one the newest run here is meant.": (
        "ID は返信の末尾にあります。書かなければ、ここでの最新の実行を指します。"
    ),
    "“{word}” is no id: those have ten letters and digits.": (
        "「{word}」は ID ではありません。ID は 10 文字の英数字です。"
    ),
    "Which images in doubt to order again is not said.": (
        "不明な画像のうち、どれをもう一度注文するかが書かれていません。"
    ),
    "Name each by its number: {example}": "番号をそれぞれ書いてください: {example}",
    "“{word}” is no number of an image.": "「{word}」は画像の番号ではありません。",
    "The run's comment has the exact line to copy.": "実行のコメントに、写せる行があります。",
    "There is no estimate {id} in this repository.": (
        "このリポジトリに見積もり {id} はありません。"
    ),
    "The estimate {id} is older than a day.": "見積もり {id} は 1 日を過ぎています。",
    "The estimate {id} has been run already.": "見積もり {id} はすでに実行されています。",
    "Ask /estimate again, and copy the line from its answer.": (
        "もう一度 /estimate で尋ね、その返信の行を写してください。"
    ),
    "Run {run} has nothing left to start.": "実行 {run} に、これから始めるものはありません。",
    "There is no run in this thread yet.": "このスレッドにはまだ実行がありません。",
    "Name one of this repository by its id.": "このリポジトリの実行を ID で指定してください。",
    "There is no run {run} in this repository.": "このリポジトリに実行 {run} はありません。",
    "The id stands at the foot of each run's comment.": ("ID は実行のコメントの末尾にあります。"),
    "Run {run} is still at work.": "実行 {run} はまだ終わっていません。",
    "What it lacks can be ordered when it is over.": ("足りないものは、終わってから注文できます。"),
    "Image {number} of run {run} is not in doubt.": (
        "実行 {run} の画像 {number} は不明ではありません。"
    ),
    "What run {run} lacks may have been paid for, so each has to be named.": (
        "実行 {run} に足りないものは支払い済みかもしれないため、それぞれの指定が必要です。"
    ),
    "Run {run} has all its images.": "実行 {run} の画像はすべてそろっています。",
    "Leave out the word doubt and what follows it.": "doubt とその後を消してください。",
    "To pay for them again: {command}": "もう一度支払って注文するには: {command}",
    "Did you mean {word}?": "{word} ではありませんか？",
    "The commands are {names}. Prompts go below the command, as a list.": (
        "使えるコマンドは {names} です。プロンプトはコマンドの下に箇条書きにしてください。"
    ),
    "A quotation mark in the command line is not closed.": (
        "コマンドの行に、閉じられていない引用符があります。"
    ),
    "Close it, or leave it out.": "閉じるか、消してください。",
    "The flag “--{name}” is unknown.": "「--{name}」というオプションはありません。",
    "The flags are {names}.": "使えるオプションは {names} です。",
    "The flag {flag} is there twice.": "{flag} が 2 回書かれています。",
    "Give it once.": "1 回だけ書いてください。",
    "The flag --{name} needs a value.": "--{name} には値が必要です。",
    "Write --{name} and the value.": "--{name} に続けて値を書いてください。",
    "The flag --{name} needs a number, not “{value}”.": (
        "--{name} には「{value}」ではなく数値が必要です。"
    ),
    "For example: {example}": "例: {example}",
    "Keep the one that is meant; a comment can hold one batch.": (
        "1 つのコメントに書けるバッチは 1 つです。必要なものだけを残してください。"
    ),
    "There are {count} lists below the command.": "コマンドの下に箇条書きが {count} つあります。",
    "There are {count} blocks below the command.": (
        "コマンドの下にコードブロックが {count} つあります。"
    ),
    "The block below the command is marked as “{word}”.": (
        "コマンドの下のコードブロックの言語が「{word}」になっています。"
    ),
    "JSON and YAML are understood: mark the block as json or yaml.": (
        "読み取れるのは JSON と YAML です。言語を json か yaml にしてください。"
    ),
    "The list below the command is not one of plain lines.": (
        "コマンドの下の箇条書きが、1 行ずつの形になっていません。"
    ),
    "Write one prompt in each line, such as: - a red fox": (
        "1 行に 1 つのプロンプトを書いてください。例: - 赤い狐"
    ),
}
