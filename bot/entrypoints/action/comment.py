"""The comment of the event, answered as the bot answers it.

No secret is read before GitHub has said that whoever commented may spend.
"""

import asyncio

from bot.core.errors import HostError
from bot.core.said import said
from bot.entrypoints.action import outputs as told
from bot.entrypoints.action.asked import ordered
from bot.entrypoints.action.inputs import Environment, Inputs
from bot.entrypoints.action.outputs import Outputs


def answer(given: Inputs, environment: Environment, outputs: Outputs) -> int:
    """Do what the comment says, if it says anything; the step's exit code."""
    order = ordered(given)
    if order is None:
        outputs.write(told.IGNORED)
        return 0
    from bot.entrypoints.action.job import lead

    try:
        return asyncio.run(lead(order, environment, outputs))
    except HostError as error:
        told.annotate("error", said("GitHub: {why}", why=error.message))
        return 1
