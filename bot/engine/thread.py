"""The thread of a run on GitHub: one comment that is kept true, and a reaction."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta

from bot.core.errors import LeaseLost, LedgerBusy
from bot.core.event import run_id
from bot.core.ports import Clock, Effect, EffectKind, Lease, Ledger, Watch
from bot.core.run import ItemState, RunView, Thread
from bot.engine.outbox import Postman

Words = Callable[[RunView], str]
"""What a comment says about a run."""


@dataclass(frozen=True, slots=True)
class ThreadAudience:
    """Follows runs in their threads; edits their comment at most once per `every`."""

    ledger: Ledger
    postman: Postman
    clock: Clock
    live_words: Words
    final_words: Words
    every: timedelta = timedelta(seconds=10)

    @asynccontextmanager
    async def live(self, lease: Lease, view: RunView) -> AsyncIterator[Watch]:
        """Show the newest state of the run in its comment while the block and the lease last."""
        screen = _Screen(view)
        showing = asyncio.create_task(self._show(screen, lease))
        try:
            yield screen.change
        finally:
            screen.close()
            await showing

    def last_word(self, view: RunView) -> Sequence[Effect]:
        """The summary, in place of the live comment, and one reaction for the result."""
        if view.run.thread is None:
            return ()
        content = "rocket" if view.count()[ItemState.SUCCEEDED] else "confused"
        return (
            comment(view.run.thread, self.final_words(view)),
            reaction(view.run.thread, content),
        )

    async def told(self, effects: Sequence[Effect]) -> None:
        """Deliver what is owed; what GitHub does not take now is put off."""
        for effect in effects:
            await self.postman.deliver(effect.id)

    async def _show(self, screen: "_Screen", lease: Lease) -> None:
        while await screen.changed():
            thread = screen.view.run.thread
            if thread is None:
                return
            effect = comment(thread, self.live_words(screen.view))
            try:
                await self.ledger.outbox.say(effect, self.clock(), lease)
                await self.postman.deliver(effect.id)
            except LedgerBusy:
                pass  # a live comment may lag; the last word does not
            except LeaseLost:
                return  # whoever holds the run now speaks for it, and may have had the last word
            await screen.rest(self.every.total_seconds())


class _Screen:
    """The newest view, and whether it was shown."""

    def __init__(self, view: RunView) -> None:
        self.view = view
        self._changed = asyncio.Event()
        self._closed = asyncio.Event()

    def change(self, view: RunView) -> None:
        self.view = view
        self._changed.set()

    def close(self) -> None:
        self._closed.set()
        self._changed.set()

    async def changed(self) -> bool:
        """Wait for something new to show; False when nothing more will come."""
        await self._changed.wait()
        self._changed.clear()
        return not self._closed.is_set()

    async def rest(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._closed.wait()


def comment(thread: Thread, body: str) -> Effect:
    """The one comment that answers a command."""
    return Effect(f"comment-{run_id(thread)}", EffectKind.COMMENT, thread, body)


def reaction(thread: Thread, content: str) -> Effect:
    """A reaction to the command."""
    return Effect(f"{content}-{run_id(thread)}", EffectKind.REACTION, thread, content)
