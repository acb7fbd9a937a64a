"""Small pictures of all kinds that the three formats have."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from PIL import Image

Draw: TypeAlias = Callable[..., Path]

_SUFFIXES = {"PNG": "png", "JPEG": "jpg", "WEBP": "webp"}


@pytest.fixture
def draw(tmp_path: Path) -> Draw:
    """Write a picture; every call gives a file of its own unless it has a name."""
    count = 0

    def drawn(
        name: str = "",
        *,
        size: tuple[int, int] = (8, 6),
        mode: str = "RGB",
        kind: str = "PNG",
        color: Any = None,
        options: Mapping[str, Any] | None = None,
    ) -> Path:
        nonlocal count
        count += 1
        path = tmp_path / (name or f"{count}.{_SUFFIXES[kind]}")
        path.parent.mkdir(exist_ok=True, parents=True)
        Image.new(mode, size, color or 0).save(path, kind, **options or {})
        return path

    return drawn
