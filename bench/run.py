"""Measure the product beside the ideal and beside a plain script, and print one table.

No figure of time makes this fail: it ends with 1 only when something could not be measured. All
that is measured are whole processes, as people start them; the image API is a third process.
`run.py runs`, `run.py webhook` and `run.py action` measure a part alone.
"""

import json
import os
import platform
import sqlite3
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import action
import webhook
from processes import COMMANDS, HERE, Ended, Row, image_server, run, script

LATENCY_MS = 500
ANSWER_BYTES = 64_000
HEAVY = ("openai", "starlette", "githubkit", "sqlalchemy", "alembic", "arq")


# --- runs ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Phase:
    """A run of the product: the seconds from the first intent to the last outcome in its ledger."""

    seconds: float
    process: Ended


def product(url: str, jobs: int, samples: int) -> Phase:
    """A batch through the command line, every image to its file."""
    with tempfile.TemporaryDirectory(prefix="gptimage-bench-") as folder:
        home = Path(folder)
        batch = {
            "defaults": {"model": "gpt-image-1-mini", "quality": "low", "size": "1024x1024"},
            "jobs": [{"prompt": f"picture {n}", "sample_count": samples} for n in range(jobs)],
            "max_concurrent": 10,
            "output_dir": str(home / "out"),
        }
        (home / "batch.json").write_text(json.dumps(batch))
        env = {
            "OPENAI_API_KEY": "simulated",
            "OPENAI_BASE_URL": f"{url}/v1",
            "GPTIMAGE_DATA_DIR": str(home / "data"),
        }
        ended = run(COMMANDS / "gptimage", "run", home / "batch.json", env=env)
        made = len(list((home / "out").iterdir()))
        if made != jobs * samples:
            raise RuntimeError(f"{made} files for {jobs} jobs of {samples} images")
        return Phase(_phase(home / "data" / "ledger.db"), ended)


def _phase(ledger: Path) -> float:
    with closing(sqlite3.connect(ledger)) as connection:
        moments = "SELECT min(started_at), max(settled_at) FROM attempts"
        first, last = connection.execute(moments).fetchone()
    return float(last - first) / 1e6


def plain(url: str, calls: int, at_once: int) -> Phase:
    """The same calls by a plain script: the seconds from its first call to its last file."""
    with tempfile.TemporaryDirectory(prefix="gptimage-bench-") as folder:
        ended = script("plain_sdk.py", url, calls, at_once, folder)
        return Phase(float(ended.out), ended)


# --- the table ----------------------------------------------------------------------------------


def rows() -> Iterator[Row]:
    """Every figure, as soon as it is known."""
    with image_server(0) as url:
        transfer = float(script("plain_reader.py", url, 200, 100).out)
    with image_server(LATENCY_MS) as url:
        yield from _compare("40 jobs, 10 at once", 2.0, product(url, 40, 1), plain(url, 40, 10))
        yield Row("  aims", "1.05 x the ideal, below 160 MB")
        ideal = 1.0 + transfer
        yield Row("20 jobs of 10: a plain reader's transfer", f"{transfer:.2f} s")
        yield from _compare("20 jobs of 10", ideal, product(url, 20, 10), plain(url, 200, 100))
        yield Row("  aims", "1.6 x the ideal, below 160 MB")
    yield _books()
    yield from _starts()
    yield _sandbox()


def all_rows(parts: Sequence[str]) -> Iterator[Row]:
    """Those of the parts that were asked for; all without a wish."""
    for name, measured in (("runs", rows), ("webhook", webhook.rows), ("action", action.rows)):
        if name in parts or not parts:
            yield from measured()


def _compare(what: str, ideal: float, ours: Phase, theirs: Phase) -> Iterator[Row]:
    yield Row(f"{what}: the ideal", f"{ideal:.2f} s")
    for who, phase in (("gptimage", ours), ("plain SDK script", theirs)):
        yield Row(f"  {who}", _figures(phase, ideal))


def _figures(phase: Phase, ideal: float) -> str:
    return (
        f"{phase.seconds:.2f} s = {phase.seconds / ideal:.2f} x, {phase.process.megabytes:.0f} MB,"
        f" whole process {phase.process.seconds:.1f} s, {phase.process.cpu:.1f} s of CPU"
    )


def _books() -> Row:
    with tempfile.TemporaryDirectory(prefix="gptimage-bench-") as folder:
        spent = float(script("books.py", 100, 10, ANSWER_BYTES, folder).out)
    return Row("100 jobs of 10: ledger and spool", f"{spent:.1f} ms of CPU per item", "< 5")


def _starts() -> Iterator[Row]:
    batch = HERE.parent / "examples" / "batch-simple.json"
    for aim, arguments in (("0.2 s", ["--help"]), ("0.35 s", ["estimate", str(batch)])):
        seconds = statistics.median(
            run(COMMANDS / "gptimage", *arguments).seconds for _ in range(5)
        )
        heavy = _imported(arguments)
        said = f"{seconds:.2f} s, imports {', '.join(heavy) or 'no SDK and no framework'}"
        yield Row(f"gptimage {arguments[0]}", said, aim)


def _imported(arguments: Sequence[str]) -> list[str]:
    """Those of HEAVY that a command has imported at its end."""
    look = (
        "import atexit, sys; from bot.entrypoints.cli import main;"
        "atexit.register(lambda: print(*sys.modules, file=sys.stderr)); main()"
    )
    command = [sys.executable, "-c", look, *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    imported = set(ended.stderr.splitlines()[-1].split())
    return [name for name in HEAVY if name in imported]


def _sandbox() -> Row:
    comment = HERE.parent / "examples" / "comment.md"
    ended = run(COMMANDS / "gptimage", "sandbox", "--comment", comment, "--exit")
    return Row("gptimage sandbox, to the finished thread", f"{ended.seconds:.1f} s")


def main() -> int:
    print(f"{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()};")
    if sys.platform != "win32":
        print(f"{os.getloadavg()[0]:.1f} other programs want them: seconds are true only near 0;")
    print("pictures of 2 MB after 500 ms; seconds are from the first recorded intent to the last")
    print("recorded outcome (for the plain script from the first call to the last file)\n")
    try:
        for row in all_rows(sys.argv[1:]):
            aim = f"  (aim: {row.aim})" if row.aim else ""
            print(f"{row.what:<44} {row.value}{aim}", flush=True)
    except (RuntimeError, OSError, ValueError, sqlite3.Error, subprocess.SubprocessError) as error:
        print(f"could not be measured: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
