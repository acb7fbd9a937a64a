"""What the command line needs: no server, no queue, no GitHub."""

import os
import tempfile
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

from bot.adapters.destinations import DirectoryDestination
from bot.adapters.ledger import SqlLedger
from bot.adapters.pace import ImagePace, local_pace
from bot.adapters.pictures.labels import Labels
from bot.adapters.pictures.metadata import Level
from bot.core.errors import SettingsError, because
from bot.core.ports import Destination
from bot.core.pricing import PriceBook
from bot.core.run import RunView
from bot.core.said import said
from bot.engine.drain import Drain
from bot.engine.life import Audience, Life
from bot.entrypoints.settings import Settings
from bot.entrypoints.wiring.common import tied_books, workshop

# Linux takes 4,095 bytes; a temporary name and a number need room, too.
_LONGEST_PATH = 3_900


@dataclass(frozen=True, slots=True)
class LocalLife:
    """The ledger, the life of a run over it, the folder of its answers, and its pace."""

    ledger: SqlLedger
    life: Life
    spool: Path
    pace: ImagePace

    @property
    def drain(self) -> Drain:
        """How the run is asked to start nothing more."""
        return self.life.runner.drain

    @property
    def now(self) -> datetime:
        """The time by the clock of the run."""
        return self.life.clock()

    @property
    def prices(self) -> PriceBook:
        """What each model costs here."""
        return self.life.runner.prices

    async def execute(self, run_id: str, audience: Audience) -> RunView | None:
        """Lead the run to its end, or as far as it gets."""
        return await self.life.execute(run_id, audience)


@asynccontextmanager
async def local_life(
    settings: Settings, output_dir: Path, names: Sequence[str]
) -> AsyncIterator[LocalLife]:
    """The life of a run whose images are written to a folder, under these names, as they come.

    Raises BatchError or SettingsError if they cannot be: better now than when they are paid for.
    """
    folder = DirectoryDestination(output_dir)
    folder.check(names)
    _check_lengths(output_dir / name for name in names)
    _check_writable({(output_dir / name).parent for name in names})
    pace = local_pace(settings.gptimage_images_per_minute)
    async with workshop(settings, pace, opening=tied_books) as shop:
        await shop.provider.open()
        life = shop.life(
            _labelled(folder, settings), lambda item: item.path, at_once=True, remote=False
        )
        yield LocalLife(shop.ledger, life, settings.gptimage_data_dir / "spool", shop.pace)


def _labelled(folder: DirectoryDestination, settings: Settings) -> Destination:
    """The folder; what made them stands in its pictures, unless somebody does not want that."""
    if not settings.openai_image_embed_metadata:
        return folder
    return Labels(folder, Level(settings.openai_image_metadata_level), version("gptimage"))


def _check_lengths(files: Iterable[Path]) -> None:
    longest = max((len(os.fsencode(file.absolute())) for file in files), default=0)
    if longest > _LONGEST_PATH:
        problem = said(
            "output_dir: it leads to paths longer than {most:,} bytes ({longest:,})",
            most=_LONGEST_PATH,
            longest=longest,
        )
        raise SettingsError([problem])


def _check_writable(folders: Iterable[Path]) -> None:
    """Try a file without a name where each folder is, or where it will be made."""
    for folder in sorted(folders):
        there = next(path for path in (folder, *folder.parents) if os.path.lexists(path))
        try:
            with tempfile.TemporaryFile(dir=there):
                pass
        except OSError as error:
            problem = said(
                "output_dir: {folder} cannot be written ({why})", folder=folder, why=because(error)
            )
            raise SettingsError([problem]) from None
