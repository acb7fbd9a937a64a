"""Bring what is owed to GitHub to stand there: posted once, edited from then on."""

import logging
from contextlib import suppress
from datetime import timedelta
from typing import Protocol

from bot.core.errors import HostError, LeaseLost
from bot.core.killpoints import Point, reach
from bot.core.markdown import Markers, with_marker
from bot.core.ports import Clock, EffectKind, Host, Ledger, OwedEffect
from bot.core.redact import BY_LOOK, Redact
from bot.engine.context import bind, bind_thread
from bot.engine.hold import Hold, hold

_log = logging.getLogger(__name__)

# GitHub's clock and ours may differ; the search for a comment of ours begins this much earlier.
_SKEW = timedelta(hours=1)
_FIRST_PAUSE, _LONGEST_PAUSE = 2.0, 60.0
_DOUBLINGS = 5  # more than it takes from the first pause to the longest


class Hidden(Protocol):
    """What stands in a comment beside its words, unseen by people."""

    async def beside(self, effect_id: str) -> str:
        """The hidden text, as it is to stand there now."""
        ...

    def stands(self, effect_id: str) -> None:
        """GitHub has taken the text that `beside` gave last."""
        ...


class Postman:
    """Delivers effects; every step may be repeated after a crash without a second comment.

    What it says goes through `redact` last: nothing that is secret stands in a thread.
    """

    def __init__(
        self,
        ledger: Ledger,
        host: Host,
        markers: Markers,
        clock: Clock,
        redact: Redact = BY_LOOK,
        hidden: Hidden | None = None,
    ) -> None:
        self._ledger = ledger
        self._host = host
        self._markers = markers
        self._clock = clock
        self._redact = redact
        self._hidden = hidden

    async def deliver(self, effect_id: str) -> None:
        """Make GitHub show what is owed under this id; put it off if GitHub cannot now."""
        async with hold(self._ledger.leases, f"effect:{effect_id}", self._clock) as held:
            if held is None:
                return
            while owed := await self._ledger.outbox.get(effect_id, self._clock()):
                try:
                    await self._deliver(held, owed)
                except HostError as error:
                    await self._put_off(held, owed, error)
                    return

    async def _deliver(self, held: Hold, owed: OwedEffect) -> None:
        bind(effect=owed.effect.id)
        bind_thread(owed.effect.thread)
        held.check()  # whoever holds it now may have shown newer words
        match owed.effect.kind:
            case EffectKind.REACTION:
                remote = await self._host.react(owed.effect.thread, owed.effect.body)
            case EffectKind.COMMENT:
                remote = await self._comment(held, owed)
        try:
            await self._ledger.outbox.delivered(held.lease, owed.version, remote)
        except LeaseLost:
            await self._overtaken(owed, remote)
            raise

    async def _overtaken(self, owed: OwedEffect, remote: int) -> None:
        """Undo what was sent too late: this process slept between its last look and the request.

        Whoever has held the effect since may have shown newer words, or posted them.
        """
        stands = await self._ledger.outbox.again(owed.effect.id)
        if owed.effect.kind is EffectKind.COMMENT and stands not in {None, remote}:
            _log.warning("a comment was posted twice; the later one is taken away")
            with suppress(HostError):
                await self._host.delete(owed.effect.thread, remote)

    async def _comment(self, held: Hold, owed: OwedEffect) -> int:
        thread, marker = owed.effect.thread, self._markers.sign(owed.effect.id)
        hidden = await self._hidden.beside(owed.effect.id) if self._hidden else ""
        body = with_marker(self._redact(owed.effect.body), hidden + marker)
        remote = owed.remote
        if remote is None and owed.attempted:
            remote = await self._host.find(thread, marker, owed.created_at - _SKEW)
        if remote is None:
            await self._ledger.outbox.attempting(held.lease)
            reach(Point.COMMENT_INTENDED)
            held.check()
            remote = await self._host.post(thread, body)
            reach(Point.COMMENT_POSTED)
        else:
            held.check()
            await self._host.edit(thread, remote, body)
            reach(Point.COMMENT_EDITED)
        if self._hidden:
            self._hidden.stands(owed.effect.id)
        return remote

    async def _put_off(self, held: Hold, owed: OwedEffect, error: HostError) -> None:
        if error.final:
            _log.warning("this will never be said: %s", error)
            await self._ledger.outbox.give_up(held.lease, owed.version, str(error))
            return
        longer = _FIRST_PAUSE * 2 ** min(owed.tries, _DOUBLINGS)
        pause = error.retry_after or min(_LONGEST_PAUSE, longer)
        until = self._clock() + timedelta(seconds=pause)
        attempted = owed.attempted or error.ambiguous  # else there is nothing to look for
        try:
            await self._ledger.outbox.postpone(held.lease, until, attempted=attempted)
        except LeaseLost:
            if error.ambiguous:  # it may have come after newer words
                await self._ledger.outbox.again(owed.effect.id)
            raise
