"""Folders and names that survive a power cut."""

import os
import sys
from pathlib import Path


def make_directory(path: Path, mode: int = 0o777) -> None:
    """Create it and what is missing above it, durably."""
    missing = [each for each in (path, *path.parents) if not each.exists()]
    for each in reversed(missing):
        each.mkdir(mode=mode, exist_ok=True)
        sync_directory(each.parent)


def sync_directory(path: Path) -> None:
    """Make the names in it durable; Windows does that by itself, and cannot be told to."""
    if sys.platform == "win32":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
