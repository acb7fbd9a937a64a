"""The sentences of the bot in each language that it speaks."""

from dataclasses import dataclass
from typing import Literal

Language = Literal["en", "ja"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Messages:
    pass


def messages(language: Language) -> Messages: ...
