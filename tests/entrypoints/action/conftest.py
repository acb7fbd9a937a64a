from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.entrypoints.settings import Settings
from tests.entrypoints.action.world import World, world


@pytest.fixture(autouse=True)
def nobodys_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whoever runs the tests may have settings of their own."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
async def the(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path) as outside:
        yield outside
