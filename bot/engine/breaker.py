"""A thread in which too much is commanded becomes quiet, whoever is to blame."""

from dataclasses import dataclass
from datetime import datetime

from bot.core import markdown
from bot.core.errors import Reason, Refused
from bot.core.messages import Messages
from bot.core.policy import LISTENING, QUIET, is_too_much
from bot.core.ports import Clock, Delivery, Effect, EffectKind, Ledger
from bot.core.run import Thread
from bot.core.said import said
from bot.core.times import is_ahead
from bot.engine.outbox import Postman


@dataclass(frozen=True, slots=True)
class Breaker:
    """Counts the commands of each thread, and says once that it has had enough."""

    ledger: Ledger
    postman: Postman
    clock: Clock
    messages: Messages

    async def check(self, delivery: Delivery) -> None:
        """Count the delivery; raise Refused if nothing more is done in its thread now."""
        thread, now = delivery.event.thread, self.clock()
        subject = f"quiet:{thread.installation}/{thread.repository_id}/{thread.issue}"
        if is_ahead(until := await self.ledger.leases.free_at(subject), now):
            raise _refused(until)
        if not is_too_much(await self.ledger.inbox.hear(delivery, now - LISTENING)):
            return
        # First the words: whoever dies in between says the same once more.
        refused = _refused(now + QUIET)
        effect = _effect(thread, now, markdown.refused(refused, self.messages))
        await self.ledger.outbox.say(effect, now)
        await self.ledger.leases.claim(subject, now, QUIET)  # and nobody lets it go
        await self.postman.deliver(effect.id)
        raise refused


def _refused(until: datetime) -> Refused:
    return Refused(
        Reason.QUIET,
        said(
            "Too many commands came here within ten minutes, so I do nothing more in this thread"
            " until {time} UTC. What is under way goes on.",
            time=f"{until:%H:%M}",
        ),
    )


def _effect(thread: Thread, now: datetime, words: str) -> Effect:
    place = f"{thread.installation}-{thread.repository_id}-{thread.issue}"
    return Effect(f"quiet-{place}-{now:%Y%m%d%H}", EffectKind.COMMENT, thread, words)
