"""What a command does not need it does not import: every start of it would pay for that."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

# The SDKs and the frameworks, each of which takes longer to import than all of the core.
HEAVY = {"openai", "starlette", "githubkit", "sqlalchemy", "alembic", "arq", "redis", "limits"}

LOOK = """
import atexit, sys
from bot.entrypoints.cli import main
atexit.register(lambda: print("\\n" + " ".join(sys.modules), file=sys.stderr))
main()
"""


def imported(*arguments: str) -> set[str]:
    """The modules that a command has imported at its end."""
    ended = subprocess.run(
        [sys.executable, "-c", LOOK, *arguments], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return set(ended.stderr.splitlines()[-1].split())


@pytest.fixture
def batch(tmp_path: Path) -> str:
    file = tmp_path / "batch.json"
    file.write_text(json.dumps({"jobs": [{"prompt": "a fox", "quality": "low"}]}))
    return str(file)


def test_help_imports_no_sdk_and_no_framework() -> None:
    assert not imported("--help") & HEAVY


@pytest.mark.parametrize("command", ["estimate", "validate"])
def test_looking_at_a_batch_imports_no_sdk_and_no_framework(command: str, batch: str) -> None:
    assert not imported(command, batch) & HEAVY


def test_the_look_at_imports_sees_those_that_there_are() -> None:
    assert {"bot.entrypoints.cli", "typer"} <= imported("--help")
