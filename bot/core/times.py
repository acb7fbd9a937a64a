"""Times that were written down by a clock that may have been wrong."""

from datetime import datetime, timedelta

LONGEST = timedelta(minutes=70)
"""Nothing that is held or put off is so for longer: GitHub's limits last an hour, as does quiet."""


def is_ahead(time: datetime, now: datetime) -> bool:
    """Whether it is still to come; what is too far away was written before the clock was set."""
    return now < time <= now + LONGEST
