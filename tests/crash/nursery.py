"""Starts the product cheaply: a process that has imported it forks for every start.

A child has its own arguments, environment, directory, input and output, goes in at the product's
front door, and ends as an interpreter does. What it is not is a new interpreter: whoever asks for
imports, encodings or a terminal starts `gptimage` itself.
"""

import asyncio
import atexit
import gc
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
DOORS = {
    "gptimage": "bot.entrypoints.cli:main",
    "openai-gpt-image-batch": "bot.entrypoints.cli:seed_main",
}
_IMPORTED = (
    *("bot.entrypoints.cli", "bot.entrypoints.server", "bot.entrypoints.wiring.server"),
    *("bot.entrypoints.wiring.local", "bot.entrypoints.local", "bot.adapters.ledger.schema"),
    *("bot.adapters.openai_images.client", "aiosqlite", "asyncpg", "uvicorn.protocols.http.auto"),
    *("sqlalchemy.dialects.sqlite.aiosqlite", "sqlalchemy.dialects.postgresql.asyncpg"),
    *("valkey.asyncio", "limits.aio.storage.redis", "anyio._backends._asyncio"),
    *("openai.resources.images", "PIL.Image", "obstore", "bot.entrypoints.action.job"),
)
_LONGEST_WISH = 2**17
_PIPE, _STDOUT = asyncio.subprocess.PIPE, asyncio.subprocess.STDOUT


class Child:
    """A process of the product, as asyncio shows those that it starts itself."""

    stdin: asyncio.StreamWriter | None = None
    stdout: asyncio.StreamReader | None = None
    stderr: asyncio.StreamReader | None = None

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._gone = asyncio.Event()
        self._transports: list[asyncio.BaseTransport] = []

    def send_signal(self, number: int) -> None:
        if self.returncode is None:
            with suppress(ProcessLookupError):  # its death is on its way to us
                os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    async def wait(self) -> int:
        await self._gone.wait()
        assert self.returncode is not None
        return self.returncode

    async def communicate(self, words: bytes = b"") -> tuple[bytes, bytes]:
        """Give it the last of its input; gives all that it said, once it is gone."""
        said = (stream.read() for stream in (self.stdout, self.stderr) if stream)
        reading = asyncio.gather(*said)
        if self.stdin:
            with suppress(ConnectionError):
                self.stdin.write(words)
                await self.stdin.drain()
            self.stdin.close()
        heard = iter(await reading)
        out, err = (next(heard) if stream else b"" for stream in (self.stdout, self.stderr))
        await self.wait()
        return out, err

    def forget(self) -> None:
        """Close what is still open between the two; nobody reads on."""
        for transport in self._transports:
            transport.close()

    async def _read(self, end: int) -> asyncio.StreamReader:
        loop, reader = asyncio.get_running_loop(), asyncio.StreamReader()
        pipe = os.fdopen(end, "rb", buffering=0)
        transport, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), pipe
        )
        self._transports.append(transport)
        return reader

    async def _write(self, end: int) -> asyncio.StreamWriter:
        loop = asyncio.get_running_loop()
        pipe = os.fdopen(end, "wb", buffering=0)
        transport, protocol = await loop.connect_write_pipe(asyncio.streams.FlowControlMixin, pipe)
        self._transports.append(transport)
        return asyncio.StreamWriter(transport, protocol, None, loop)

    async def _follow(self, end: int) -> None:
        """Hear of its death, which the nursery tells in one word."""
        reader = await self._read(end)

        async def hear() -> None:
            self.returncode = int(await reader.read() or -signal.SIGKILL)
            self._gone.set()

        self._hearing = asyncio.create_task(hear())


class Nursery:
    """The other end of the process that forks; it lives until this one ends or closes it."""

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._one = threading.Lock()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.crash.nursery", str(theirs.fileno())],
                cwd=ROOT,
                env={"PATH": os.environ["PATH"]},
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
            )

    def close(self) -> None:
        """Its children end with it."""
        self._socket.close()
        self._process.wait()

    async def start(
        self,
        arguments: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: Path,
        program: str = "gptimage",
        door: str = "",
        stdin: int = asyncio.subprocess.DEVNULL,
        stdout: int = _PIPE,
        stderr: int = _PIPE,
    ) -> Child:
        """Fork a child that has these arguments, and nothing but this environment."""
        wish = {"argv": [program, *arguments], "env": {**env}, "cwd": str(cwd)}
        wish |= {"door": door or DOORS[program]}
        ours: dict[str, int] = {}
        theirs: list[int] = []
        for name, wanted in (("stdin", stdin), ("stdout", stdout), ("stderr", stderr)):
            theirs.append(_end(name, wanted, ours, theirs))
        ours["death"], death = os.pipe()
        try:
            pid = await asyncio.to_thread(self._bear, json.dumps(wish).encode(), [*theirs, death])
        finally:
            for end in {*theirs, death} - {stdin, stdout, stderr}:
                os.close(end)
        child = Child(pid)
        if "stdin" in ours:
            child.stdin = await child._write(ours["stdin"])
        if "stdout" in ours:
            child.stdout = await child._read(ours["stdout"])
        if "stderr" in ours:
            child.stderr = await child._read(ours["stderr"])
        await child._follow(ours["death"])
        return child

    async def logged(
        self, arguments: Sequence[str], env: Mapping[str, str], cwd: Path, log: Path
    ) -> Child:
        """A child that says everything into this file, and what it prints into `.out` beside it."""
        with log.open("ab") as said, log.with_suffix(".out").open("wb") as out:
            return await self.start(
                arguments,
                env=env,
                cwd=cwd,
                door=env.get("CRASH_DOOR", ""),
                stdout=out.fileno(),
                stderr=said.fileno(),
            )

    def _bear(self, wish: bytes, ends: Sequence[int]) -> int:
        with self._one:
            socket.send_fds(self._socket, [wish], ends)
            return int(self._socket.recv(32))


def _end(name: str, wanted: int, ours: dict[str, int], theirs: Sequence[int]) -> int:
    """The child's end of one of its three; our end of a pipe is put beside."""
    if wanted == _STDOUT:
        return theirs[1]
    if wanted == asyncio.subprocess.DEVNULL:
        return os.open(os.devnull, os.O_RDWR)
    if wanted != _PIPE:
        return wanted
    reading, writing = os.pipe()
    ours[name], end = (writing, reading) if name == "stdin" else (reading, writing)
    return end


@cache
def the_nursery() -> Nursery:
    """The one of this process, made when it is first asked for."""
    there = Nursery()
    atexit.register(there.close)
    return there


@asynccontextmanager
async def nursery() -> AsyncIterator[Nursery]:
    """One for the block."""
    there = Nursery()
    try:
        yield there
    finally:
        there.close()


# --- the process that forks -------------------------------------------------------------------

_STREAMS = (
    ("stdin", "r", "surrogateescape"),
    ("stdout", "w", "surrogateescape"),
    ("stderr", "w", "backslashreplace"),
)
_deaths: dict[int, int] = {}  # of those that live: where their death is to be told


def _serve(wishes: socket.socket) -> dict[str, Any]:
    """Fork whenever it is asked for; comes back in the children only, each with its wish."""
    for name in _IMPORTED:
        importlib.import_module(name)
    gc.freeze()  # children share what they do not touch
    signal.signal(signal.SIGCHLD, lambda *_: _bury())
    while True:
        words, ends, _, _ = socket.recv_fds(wishes, _LONGEST_WISH, 4)
        if not words:
            break
        # A child that dies at once is buried only when its birth has been told.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
        if (pid := os.fork()) == 0:
            wishes.close()
            return _born(json.loads(words), ends)
        _deaths[pid] = ends.pop()
        for end in ends:
            os.close(end)
        wishes.send(str(pid).encode())
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
    for pid in [*_deaths]:  # whoever wanted them is gone
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    os._exit(0)


def _bury() -> None:
    while _deaths:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:  # this interrupts a burial: that of the last one
            return
        if pid == 0:
            return
        end = _deaths.pop(pid)
        with suppress(BrokenPipeError):  # nobody asks any more
            os.write(end, str(os.waitstatus_to_exitcode(status)).encode())
        os.close(end)


def _born(wish: dict[str, Any], ends: Sequence[int]) -> dict[str, Any]:
    """Become a process of its own."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
    for number, (name, mode, errors) in enumerate(_STREAMS):
        os.dup2(ends[number], number)
        stream = os.fdopen(number, mode, encoding="utf-8", errors=errors, closefd=False)
        setattr(sys, name, stream)
    sys.stderr.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    for end in (*ends, *_deaths.values()):
        os.close(end)
    os.chdir(wish["cwd"])
    os.environ.clear()
    os.environ.update(wish["env"])
    return wish


def _live(wish: dict[str, Any]) -> int:
    """Be the product, from its front door to its exit code."""
    module, _, name = wish["door"].partition(":")
    sys.argv = wish["argv"]
    sys.modules["__main__"].__package__ = None  # as in a console script
    try:
        getattr(importlib.import_module(module), name)()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    except BaseException:  # noqa: BLE001  (as the interpreter)
        traceback.print_exc()
        return 1
    return 0


def _end_with(code: int) -> None:
    """End as an interpreter, only that nothing is taken apart, which takes longer than most."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
    except OSError:
        code = 120
    os._exit(code)


if __name__ == "__main__":
    _end_with(_live(_serve(socket.socket(fileno=int(sys.argv[1])))))
