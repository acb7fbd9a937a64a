"""Run a batch here and now: what the command line does, with a ledger and a spool of its own."""

import asyncio
import hashlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import SecretStr

from bot.core.batch import canonical
from bot.core.errors import GptimageError, SettingsError
from bot.core.parse import Around, BatchLimits, ParsedBatch, parse_batch
from bot.core.plan import plan
from bot.core.policy import Limits, decide_budget
from bot.core.pricing import Money, estimate
from bot.core.run import Run, RunState, RunView
from bot.engine.runner import Drain
from bot.entrypoints import console, settings
from bot.entrypoints.settings import Settings

_MOST_BYTES = 10_000_000  # of a batch file; a hundred jobs with the longest prompts are 3.2 MB


def read_batch(name: str, flags: Mapping[str, object], env: Settings | None = None) -> ParsedBatch:
    """The batch in a file, or on stdin for `-`; raises BatchError or SettingsError."""
    env = env or settings.read()
    around = Around(
        limits=BatchLimits(max_jobs=env.gptimage_max_jobs),
        overrides=flags,
        environment=env.batch_defaults,
        openai_itself=env.at_openai,
    )
    return parse_batch(_text(name), around)


def _text(name: str) -> str:
    try:
        if name == "-":
            data = sys.stdin.buffer.read(_MOST_BYTES + 1)
        else:
            with Path(name).open("rb") as file:
                data = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise SettingsError([f"{name}: cannot be read ({error.strerror})"]) from None
    if len(data) > _MOST_BYTES:
        raise SettingsError([f"{name}: larger than {_MOST_BYTES:,} bytes, no batch file is"])
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SettingsError([f"{name}: not UTF-8 text (byte {error.start})"]) from None


@dataclass(frozen=True, slots=True)
class Outcome:
    """A run as far as it got, when that was, and whether somebody stopped it."""

    view: RunView
    at: datetime
    interrupted: bool


def run_file(name: str, flags: Mapping[str, object], *, simulate: bool = False) -> Outcome:
    """Run the batch in a file, to its end or until Ctrl-C."""
    env = settings.read()
    if not simulate and not env.openai_api_key:
        raise SettingsError(["OPENAI_API_KEY environment variable is required"])
    parsed = read_batch(name, flags, env)
    console.warn(parsed.warnings)
    return asyncio.run(_run(parsed, env, simulate=simulate))


async def _run(parsed: ParsedBatch, env: Settings, *, simulate: bool) -> Outcome:
    from bot.entrypoints.wiring.common import arm, utc_now
    from bot.entrypoints.wiring.local import local_life

    arm(env.gptimage_kill_point)
    run = _new_run(parsed, utc_now())
    items = plan(parsed.config, run.id)
    decide_budget(run.upper_bound, Limits(), _cap(parsed))
    async with (
        _reached(env, simulate=simulate) as settings_,
        local_life(settings_, _folder(parsed), [item.path for item in items]) as life,
    ):
        await life.ledger.runs.open(run, items)
        with _interrupts(life.runner.drain), _kept(env.gptimage_data_dir / "spool" / run.id):
            view = await life.execute(run.id, console.Terminal())
        if view is None:
            raise SettingsError([f"run {run.id}: another process drives it"])
        return Outcome(view, utc_now(), interrupted=life.runner.drain.asked)


def _cap(parsed: ParsedBatch) -> Money | None:
    cap = parsed.config.max_cost
    return None if cap is None else Money.from_usd(cap)


def _folder(parsed: ParsedBatch) -> Path:
    return Path(parsed.config.output_dir or ".").expanduser()


def _new_run(parsed: ParsedBatch, now: datetime) -> Run:
    bill = estimate(parsed.config)
    name = f"{canonical(parsed.config)}/{now.isoformat()}/{os.getpid()}"
    return Run(
        id=hashlib.sha256(name.encode()).hexdigest()[:10],
        state=RunState.QUEUED,
        batch=parsed.config,
        created_at=now,
        warnings=(*parsed.warnings, *bill.warnings),
        expected=bill.total.expected,
        upper_bound=bill.total.high,
    )


@asynccontextmanager
async def _reached(env: Settings, *, simulate: bool) -> AsyncIterator[Settings]:
    """The settings with which the image API is reached: a simulated one if that is wanted."""
    if not simulate:
        yield env
        return
    from bot.entrypoints.loopback import served
    from bot.simulators.images import create_images_app

    async with served(create_images_app()) as url:
        yield env.model_copy(
            update={"openai_api_key": SecretStr("simulated"), "openai_base_url": f"{url}/v1"}
        )


@contextmanager
def _kept(spool: Path) -> Iterator[None]:
    """Say in words that images could not be written, and where those are that had arrived."""
    try:
        yield
    except (OSError, ExceptionGroup) as error:
        match _first(error):
            case OSError() as refusal:
                said = f"{refusal}; what had arrived is kept in {spool}"
                raise GptimageError(said) from error
            case GptimageError() as known:
                raise known from error
            case _:
                raise


def _first(error: Exception) -> Exception:
    """The fault itself; task groups wrap it."""
    return _first(error.exceptions[0]) if isinstance(error, ExceptionGroup) else error


@contextmanager
def _interrupts(drain: Drain) -> Iterator[None]:
    """Ctrl-C starts nothing more and awaits what is under way; a second one leaves at once.

    Leaving at once loses nothing: the ledger knows which calls are in doubt.
    """
    loop = asyncio.get_running_loop()

    def asked() -> None:
        if drain.asked:
            os._exit(130)
        drain.ask()
        console.say("Stopping: calls under way are awaited, they are paid for (again: leave now)")

    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, asked)
    try:
        yield
    finally:
        for name in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(name)
