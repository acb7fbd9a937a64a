"""Secrets taken out of a text: first the known ones by their exact value, then by their look."""

import base64
import html
import json
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from urllib.parse import quote, quote_plus

Redact = Callable[[str], str]
"""Gives the text without the secrets."""

REMOVED = "[secret]"

# A shorter value is a word that also stands where it is no secret, and its removal would betray it.
SHORTEST = len(REMOVED)

_PEM = "[A-Z ]*PRIVATE KEY-----"

# What looks like a secret, whoever it belongs to. Masked keys keep their asterisks: the ends of a
# key that servers quote are still parts of it. Nothing is replaced by what is longer.
_LOOKS = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (rf"-----BEGIN {_PEM}[^\"]*?(?:-----END {_PEM}|(?=\"|\Z))", REMOVED),
        (r"(?<![\w-])sk-[\w*-]{16,}", REMOVED),
        # New installation tokens are `ghs_<app id>_<jwt>`, with dots.
        (r"(?<!\w)(?:gh[oprsu]_[\w.-]{16,}|github_pat_\w{16,})", REMOVED),
        (r"(?<!\w)eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}", REMOVED),  # a JWT
        (r"(://[^\s/:@\"]*:)[^\s/@\"]+(?=@)", r"\1…"),  # the password of an address
    )
)


def redactor(secrets: Iterable[str] = ()) -> Redact:
    """What takes these values out, however they are written, and whatever looks like a secret."""
    forms = sorted(set(chain.from_iterable(map(_forms, secrets))), key=len, reverse=True)

    def redact(text: str) -> str:
        for form in forms:
            text = text.replace(form, REMOVED)
        for look, replacement in _LOOKS:
            text = look.sub(replacement, text)
        return text

    return redact


def _forms(secret: str) -> Iterator[str]:
    """The value as it stands, as JSON, Python, HTML and addresses write it, and in base64."""
    whole = secret.strip()
    lines = whole.splitlines() if "\n" in whole else ()
    for form in (secret, whole, *lines, *_written(whole), *_base64(whole)):
        if len(form) >= SHORTEST:
            yield form


def _written(secret: str) -> Iterator[str]:
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    yield repr(secret)[1:-1]
    yield html.escape(secret)
    for quoted in (quote(secret), quote(secret, safe=""), quote_plus(secret)):
        yield quoted
        yield re.sub(r"%..", lambda code: code[0].lower(), quoted)


def _base64(secret: str) -> Iterator[str]:
    """In both alphabets, and wherever it begins in a longer text that was encoded as a whole."""
    data = secret.encode()
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + data).decode().rstrip("=")
        # Characters at the ends that also hold bits of the neighbours differ with these.
        end = -1 if (before + len(data)) % 3 else None
        inner = encoded[(0, 2, 3)[before] : end]
        yield inner
        yield inner.translate(str.maketrans("+/", "-_"))


BY_LOOK = redactor()
"""Takes out what looks like a secret, where none is known by its value."""
