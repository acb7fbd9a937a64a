"""The commands of those who run a server: each imports what it needs when it runs."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from bot.core.errors import SettingsError
from bot.core.said import said

app = typer.Typer()


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
    no_worker: Annotated[
        bool, typer.Option("--no-worker", help="The web part alone; run `gptimage worker` beside.")
    ] = False,
) -> None:
    """Serve the bot: the webhook, and the worker in the same process.

    Without a GitHub App, a page helps to make one.
    """
    from bot.entrypoints import credentials, settings

    given = {"gptimage_host": host, "gptimage_port": port}
    given = {name: value for name, value in given.items() if value is not None}
    room, found = _server(), credentials.filled(settings.read(**given))
    if credentials.are_missing(found):
        if not room.set_up(settings.for_setup(found, web_only=no_worker)):
            return
        found = credentials.filled(found)
    room.serve(settings.for_server(found, web_only=no_worker), with_worker=not no_worker)


@app.command()
def worker(
    port: Annotated[
        int | None, typer.Option(help="Port for /healthz, /readyz and /metrics; none if absent.")
    ] = None,
) -> None:
    """Work on runs; as many of these as wanted, on as many machines."""
    from bot.entrypoints import credentials, settings

    _server().work(settings.for_server(credentials.filled(settings.read())), port=port)


@app.command()
def doctor(
    probe_images: Annotated[
        str | None,
        typer.Option(
            metavar="OWNER/REPO#N",
            help="Post a picture each way in this issue, to see which ones show there.",
        ),
    ] = None,
) -> None:
    """Look at every part of a server, and say what to do."""
    from bot.entrypoints import credentials, settings

    _server()
    from bot.entrypoints import doctor as room

    raise typer.Exit(room.doctor(credentials.filled(settings.read()), probe_images))


@app.command()
def prune(
    older_than: Annotated[
        str | None,
        typer.Option(metavar="DAYS", help="Such as 90d; what GPTIMAGE_KEEP_DAYS says if absent."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would go, and change nothing.")
    ] = False,
) -> None:
    """Remove what the ledger keeps of old runs and comments, but not the reports."""
    from bot.entrypoints import pruning, settings

    pruning.prune(settings.read(), older_than, dry_run=dry_run)


@app.command()
def replay(
    payload: Annotated[
        str, typer.Argument(metavar="PAYLOAD.json", help="A delivery that was saved.")
    ],
    url: Annotated[
        str | None, typer.Option(help="The server's webhook; the one on this machine if absent.")
    ] = None,
    event: Annotated[str, typer.Option(help="The event's name.")] = "issue_comment",
) -> None:
    """Sign a saved delivery, and post it to a running server."""
    from bot.entrypoints import credentials, settings

    _server()
    from bot.entrypoints import replay as room

    raise typer.Exit(
        room.replay(payload, credentials.filled(settings.read()), url=url, event=event)
    )


@app.command()
def sandbox(
    port: Annotated[int, typer.Option(help="Port of the page; the next free one if taken.")] = 8000,
    comment: Annotated[
        Path | None, typer.Option(help="A file to post as a comment at the start.")
    ] = None,
    leave: Annotated[
        bool, typer.Option("--exit", help="Stop when the run of the comment is finished.")
    ] = False,
) -> None:
    """Run the whole bot here, with everything around it simulated."""
    _server()
    from bot.entrypoints import sandbox as room

    leave = leave or not sys.stdout.isatty()
    raise typer.Exit(room.main(port, comment, leave=leave and comment is not None))


def _server() -> Any:
    """The server's parts, or what to install."""
    try:
        from bot.entrypoints import server
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "bot":
            raise
        raise SettingsError(
            [
                said(
                    "the server's parts are not installed ({name}): pip install 'gptimage[server]'",
                    name=error.name,
                )
            ]
        ) from None
    return server
