"""Kill points that lead into the worlds of these tests, and an empty ledger to copy."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.adapters.ledger import open_ledger
from bot.core import killpoints
from tests.engine.world import at_kill_point


@pytest.fixture(autouse=True)
def _steps() -> Iterator[None]:
    killpoints.install(at_kill_point)
    yield
    killpoints.install(lambda _: None)


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a ledger in which nothing is stored; making one takes longer than a story."""
    path = tmp_path_factory.mktemp("worlds") / "empty.db"

    async def make() -> None:
        await (await open_ledger(path)).close()

    asyncio.run(make())
    return path
