"""User text in a comment: shown as it was written, and nothing but shown.

Two steps, because GitHub reads a comment twice. First Markdown and HTML: every character that
they give a meaning becomes a numeric entity, which CommonMark never takes for structure (section
2.5). Then GitHub's own filters read the *finished text*, where an entity is the plain character
again; so mentions, issue numbers, commits and addresses are broken up by a zero-width space.
Renovate and Dependabot found the same for `@`, after code spans had not held in e-mail replies.
"""

import re
import unicodedata
from urllib.parse import quote

_GAP = "\u200b"

_MARKUP = str.maketrans({char: f"&#{ord(char)};" for char in '&<>"\\`*_[]~|$'})

# What GitHub's filters look for: @name, #1, :emoji: and http://, www., GH-1 and ABC-1, and commits,
# which are seven or more hexadecimal digits.
_LINKED = re.compile(
    r"[@#]|:(?=[/:\w+-])|\bwww(?=\.)|(?<=[a-z])-(?=\d)|[0-9a-f]{6}(?=[0-9a-f])", re.IGNORECASE
)

# Control characters and lone surrogates; and the marks that turn the direction of what follows.
_HIDDEN = frozenset({"Cc", "Cs"})
_TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def escape(text: str, limit: int = 200) -> str:
    """The text on one line, at most `limit` characters of it, without any effect of its own."""
    plain = " ".join("".join(filter(_is_shown, text)).split())
    if len(plain) > limit:
        plain = plain[: limit - 1].rstrip() + "…"
    # At the start of a line stand lists, headings, slash commands and `::error`, never letters.
    start = _GAP if plain and not plain[0].isalpha() else ""
    return start + _LINKED.sub(rf"\g<0>{_GAP}", plain).translate(_MARKUP)


def _is_shown(char: str) -> bool:
    if char.isspace():
        return True
    return unicodedata.category(char) not in _HIDDEN and char not in _TURNING


def link(label: str, url: str | None) -> str:
    """A link with an escaped label; the label alone if there is no address of the web."""
    if url is None or not url.startswith(("https://", "http://")):
        return escape(label)
    return f"[{escape(label)}]({address(url)})"


def address(url: str) -> str:
    """The address without any character that could end it in Markdown or HTML."""
    return quote(url, safe=":/?#@!$&+,;=%~-._")
