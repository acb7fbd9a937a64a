"""How a step talks to its runner: commands in its log, and files that the runner names.

https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

# The runner reads the first form at a line's beginning, and the old one anywhere in a line.
_COMMAND = re.compile(r"\s*::(?P<name>[A-Za-z_-]+)(?: (?P<properties>.*?))?::(?P<data>.*)")
_OLD_COMMAND = re.compile(r"##\[(?P<name>[A-Za-z_.-]+)(?: (?P<properties>[^\]]*))?\](?P<data>.*)")


@dataclass(frozen=True, slots=True)
class Command:
    """One command that the runner would obey."""

    name: str
    data: str
    properties: Mapping[str, str] = field(default_factory=dict)


class FileCommandError(Exception):
    """A file that the runner cannot read fails the step."""


def commands(log: str) -> Iterator[Command]:
    """Every command in what a step has printed; none between `stop-commands` and its token."""
    stopped = ""
    for line in log.splitlines():
        found = _COMMAND.match(line) or _OLD_COMMAND.search(line)
        if stopped:
            if found and found["name"] == stopped:
                stopped = ""
        elif found and found["name"] == "stop-commands":
            stopped = found["data"]
        elif found:
            yield Command(
                found["name"].lower(), _decoded(found["data"]), _properties(found["properties"])
            )


def _properties(text: str | None) -> dict[str, str]:
    pairs = (pair.partition("=") for pair in (text or "").split(",") if pair)
    return {name.strip(): _decoded(value, ":,") for name, _, value in pairs}


def _decoded(text: str, also: str = "") -> str:
    for char in f"\r\n{also}":
        text = text.replace(f"%{ord(char):02X}", char)
    return text.replace("%25", "%")


def pairs(text: str) -> dict[str, str]:
    """What GITHUB_OUTPUT or GITHUB_ENV holds: `name=value` lines and heredocs; the last counts."""
    found: dict[str, str] = {}
    lines = iter(re.split(r"\r\n|\n|\r", text))
    for line in lines:
        if not line:
            continue
        equals, heredoc = line.find("="), line.find("<<")
        if equals >= 0 and (heredoc < 0 or equals < heredoc):
            name, _, value = line.partition("=")
        elif heredoc > 0:
            name, _, end = line.partition("<<")
            value = "\n".join(_until(end, lines))
        else:
            raise FileCommandError(f"Invalid format {line!r}")
        found[name] = value
    return found


def _until(end: str, lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        if line == end:
            return
        yield line
    raise FileCommandError(f"Matching delimiter not found {end!r}")
