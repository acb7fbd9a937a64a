"""The secrets that this process knows, and their removal from whatever leaves it."""

from collections.abc import Iterable, Iterator
from urllib.parse import parse_qs, unquote, urlsplit

from bot.core.redact import Redact, redactor

_known: set[str] = set()
_redact: Redact = redactor()


def learn(secrets: Iterable[str]) -> None:
    """Never let these out from now on; whoever reads a secret calls this."""
    global _redact  # noqa: PLW0603  (one process has one set of secrets, however it came by them)
    new = set(secrets) - _known
    if new:
        _known.update(new)
        _redact = redactor(_known)


def clean(text: str) -> str:
    """The text without the secrets that are known by now, and without what looks like one."""
    return _redact(text)


def within(name: str, value: str) -> Iterator[str]:
    """What is secret in a setting: all of it, or of an address (`…_url`) the password.

    A password that is also the name of the user or of the database is a word and no secret.
    """
    if not name.endswith("_url"):
        yield value
        return
    try:
        url = urlsplit(value)
        found = [url.password or "", *parse_qs(url.query).get("password", ())]
    except ValueError:  # whoever uses it says what is wrong with it
        return
    words = {url.username, url.path.strip("/")}
    for password in found:
        if unquote(password) not in words:
            yield password
            yield unquote(password)
