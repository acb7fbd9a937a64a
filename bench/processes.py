"""Whole processes, as people start them, and what they took."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NamedTuple

HERE = Path(__file__).resolve().parent
COMMANDS = Path(sys.executable).parent
PICTURE_BYTES = 2_000_000


class Row(NamedTuple):
    """One line of the table; `aim` is shown beside, and missing it is no failure."""

    what: str
    value: str
    aim: str = ""


@dataclass(frozen=True, slots=True)
class Ended:
    """A process that has ended well: what it printed, and what it took."""

    out: str
    seconds: float
    cpu: float
    megabytes: float


def run(*command: str | Path, env: Mapping[str, str] | None = None) -> Ended:
    """Run a command to its end; raises RuntimeError with its last words if it fails."""
    begun = time.perf_counter()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = subprocess.Popen(command, stdout=out, stderr=err, env=os.environ | (env or {}))
        # wait4 alone tells what this one child took.
        _, status, took = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        said, complaint = (_all(file) for file in (out, err))
    if process.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}: {process.returncode}\n{complaint}")
    return Ended(said, seconds, took.ru_utime + took.ru_stime, took.ru_maxrss * _RSS_UNIT / 1e6)


_RSS_UNIT = 1 if sys.platform == "darwin" else 1024


def _all(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()


def script(name: str, *arguments: object) -> Ended:
    return run(sys.executable, HERE / name, *map(str, arguments))


@contextmanager
def image_server(latency_ms: int) -> Iterator[str]:
    """The address of a simulated image API that has drawn its picture already."""
    server = str(HERE / "image_server.py")
    command = [sys.executable, server, str(latency_ms), str(PICTURE_BYTES)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout
            url = process.stdout.readline().decode().strip()
            script("plain_reader.py", url, 1, 1)
            yield url
        finally:
            process.kill()
