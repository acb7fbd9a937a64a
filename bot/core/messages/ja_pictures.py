"""Japanese: pictures that a batch names, and pictures that cannot be read."""

PICTURES = {
    "{file} {what}": "{file}: {what}",
    "{file} cannot be read ({why})": "{file} を読み取れません（{why}）",
    "{file}: no metadata of gptimage or of the Node tool": (
        "{file}: gptimage や Node 版のメタデータはありません"
    ),
    # small copies
    "Contact sheet: {path}": "一覧: {path}",
    "no contact sheet was made ({why})": "一覧を作れませんでした（{why}）",
    "{path} has no thumbnail ({why})": "{path} のサムネイルを作れませんでした（{why}）",
    "the contact sheet": "一覧",
    'the thumbnail of "{path}"': "「{path}」のサムネイル",
    "an image of {place}": "{place} の画像",
    '{what} would be "{name}", which is {owner} already': (
        "{what}は「{name}」になりますが、それは{owner}の名前です"
    ),
    "{what} cannot be written: {why}": "{what}を書き込めません: {why}",
    "name it otherwise, or leave the small copies out": (
        "別の名前にするか、小さな写しを作らないでください"
    ),
    # pictures that a comment names
    "name a picture of the default branch by its path, such as images/fox.png": (
        "既定のブランチにある画像を images/fox.png のようなパスで指定してください"
    ),
    "name a picture of the default branch by its path, one that is attached in this thread by its"
    " address, or one of an earlier run as run:ID/fox.png": (
        "既定のブランチの画像はパスで、このスレッドに添付した画像はアドレスで、"
        "以前の実行の画像は run:ID/fox.png の形で指定してください"
    ),
    "commit the picture to the default branch, and name it by its path": (
        "画像を既定のブランチにコミットし、そのパスで指定してください"
    ),
    "drag the picture into a comment of this thread, and name the address that appears": (
        "画像をこのスレッドのコメントにドラッグし、表示されたアドレスで指定してください"
    ),
    "is of no run of this repository": "このリポジトリの実行のものではありません",
    "is no image of that run": "その実行の画像ではありません",
    "is not there any more": "すでに削除されています",
    "It has made none.": "この実行には画像がありません。",
    "It has made: {names}": "この実行の画像: {names}",
    "The pictures that run {run} was made from are not kept any more.": (
        "実行 {run} の元になった画像は、すでに保存期間を過ぎています。"
    ),
    "Comment its batch anew: they are fetched again then, and kept for a week.": (
        "バッチをもう一度コメントしてください。画像は改めて取得され、1 週間保存されます。"
    ),
    "The pictures of estimate {id} are not kept any more.": (
        "見積もり {id} の画像は、すでに保存期間を過ぎています。"
    ),
    "is no picture of this thread": "このスレッドの画像ではありません",
    "leads to another server": "別のサーバーに転送されます",
    "is gone, or GitHub does not show it to an App": (
        "削除されたか、GitHub が App に公開していません"
    ),
    "is not on the default branch": "既定のブランチにありません",
    "leads out of this repository": "このリポジトリの外を指しています",
    "is too large; it must be below 50 MB": "大きすぎます。50 MB 未満にしてください",
    "could not be read: {why}": "読み取れませんでした: {why}",
    "could not be kept: {why}": "保存できませんでした: {why}",
    "nothing was started: comment again in a moment": (
        "何も始めていません。しばらくしてからもう一度コメントしてください"
    ),
    "the pictures did not come within {seconds:g} s": "画像が {seconds:g} 秒以内に届きませんでした",
    "{count} pictures are named; a comment may name {most}": (
        "画像が {count} 個指定されています。コメントでは {most} 個までです"
    ),
    # pictures that go in
    "use a PNG, JPEG or WebP picture": "PNG、JPEG、WebP の画像をお使いください",
    "save it again as PNG, JPEG or WebP": "PNG、JPEG、WebP で保存し直してください",
    "compress it, or make it smaller: models look at about 1536x1024 pixels of it": (
        "圧縮するか縮小してください。モデルが見るのは 1536x1024 画素程度です"
    ),
    "is an address": "アドレスは指定できません",
    "download it, and name the file": "ダウンロードしてファイル名を指定してください",
    "does not exist": "見つかりません",
    "looked for {file}": "探した場所: {file}",
    "is no path": "パスとして使えません",
    "is a folder": "フォルダーです",
    "is no ordinary file": "通常のファイルではありません",
    "cannot be read: {why}": "読み取れません: {why}",
    "has {size}; it must be below 50 MB": "{size} あります。50 MB 未満にしてください",
    "is {size}; it may have {most} million pixels at most": (
        "{size} です。{most} 百万画素以下にしてください"
    ),
    "{file} must be a PNG with an alpha channel": (
        "{file} はアルファチャンネル付きの PNG にしてください"
    ),
    "what is transparent in it is painted anew: save it as a PNG with transparency": (
        "透明な部分が描き直されます。透明部分のある PNG で保存してください"
    ),
    "{file} is {size}, but the first image is {other}": (
        "{file} は {size} ですが、最初の画像は {other} です"
    ),
    "both must have the same size": "同じ大きさにしてください",
    "{where}: a mask of {size} may be refused; keep it below 4 MB": (
        "{where}: {size} のマスクは拒否される場合があります。4 MB 未満にしてください"
    ),
    # files that cannot be read as pictures
    "has too many pixels": "画素が多すぎます",
    "is damaged": "壊れています",
    "ends too early": "途中で切れています",
    "is neither a PNG, a JPEG nor a WebP picture": "PNG、JPEG、WebP のいずれでもありません",
    "has two headers that contradict each other": "矛盾する 2 つのヘッダーがあります",
    "has damaged metadata": "メタデータが壊れています",
    "has no room for more metadata": "メタデータを追加する余地がありません",
    "has more metadata than can be read": "メタデータが多すぎて読み取れません",
    "has a damaged text": "テキスト情報が壊れています",
    "has no PNG header": "PNG のヘッダーがありません",
    "has no JPEG header": "JPEG のヘッダーがありません",
    "has a damaged JPEG header": "JPEG のヘッダーが壊れています",
    "has no WebP header": "WebP のヘッダーがありません",
    "has a damaged WebP container": "WebP のコンテナーが壊れています",
}
