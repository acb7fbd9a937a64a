"""Other jobs of the same thread: whether the one that leads a run is over.

Only GitHub knows, and tells it to whoever has the permission `actions: read`. What it does not
tell counts as at work, so nothing is begun beside a job that may go on.
"""

from enum import Enum, auto

from bot.adapters.github import GitHubHost
from bot.core.attempts import AttemptState
from bot.core.command import Cancel, Command, Status
from bot.core.errors import CommandError, HostError
from bot.core.event import run_id
from bot.core.record import Entry, Lead
from bot.core.run import RunState, Thread
from bot.core.said import said
from bot.entrypoints.action.inputs import Inputs
from bot.entrypoints.action.memory import Kept


class Leader(Enum):
    """The job that leads a run, as another job sees it."""

    NONE = auto()  # the run is over, or is this job's own
    GONE = auto()  # it ended before its run did
    AT_WORK = auto()
    UNKNOWN = auto()


async def leader_of(kept: Kept, own: Lead, host: GitHubHost, thread: Thread) -> Leader:
    """Who leads the run, asked of GitHub where it is not plain. Raises HostError if it is busy."""
    lead = kept.record.lead
    if kept.record.state is RunState.DONE:
        return Leader.NONE
    if lead.workflow_run == own.workflow_run:
        # An attempt begins only after the one before it. Two jobs of one attempt look alike.
        return Leader.GONE if lead.attempt < own.attempt else Leader.AT_WORK
    try:
        ended = await host.has_ended(thread, *lead)
    except HostError as error:
        if error.final:  # forbidden; or not there, as for whoever may not see it
            return Leader.UNKNOWN
        raise
    return Leader.GONE if ended else Leader.AT_WORK


def own_lead(given: Inputs) -> Lead:
    """This job."""
    return Lead(given.run_id, given.run_attempt)


def goes_on(kept: Kept, own: Lead, thread: Thread) -> bool:
    """Whether this is the same workflow run again, whose own order led this run."""
    lead = kept.record.lead
    ordered = run_id(thread) in {kept.run, *kept.record.orders}
    return ordered and lead.workflow_run == own.workflow_run


def led_by(kept: Kept | None, given: Inputs) -> CommandError:
    """That another job leads the run; None for one that has not said so yet."""
    if kept is None:
        return CommandError(
            said("Another job begins to lead this run right now."),
            said("Comment this anew when it is over."),
        )
    message = said("Run {run} is still at work.", run=kept.run)
    return CommandError(message, said("Its job: {url}", url=_address(kept, given)))


def untold(kept: Kept, given: Inputs, command: Command | None) -> CommandError:
    """That nobody can tell whether the job of the run is over, and what to do about it."""
    match command:
        case Status():
            made = sum(1 for item in kept.record.items if _is_made(item))
            message = said(
                "By its comment run {run} has {made} of {count} images. Whether its job is over,"
                " GitHub does not tell this workflow.",
                run=kept.run,
                made=made,
                count=len(kept.record.items),
            )
        case Cancel():
            message = said(
                "The job of run {run} is asked to stop. Whether it is over, GitHub does not tell"
                " this workflow.",
                run=kept.run,
            )
        case _:
            message = said(
                "Whether the job of run {run} is over, GitHub does not tell this workflow.",
                run=kept.run,
            )
    hint = said(
        "If it is, run that job again, which settles it: {url}. Or give the workflow the permission"
        " `actions: read`, and comment this anew.",
        url=_address(kept, given),
    )
    return CommandError(message, hint)


def _is_made(item: Entry) -> bool:
    return any(each.state is AttemptState.SUCCEEDED for each in item.tries)


def _address(kept: Kept, given: Inputs) -> str:
    return f"{given.server_url}/{given.repository}/actions/runs/{kept.record.lead.workflow_run}"
