"""The Action's own parts: its environment as the workflow's cache keeps it, and a plain comment."""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from processes import HERE, Row, run

EXAMPLE = HERE.parent / "tests" / "data" / "deliveries" / "issue_comment-created-0.json"
ENVIRONMENT = HERE.parent / "requirements" / "environment"


def rows() -> Iterator[Row]:
    """Every figure, as soon as it is known."""
    with tempfile.TemporaryDirectory(prefix="gptimage-bench-") as folder:
        home = Path(folder) / "environment"
        yield Row("the Action: install without a cache", f"{_install(home):.1f} s")
        keyed = run(ENVIRONMENT, "key", sys.executable)
        yield Row("  install from a warm cache", f"{keyed.seconds:.2f} s", "5 s")
        files = [file for file in home.rglob("*") if file.is_file() and not file.is_symlink()]
        size = sum(file.stat().st_size for file in files) / 1e6
        yield Row("  its environment on disk", f"{size:.0f} MB", "60 MB")
        seconds = statistics.median(_ignored(home, Path(folder)) for _ in range(5))
        yield Row("  a comment that is no command", f"{seconds:.2f} s", "below 1 s")


def _install(home: Path) -> float:
    begun = time.perf_counter()
    subprocess.run([ENVIRONMENT, "make", sys.executable, home], check=True, capture_output=True)
    return time.perf_counter() - begun


def _ignored(home: Path, folder: Path) -> float:
    event = json.loads(EXAMPLE.read_text(encoding="utf-8"))
    event["comment"]["body"] = "looks good to me"
    (folder / "event.json").write_text(json.dumps(event))
    program = home / "bin"
    env = {
        "GITHUB_EVENT_NAME": "issue_comment",
        "GITHUB_EVENT_PATH": str(folder / "event.json"),
        "GITHUB_REPOSITORY": "acme/posters",
        "GITHUB_RUN_ID": "1",
        "GITHUB_RUN_ATTEMPT": "1",
        "GITHUB_OUTPUT": str(folder / "output"),
        "GITHUB_STEP_SUMMARY": str(folder / "summary"),
        "RUNNER_TEMP": str(folder),
        "INPUT_OPENAI_API_KEY": "simulated",
        "INPUT_GITHUB_TOKEN": "simulated",
    }
    return run(program / "python", "-I", program / "gptimage", "action", env=env).seconds
