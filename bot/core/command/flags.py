"""The words of a command's line: flags, and the others."""

import difflib
import shlex
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation

from bot.core.command.values import Flags
from bot.core.errors import CommandError
from bot.core.said import said


def _money(value: str) -> Decimal:
    return Decimal(value.removeprefix("$"))


_FLAGS: Mapping[str, Callable[[str], object]] = {
    "model": str,
    "quality": str,
    "size": str,
    "output_format": str,
    "output_compression": int,
    "background": str,
    "moderation": str,
    "input_fidelity": str,
    "sample_count": int,
    "max_cost": _money,
    "max_concurrent": int,
    "timeout": int,
}


# A shell knows four; Japanese keyboards and text that was copied from a page have others.
_BLANKS = "".join(filter(str.isspace, map(chr, range(0x3001))))


def split(line: str) -> list[str]:
    """The words of a line, as a shell takes them apart, at any kind of blank."""
    words = shlex.shlex(line, posix=True)
    words.whitespace, words.whitespace_split, words.commenters = _BLANKS, True, ""
    try:
        return list(words)
    except ValueError:
        raise CommandError(
            said("A quotation mark in the command line is not closed."),
            said("Close it, or leave it out."),
        ) from None


def taken(words: Sequence[str]) -> tuple[Flags, list[str]]:
    """The flags among the words, and the words that are left."""
    flags: dict[str, object] = {}
    names: list[str] = []
    rest = iter(words)
    for word in rest:
        if not word.startswith(("--", "—")):  # telephones make one dash of two
            names.append(word)
            continue
        name, equals, value = word.lstrip("-—").partition("=")
        key = name.replace("-", "_")
        _check_flag(name, key, flags)
        flags[key] = _value(name, value if equals else next(rest, ""))
    return flags, names


def _check_flag(name: str, key: str, flags: Flags) -> None:
    if key not in _FLAGS:
        close = difflib.get_close_matches(key.lower(), _FLAGS, n=1)
        raise CommandError(
            said("The flag “--{name}” is unknown.", name=name),
            said("Did you mean {word}?", word=_dashed(close[0]))
            if close
            else said("The flags are {names}.", names=", ".join(map(_dashed, _FLAGS))),
        )
    if key in flags:
        raise CommandError(
            said("The flag {flag} is there twice.", flag=_dashed(key)), said("Give it once.")
        )


def _value(name: str, value: str) -> object:
    convert = _FLAGS[name.replace("-", "_")]
    if not value or value.startswith("--"):
        raise CommandError(
            said("The flag --{name} needs a value.", name=name),
            said("Write --{name} and the value.", name=name),
        )
    try:
        return convert(value)
    except (ValueError, InvalidOperation):
        raise CommandError(
            said("The flag --{name} needs a number, not “{value}”.", name=name, value=value),
            said("For example: {example}", example=f"--{name} 2"),
        ) from None


def _dashed(key: str) -> str:
    return "--" + key.replace("_", "-")
