"""The spool on a local disk: what has been received survives the process and the power."""

import asyncio
import errno
import os
import re
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, TypeVar

from bot.adapters.durable import make_directory, sync_directory
from bot.core.killpoints import Point, reach
from bot.core.ports import SpoolWriter

T = TypeVar("T")

# No segment of a key begins with a dot, so no key meets a temporary file, `.` or `..`.
_KEY = re.compile(r"[a-z0-9_-][a-z0-9._-]*(/[a-z0-9_-][a-z0-9._-]*)*")
_PARTIAL = ".partial-"
# What a dead process left half written; a living one is done with a file long before.
_STALE_SECONDS = 24 * 3600
_FLUSH_BYTES = 1024 * 1024


class LocalSpool:
    """Keeps each key as a file below `root`, readable by nobody else.

    A key appears whole or not at all. Every method raises OSError when the disk is full or
    refuses, and then leaves nothing behind; a key outside of `[a-z0-9._/-]` is a ValueError.
    """

    def __init__(self, root: str | Path) -> None:
        self._root = Path(root).absolute()
        make_directory(self._root, 0o700)
        _sweep(self._root)

    def receive(self, key: str, room: int = 0) -> AbstractAsyncContextManager[SpoolWriter]:
        """Write under `key`: durable when the block ends well, absent when it does not.

        Raises OSError at once where there is no room for so many bytes.
        """
        return _receive(self.path(key), room)

    async def fetch(self, key: str) -> str | None:
        """The path of the file with the bytes under `key`; None if there are none."""
        return _if_there(self.path(key))

    async def renew(self, key: str) -> bool:
        """Let what is under the key count as new; False if there is nothing."""
        try:
            os.utime(self.path(key))
        except FileNotFoundError:
            return False
        return True

    async def discard_old(self, prefix: str, before: datetime, wanted: Collection[str]) -> None:
        """Forget what begins with `prefix` and is older, except the wanted keys."""
        self.path(prefix.removesuffix("/"))
        await asyncio.to_thread(self._discard_old, prefix, before.timestamp(), wanted)

    async def discard(self, prefix: str, names: Collection[str] | None = None) -> None:
        """Forget every key that begins with `prefix`, or those of them that `is_among` names."""
        self.path(prefix.removesuffix("/"))
        await asyncio.to_thread(self._discard, prefix, names)

    async def size(self) -> int:
        """How many bytes are kept, those half written included."""
        return await asyncio.to_thread(_size, self._root)

    async def check(self) -> None:
        """Raise OSError unless something can be written and made durable."""
        await asyncio.to_thread(_try, self._root)

    def on_disk(self) -> Iterator[str]:
        """Every key that is there, in no order."""
        for directory, _, names in os.walk(self._root):
            for key in (self._key(Path(directory, name)) for name in names):
                if _KEY.fullmatch(key):
                    yield key

    def move(self, key: str, to: "LocalSpool") -> None:
        """Hand a key over to another one on the same disk; FileNotFoundError if it is not there.

        It need not be durable there at once, and is gone here only when it is there.
        """
        there = to.path(key)
        make_directory(there.parent, 0o700)
        self.path(key).replace(there)

    def path(self, key: str) -> Path:
        """The file of a key, whether it is there or not."""
        if not _KEY.fullmatch(key):
            raise ValueError(f"not a key of the spool: {key!r}")
        return self._root / key

    def _discard_old(self, prefix: str, before: float, wanted: Collection[str]) -> None:
        for path in (self._root / prefix).glob("[!.]*"):
            if self._key(path) not in wanted:
                with suppress(FileNotFoundError):  # another process sweeps, too
                    _remove_old(path, before)

    def _discard(self, prefix: str, wanted: Collection[str] | None) -> None:
        above = self._root / prefix.rpartition("/")[0]
        for directory, _, names in os.walk(above, topdown=False):
            for name in names:
                path = Path(directory, name)
                if is_among(self._key(path), prefix, wanted) and not name.startswith(_PARTIAL):
                    path.unlink(missing_ok=True)
            if f"{self._key(Path(directory))}/".startswith(prefix):
                with suppress(OSError):  # somebody receives into it
                    Path(directory).rmdir()

    def _key(self, path: Path) -> str:
        return path.relative_to(self._root).as_posix()


def is_among(key: str, prefix: str, names: Collection[str] | None) -> bool:
    """Whether the key has the prefix, and one of the names after it, up to its end or to a dot."""
    rest = key.removeprefix(prefix).partition(".")[0]
    return key.startswith(prefix) and (names is None or rest in names)


def _remove_old(path: Path, before: float) -> None:
    """Whoever renews it at this moment still finds it, or finds that it is gone."""
    if path.stat().st_mtime >= before:
        return
    aside = path.with_name(f"{_PARTIAL}{path.name}")
    path.replace(aside)
    if aside.stat().st_mtime >= before:  # renewed in between
        aside.replace(path)
    else:
        aside.unlink()


def _if_there(path: Path) -> str | None:
    """Looking takes less time than asking a thread to look."""
    return str(path) if path.is_file() else None


@asynccontextmanager
async def _receive(path: Path, room: int) -> AsyncIterator[SpoolWriter]:
    there = path.parent.is_dir()  # then a thread would take longer than the work
    partial = _Partial(path, room) if there else await _to_its_end(lambda: _first(path, room))
    try:
        yield partial
        await partial.commit()
    except BaseException:
        await partial.abandon()
        raise


def _first(path: Path, room: int) -> "_Partial":
    make_directory(path.parent, 0o700)
    return _Partial(path, room)


class _Partial:
    """A file that has a temporary name until it is complete."""

    def __init__(self, path: Path, room: int) -> None:
        _check_room(path.parent, room)
        handle, name = tempfile.mkstemp(prefix=_PARTIAL, dir=path.parent)  # mode 0600
        self._path = path
        self._partial = Path(name)
        self._file: BinaryIO = os.fdopen(handle, "wb")
        self._waiting: list[bytes] = []
        self._size = 0
        self._flushing: asyncio.Future[None] | None = None
        self._begun = False

    async def write(self, data: bytes) -> None:
        """Take the bytes; they go to the disk a megabyte at a time, while the next ones come."""
        self._waiting.append(data)
        self._size += len(data)
        if self._size >= _FLUSH_BYTES:
            await self._flushed()
            waiting, self._waiting, self._size = self._waiting, [], 0
            self._flushing = asyncio.ensure_future(asyncio.to_thread(self._write, waiting))

    async def commit(self) -> None:
        """Make it durable under its own name."""
        await self._flushed()
        await _to_its_end(self._settle)

    async def abandon(self) -> None:
        """Leave no trace of it; nothing happens after a commit."""
        with suppress(OSError):
            await self._flushed()
        await _to_its_end(self._remove)

    def _remove(self) -> None:
        with suppress(OSError):  # what cannot be flushed is thrown away all the same
            self._file.close()
        self._partial.unlink(missing_ok=True)

    async def _flushed(self) -> None:
        """Wait for the megabyte that is on its way to the disk; raises what befell it."""
        flushing, self._flushing = self._flushing, None
        if flushing:
            await _awaited(flushing)

    def _write(self, chunks: list[bytes]) -> None:
        self._file.writelines(chunks)
        self._file.flush()
        chunks.clear()  # the writer lives on, its bytes need not
        if not self._begun:
            self._begun = True
            reach(Point.SPOOL_HALF_WRITTEN)

    def _settle(self) -> None:
        self._write(self._waiting)
        os.fsync(self._file.fileno())
        self._file.close()
        self._partial.replace(self._path)
        sync_directory(self._path.parent)


def _check_room(directory: Path, room: int) -> None:
    """Opening a file succeeds on a full disk; the first write would be the one to fail."""
    if shutil.disk_usage(directory).free < room:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(directory))


async def _to_its_end(work: Callable[[], T]) -> T:
    """Do blocking work in a thread; a cancel takes effect after it, for threads cannot stop."""
    return await _awaited(asyncio.ensure_future(asyncio.to_thread(work)))


async def _awaited(task: asyncio.Future[T]) -> T:
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


def _sweep(root: Path) -> None:
    """Remove what dead processes left half written."""
    for path in _partials(root):
        with suppress(FileNotFoundError):  # another process sweeps, too
            if time.time() - path.stat().st_mtime > _STALE_SECONDS:
                path.unlink()


def _partials(root: Path) -> Iterator[Path]:
    for directory, _, names in os.walk(root):
        yield from (Path(directory, name) for name in names if name.startswith(_PARTIAL))


def _size(root: Path) -> int:
    total = 0
    for directory, _, names in os.walk(root):
        for name in names:
            with suppress(FileNotFoundError):  # published and gone in the meantime
                total += Path(directory, name).stat().st_size
    return total


def _try(root: Path) -> None:
    with tempfile.TemporaryFile(dir=root) as file:
        file.write(b"x")
        file.flush()
        os.fsync(file.fileno())
