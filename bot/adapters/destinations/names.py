"""The files of a run by names that GitHub keeps as they are."""

import re
from collections.abc import Iterable, Mapping

from bot.core.ports import File, Publication
from bot.core.run import Extra
from bot.core.said import said


def named(files: Iterable[File]) -> dict[str, File]:
    """The files by plain names, no two alike."""
    found: dict[str, File] = {}
    for file in files:
        stem, dot, extension = _plain(file.name).rpartition(".")
        name, number = f"{stem}{dot}{extension}", 2
        while name in found:
            name, number = f"{stem}-{number}{dot}{extension}", number + 1
        found[name] = file
    return found


def publications(
    files: Mapping[str, File], addresses: Mapping[str, str]
) -> tuple[Publication, ...]:
    """Where each item's file went, by the addresses of names; None for one without an address."""
    return tuple(
        Publication(file.item, addresses.get(name), name)
        for name, file in files.items()
        if file.item is not None
    )


def extras(files: Mapping[str, File], addresses: Mapping[str, str]) -> tuple[Extra, ...]:
    """What else went there, by the names that the files came with."""
    return tuple(
        Extra(file.kind, file.name, addresses[name])
        for name, file in files.items()
        if file.item is None and name in addresses
    )


def counted(count: int) -> str:
    """So many files, in words."""
    return said("1 file") if count == 1 else said("{count} files", count=count)


def _plain(name: str) -> str:
    """GitHub renames what has other characters, and points at either end or in a row.

    Source: https://docs.github.com/rest/releases/assets#upload-a-release-asset
    """
    return re.sub(r"\.{2,}", ".", re.sub(r"[^A-Za-z0-9._-]+", ".", name)).strip(".") or "file"
