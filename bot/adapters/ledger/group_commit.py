"""Many writes, few transactions: what arrives while one is under way goes into the next."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, NamedTuple, TypeVar

from bot.core.errors import LeaseLost, LedgerBusy
from bot.core.ports import Lease

W = TypeVar("W")
R = TypeVar("R")

Commit = Callable[[Lease, Sequence[W]], Awaitable[Sequence[R]]]
"""Makes the writes under a lease in one transaction; gives what came of each, in their order."""


class _Waiting(NamedTuple, Generic[W, R]):
    lease: Lease
    write: W
    done: asyncio.Future[R]


class GroupCommit(Generic[W, R]):
    """Gathers the writes of tasks that work side by side; each lease has groups of its own.

    A durable commit takes as long for a hundred rows as for one.
    """

    def __init__(self, commit: Commit[W, R]) -> None:
        self._commit = commit
        self._waiting: dict[tuple[str, int], list[_Waiting[W, R]]] = defaultdict(list)
        self._under_way: dict[tuple[str, int], asyncio.Task[None]] = {}

    async def write(self, lease: Lease, write: W) -> R:
        """What came of the write, when the transaction that holds it is committed.

        Raises what the write alone would have raised; no other write is to blame for it. Being
        cancelled does not undo a write whose transaction is under way.
        """
        key = lease.subject, lease.epoch
        one = _Waiting[W, R](lease, write, asyncio.get_running_loop().create_future())
        self._waiting[key].append(one)
        if key not in self._under_way:
            self._under_way[key] = asyncio.create_task(self._work(key))
        return await one.done

    async def _work(self, key: tuple[str, int]) -> None:
        group: Sequence[_Waiting[W, R]] = ()
        try:
            while group := self._waiting.pop(key, ()):
                if wanted := [one for one in group if not one.done.cancelled()]:
                    await self._together(wanted)
        finally:
            del self._under_way[key]
            for one in (*group, *self._waiting.pop(key, ())):
                one.done.cancel()  # the process ends; nothing happens to those that are done

    async def _together(self, group: Sequence[_Waiting[W, R]]) -> None:
        try:
            results = await self._commit(group[0].lease, [one.write for one in group])
        except (LeaseLost, LedgerBusy) as error:
            _refuse(group, error)
        except Exception as error:  # noqa: BLE001  (it is raised where the write was asked for)
            await self._alone(group, error)
        else:
            for one, result in zip(group, results, strict=True):
                if not one.done.cancelled():
                    one.done.set_result(result)

    async def _alone(self, group: Sequence[_Waiting[W, R]], error: Exception) -> None:
        """One of them is at fault, and the transaction with all of them is undone."""
        if len(group) == 1:
            _refuse(group, error)
            return
        for one in group:
            await self._together([one])


def _refuse(group: Sequence[_Waiting[W, R]], error: Exception) -> None:
    for one in group:
        if not one.done.cancelled():
            one.done.set_exception(error)
