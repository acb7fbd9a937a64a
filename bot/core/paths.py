"""Where an image may be written: names that mean the same, and nothing more, on every system."""

import re
import unicodedata
from collections.abc import Iterator

from bot.core.said import said

LONGEST_NAME = 255
"""In bytes: the limit of one name on common file systems."""

_LONGEST_PATH = 1024
# Windows keeps these names for devices, whatever their extension.
_RESERVED = frozenset(
    ["con", "prn", "aux", "nul", "conin$", "conout$"]
    + [f"{device}{n}" for device in ("com", "lpt") for n in range(1, 10)]
)
_FORBIDDEN = frozenset('<>:"|?*')
_BESIDE = frozenset("LMN")  # letters, their marks, and digits of every script
_EXTENSION = {"png": "png", "jpeg": "jpg", "webp": "webp"}
_KINDS = {"png": "png", "jpg": "jpeg", "jpeg": "jpeg", "webp": "webp"}
# Dots, slashes and NUL in the spelling of an address, encoded once or more often.
_ENCODED = re.compile(r"%(25)*(2e|2f|5c|00)", re.IGNORECASE)
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
# Other letters that are drawn as a slash; what NFKC turns into one is found by it.
_SLASHES = frozenset("\u2044\u2215\u2216\u29f5\u29f8\u29f9")


def problem(path: str) -> str:
    """Why a relative output path is refused, or nothing ("")."""
    plain = unicodedata.normalize("NFKC", path)
    return next(_problems(path), "") or next(_disguises(path, plain), "")


def in_repository(path: str) -> str:
    """Why a path cannot name a file of a repository, or nothing (""): names are Git's there."""
    names = path.split("/")
    if len(path.encode("utf-8", "replace")) > _LONGEST_PATH:
        return said("it is longer than {most} bytes", most=_LONGEST_PATH)
    if "\\" in path:
        return said("it holds a backslash; use / between folders")
    if any(unicodedata.category(letter) in _UNSEEN for letter in path):
        return said("it holds a character that cannot be seen")
    if names[0] in {"", "~"}:
        return said("it begins outside the repository")
    if {"", ".", ".."} & {*names}:
        return said("it has an empty name, or one of dots only")
    return ""


def length_problem(path: str) -> str:
    """Why no disk can hold a path, be it a person's own folder or not, or nothing ("")."""
    if all(len(name.encode("utf-8", "replace")) <= LONGEST_NAME for name in path.split("/")):
        return ""
    return said("a name in it is longer than {most} bytes", most=LONGEST_NAME)


def fold(path: str) -> str:
    """What two paths have in common when they are one file on some system."""
    folded = unicodedata.normalize("NFC", path).casefold()
    return unicodedata.normalize("NFC", folded)  # casefold takes some letters apart


def label(text: str, most: int) -> str:
    """A text as part of a file's name, in its own script: `朝の-富士山`; "" without letters."""
    plain = unicodedata.normalize("NFKC", text[: 4 * most]).lower()
    words = "".join(c if unicodedata.category(c)[0] in _BESIDE else " " for c in plain).split()
    return "-".join(words)[:most].rstrip("-")


def parents(path: str) -> Iterator[str]:
    """The folders that a file stands in, the outermost first."""
    names = path.split("/")
    return ("/".join(names[:depth]) for depth in range(1, len(names)))


def _disguises(path: str, plain: str) -> Iterator[str]:
    """What is harmless as it stands, and not to a reader that translates it first."""
    if _ENCODED.search(plain):
        yield said("it holds an encoded dot or slash (%2e, %2f)")
    if _SLASHES & set(path) or plain.count("/") != path.count("/"):
        yield said("it holds a character that only looks like a slash")
    yield from _problems(plain)


def parted(path: str) -> tuple[str, str]:
    """`fox` and `.png`; what is no ending of an image that is made here stays with the name."""
    stem, dot, ending = path.rpartition(".")
    return (stem, dot + ending) if stem and ending.lower() in _KINDS else (path, "")


def thumbnail(path: str) -> str:
    """The small copy beside it: `fox_thumb.jpg` for `fox.png`."""
    return f"{parted(path)[0]}_thumb.jpg"


def of_images(path: str, image_format: str, count: int) -> tuple[str, ...]:
    """`fox.png`, or `fox-1.png`, `fox-2.png` for several; the format decides the ending."""
    stem, _ = parted(path)
    numbers = [f"-{n}" for n in range(1, count + 1)] if count > 1 else [""]
    return tuple(f"{stem}{number}.{_EXTENSION[image_format]}" for number in numbers)


def of_media_type(path: str, media_type: str) -> str:
    """The path with the ending of what the file holds: `fox.jpg` for a JPEG that is no PNG."""
    stem, ending = parted(path)
    kind = media_type.removeprefix("image/")
    fits = _KINDS.get(ending.lower().removeprefix(".")) == kind or kind not in _EXTENSION
    return path if fits else f"{stem}.{_EXTENSION[kind]}"


def _problems(path: str) -> Iterator[str]:
    if not path.strip():
        yield said("it is empty")
    if len(path.encode("utf-8", "replace")) > _LONGEST_PATH:
        yield said("it is longer than {most} bytes", most=_LONGEST_PATH)
    if "\\" in path:
        yield said("it holds a backslash; use / between folders")
    if path.startswith(("/", "~")) or path[1:2] == ":":
        yield said("it must be relative: the folder is `output_dir`")
    if any(unicodedata.category(letter) in _UNSEEN for letter in path):
        yield said("it holds a character that cannot be seen")
    for name in path.split("/"):
        yield from _name_problems(name)


def _name_problems(name: str) -> Iterator[str]:
    if name == "":
        yield said("it has an empty folder name (// or / at the end)")
    if name in {".", ".."}:
        yield said('"{name}" is no name: the file stays inside `output_dir`', name=name)
    if name.startswith("."):
        yield said('"{name}" begins with a dot', name=name)
    if name.endswith((".", " ")) or name.startswith(" "):
        yield said('"{name}" has a dot or a blank at its end', name=name)
    if too_long := length_problem(name):
        yield too_long
    if name.partition(".")[0].strip().lower() in _RESERVED:
        yield said('"{name}" is a name that Windows keeps for itself', name=name)
    if bad := _FORBIDDEN & set(name):
        yield said('"{letter}" is not allowed in file names on Windows', letter=min(bad))
