"""What the command line needs: no server, no queue, no GitHub."""

import os
import tempfile
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from bot.adapters.destinations import DirectoryDestination
from bot.core.errors import SettingsError
from bot.engine.life import Life
from bot.entrypoints.settings import Settings
from bot.entrypoints.wiring.common import workshop


@asynccontextmanager
async def local_life(
    settings: Settings, output_dir: Path, names: Sequence[str]
) -> AsyncIterator[Life]:
    """The life of a run whose images are written to a folder, under these names, as they come.

    Raises BatchError or SettingsError if they cannot be: better now than when they are paid for.
    """
    folder = DirectoryDestination(output_dir)
    folder.check(names)
    _check_writable({(output_dir / name).parent for name in names})
    async with workshop(settings) as shop:
        yield shop.life(folder, lambda item: item.path, at_once=True)


def _check_writable(folders: Iterable[Path]) -> None:
    """Try a file without a name where each folder is, or where it will be made."""
    for folder in sorted(folders):
        there = next(path for path in (folder, *folder.parents) if os.path.lexists(path))
        try:
            with tempfile.TemporaryFile(dir=there):
                pass
        except OSError as error:
            problem = f"output_dir: {folder} cannot be written ({error.strerror})"
            raise SettingsError([problem]) from None
