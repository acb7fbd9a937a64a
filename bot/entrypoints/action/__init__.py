"""`gptimage action`: one step of a workflow, told by its environment what to do."""

import typer

from bot.core.errors import SettingsError
from bot.core.said import said
from bot.entrypoints import settings
from bot.entrypoints.action import inputs, outputs

_COMMENT = "issue_comment"
# Its workflow has secrets and a token that writes, beside the code of anybody's fork.
_REFUSED = "pull_request_target"

app = typer.Typer(invoke_without_command=True, rich_markup_mode=None)


@app.callback()
def action(context: typer.Context) -> None:
    """Answer the event of a workflow step: a comment, or a batch that the step names."""
    if context.invoked_subcommand is not None:
        return
    environment = settings.environment()
    try:
        code = _dispatch(inputs.read(environment), environment)
    except SettingsError as error:  # which the log says, too
        for problem in error.problems:
            outputs.annotate("error", problem)
        raise
    raise typer.Exit(code)


@app.command()
def link() -> None:
    """Put the address of the artifact into the run's comment."""
    from bot.entrypoints.action import artifact

    raise typer.Exit(artifact.link(inputs.read(settings.environment())))


def _dispatch(given: inputs.Inputs, environment: inputs.Environment) -> int:
    if given.event_name == _REFUSED:
        message = said(
            "pull_request_target is refused: everybody's pull request would run with this"
            " repository's secrets. Use issue_comment, pull_request or push"
        )
        raise SettingsError([message])
    if given.event_name == _COMMENT:
        from bot.entrypoints.action import comment

        return comment.answer(given, environment, outputs.Outputs.of(given))
    from bot.entrypoints.action import batch

    return batch.run(given, environment, outputs.Outputs.of(given))
