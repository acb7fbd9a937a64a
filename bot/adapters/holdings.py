"""What the processes of this machine hold, noted so that the next one need not wait for the dead.

A process keeps a lock on its folder of notes, and the kernel lets it go when the process is gone,
however it went: whoever gets the lock knows that nobody acts on these leases any more. A note that
is missing costs time; one that is old frees nothing, for its epoch is.
"""

import os
import shutil
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote, unquote
from uuid import uuid4

from bot.core.ports import Lease, Leases

if sys.platform != "win32":  # there nothing is noted
    import fcntl

# Source: random(4)
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_LOCK = ".lock"
_PAST = datetime(1970, 1, 1, tzinfo=UTC)


class Holdings:
    """Leases that are free as soon as their holder, a process of this machine, is gone.

    Only what `tie` is told of; the rest expires. Where the machine cannot tell, all of it does.
    """

    def __init__(self, leases: Leases, mine: Path | None) -> None:
        self._leases = leases
        self._mine = mine

    async def claim(self, subject: str, now: datetime, ttl: timedelta) -> Lease | None:
        """Take the subject, unless somebody holds it."""
        return await self._leases.claim(subject, now, ttl)

    async def renew(self, lease: Lease, now: datetime, ttl: timedelta) -> Lease:
        """Hold on to it; raises LeaseLost if somebody else has taken it."""
        return await self._leases.renew(lease, now, ttl)

    async def release(self, lease: Lease) -> None:
        """Let it go at once; nothing happens if it is lost already."""
        await self._leases.release(lease)

    async def free_at(self, subject: str) -> datetime:
        """When the subject may be claimed; in the past if it may be now."""
        return await self._leases.free_at(subject)

    def tie(self, lease: Lease) -> None:
        """Let it end with this process."""
        if self._mine:
            with suppress(OSError):  # a full disk costs time, no image
                (self._mine / _name(lease)).touch()

    def untie(self, lease: Lease) -> None:
        """Let it last until it expires."""
        if self._mine:
            with suppress(OSError):
                (self._mine / _name(lease)).unlink(missing_ok=True)

    async def free_the_dead(self) -> None:
        """Release what was tied to processes that are gone, as far as this machine can tell.

        Raises LedgerBusy.
        """
        if self._mine is None:
            return
        for folder in sorted(self._mine.parent.glob("[!.]*")):
            with _buried(folder) as left:
                for lease in left:
                    await self._leases.release(lease)


@asynccontextmanager
async def holdings(
    leases: Leases, data_dir: Path, boot: Path = _BOOT_ID
) -> AsyncIterator[Holdings]:
    """For a process that lives as long as the block; begins with what the dead have left.

    `boot` is the file that tells this start of the machine from others. Raises LedgerBusy.
    """
    with _noting(data_dir / "held", boot) as mine:
        found = Holdings(leases, mine)
        await found.free_the_dead()
        yield found


@contextmanager
def _noting(root: Path, boot: Path) -> Iterator[Path | None]:
    """A folder whose lock this process keeps for the block; None where there is no way to tell."""
    try:
        # On another machine, or before its restart, a lock says nothing about who is alive.
        home = root / boot.read_text().strip()
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock, folder = _locked(home)
    except OSError:
        yield None
        return
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _locked(home: Path) -> tuple[int, Path]:
    """A new folder, which nobody sees before it is locked."""
    folder = home / uuid4().hex
    unseen = home / f".{folder.name}"
    unseen.mkdir(mode=0o700)
    lock = os.open(unseen / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    unseen.rename(folder)
    return lock, folder


@contextmanager
def _buried(folder: Path) -> Iterator[list[Lease]]:
    """What a dead process has noted, which is forgotten after the block; nothing of a living one's.

    Whoever comes at the same time finds it locked.
    """
    try:
        lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CLOEXEC)
    except OSError:  # it has ended well, or somebody else has buried it
        yield []
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield [_lease(note.name) for note in folder.glob("[!.]*")]
        shutil.rmtree(folder, ignore_errors=True)
    except BlockingIOError:
        yield []
    finally:
        os.close(lock)


def _name(lease: Lease) -> str:
    return f"{quote(lease.subject, safe='')}@{lease.epoch}"


def _lease(name: str) -> Lease:
    subject, _, epoch = name.rpartition("@")
    return Lease(unquote(subject), int(epoch), _PAST)
