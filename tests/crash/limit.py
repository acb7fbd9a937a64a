"""A server that waits for an image for CRASH_SECONDS, where the product waits for minutes."""

import os

from bot.adapters.openai_images import request
from bot.entrypoints import cli

DOOR = "tests.crash.limit:serve"


def serve() -> None:
    """Be the product, with another number as its limit of a call."""
    request._SECONDS = float(os.environ["CRASH_SECONDS"])
    cli.main()
