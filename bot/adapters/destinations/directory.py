"""A local folder: files appear whole or not at all, and nothing is ever overwritten."""

import asyncio
import errno
import filecmp
import os
import secrets
import shutil
import stat
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path

from bot.adapters.durable import make_directory, sync_directory
from bot.core import paths
from bot.core.errors import BatchError, Problem
from bot.core.ports import File, Publication, Published
from bot.core.run import Run
from bot.core.said import said

_PARTIAL = ".gptimage-"
# What a dead process left half written; a living one is done with a file long before.
_STALE_SECONDS = 24 * 3600

# File systems without hard links: FAT, and some that are mounted over a network.
_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})


class DirectoryDestination:
    """Writes below `root`, with the rights that the person's umask gives to new files.

    A name that is taken by another file gets a number: `logo.png`, `logo_1.png`, `logo_2.png`.
    Raises OSError when the disk is full or refuses, and then leaves nothing behind; BatchError for
    a name that leads out of the root, or through a symbolic link.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._swept: set[Path] = set()

    def check(self, names: Iterable[str]) -> None:
        """Raise BatchError with every name that would leave the root or pass a symbolic link."""
        problems: list[Problem] = []
        for name in names:
            try:
                self._place(name)
            except BatchError as error:
                problems.extend(error.problems)
        if problems:
            raise BatchError(problems)

    async def publish(self, _run: Run, files: Sequence[File]) -> Published:
        """Write the files; again for the same files changes nothing."""
        done = []
        for file in files:
            path = await asyncio.to_thread(self._publish, file)
            if file.item is not None:
                done.append(Publication(file.item, None, str(path)))
        return Published(tuple(done))

    def _publish(self, file: File) -> Path:
        wanted, source = self._place(file.name), Path(file.source)
        make_directory(wanted.parent)
        self._place(file.name)  # nobody has put a link there meanwhile
        if wanted.parent not in self._swept:
            self._swept.add(wanted.parent)
            _sweep(wanted.parent)
        return next(path for path in _numbered(wanted) if _is_put(source, path))

    def _place(self, name: str) -> Path:
        """Where a name goes, seen from the root as the person wrote it."""
        if problem := paths.problem(name):
            raise _refused(name, problem)
        *folders, _ = parts = name.split("/")
        path = self._root.joinpath(*parts)
        # Any link on the way makes these two differ; the root itself may be one.
        if path.parent.resolve() != self._root.resolve().joinpath(*folders):
            raise _refused(name, said("it goes through a symbolic link"))
        return path


def _refused(name: str, problem: str) -> BatchError:
    message = said("cannot be written to the output directory: {why}", why=problem)
    return BatchError([Problem(f"output_path {name!r}", message)])


def _numbered(path: Path) -> Iterator[Path]:
    yield path
    for number in count(1):
        ending = f"_{number}{path.suffix}"
        yield path.with_name(_cut(path.stem, paths.LONGEST_NAME - len(ending.encode())) + ending)


def _cut(text: str, most: int) -> str:
    """The text, or as much of it as `most` bytes hold."""
    return text.encode()[:most].decode(errors="ignore")


def _is_put(source: Path, target: Path) -> bool:
    """Whether the target now has the source's content, put there or found there."""
    if not os.path.lexists(target) and _put(source, target):
        return True
    try:
        is_file = stat.S_ISREG(target.lstat().st_mode)
    except FileNotFoundError:  # its owner has just taken it away
        return False
    return is_file and filecmp.cmp(source, target, shallow=False)


def _put(source: Path, target: Path) -> bool:
    """Copy, durably and whole; False if somebody else has taken the name."""
    partial = target.with_name(f"{_PARTIAL}{secrets.token_hex(8)}.part")
    try:
        _copy(source, partial)
        _give_name(partial, target)
    except FileExistsError:
        return False
    except OSError as error:  # some name the temporary file, some none
        raise OSError(error.errno, error.strerror, str(target)) from error
    finally:
        partial.unlink(missing_ok=True)
    sync_directory(target.parent)
    return True


def _copy(source: Path, target: Path) -> None:
    # Not a hard link, and not mkstemp: both would hand on the mode 0600 of the spool.
    with source.open("rb") as given, target.open("xb") as copy:
        shutil.copyfileobj(given, copy, 1024 * 1024)
        copy.flush()
        os.fsync(copy.fileno())


def _give_name(partial: Path, target: Path) -> None:
    """Let the file be seen; FileExistsError if the name is taken, even a moment ago."""
    try:
        os.link(partial, target)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        target.touch(exist_ok=False)
        partial.replace(target)


def _sweep(directory: Path) -> None:
    """Remove what dead processes left half written."""
    for path in directory.glob(f"{_PARTIAL}*.part"):
        with suppress(FileNotFoundError):  # another process sweeps, too
            if time.time() - path.stat().st_mtime > _STALE_SECONDS:
                path.unlink()
