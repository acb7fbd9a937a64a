"""What a command comes to, before it is told."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.core.event import CommentEvent
from bot.core.language import spoken
from bot.core.messages import Messages, messages
from bot.core.ports import Effect
from bot.core.rules import Rules
from bot.engine.thread import comment, reaction


@dataclass(frozen=True, slots=True)
class Reply:
    """What is owed to the thread; `stored` if the ledger has it with what it is about.

    `run` is the run that has something to do now.
    """

    effects: Sequence[Effect] = ()
    stored: bool = False
    run: str | None = None


def words_for(event: CommentEvent, rules: Rules) -> Messages:
    """The sentences in the language of whoever commented."""
    return messages(spoken(rules.language, event.body))


def answer(event: CommentEvent, words: str) -> Reply:
    """It is done, and this is what there is to say."""
    return Reply((reaction(event.thread, "rocket"), comment(event.thread, words)))


def fault(event: CommentEvent, words: str) -> Reply:
    """It is not done, and this is why."""
    return Reply((reaction(event.thread, "confused"), comment(event.thread, words)))
