"""A batch that the workflow names, on whatever event."""

from bot.core.errors import SettingsError
from bot.core.said import said
from bot.entrypoints.action.inputs import Environment, Inputs
from bot.entrypoints.action.outputs import Outputs


def run(given: Inputs, environment: Environment, outputs: Outputs) -> int:
    """Run the batch; the step's exit code."""
    del environment, outputs
    message = said("{event}: this event has no answer here", event=given.event_name)
    raise SettingsError([message])
