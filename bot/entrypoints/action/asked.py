"""What the comment of the event asks for, decided with nothing heavy imported.

Most comments are none of ours.
"""

from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import SecretStr

from bot.core.command import Batch, Command, Estimate, Help, Retry, RunEstimate, parse_command
from bot.core.errors import CommandError, SettingsError, WebhookError, because
from bot.core.event import CommentEvent, parse_workflow
from bot.core.policy import Ignored, is_addressed
from bot.core.said import said
from bot.entrypoints.action.inputs import Inputs

_OURS = "<!-- gptimage:"  # the last line of every comment that we write


@dataclass(frozen=True, slots=True)
class Order:
    """What the event asks for; `pays` if a call may come of it."""

    given: Inputs
    event: CommentEvent
    token: SecretStr
    temporary: Path
    command: Command | None  # None for words that are no command, though they address us
    pays: bool


def ordered(given: Inputs) -> Order | None:
    """What the comment asks of this workflow; None for nothing. Raises SettingsError."""
    event = _event(given)
    if event is None or isinstance(is_addressed(event), Ignored) or _is_ours(event.body):
        return None
    try:
        command = parse_command(event.body)
    except CommandError:
        return _checked(given, event, None)  # it addresses us, and hears what is wrong
    if command is None or not _is_wanted(command, given):
        return None
    return _checked(given, event, command)


def _checked(given: Inputs, event: CommentEvent, command: Command | None) -> Order:
    if given.github_token is None or given.temporary is None:
        raise SettingsError([said("github-token and RUNNER_TEMP are required to answer a comment")])
    if not given.post_comment:
        raise SettingsError(
            [
                said(
                    "post-comment: false cannot answer a comment: the run's comment is the record"
                    " by which no image is paid for twice"
                )
            ]
        )
    pays = isinstance(command, Batch | RunEstimate | Retry)
    return Order(given, event, given.github_token, given.temporary, command, pays)


def _is_ours(body: str) -> bool:
    """Whether it ends as our own do: a person's token may have written it."""
    return body.rstrip().rpartition("\n")[2].startswith(_OURS)


def _event(given: Inputs) -> CommentEvent | None:
    """Raises SettingsError for an event that no workflow can have."""
    path = given.event_path
    if path is None:
        raise SettingsError([said("GITHUB_EVENT_PATH is required: the event that is answered")])
    try:
        event = parse_workflow(path.read_bytes())
    except OSError as error:
        why = because(error)
        raise SettingsError(
            [said("GITHUB_EVENT_PATH: {file}: cannot be read ({why})", file=path, why=why)]
        ) from None
    except WebhookError:
        raise SettingsError(
            [said("GITHUB_EVENT_PATH: {file}: this is no issue_comment event", file=path)]
        ) from None
    return replace(event, body=given.comment) if event and given.comment else event


def _is_wanted(command: Command, given: Inputs) -> bool:
    """Whether the workflow answers such commands."""
    match given.command:
        case "auto":
            return True
        case "estimate":
            return isinstance(command, Estimate | Help)
        case "batch":
            return not isinstance(command, Estimate)
