"""Starts the product cheaply: a process that has imported it forks for every start.

`python -m tests.crash.nursery` reads one JSON object a line and says what became of each child.
A child has its own environment, directory and output, and goes in at the product's front door.
"""

import asyncio
import gc
import importlib
import json
import os
import signal
import sys
import traceback
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

DOOR = "bot.entrypoints.cli:main"
_IMPORTED = (
    *("bot.entrypoints.cli", "bot.entrypoints.server", "bot.entrypoints.wiring.server"),
    *("bot.entrypoints.wiring.local", "bot.entrypoints.local", "bot.adapters.ledger.schema"),
    *("bot.adapters.openai_images.client", "aiosqlite", "asyncpg", "uvicorn.protocols.http.auto"),
    *("sqlalchemy.dialects.sqlite.aiosqlite", "sqlalchemy.dialects.postgresql.asyncpg"),
    *("openai.resources.images", "PIL.Image", "obstore", "tests.crash.mutants"),
)

_buried: set[int] = set()


class Child:
    """A process of the product, as asyncio shows those that it starts itself."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self.gone = asyncio.Event()

    def send_signal(self, number: int) -> None:
        if self.returncode is None:
            os.kill(self.pid, number)

    async def wait(self) -> int:
        await self.gone.wait()
        assert self.returncode is not None
        return self.returncode


class Nursery:
    """The other end of the process that forks."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._children: dict[int, Child] = {}
        self._born: asyncio.Queue[Child] = asyncio.Queue()
        self._one = asyncio.Lock()

    async def start(
        self, arguments: Sequence[str], env: Mapping[str, str], cwd: Path, log: Path, out: Path
    ) -> Child:
        """Fork a child that has these arguments, and nothing but this environment."""
        wish = {"arguments": [*arguments], "env": {**env}, "cwd": str(cwd)}
        wish |= {"log": str(log), "out": str(out), "door": env.get("CRASH_DOOR", DOOR)}
        assert self._process.stdin is not None
        async with self._one:
            self._process.stdin.write(json.dumps(wish).encode() + b"\n")
            return await self._born.get()

    async def hear(self) -> None:
        """Follow births and deaths until the nursery ends."""
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            told = json.loads(line)
            if "code" not in told:
                child = self._children[told["pid"]] = Child(told["pid"])
                self._born.put_nowait(child)
            else:
                child = self._children.pop(told["pid"])
                child.returncode = told["code"]
                child.gone.set()


@asynccontextmanager
async def nursery() -> AsyncIterator[Nursery]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.crash.nursery"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    there = Nursery(process)
    hearing = asyncio.create_task(there.hear())
    try:
        yield there
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()
        await hearing


# --- the process that forks -------------------------------------------------------------------


def _serve() -> None:
    for name in _IMPORTED:
        importlib.import_module(name)
    gc.freeze()  # children share what they do not touch
    signal.signal(signal.SIGCHLD, lambda *_: _bury())
    for pid in _births():  # whoever wanted them is gone
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _births() -> Sequence[int]:
    """Fork whenever it is asked for; gives all children once nobody asks any more."""
    born: list[int] = []
    for line in sys.stdin:
        wish = json.loads(line)
        # A child that dies at once is buried only when its birth has been told.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
        if (pid := os.fork()) == 0:
            _live(wish)
        born.append(pid)
        _tell({"pid": pid})
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
    return [pid for pid in born if pid not in _buried]


def _bury() -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        _buried.add(pid)
        _tell({"pid": pid, "code": os.waitstatus_to_exitcode(status)})


def _tell(words: Mapping[str, int]) -> None:
    os.write(1, json.dumps(words).encode() + b"\n")


def _live(wish: dict[str, Any]) -> None:
    """Be the product, from its front door to its exit code."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
    for file, flags, number in (
        (os.devnull, os.O_RDONLY, 0),
        (wish["out"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 1),
        (wish["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 2),
    ):
        os.dup2(os.open(file, flags, 0o600), number)
    os.chdir(wish["cwd"])
    os.environ.clear()
    os.environ.update(wish["env"])
    sys.argv = ["gptimage", *wish["arguments"]]
    code = 1
    try:
        module, _, name = wish["door"].partition(":")
        getattr(importlib.import_module(module), name)()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001  (nothing of the child may go on in the nursery's name)
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve()
