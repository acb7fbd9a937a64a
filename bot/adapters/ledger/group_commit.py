"""Many writes, few transactions: what arrives while one is under way goes into the next."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Generic, NamedTuple, TypeVar

from bot.core.errors import LeaseLost, LedgerBusy

K = TypeVar("K")
W = TypeVar("W")
R = TypeVar("R")

Commit = Callable[[K, Sequence[W]], Awaitable[Sequence[R]]]
"""Makes the writes of one kind in one transaction; gives what came of each, in their order."""


class _Waiting(NamedTuple, Generic[K, W, R]):
    kind: K
    write: W
    done: asyncio.Future[R]


class GroupCommit(Generic[K, W, R]):
    """Gathers the writes of tasks that work side by side; each kind has groups of its own.

    A durable commit takes as long for a hundred rows as for one. `key` tells two kinds apart.
    """

    def __init__(self, commit: Commit[K, W, R], key: Callable[[K], Hashable]) -> None:
        self._commit = commit
        self._key = key
        self._waiting: dict[Hashable, list[_Waiting[K, W, R]]] = defaultdict(list)
        self._under_way: dict[Hashable, asyncio.Task[None]] = {}

    async def write(self, kind: K, write: W) -> R:
        """What came of the write, when the transaction that holds it is committed.

        Raises what the write alone would have raised; no other write is to blame for it. Being
        cancelled does not undo a write whose transaction is under way.
        """
        key = self._key(kind)
        one = _Waiting[K, W, R](kind, write, asyncio.get_running_loop().create_future())
        self._waiting[key].append(one)
        if key not in self._under_way:
            self._under_way[key] = asyncio.create_task(self._work(key))
        return await one.done

    async def _work(self, key: Hashable) -> None:
        group: Sequence[_Waiting[K, W, R]] = ()
        try:
            while group := self._waiting.pop(key, ()):
                if wanted := [one for one in group if not one.done.cancelled()]:
                    await self._together(wanted)
        finally:
            del self._under_way[key]
            for one in (*group, *self._waiting.pop(key, ())):
                one.done.cancel()  # the process ends; nothing happens to those that are done

    async def _together(self, group: Sequence[_Waiting[K, W, R]]) -> None:
        try:
            results = await self._commit(group[0].kind, [one.write for one in group])
        except (LeaseLost, LedgerBusy) as error:
            _refuse(group, error)
        except Exception as error:  # noqa: BLE001  (it is raised where the write was asked for)
            await self._alone(group, error)
        else:
            for one, result in zip(group, results, strict=True):
                if not one.done.cancelled():
                    one.done.set_result(result)

    async def _alone(self, group: Sequence[_Waiting[K, W, R]], error: Exception) -> None:
        """One of them is at fault, and the transaction with all of them is undone."""
        if len(group) == 1:
            _refuse(group, error)
            return
        for one in group:
            await self._together([one])


def _refuse(group: Sequence[_Waiting[K, W, R]], error: Exception) -> None:
    for one in group:
        if not one.done.cancelled():
            one.done.set_exception(error)
