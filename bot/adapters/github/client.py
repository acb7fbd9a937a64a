"""Requests in the name of an installation, to the repository of a thread."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import TypeVar

import httpx
from pydantic import TypeAdapter

from bot.adapters.github.access import AppAccess
from bot.adapters.github.answers import read
from bot.adapters.github.wire import Request, Wire
from bot.core.errors import HostError
from bot.core.run import Thread
from bot.core.said import said

T = TypeVar("T")

# GitHub itself ends its lists at 10,000 entries.
_PAGE_SIZE = 100
_MOST_PAGES = 100


class Client:
    """Asks with the right token, and once more with a new one where that was refused."""

    def __init__(self, wire: Wire, access: AppAccess) -> None:
        self._wire = wire
        self._access = access

    async def ask(self, thread: Thread, request: Request) -> httpx.Response:
        """The answer to a request whose path is below the thread's repository."""
        if request.path.startswith("/"):
            request = replace(request, path=f"/repos/{thread.repository}{request.path}")
        token = await self._access.token(thread)
        try:
            return await self._wire.send(request, token)
        except HostError as error:
            if error.status != 401:
                raise
        # Refused before anything was done, so a POST may go out again, too.
        return await self._wire.send(request, await self._access.token(thread, instead_of=token))

    async def entries(
        self, thread: Thread, request: Request, shape: TypeAdapter[list[T]]
    ) -> AsyncIterator[T]:
        """All entries of a list, page by page."""
        for page in range(1, _MOST_PAGES + 1):
            params = {**(request.params or {}), "per_page": _PAGE_SIZE, "page": page}
            answer = await self.ask(thread, replace(request, params=params))
            for entry in read(shape, answer):
                yield entry
            if "next" not in answer.links:
                return
        raise HostError(said("This list is longer than GitHub can show."))
