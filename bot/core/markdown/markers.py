"""Hidden marks in comments."""

import hashlib
import hmac
import re

from bot.core.markdown.parts import MAX_BODY


class Markers:
    """Hidden signed marks, by which a comment whose answer was lost is found again."""

    def __init__(self, key: bytes) -> None:
        if not key:
            raise ValueError("the key of the markers must not be empty")
        self._key = key

    def sign(self, effect_id: str) -> str:
        """The marker of an effect; ids of other characters than `_MARKER`'s are a ValueError."""
        marker = f"<!-- gptimage:{effect_id}:{self._mac(effect_id)} -->"
        if not _MARKER.fullmatch(marker):
            raise ValueError(f"an effect cannot be called {effect_id!r}")
        return marker

    def verify(self, comment: str) -> str | None:
        """The id of the effect whose marker is in the comment, if it is ours."""
        for found in _MARKER.finditer(comment):
            if hmac.compare_digest(found["mac"], self._mac(found["id"])):
                return found["id"]
        return None

    def _mac(self, effect_id: str) -> str:
        return hmac.new(self._key, effect_id.encode(), hashlib.sha256).hexdigest()[:32]


# No two hyphens: they would end the HTML comment.
_MARKER = re.compile(
    r"<!-- gptimage:(?P<id>(?:[\w.:/]|-(?!-))+):(?P<mac>[0-9a-f]{32}) -->", re.ASCII
)


def with_marker(comment: str, marker: str) -> str:
    """The comment with the marker at its end, never above MAX_BODY."""
    return f"{comment[: MAX_BODY - len(marker) - 2]}\n\n{marker}"
