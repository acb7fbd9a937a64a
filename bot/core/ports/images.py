"""Paid answers: who gives them, and where they are kept until they are published."""

from collections.abc import Callable, Collection
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.core.plan import ImageCall
from bot.core.pricing import Usage


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer, durable in the spool: the image's key there, and what it says of itself.

    `usage` is None where the server does not tell. `size` and `quality` are those really used.
    `kept_at` is when it was complete in the spool, which may be long before it is read again.
    """

    image: str
    media_type: str
    bytes: int
    width: int
    height: int
    usage: Usage | None = None
    size: str | None = None
    quality: str | None = None
    request_id: str | None = None
    kept_at: datetime | None = None


class ImageProvider(Protocol):
    async def create(self, call: ImageCall, key: str, kept: Callable[[], None]) -> Answer:
        """Issue one call, once, and keep its answer in the spool under `key`.

        `kept` is called when the answer is durable there, before it is read.
        Raises ProviderError, which says what the call may have cost. Never repeats a call.
        """
        ...

    async def recall(self, key: str) -> Answer | None:
        """The answer that an earlier call left in the spool under `key`, if it is complete."""
        ...


INPUTS = "inputs/"
"""Before the keys of reference images, each of which is called by the digest of what it holds."""


class SpoolWriter(Protocol):
    async def write(self, data: bytes) -> None: ...


class Spool(Protocol):
    """Answers between their arrival and their publication. Keys look like `run/item-1.answer`."""

    def receive(self, key: str, room: int = 0) -> AbstractAsyncContextManager[SpoolWriter]:
        """Write under `key`: durable when the block ends well, absent when it does not.

        Raises OSError at once where there is no room for so many bytes.
        """
        ...

    async def fetch(self, key: str) -> str | None:
        """The path of a local file with the bytes under `key`; None if there are none."""
        ...

    async def renew(self, key: str) -> bool:
        """Let what is under the key count as new; False if there is nothing."""
        ...

    async def discard_old(self, prefix: str, before: datetime, wanted: Collection[str]) -> None:
        """Forget what begins with `prefix` and is older, except the wanted keys."""
        ...

    async def discard(self, prefix: str, names: Collection[str] | None = None) -> None:
        """Forget every key that begins with `prefix`; nothing happens if there is none.

        With `names` only those that go on with one of them, up to their end or to a dot.
        """
        ...
