"""Which language somebody is answered in."""

import re
from typing import Literal

Language = Literal["en", "ja"]

Choice = Literal["en", "ja", "auto"]
"""A language, or that of whoever asks."""

# Kana of both widths and the signs among them, and the ideographs of Unicode's main blocks.
_JAPANESE = re.compile(r"[\u3005-\u3007\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uff66-\uff9f]")


def spoken(choice: Choice, text: str = "") -> Language:
    """The language that was chosen; with `auto` Japanese for a text with Japanese letters."""
    if choice != "auto":
        return choice
    return "ja" if _JAPANESE.search(text) else "en"
