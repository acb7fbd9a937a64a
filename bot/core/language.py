"""Which language somebody is answered in."""

import re
from typing import Literal

Language = Literal["en", "ja"]

Choice = Literal["en", "ja", "auto"]
"""A language, or that of whoever asks."""

# Kana of both widths and the signs among them, and the ideographs of Unicode's main blocks.
_JAPANESE = re.compile(r"[\u3005-\u3007\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uff66-\uff9f]")

# One of the languages of `Accept-Language`, such as `ja-JP` or `en;q=0.8`.
_RANGE = re.compile(r"\s*(en|ja)\b[-\w]*\s*(?:;\s*q\s*=\s*([01](?:\.\d*)?)\s*)?", re.IGNORECASE)


def preferred(accepted: str) -> Language:
    """Of our languages, the one that a browser asks for with its header `Accept-Language`."""
    wanted = [found for each in accepted.split(",") if (found := _RANGE.fullmatch(each))]
    best = max(wanted, key=lambda found: float(found[2] or 1), default=None)
    return "ja" if best and best[1].lower() == "ja" else "en"


def spoken(choice: Choice, text: str = "") -> Language:
    """The language that was chosen; with `auto` Japanese for a text with Japanese letters."""
    if choice != "auto":
        return choice
    return "ja" if _JAPANESE.search(text) else "en"
