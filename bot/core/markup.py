"""What comments are built of: blocks, and users' text that is shown and does nothing else.

Escaping takes two steps, because GitHub reads a comment twice. First Markdown and HTML: every
character that they give a meaning becomes a numeric entity, which CommonMark never takes for
structure (section 2.5). Then GitHub's own filters read the *finished text*, where an entity is
the plain character again; so mentions, issue numbers, commits and addresses are broken up by a
zero-width space. Renovate and Dependabot came to do the same for `@`, after code spans had not
held in replies by e-mail.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from urllib.parse import quote

_GAP = "\u200b"
_LOOK = 4

_MARKUP = str.maketrans({char: f"&#{ord(char)};" for char in '&<>"\\`*_[]~|$'})

# What GitHub's filters look for: @name, #1, :emoji: and http://, www., GH-1 and ABC-1, and commits,
# which are seven or more hexadecimal digits.
_LINKED = re.compile(
    r"[@#]|:(?=[/:\w+-])|\bwww(?=\.)|(?<=[a-z])-(?=\d)|[0-9a-f]{6}(?=[0-9a-f])", re.IGNORECASE
)

# What begins a list, a heading, a rule, a slash command or `::error` where a line begins.
_STARTS = re.compile(r"\d+[.)]|[^\w]")

# Control characters and lone surrogates; and the marks that turn the direction of what follows.
_HIDDEN = frozenset({"Cc", "Cs"})
_TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def escape(text: str, limit: int = 200) -> str:
    """The text on one line, at most `limit` characters of it, without any effect of its own."""
    seen = text[: _LOOK * limit]  # a prompt may have 32,000 characters, of which 80 are shown
    plain = " ".join("".join(filter(_is_shown, seen)).split())
    if len(plain) > limit or len(text) > len(seen):
        plain = plain[: limit - 1].rstrip() + "…"
    start = _GAP if _STARTS.match(plain) else ""
    return start + _LINKED.sub(rf"\g<0>{_GAP}", plain).translate(_MARKUP)


def _is_shown(char: str) -> bool:
    if char.isspace():
        return True
    return unicodedata.category(char) not in _HIDDEN and char not in _TURNING


def link(label: str, url: str | None) -> str:
    """A link with an escaped label; the label alone if there is no address of the web."""
    if url is None or not is_web(url):
        return escape(label)
    return f"[{escape(label)}]({address(url)})"


def is_web(url: str | None) -> bool:
    """Whether it is an address that a browser may be led to."""
    return url is not None and url.startswith(("https://", "http://"))


def address(url: str) -> str:
    """The address without any character that could end it in Markdown or HTML."""
    return quote(url, safe=":/?#@!$&+,;=%~-._")


# --- blocks -----------------------------------------------------------------------------------


def body(*parts: str) -> str:
    """The parts that are not empty, as blocks of their own."""
    return "\n\n".join(part for part in parts if part)


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], rule: str = "---") -> str:
    """A table of cells that are escaped already; `rule` aligns all columns."""
    lines = [columns, [rule] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def folded(summary: str, content: str) -> str:
    """The content behind a line to click on; nothing if there is none."""
    if not content:
        return ""
    return f"<details><summary>{summary}</summary>\n\n{content}\n\n</details>"


def alert(kind: str, text: str) -> str:
    """A coloured box; kinds are GitHub's, such as NOTE and WARNING."""
    return "\n".join(f"> {line}".rstrip() for line in (f"[!{kind}]", *text.split("\n")))


def fit(render: Callable[[int], str], most: int, room: int) -> str:
    """The rendering with as many rows, up to `most`, as fit into `room` characters."""
    if len(whole := render(most)) <= room:
        return whole
    fits, too_many = 0, most
    while too_many - fits > 1:
        middle = (fits + too_many) // 2
        fits, too_many = (middle, too_many) if len(render(middle)) <= room else (fits, middle)
    return render(fits)
