"""What the command line needs: no server, no queue, no GitHub."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bot.adapters.destinations import DirectoryDestination
from bot.engine.life import Life
from bot.entrypoints.settings import Settings
from bot.entrypoints.wiring.common import workshop


@asynccontextmanager
async def local_life(settings: Settings, output_dir: Path) -> AsyncIterator[Life]:
    """The life of runs whose images are written to a folder as they come."""
    async with workshop(settings) as shop:
        folder = DirectoryDestination(output_dir)
        yield shop.life(folder, lambda item: item.path, at_once=True)
