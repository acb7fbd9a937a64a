"""What the server bears: deliveries beside a bare route, a burst, and a worker with many runs."""

import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NamedTuple

from deliveries import BATCH, SECRET, TALK, delivery, write_file
from processes import COMMANDS, HERE, Row, image_server, script

from bot.simulators.github.auth import AppKey

_ROUNDS = 3  # of each route, in turn, so that a busy moment spoils none of them alone
_SECONDS = 4
_COMMANDS = 20_000
_BURST, _BURST_SECONDS = 5_000, 10
_RUNS, _PROMPTS = 50, 4


class Load(NamedTuple):
    """What wrk saw."""

    requests: int
    seconds: float
    p99_ms: float
    refused: int
    broken: int

    @property
    def rate(self) -> float:
        return self.requests / self.seconds


@dataclass(frozen=True, slots=True)
class Bot:
    """A server of ours: its address, its process and its data directory."""

    url: str
    pid: int
    home: Path

    def deliveries(self) -> int:
        """How many its ledger holds."""
        with closing(sqlite3.connect(self.home / "ledger.db")) as connection:
            (count,) = connection.execute("SELECT count(*) FROM deliveries").fetchone()
            return int(count)


def rows() -> Iterator[Row]:
    """Every figure of the server, as soon as it is known."""
    if shutil.which("wrk"):
        yield from _talk()
        yield _commands()
    else:
        yield Row("deliveries", "not measured: install wrk")
    yield _burst()
    yield from _whole()


# --- deliveries ---------------------------------------------------------------------------------


def _talk() -> Iterator[Row]:
    command: list[str | Path] = [sys.executable, HERE / "bare_route.py", SECRET]
    with ExitStack() as stack:
        file = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "requests"
        write_file(file, [delivery(TALK)])
        route = stack.enter_context(_started(command))
        bare = _line(route).strip()
        bot = stack.enter_context(_bot())
        loads = [(_wrk(bare, file), _wrk(bot.url, file)) for _ in range(_ROUNDS)]
    least, ours = (max(pair[n].rate for pair in loads) for n in (0, 1))
    yield Row("deliveries: a bare route", f"{least:,.0f} a second")
    yield Row("  no commands", f"{ours:,.0f} a second = {ours / least:.2f} x", ">= 0.8 x")


def _commands() -> Row:
    with tempfile.TemporaryDirectory() as folder, _bot() as bot:
        file = Path(folder) / "requests"
        write_file(file, (delivery(BATCH, number) for number in range(_COMMANDS)))
        load = _wrk(bot.url, file)
        kept = bot.deliveries()
    rate = f"{load.rate:,.0f} a second, p99 {load.p99_ms:.0f} ms"
    said = f"{rate}, {load.refused} refused, {kept} kept"
    return Row("  commands, durable", said, ">= 500 a second, p99 < 100 ms")


def _wrk(url: str, file: Path) -> Load:
    options = ("-t1", "-c16", f"-d{_SECONDS}s", "-s", HERE / "deliveries.lua")
    ended = subprocess.run(
        ["wrk", *options, url, "--", file], capture_output=True, text=True, check=True
    )
    load = Load(**json.loads(ended.stdout.splitlines()[-1]))
    if load.broken:
        raise RuntimeError(f"{load.broken} connections to {url} broke")
    return load


def _burst() -> Row:
    with _bot() as bot:
        seen = json.loads(script("burst.py", bot.url, _BURST, _BURST_SECONDS).out)
        kept = bot.deliveries()
    answers = ", ".join(f"{count} x {status}" for status, count in seen["statuses"].items())
    said = f"{answers} in {seen['seconds']:.1f} s, p99 {seen['p99_ms']:.0f} ms; {kept} kept"
    return Row(f"  a burst of {_BURST}", said, f"all 202, {seen['distinct']} kept")


# --- the whole bot ------------------------------------------------------------------------------


def _whole() -> Iterator[Row]:
    """With its worker, a simulated GitHub and a simulated image API around it."""
    port = _free_port()
    hook = f"http://127.0.0.1:{port}/webhook"
    command: list[str | Path] = [sys.executable, HERE / "github_server.py", hook, SECRET]
    with image_server(0) as images, _started(command) as people:
        github = json.loads(_line(people))
        env = {
            "GITHUB_API_URL": f"{github['url']}/api/v3",
            "GITHUB_PRIVATE_KEY": github["key"],
            "GITHUB_APP_ID": "4242",
            "OPENAI_BASE_URL": f"{images}/v1",
            "GPTIMAGE_PORT": str(port),
            "GPTIMAGE_WRITE_SECONDS": "0",
        }
        with _bot(env, worker=True) as bot:
            waits = sorted(float(each["eyes_ms"]) for each in _ask(people, 40, 1, 1))
            said = f"median {waits[20]:.0f} ms, p95 {waits[37]:.0f} ms"
            yield Row("from the 202 to the eyes", said, "p95 < 500 ms")
            well = sum(bool(each["well"]) for each in _ask(people, _RUNS, 0, _PROMPTS))
            said = f"{_peak(bot.pid):.0f} MB, {well} of {_RUNS} went well"
            yield Row(f"{_RUNS} runs of {_PROMPTS} images at once", said, "< 200 MB")


def _ask(people: subprocess.Popen[str], count: int, in_turn: int, prompts: int) -> list[Any]:
    assert people.stdin
    people.stdin.write(f"{count} {in_turn} {prompts}\n")
    people.stdin.flush()
    answers: list[Any] = json.loads(_line(people))
    return answers


def _peak(pid: int) -> float:
    """The most memory that a process ever had; only Linux tells it of another one."""
    status = Path(f"/proc/{pid}/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1000


# --- processes ----------------------------------------------------------------------------------


@contextmanager
def _bot(more: Mapping[str, str] | None = None, *, worker: bool = False) -> Iterator[Bot]:
    """The server as people start it, with SQLite and the embedded Valkey."""
    with tempfile.TemporaryDirectory(prefix="gptimage-bench-") as folder:
        env = {
            "GITHUB_APP_ID": "1",
            "GITHUB_PRIVATE_KEY": _KEY.private,
            "GITHUB_WEBHOOK_SECRET": SECRET,
            "GPTIMAGE_ALLOWED_OWNERS": "acme",
            "GPTIMAGE_DATA_DIR": folder,
            "GPTIMAGE_PORT": str(_free_port()),
            "OPENAI_API_KEY": "simulated",
            **(more or {}),
        }
        port, log = int(env["GPTIMAGE_PORT"]), Path(folder) / "log"
        command: list[str | Path] = [COMMANDS / "gptimage", "serve"]
        command += [] if worker else ["--no-worker"]
        with log.open("w") as words, _started(command, env, stderr=words) as process:
            while not _listens(port):
                if process.poll() is not None:
                    raise RuntimeError(f"gptimage serve: {log.read_text()}")
                time.sleep(0.05)
            yield Bot(f"http://127.0.0.1:{port}", process.pid, Path(folder))


_KEY = AppKey.generate()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _listens(port: int) -> bool:
    with socket.socket() as knock:
        return knock.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def _started(
    command: Sequence[str | Path],
    env: Mapping[str, str] | None = None,
    stderr: IO[str] | None = None,
) -> Iterator[subprocess.Popen[str]]:
    """A process for the block, to which we talk a line at a time."""
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=stderr,
        env=os.environ | (env or {}),
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.terminate()


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    if not (line := process.stdout.readline()):
        raise RuntimeError(f"{process.args!r} ended without an answer")
    return line
