"""Which of several jobs leads a run: the one whose mark stands on the run's comment.

Nobody can compare and swap a comment of GitHub: the last edit stands. But an account has one
reaction of a kind on a comment, and whoever asks for it is told whether it is new (201) or was
there (200); the jobs of a workflow are one account. So a job leads a run only after these steps:

1. It makes the mark, and hears that it is new.
2. It reads the comment again: the record there is still the one that it has decided by.
3. It writes its claim into the record: its workflow run, and the mark's id.
4. It reads the mark and the comment again: both are still its own. Now it may call.

A killed job leaves its mark behind. That may be removed, by its id so that no newer one goes,

- if the record names it, and GitHub says that the job of the record is over, or the record that
  the run is (then its last edit may still be on its way: others wait first);
- if no record names it for ten minutes: its job died between 1 and 3, or sleeps there. Should it
  wake up, its claim comes after the removal, step 4 fails, and it calls nothing.

Of several that remove a mark, one makes the next one. What is left: a job that sleeps for ten
minutes between 1 and 3 writes its claim over that of the job that leads by now. That one's next
edit mends it; were it killed before, the images that it was calling for would not be named, and a
later `/batch retry` could order them again. Three accidents in a row, and no way around them here.
"""

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

from bot.adapters.github import GitHubHost
from bot.adapters.github.host import Mark
from bot.core.errors import HostError
from bot.core.ports import Clock
from bot.core.run import Thread

_MARK = "rocket"
_ORPHANED = timedelta(minutes=10)
_ASKS = 3  # while GitHub asks for patience
_LOOK = 1.0
_LOOKS = 15  # for the last edit of a job whose run is over


class Claim:
    """The mark of this job; it has none until it takes one."""

    def __init__(self, host: GitHubHost, thread: Thread, clock: Clock) -> None:
        self._host = host
        self._thread = thread
        self._clock = clock
        self._comment = 0
        self.mark: int | None = None

    async def take(self, comment: int, named: int | None = None, *, over: bool = False) -> bool:
        """Make the mark on a run's comment; False if it is another job's. Raises HostError.

        `named` is the mark of a leader that is gone, or whose run is `over`.
        """
        if self.mark is not None:
            return comment == self._comment
        self._comment, patience = comment, _LOOKS if over else 0
        made = await self._made()
        while not made.new:
            if made.id == named and patience:
                patience -= 1
                await asyncio.sleep(_LOOK)
            elif made.id == named or self._clock() - made.made_at > _ORPHANED:
                await self._host.unmark(self._at, made.id)
            else:
                return False
            made = await self._made()
        self.mark = made.id
        return True

    async def _made(self) -> Mark:
        for _ in range(_ASKS):
            try:
                return await self._host.mark(self._at, _MARK)
            except HostError as error:
                if error.retry_after is None:
                    raise
                await asyncio.sleep(error.retry_after)
        return await self._host.mark(self._at, _MARK)

    async def stands(self) -> bool:
        """Whether the mark is still there, so that nobody else has made one. Raises HostError."""
        return self.mark is not None and self.mark in await self._host.marks(self._at, _MARK)

    async def release(self) -> None:
        """Let others lead; what GitHub does not take now, the next one removes."""
        if self.mark is not None:
            with suppress(HostError):
                await self._host.unmark(self._at, self.mark)
            self.mark = None

    @property
    def _at(self) -> Thread:
        return replace(self._thread, comment=self._comment)
