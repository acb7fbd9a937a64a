"""The sentences that the bot says in a thread, in each language that it speaks."""

from collections.abc import Mapping

from bot.core.language import Language
from bot.core.messages.en import ENGLISH
from bot.core.messages.ja import JAPANESE
from bot.core.messages.sentences import Messages

__all__ = ["ENGLISH", "Language", "Messages", "messages"]

_LANGUAGES: Mapping[Language, Messages] = {"en": ENGLISH, "ja": JAPANESE}


def messages(language: Language) -> Messages:
    """All sentences of a language."""
    return _LANGUAGES[language]
