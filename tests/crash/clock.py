"""A server whose clock is set wrong by a signal, and right again by another one."""

import os
import signal
from datetime import UTC, datetime, timedelta

import time_machine

from bot.entrypoints import cli

DOOR = "tests.crash.clock:serve"
WRONG, RIGHT = signal.SIGUSR1, signal.SIGUSR2


def serve() -> None:
    """Be the product, in a time that jumps by CRASH_HOURS."""
    jump = timedelta(hours=float(os.environ["CRASH_HOURS"]))
    with time_machine.travel(datetime.now(UTC), tick=True) as traveller:
        signal.signal(WRONG, lambda *_: traveller.shift(jump))
        signal.signal(RIGHT, lambda *_: traveller.shift(-jump))
        cli.main()
