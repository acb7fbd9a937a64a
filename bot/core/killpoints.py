"""Named places at which a test may end the process, as `kill -9` would; inert by default.

The points are the steps between which a crash could cost money, an image or a second comment.
`install` is called at start, and only when the operator's environment names a point.
"""

from collections.abc import Callable
from enum import StrEnum


class Point(StrEnum):
    """Steps that a crash may separate, in the order in which a command meets them."""

    DELIVERY_STORED = "delivery-stored"  # before the 202
    DELIVERY_UNSCHEDULED = "delivery-unscheduled"  # acknowledged, its id not in the queue
    INTAKE_CLAIMED = "intake-claimed"
    ITEMS_STORED = "items-stored"  # half of the items, then all; nothing is committed yet
    RUN_OPENED = "run-opened"  # reserved, not scheduled
    ESTIMATE_STORED = "estimate-stored"  # and not told
    CANCEL_STORED = "cancel-stored"
    RETRY_STORED = "retry-stored"  # reserved again, not scheduled
    RUN_CLAIMED = "run-claimed"
    INTENT_COMMITTED = "intent-committed"
    REQUEST_SENT = "request-sent"
    ANSWER_HALF_READ = "answer-half-read"
    SPOOL_HALF_WRITTEN = "spool-half-written"
    SPOOLED_HERE = "spooled-here"  # on this disk, and not in the store that machines share
    ANSWER_SPOOLED = "answer-spooled"  # and not settled
    ATTEMPT_SETTLED = "attempt-settled"
    ASSET_UPLOADED = "asset-uploaded"  # and not recorded
    FILES_PUBLISHED = "files-published"  # and not recorded
    REPORT_STORED = "report-stored"
    COMMENT_INTENDED = "comment-intended"  # recorded that a comment will be posted
    COMMENT_POSTED = "comment-posted"  # and not recorded
    COMMENT_EDITED = "comment-edited"  # and not recorded
    MISSED_RECORDED = "missed-recorded"  # what GitHub could not deliver, and is not asked for
    REDELIVERY_ASKED = "redelivery-asked"  # and not recorded
    RECOVERING = "recovering"  # inside recovery itself


def _inert(_: Point) -> None:
    pass


_hook: Callable[[Point], None] = _inert


def install(hook: Callable[[Point], None]) -> None:
    """Let `hook` decide at every point whether the process ends there."""
    global _hook  # noqa: PLW0603  (set once at start, before anything runs)
    _hook = hook


def reach(point: Point) -> None:
    """Say that the step before `point` is done."""
    _hook(point)
