"""Where an image may be written: names that mean the same, and nothing more, on every system."""

import unicodedata
from collections.abc import Iterator
from urllib.parse import unquote

_LONGEST_NAME = 255  # bytes; the limit of one name on common file systems
_LONGEST_PATH = 1024
# Windows keeps these names for devices, whatever their extension.
_RESERVED = frozenset(
    ["con", "prn", "aux", "nul"]
    + [f"{device}{n}" for device in ("com", "lpt") for n in range(1, 10)]
)
_FORBIDDEN = frozenset('<>:"|?*')


def problem(path: str) -> str:
    """Why a relative output path is refused, or nothing ("")."""
    plain = unicodedata.normalize("NFKC", unquote(path))
    return next(_problems(path), "") or next(_problems(plain), "")


def fold(path: str) -> str:
    """What two paths have in common when they are one file on some system."""
    return unicodedata.normalize("NFC", path).casefold()


def _problems(path: str) -> Iterator[str]:
    if not path.strip():
        yield "it is empty"
    if len(path.encode("utf-8", "replace")) > _LONGEST_PATH:
        yield f"it is longer than {_LONGEST_PATH} bytes"
    if "\\" in path:
        yield "it holds a backslash; use / between folders"
    if path.startswith(("/", "~")) or path[1:2] == ":":
        yield "it must be relative: the folder is `output_dir`"
    if any(unicodedata.category(letter) in {"Cc", "Cf", "Cs"} for letter in path):
        yield "it holds a character that cannot be seen"
    for name in path.split("/"):
        yield from _name_problems(name)


def _name_problems(name: str) -> Iterator[str]:
    if name == "":
        yield "it has an empty folder name (// or / at the end)"
    if name.startswith("."):
        yield f'"{name}" begins with a dot'
    if name.endswith((".", " ")) or name.startswith(" "):
        yield f'"{name}" has a dot or a blank at its end'
    if len(name.encode("utf-8", "replace")) > _LONGEST_NAME:
        yield f"a name in it is longer than {_LONGEST_NAME} bytes"
    if name.partition(".")[0].strip().lower() in _RESERVED:
        yield f'"{name}" is a name that Windows keeps for itself'
    if bad := _FORBIDDEN & set(name):
        yield f'"{min(bad)}" is not allowed in file names on Windows'
