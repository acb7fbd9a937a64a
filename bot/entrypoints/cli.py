"""The command line. Commands import what they need when they run, so that `--help` is quick."""

import json
import sys
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.core.errors import SettingsError
from bot.core.said import said
from bot.entrypoints import action, console, history, operating
from bot.entrypoints.guard import guarded

if TYPE_CHECKING:
    from bot.entrypoints.leading import Outcome

_HELP = {"help_option_names": ["-h", "--help"]}

app = typer.Typer(
    name="gptimage",
    context_settings=_HELP,
    help="Batches of OpenAI images, none of them paid for twice.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
seed_app = typer.Typer(
    context_settings=_HELP,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


# Where the Node tool writes if neither the file, the environment nor the command line says.
_SEED_FOLDER = "~/Downloads/openai-images"

app.add_typer(history.app, name="history")
app.add_typer(action.app, name="action")


class Format(StrEnum):
    TEXT = "text"
    JSON = "json"


BatchFile = Annotated[
    str, typer.Argument(metavar="BATCH.json", help="The batch file, or - for stdin.")
]
OutputDir = Annotated[str | None, typer.Option(help="Folder for the images; overrides the file.")]
Model = Annotated[str | None, typer.Option(help="Model for all jobs.")]
Quality = Annotated[str | None, typer.Option(help="Quality for all jobs.")]
Size = Annotated[str | None, typer.Option(help="Size for all jobs, such as 1536x1024.")]
MaxConcurrent = Annotated[int | None, typer.Option(help="Jobs at a time, 1 to 10.")]
Timeout = Annotated[int | None, typer.Option(help="Working time of the batch in milliseconds.")]
RetryInDoubt = Annotated[
    bool,
    typer.Option(
        "--retry-in-doubt", help="Also order again what may have been paid for: can pay twice."
    ),
]
Simulate = Annotated[
    bool, typer.Option("--simulate", help="Use a simulated image API: no key, no cost.")
]
AnswerFormat = Annotated[
    Format | None,
    typer.Option("--format", help="Of what is printed; text on a terminal, JSON in a pipe."),
]
Thumbnails = Annotated[
    bool, typer.Option("--thumbnails", help="Also write a small copy beside each image.")
]
ContactSheet = Annotated[
    bool, typer.Option("--contact-sheet", help="Also write one overview of all images.")
]
MaxCost = Annotated[str | None, typer.Option(help="Refuse a batch that may cost more, in USD.")]


def _for_people(output: Format | None) -> bool:
    """Whether text is wanted: the reader of a pipe is a program, unless told otherwise."""
    return output is Format.TEXT or (output is None and sys.stdout.isatty())


def _flags(**flags: object) -> dict[str, Any]:
    return {name: value for name, value in flags.items() if value is not None}


def _dollars(text: str | None) -> Decimal | None:
    if text is None:
        return None
    try:
        return Decimal(text)
    except ArithmeticError:
        message = said("--max-cost: {text} is not a number of dollars", text=repr(text))
        raise SettingsError([message]) from None


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        console.answer(f"gptimage {version('gptimage')}")
        raise typer.Exit


@app.command()
def run(
    batch: BatchFile,
    output_dir: OutputDir = None,
    model: Model = None,
    quality: Quality = None,
    size: Size = None,
    max_concurrent: MaxConcurrent = None,
    timeout: Timeout = None,
    max_cost: MaxCost = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the last run of the same batch.")
    ] = False,
    retry_in_doubt: RetryInDoubt = False,
    simulate: Simulate = False,
    thumbnails: Thumbnails = False,
    contact_sheet: ContactSheet = False,
    output_format: AnswerFormat = None,
) -> None:
    """Make the images of a batch, and print the report on stdout."""
    from bot.entrypoints import local
    from bot.entrypoints.leading import Wish

    flags = _flags(
        output_dir=output_dir,
        model=model,
        quality=quality,
        size=size,
        max_concurrent=max_concurrent,
        timeout=timeout,
        max_cost=_dollars(max_cost),
    )
    if retry_in_doubt and not resume:
        raise SettingsError(
            [said("--retry-in-doubt goes with --resume: only an earlier run has doubts")]
        )
    wish = Wish(
        simulate, resume, retry_in_doubt, thumbnails=thumbnails, contact_sheet=contact_sheet
    )
    _report(local.run_file(batch, flags, wish), output_format)


@app.command()
def retry(
    run: Annotated[
        str | None,
        typer.Argument(
            help="The run's id, or its beginning; the last run if absent.",
            autocompletion=history.run_ids,
        ),
    ] = None,
    retry_in_doubt: RetryInDoubt = False,
    simulate: Simulate = False,
    thumbnails: Thumbnails = False,
    contact_sheet: ContactSheet = False,
    output_format: AnswerFormat = None,
) -> None:
    """Order the images that a run lacks, and no others."""
    from bot.entrypoints import local
    from bot.entrypoints.leading import Wish

    wish = Wish(
        simulate,
        resume=True,
        doubts=retry_in_doubt,
        thumbnails=thumbnails,
        contact_sheet=contact_sheet,
    )
    _report(local.retry(run, wish), output_format)


def _report(outcome: "Outcome", output: Format | None) -> None:
    """Print the report, say what is in doubt, and leave with the right code."""
    from bot.core.report import exit_code, report, to_json, to_text

    result = report(outcome.view, outcome.at)
    try:
        for_people = _for_people(output)
        console.answer(to_text(result, console.messages()) if for_people else to_json(result))
    finally:
        console.doubts(outcome.view)
    raise typer.Exit(130 if outcome.interrupted else exit_code(result))


@app.command()
def estimate(
    batch: BatchFile,
    model: Model = None,
    quality: Quality = None,
    size: Size = None,
    output_format: AnswerFormat = None,
) -> None:
    """Say what a batch would cost, without a call and without a key."""
    _estimate(batch, _flags(model=model, quality=quality, size=size), output_format)


def _estimate(batch: str, flags: dict[str, Any], output: Format | None) -> None:
    from bot.core import pricing
    from bot.entrypoints import local, settings

    env = settings.read()
    parsed = local.read_batch(batch, flags, env)
    bill = local.price(parsed, env)
    console.warn((*parsed.warnings, *bill.warnings))
    for_people = _for_people(output)
    console.answer(
        pricing.estimate_text(bill, console.messages().tell)
        if for_people
        else _json(pricing.estimate_json(bill))
    )


@app.command()
def validate(
    batch: BatchFile,
    output_format: Annotated[
        Format, typer.Option("--format", help="Of what is printed.")
    ] = Format.TEXT,
) -> None:
    """Check a batch file: every wrong field at once."""
    from bot.entrypoints import validation

    raise typer.Exit(validation.validate(batch, for_people=output_format is Format.TEXT))


@app.command()
def schema(
    repository: Annotated[
        bool, typer.Option("--repository", help="Of .github/gptimage.yml instead.")
    ] = False,
) -> None:
    """Print the JSON Schema of a batch, for completion in editors."""
    from bot.core import batch
    from bot.core import repository as file

    console.answer(_json(file.json_schema() if repository else batch.json_schema()))


@app.command()
def models(output_format: AnswerFormat = None) -> None:
    """List the models with their prices and shutdown dates."""
    from bot.entrypoints import models as known
    from bot.entrypoints import settings

    own = settings.read().gptimage_prices.own
    console.answer(known.text(own) if _for_people(output_format) else _json(known.rows(own)))


@app.command()
def inspect(
    pictures: Annotated[list[str], typer.Argument(metavar="PICTURE...", help="Image files.")],
    output_format: AnswerFormat = None,
) -> None:
    """Print what is written in pictures: how they were made, and by which run."""
    from bot.entrypoints import inspect as room

    found = room.look(pictures)
    if _for_people(output_format):
        console.tell(*room.lines(found))
    else:
        console.answer(_json(room.rows(found)))
    console.say(*(said("Error: {what}", what=each.problem) for each in found if each.problem))
    raise typer.Exit(max(each.exit_code for each in found))


app.add_typer(operating.app)  # without a name: its commands stand beside the others


@seed_app.command()
def seed(
    config: BatchFile,
    output_dir: OutputDir = None,
    output_format: Annotated[Format, typer.Option("--format")] = Format.TEXT,
    timeout: Timeout = None,
    max_concurrent: MaxConcurrent = None,
    estimate_only: Annotated[
        bool, typer.Option("--estimate-only", help="Say what it would cost, and stop.")
    ] = False,
    allow_any_path: Annotated[
        bool, typer.Option("--allow-any-path", help="Not needed: any folder is allowed.")
    ] = False,
    version: Annotated[
        bool,
        typer.Option(
            "--version", "-v", is_eager=True, callback=_version, help="Print the version."
        ),
    ] = False,
) -> None:
    """Make the images of a batch: the options of the Node tool of this name.

    Where nothing names a folder, they are written to ~/Downloads/openai-images.
    """
    from bot.entrypoints import local
    from bot.entrypoints.leading import Wish

    del allow_any_path, version
    flags = _flags(output_dir=output_dir, timeout=timeout, max_concurrent=max_concurrent)
    if estimate_only:
        _estimate(config, flags, output_format)
    else:
        wish = Wish(folder=_SEED_FOLDER)
        _report(local.run_file(config, flags, wish), output_format)


@app.callback()
def root(
    version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_version, help="Print the version."),
    ] = False,
) -> None:
    """Batches of OpenAI images, none of them paid for twice."""
    del version


def _json(data: object) -> str:
    return json.dumps(data, indent=2, ensure_ascii=False)


def main() -> None:
    """The command `gptimage`."""
    guarded(app)


def seed_main() -> None:
    """The command `openai-gpt-image-batch`."""
    guarded(seed_app)
