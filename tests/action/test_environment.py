"""The Action's environment has a name of its own for whatever makes it different."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def action(tmp_path: Path) -> Path:
    """A copy of the Action, to be changed."""
    without = shutil.ignore_patterns("__pycache__")
    for folder in ("bot", "requirements"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=without)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def key(action: Path) -> subprocess.CompletedProcess[str]:
    program = action / "requirements" / "environment"
    return subprocess.run(
        [program, "key", sys.executable], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("file", ["x.cpython-313.pyc", "x.cpython-313.pyc.140624302703648"])
def test_what_is_compiled_or_about_to_be_changes_no_key(action: Path, file: str) -> None:
    first = key(action).stdout
    (action / "bot" / "__pycache__").mkdir()
    (action / "bot" / "__pycache__" / file).write_text("compiled")

    assert re.fullmatch(r"[0-9a-f]{32}\n", first)
    assert key(action).stdout == first


@pytest.mark.parametrize("file", ["requirements/action.txt", "bot/__init__.py", "pyproject.toml"])
def test_another_lock_or_code_has_another_key(action: Path, file: str) -> None:
    first = key(action).stdout
    with (action / file).open("a") as changed:
        changed.write("# changed\n")

    assert key(action).stdout not in {first, ""}


def test_without_its_lock_there_is_no_key(action: Path) -> None:
    (action / "requirements" / "action.txt").unlink()

    ended = key(action)

    assert ended.returncode != 0
    assert "requirements/action.txt" in ended.stderr


def test_all_that_is_installed_has_a_hash() -> None:
    for name in ("action", "build"):
        lock = (ROOT / "requirements" / f"{name}.txt").read_text()
        pins = re.split(r"^(?=\w)", lock, flags=re.MULTILINE)[1:]
        assert pins
        assert all("--hash=sha256:" in pin for pin in pins)
    assert "githubkit==" in (ROOT / "requirements" / "action.txt").read_text()
