"""Japanese: what is wrong with a command in a comment."""

COMMANDS = {
    "This comment holds {count} commands.": "このコメントにはコマンドが {count} つあります。",
    "Write one command in a comment.": "1 つのコメントに 1 つのコマンドを書いてください。",
    "There is no batch below {command}.": "{command} の下にバッチがありません。",
    "Put the JSON into a fenced block below the command, or write the prompts as a list.": (
        "コマンドの下に、JSON をコードブロックで書くか、プロンプトを箇条書きにしてください。"
    ),
    "{command} does not know the word “{word}”.": "{command} に「{word}」という語は使えません。",
    "Files of the repository cannot be named here: put the JSON below the command.": (
        "リポジトリのファイルは指定できません。JSON をコマンドの下に書いてください。"
    ),
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
