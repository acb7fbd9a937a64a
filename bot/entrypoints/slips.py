"""What typer and pydantic say of a wrong word, as sentences that can be translated."""

import re
from collections.abc import Callable

from bot.core.said import Said, said

# The first row whose pattern is the whole text decides.
_SLIPS: tuple[tuple[str, Callable[..., str]], ...] = (
    (
        r"No such command '(?P<word>.*)'\. Did you mean (?P<guess>.*)\?",
        lambda **it: said("No such command '{word}'. Did you mean {guess}?", **it),
    ),
    (r"No such command '(?P<word>.*)'", lambda **it: said("No such command '{word}'", **it)),
    (
        r"No such option: (?P<word>\S+) \(Possible options: (?P<guess>.*)\)",
        lambda **it: said("No such option: {word} (Possible options: {guess})", **it),
    ),
    (r"No such option: (?P<word>\S+)", lambda **it: said("No such option: {word}", **it)),
    (r"Missing argument (?P<word>.*)", lambda **it: said("Missing argument {word}", **it)),
    (
        r"Got unexpected extra argument\(s\) \((?P<words>.*)\)",
        lambda **it: said("Got unexpected extra argument(s) ({words})", **it),
    ),
    (
        r"Option (?P<word>.*) requires an argument",
        lambda **it: said("Option {word} requires an argument", **it),
    ),
    (
        r"Option (?P<word>.*) does not take a value",
        lambda **it: said("Option {word} does not take a value", **it),
    ),
    (
        r"Invalid value for (?P<where>'.*?'): (?P<why>.*)",
        lambda where, why: said("Invalid value for {where}: {why}", where=where, why=plainly(why)),
    ),
    (
        r"(?P<word>'.*') is not one of (?P<words>.*)",
        lambda **it: said("{word} is not one of {words}", **it),
    ),
    (
        r"Input should be (?P<words>'.*)",
        lambda words: said("must be one of {words}", words=", ".join(re.findall("'(.*?)'", words))),
    ),
    (r"Input should be a valid integer.*", lambda: said("must be a whole number")),
    (r"Input should be a valid (?:number|decimal).*", lambda: said("must be a number")),
    (
        r"Input should be greater than or equal to (?P<least>.*)",
        lambda **it: said("must be {least} or more", **it),
    ),
    (
        r"Input should be less than or equal to (?P<most>.*)",
        lambda **it: said("must be {most} or less", **it),
    ),
    (
        r"an address begins with https:// or http://",
        lambda: said("an address begins with https:// or http://"),
    ),
    (
        r"an id is a number, such as (?P<example>.*)",
        lambda **it: said("an id is a number, such as {example}", **it),
    ),
    (r"a team is written org/team", lambda: said("a team is written org/team")),
)


def plainly(text: str) -> str:
    """The same complaint in a sentence of ours; as it is where none is known."""
    if isinstance(text, Said):
        return text
    plain = text.replace("Value error, ", "").rstrip(".")
    for pattern, sentence in _SLIPS:
        if found := re.fullmatch(pattern, plain, re.DOTALL):
            return sentence(**found.groupdict())
    return plain
