"""`gptimage inspect`: what is written in a picture's file."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.adapters.pictures.formats import PictureError
from bot.adapters.pictures.metadata import Metadata, read
from bot.core.errors import because
from bot.core.said import said


@dataclass(frozen=True, slots=True)
class Found:
    """What one file tells: its metadata, nothing, or why it cannot be read."""

    file: str
    metadata: Metadata | None = None
    problem: str = ""

    @property
    def exit_code(self) -> int:
        """0 for a picture with metadata, 1 for one without, 2 for a file that cannot be read."""
        if self.problem:
            return 2
        return 0 if self.metadata else 1


def look(files: Sequence[str]) -> list[Found]:
    """Look into each of the files; nothing is raised."""
    return [_look(file) for file in files]


def _look(file: str) -> Found:
    try:
        return Found(file, read(Path(file)))
    except PictureError as error:
        return Found(file, problem=said("{file} {what}", file=file, what=error.message))
    except OSError as error:
        why = because(error)
        return Found(file, problem=said("{file} cannot be read ({why})", file=file, why=why))


def rows(found: Sequence[Found]) -> list[dict[str, Any]]:
    """For programs: `history_uuid` is the run that `gptimage history show` knows."""
    return [_row(each) for each in found]


def _row(found: Found) -> dict[str, Any]:
    told = found.metadata
    row = {
        "file": found.file,
        "metadata": told and told.as_json(),
        "history_uuid": told and told.history_uuid,
    }
    return row | ({"error": str(found.problem)} if found.problem else {})


def lines(found: Sequence[Found]) -> Iterator[str]:
    """For people: a block for each file."""
    for number, each in enumerate(found):
        if not each.problem:
            yield from [""] if number else []
            yield from _lines(each)


def _lines(found: Found) -> Iterator[str]:
    if found.metadata is None:
        yield said("{file}: no metadata of gptimage or of the Node tool", file=found.file)
        return
    yield found.file
    record = found.metadata.as_json()
    told = [each for name, value in record.items() for each in _named(name, value)]
    if run := found.metadata.history_uuid:
        told.append(("more", f"gptimage history show {run}"))
    width = max(len(name) for name, _ in told)
    yield from (f"  {_plain(name):<{width}}  {_plain(value)}" for name, value in told)


def _named(name: str, value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        return [(f"{name}.{inner}", each) for inner, each in value.items()]
    return [(name, value)]


def _plain(value: Any) -> str:
    """A file may come from anybody: nothing in it speaks to the terminal."""
    words = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return "".join(letter if letter.isprintable() else " " for letter in words)
