"""The spool in a store that speaks S3, which all machines share.

What is received is made durable on this disk first and then put into the store, and only then it
has been received: whoever reads in the ledger that an answer is there finds it in the store. What
the store does not take stays on this disk, is under no key for anybody, and is put there later.
"""

import asyncio
import errno
import os
import time
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store
from pydantic import SecretStr

from bot.adapters.spool.local import LocalSpool, is_among
from bot.core.errors import SettingsError
from bot.core.killpoints import Point, reach
from bot.core.ports import SpoolWriter
from bot.core.said import said

# A piece of an answer on its way; two of them are in memory at most.
_PIECE = 8 * 1024 * 1024
_RETRY_SECONDS = 20.0
_REQUEST_SECONDS = 30.0
# Before a call the store must have taken something within so many seconds.
_TRUSTED_SECONDS = 5.0
_PROBE = "probe"
# A copy on this disk that nobody has looked at for so long.
_STALE_SECONDS = 24 * 3600
_OPTIONS = {"endpoint", "region"}


def connect(url: SecretStr, seconds: float = _RETRY_SECONDS) -> S3Store:
    """The store at `s3://id:key@bucket/prefix?endpoint=https://…&region=…`; nothing is sent yet.

    Without a key the credentials are those of the machine, as with other AWS tools. Safe requests
    are repeated for `seconds`. Raises SettingsError for what is no such address.
    """
    parts = urlsplit(url.get_secret_value())
    options = dict(parse_qsl(parts.query))
    if parts.scheme != "s3" or not parts.hostname or set(options) - _OPTIONS:
        raise _no_address()
    config = {"region": "us-east-1", **options}
    if parts.username and parts.password:
        key_id, key = unquote(parts.username), unquote(parts.password)
        config |= {"access_key_id": key_id, "secret_access_key": key}
    try:
        return S3Store.from_url(
            f"s3://{parts.hostname}{parts.path}",
            config=config,  # type: ignore[arg-type]  # the keys are checked above
            client_options={
                "allow_http": options.get("endpoint", "").startswith("http://"),
                "timeout": timedelta(seconds=_REQUEST_SECONDS),
            },
            retry_config={"retry_timeout": timedelta(seconds=seconds)},
        )
    except (BaseError, ValueError):
        raise _no_address() from None


def _no_address() -> SettingsError:
    hint = "s3://bucket/prefix?region=eu-central-1, s3://id:key@bucket?endpoint=https://host"
    return SettingsError(
        [said("SPOOL_URL: this is not the address of a store ({example})", example=hint)]
    )


class SharedSpool:
    """Keeps each key in the store; `here` holds what is not there yet, `copies` what was read.

    A key appears whole or not at all, on every machine at once. Every method raises OSError when
    the store or this disk refuses.
    """

    def __init__(self, store: S3Store, here: str | Path, copies: str | Path) -> None:
        self._store = store
        self._here = LocalSpool(here)
        self._copies = LocalSpool(copies)
        self._sending: dict[str, asyncio.Lock] = {}
        self._trusted = 0.0

    def receive(self, key: str, room: int = 0) -> AbstractAsyncContextManager[SpoolWriter]:
        """Write under `key`: durable in the store when the block ends well.

        What the store does not take when the block ends is an OSError, and stays on this disk for
        `send_late`. With `room`, raises OSError at once where the disk has no room for so many
        bytes, or where the store takes nothing.
        """
        self._here.path(key)
        return self._receive(key, room)

    @asynccontextmanager
    async def _receive(self, key: str, room: int) -> AsyncIterator[SpoolWriter]:
        if room and time.monotonic() > self._trusted:
            await self._probe()
        async with self._here.receive(key, room) as writer:
            yield writer
        reach(Point.SPOOLED_HERE)
        await self._send(key)

    async def fetch(self, key: str) -> str | None:
        """The path of a copy on this disk of the bytes under `key`; None if there are none."""
        if await self._here.fetch(key):
            await self._send(key)
        if path := await self._copies.fetch(key):
            with suppress(FileNotFoundError):  # thrown away this moment
                _touched(Path(path))
                return path
        return await self._copy(key)

    async def renew(self, key: str) -> bool:
        """Let what is under the key count as new; False if there is nothing."""
        path = await self.fetch(key)
        if path is None:
            return False
        with _refusals():
            await obstore.put_async(self._store, key, Path(path), max_concurrency=2)
        os.utime(path)
        return True

    async def discard_old(self, prefix: str, before: datetime, wanted: Collection[str]) -> None:
        """Forget what begins with `prefix` and is older, except the wanted keys."""
        old = {
            each["path"]
            for each in await self._there(prefix)
            if each["last_modified"] < before and each["path"] not in wanted
        }
        await self._delete(sorted(old))
        await self._copies.discard_old(prefix, before, wanted)

    async def discard(self, prefix: str, names: Collection[str] | None = None) -> None:
        """Forget every key that begins with `prefix`, or those of them that `is_among` names."""
        await self._here.discard(prefix, names)
        await self._copies.discard(prefix, names)
        there = [each["path"] for each in await self._there(prefix)]
        await self._delete([key for key in there if is_among(key, prefix, names)])

    async def _there(self, prefix: str) -> "list[obstore.ObjectMeta]":
        """What the store has under the prefix; it lists whole folders."""
        above = prefix.rpartition("/")[0] or None
        with _refusals():
            found = await obstore.list(self._store, prefix=above).collect_async()
        return [each for each in found if each["path"].startswith(prefix)]

    async def _delete(self, keys: Sequence[str]) -> None:
        with _refusals():
            if keys:
                await obstore.delete_async(self._store, keys)

    async def send_late(self) -> None:
        """Put into the store what it has not taken before; OSError when it refuses still."""
        await asyncio.to_thread(self._throw_away)
        for key in await asyncio.to_thread(lambda: list(self._here.on_disk())):
            if not self._is_on_its_way(key):
                await self._send(key)

    def on_disk(self) -> Iterator[str]:
        """Every key of which this disk has the bytes, whether the store has them or not."""
        yield from self._here.on_disk()
        yield from self._copies.on_disk()

    async def size(self) -> int:
        """How many bytes lie on this disk, the copies included."""
        return await self._here.size() + await self._copies.size()

    async def check(self) -> None:
        """Raise OSError unless something can be written here and in the store."""
        await self._here.check()
        await self._probe()

    async def _probe(self) -> None:
        with _refusals():
            await obstore.put_async(self._store, _PROBE, b"x")
        self._trusted = time.monotonic() + _TRUSTED_SECONDS

    def _is_on_its_way(self, key: str) -> bool:
        return key in self._sending and self._sending[key].locked()

    async def _send(self, key: str) -> None:
        """Put into the store what lies here, once at a time: the later bytes must win."""
        lock = self._sending.setdefault(key, asyncio.Lock())
        try:
            async with lock:
                await self._put(key)
        finally:
            if not lock.locked():
                self._sending.pop(key, None)

    async def _put(self, key: str) -> None:
        path, sent = self._here.path(key), None
        while (there := _identity(path)) and there != sent:  # else it came while others were sent
            with _refusals():
                await obstore.put_async(
                    self._store, key, path, chunk_size=_PIECE, max_concurrency=2
                )
            self._trusted = time.monotonic() + _TRUSTED_SECONDS
            sent = there
        with suppress(FileNotFoundError):  # another process of this machine was quicker
            await asyncio.to_thread(self._here.move, key, self._copies)

    async def _copy(self, key: str) -> str | None:
        """Bring it from the store, with the time of its arrival there."""
        with _refusals():
            try:
                found = await obstore.get_async(self._store, key)
            except FileNotFoundError as error:
                if "NoSuchBucket" in str(error):  # which says nothing of the key
                    raise
                return None
            async with self._copies.receive(key, found.meta["size"]) as writer:
                async for piece in found.stream(min_chunk_size=1024 * 1024):
                    await writer.write(bytes(piece))
        path = self._copies.path(key)
        arrived = found.meta["last_modified"].timestamp()
        os.utime(path, (time.time(), arrived))
        return str(path)

    def _throw_away(self) -> None:
        for key in self._copies.on_disk():
            with suppress(FileNotFoundError):
                path = self._copies.path(key)
                state = path.stat()
                if time.time() - max(state.st_atime, state.st_mtime) > _STALE_SECONDS:
                    path.unlink()


def _identity(path: Path) -> tuple[int, int] | None:
    """What tells one file under a name from the next one; None if there is none."""
    try:
        state = path.stat()
    except FileNotFoundError:
        return None
    return state.st_ino, state.st_mtime_ns


def _touched(path: Path) -> None:
    """It is needed; the time of its arrival stays."""
    os.utime(path, (time.time(), path.stat().st_mtime))


@contextmanager
def _refusals() -> Iterator[None]:
    """What the store says is never told: it holds addresses, and at times more."""
    try:
        yield
    except (BaseError, FileNotFoundError, PermissionError) as error:
        if isinstance(error, OSError) and error.errno is not None:  # of this disk
            raise
        why = said("the store at SPOOL_URL did not answer or refuses")
        if "NoSuchBucket" in str(error):
            why = said("the store at SPOOL_URL has no such bucket")
        raise OSError(errno.EIO, why) from error
