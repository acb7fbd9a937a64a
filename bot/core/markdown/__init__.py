"""Every comment of the bot: short, calm, and never longer than GitHub takes.

The words themselves are in bot.core.messages; what users wrote goes through bot.core.markup.
"""

from bot.core.markdown.answers import (
    batch_problems,
    command_problem,
    estimate_answer,
    help_text,
    refused,
)
from bot.core.markdown.final import final
from bot.core.markdown.live import COUNTED, FOLLOWED, live, position
from bot.core.markdown.markers import Markers, with_marker
from bot.core.markdown.parts import MAX_BODY

__all__ = [
    "COUNTED",
    "FOLLOWED",
    "MAX_BODY",
    "Markers",
    "batch_problems",
    "command_problem",
    "estimate_answer",
    "final",
    "help_text",
    "live",
    "position",
    "refused",
    "with_marker",
]
