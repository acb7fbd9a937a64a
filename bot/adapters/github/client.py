"""Requests in the name of an installation, to the repository of a thread."""

from collections.abc import AsyncIterator
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from typing import TypeVar

import httpx
from pydantic import TypeAdapter

from bot.adapters.github.access import Access, Reach
from bot.adapters.github.answers import read
from bot.adapters.github.turns import Turns
from bot.adapters.github.wire import Request, Turn, Wire
from bot.core.errors import HostError
from bot.core.run import Thread
from bot.core.said import said

T = TypeVar("T")

# GitHub itself ends its lists at 10,000 entries.
_PAGE_SIZE = 100
_MOST_PAGES = 100


class Client:
    """Asks with the right token, and once more with a new one where that was refused."""

    def __init__(self, wire: Wire, access: Access, turns: Turns | None = None) -> None:
        self._wire = wire
        self._access = access
        self._turns = turns

    async def ask(
        self, thread: Thread, request: Request, reach: Reach = Reach.REPOSITORY
    ) -> httpx.Response:
        """The answer to a request whose path is below the thread's repository."""
        if request.path.startswith("/"):
            request = replace(request, path=f"/repos/{thread.repository}{request.path}")
        turn = self._turn(thread.installation, request)
        token = await self._access.token(thread, reach)
        try:
            return await self._wire.send(request, token, turn)
        except HostError as error:
            if error.status != 401:
                raise
        # Refused before anything was done, so a POST may go out again, too.
        fresh = await self._access.token(thread, reach, instead_of=token)
        return await self._wire.send(request, fresh, turn)

    async def query(self, thread: Thread, query: str, **variables: str) -> httpx.Response:
        """The answer of GraphQL; `$owner` and `$name` are the thread's repository.

        What it refuses it names in the content of a success.
        """
        owner, _, name = thread.repository.partition("/")
        wanted = {"query": query, "variables": {"owner": owner, "name": name, **variables}}
        request = Request("POST", self._wire.graphql_url, json=wanted, reads=True)
        return await self.ask(thread, request)

    def _turn(self, installation: int, request: Request) -> Turn:
        if self._turns is None or not request.writes:
            return nullcontext
        return partial(self._turns.turn, installation, urgent=request.urgent)

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
