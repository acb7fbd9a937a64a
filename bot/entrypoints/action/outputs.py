"""What a step says to its workflow: outputs, the job summary, annotations and the log.

What people wrote may be in all of it, so nothing of it can become another output or a command.
"""

import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bot.entrypoints import console, redaction
from bot.entrypoints.action.inputs import Inputs

Level = Literal["notice", "warning", "error"]

# Nothing was asked for, or not by somebody who may.
IGNORED: Mapping[str, object] = {"status": "ignored"}


@dataclass(frozen=True, slots=True)
class Outputs:
    """The files of this step; outside a workflow there are none, and nothing is written."""

    output: Path | None
    summary: Path | None

    @classmethod
    def of(cls, given: Inputs) -> "Outputs":
        """Those that the runner names."""
        return cls(given.output_file, given.summary_file)

    def write(self, values: Mapping[str, object]) -> None:
        """Set outputs of the step: None is empty, true and false are small."""
        for name, value in values.items():
            _append(self.output, _heredoc(name, redaction.clean(_text(value))))

    def summarise(self, markdown: str) -> None:
        """Add to the job's summary."""
        _append(self.summary, redaction.clean(markdown).rstrip() + "\n\n")


def annotate(level: Level, message: str, *, file: str = "", line: int = 0, column: int = 0) -> None:
    """Show a message at a place of a file, in the run and in the pull request's diff."""
    places = {"file": file, "line": line, "col": column}
    named = ",".join(f"{name}={_property(str(at))}" for name, at in places.items() if at)
    text = _data(redaction.clean(console.words(message)))
    _print(f"::{level} {named}::{text}" if named else f"::{level}::{text}")


def log(*lines: str) -> None:
    """Print lines that are no commands, whatever they hold."""
    for line in lines:
        _print(*map(_harmless, redaction.clean(console.words(line)).splitlines()))


def _print(*lines: str) -> None:
    for line in lines:
        print(line, file=sys.stderr, flush=True)  # noqa: T201  (the runner reads both streams)


def _append(path: Path | None, text: str) -> None:
    if path is not None:
        with path.open("a", encoding="utf-8", newline="\n") as file:
            file.write(text)


def _text(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case _:
            return str(value)


def _heredoc(name: str, value: str) -> str:
    """The value between two lines that nobody can guess.

    https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands
    """
    end = f"end-{secrets.token_hex(16)}"
    return f"{name}<<{end}\n{value}\n{end}\n"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _harmless(line: str) -> str:
    """The runner takes `::` at a line's beginning, and `##[` anywhere, for commands."""
    safe = line.replace("##[", "## [")
    return f"| {safe}" if safe.lstrip().startswith("::") else safe
