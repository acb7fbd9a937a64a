"""The record of a run that has no comment, at the place where its images will be.

The rule is that of `bot.core.record`: an image is called for only while the record that GitHub has
taken names it as perhaps called. So a job that is run again knows what may have been paid for.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

from bot.core.errors import Charge, Failure, HostError, ProviderError, SettingsError
from bot.core.plan import ImageCall, Item
from bot.core.ports import Answer, ImageProvider, Ledger
from bot.core.pricing import PriceBook, upper_bound
from bot.core.record import Lead, Signer, claims, record_of, view_of
from bot.core.run import Run, RunView, Thread
from bot.core.said import said
from bot.engine.drain import Drain
from bot.entrypoints.action.scribe import named_ahead

_LOOK = 1.0  # seconds between two attempts to write it
_PATIENCE = 120  # of those, after which the call is not made


class Notes(Protocol):
    """Where the record stands; every method raises HostError."""

    async def read(self) -> str: ...
    async def write(self, text: str) -> None: ...


class Journal:
    """Writes the record of one run, and finds that of the job's earlier attempts."""

    def __init__(
        self, notes: Notes, signer: Signer, thread: Thread, lead: Lead, prices: PriceBook
    ) -> None:
        self._notes = notes
        self._signer = signer
        self._thread = thread
        self._lead = lead
        self._prices = prices
        self._taken: frozenset[int] = frozenset()

    async def earlier(self, run: Run, items: Sequence[Item]) -> RunView | None:
        """The run as an earlier attempt left it; raises SettingsError if nobody can tell."""
        text = await self._notes.read()
        found = self._signer.read(text)
        if found is not None and found[0] == run.id:
            return view_of(found[1], run, tuple(items))
        if run.id in claims(text):
            message = said(
                "run {run} was recorded with another openai-api-key, so nobody can tell what it"
                " has paid for: start the workflow anew",
                run=run.id,
            )
            raise SettingsError([message])
        return None

    def names(self, image: int) -> bool:
        """Whether GitHub shows that this image may be called for."""
        return image in self._taken

    async def write(self, view: RunView, words: str, *, over: bool = False) -> None:
        """Let the record tell the run as it is now, below the words. Raises HostError."""
        run = replace(view.run, thread=self._thread)
        ahead = frozenset[int]() if over else named_ahead(view, self._taken)
        bounds = tuple(upper_bound(job, self._prices) for job in run.batch.jobs)
        record = record_of(RunView(run, view.items), run.digest or "", ahead, bounds, self._lead)
        await self._notes.write(f"{words.rstrip()}\n\n{self._signer.block(run.id, record)}\n")
        self._taken = record.may_be_called


class Recorded:
    """The port `ImageProvider`, whose calls wait until the record names their images."""

    def __init__(
        self,
        provider: ImageProvider,
        journal: Journal,
        ledger: Ledger,
        drain: Drain,
        words: Callable[[RunView], str],
    ) -> None:
        self._provider = provider
        self._journal = journal
        self._ledger = ledger
        self._drain = drain
        self._words = words
        self._writing = asyncio.Lock()

    async def create(self, call: ImageCall, key: str, kept: Callable[[], None]) -> Answer:
        """Issue the call when GitHub shows that it may be. Raises ProviderError."""
        run, _, name = key.partition("/")
        for _ in range(_PATIENCE):
            if self._drain.asked:
                message = said("the run was stopped before this call")
                raise ProviderError(Failure.CONNECTION, message, charge=Charge.NOT_CHARGED)
            try:
                await self._named(run, name.rpartition("-")[0])
            except HostError as error:
                if error.final:
                    break
                await self._drain.wait(max(error.retry_after or 0.0, _LOOK))
            else:
                return await self._provider.create(call, key, kept)
        message = said("the record of the run could not be written on GitHub")
        raise ProviderError(Failure.STORAGE, message, charge=Charge.NOT_CHARGED)

    async def recall(self, key: str) -> Answer | None:
        """The answer in the spool, if there is one."""
        return await self._provider.recall(key)

    async def _named(self, run: str, item: str) -> None:
        async with self._writing:
            view = await self._ledger.runs.get(run)
            if view is None:
                raise LookupError(run)
            image = next(each.item.index for each in view.items if each.item.id == item)
            if not self._journal.names(image):
                await self._journal.write(view, self._words(view))
