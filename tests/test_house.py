"""Each contract of the house is shown to fail when it is broken."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

VIOLATIONS = {
    "Arrows point down": ("bot/adapters/spool/local.py", "import bot.engine.runner"),
    "Arrows point down inside the core": ("bot/core/catalog.py", "import bot.core.report"),
    "The core does no input or output": ("bot/core/report.py", "import time"),
    "The simulators cannot agree with the house by construction": (
        "bot/simulators/images/api.py",
        "import bot.core.pricing",
    ),
    "openai comes in by one door": ("bot/engine/runner.py", "import openai"),
    "githubkit comes in by one door": ("bot/engine/outbox.py", "import githubkit"),
    "SQLAlchemy and Alembic come in by one door": (
        "bot/adapters/spool/local.py",
        "import sqlalchemy",
    ),
    "arq and redis come in by one door": ("bot/entrypoints/server.py", "import arq"),
    "YAML comes in by one door": ("bot/core/command.py", "import yaml"),
    "obstore comes in by one door": ("bot/adapters/spool/local.py", "import obstore"),
    "Web frameworks stay at the entrance": ("bot/adapters/spool/local.py", "import starlette"),
    "No cycles between siblings": ("bot/engine/board.py", "import bot.engine.runner"),
}


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A copy of the house in which anything may be broken."""
    shutil.copytree(ROOT / "bot", tmp_path / "bot", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def lint(house: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("lint-imports")
    return subprocess.run(
        [program, "--no-cache"], cwd=house, capture_output=True, text=True, check=False
    )


def test_the_house_stands(house: Path) -> None:
    result = lint(house)

    assert result.returncode == 0, result.stdout
    assert f"{len(VIOLATIONS)} kept, 0 broken" in result.stdout


@pytest.mark.parametrize("contract", VIOLATIONS)
def test_a_violation_is_found(house: Path, contract: str) -> None:
    file, line = VIOLATIONS[contract]
    with (house / file).open("a") as module:
        module.write(f"\n{line}\n")

    result = lint(house)

    assert result.returncode != 0
    assert f"{contract} BROKEN" in result.stdout
