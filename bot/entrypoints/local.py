"""Run a batch here and now: what the command line does, with a ledger and a spool of its own."""

import asyncio
import hashlib
import os
import signal
import sys
import warnings
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import SecretStr

from bot.core.batch import BatchConfig
from bot.core.errors import Charge, GptimageError, SettingsError
from bot.core.parse import Around, BatchLimits, parse_batch, parse_batch_data
from bot.core.plan import plan
from bot.core.policy import Limits, cap_of, decide_budget
from bot.core.pricing import estimate, upper_bound
from bot.core.run import Run, RunState, RunView, left_over, total
from bot.engine.runner import Drain
from bot.entrypoints import console, settings
from bot.entrypoints.inputs import Prepared, check_again, prepared
from bot.entrypoints.settings import Settings

if TYPE_CHECKING:
    from bot.entrypoints.wiring.local import LocalLife

_LOOKS = 15  # seconds to wait for a run that somebody holds
_MOST_BYTES = 10_000_000  # of a batch file; a hundred jobs with the longest prompts are 3.2 MB


def read_batch(name: str, flags: Mapping[str, object], env: Settings | None = None) -> Prepared:
    """The batch in a file, or on stdin for `-`; raises BatchError or SettingsError."""
    env = env or settings.read()
    return asyncio.run(prepared(parse_batch(_text(name), _around(flags, env)), env))


def _around(flags: Mapping[str, object], env: Settings) -> Around:
    return Around(
        limits=BatchLimits(max_jobs=env.gptimage_max_jobs),
        overrides=flags,
        environment=env.batch_defaults,
        openai_itself=env.at_openai,
    )


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


@dataclass(frozen=True, slots=True)
class Wish:
    """How a batch is run: for real or not, anew or where its last run ended.

    `doubts` orders images again that may have been paid for already. A `quiet` run says nothing
    and leaves signals alone: a program, and not a person, has asked for it. Images go to
    `folder` where nothing else names one, and to the working directory without it.
    """

    simulate: bool = False
    resume: bool = False
    doubts: bool = False
    quiet: bool = False
    folder: str | None = None


def run_file(name: str, flags: Mapping[str, object], wish: Wish) -> Outcome:
    """Run the batch in a file, to its end or until Ctrl-C."""
    env = _settings(wish)
    batch = read_batch(name, flags, env)
    console.warn(batch.warnings)
    return asyncio.run(run_here(batch, env, wish))


async def run_data(batch: object, flags: Mapping[str, object], wish: Wish) -> Outcome:
    """Run a batch that a program made; raises BatchError and Refused as `gptimage run` does."""
    env = _settings(wish)
    parsed = parse_batch_data(batch, _around(flags, env))
    return await run_here(await prepared(parsed, env), env, wish)


def retry(run: str | None, wish: Wish) -> Outcome:
    """Order the missing images of a run again: the one named, or the last one."""
    return asyncio.run(_retry(run, _settings(wish), wish))


def _settings(wish: Wish) -> Settings:
    env = settings.read()
    if not wish.simulate and not env.openai_api_key:
        raise SettingsError(["OPENAI_API_KEY environment variable is required"])
    remark = _warn_program if wish.quiet else console.warn
    remark(() if wish.simulate else settings.remarks(env))
    if wish.folder and not env.openai_image_output_dir:
        return env.model_copy(update={"openai_image_output_dir": wish.folder})
    return env


def _warn_program(remarks: Iterable[str]) -> None:
    for remark in remarks:
        warnings.warn(remark, stacklevel=4)


async def run_here(batch: Prepared, env: Settings, wish: Wish) -> Outcome:
    """Run the batch in this process, or go on with its last run."""
    from bot.entrypoints.wiring.common import utc_now

    run = _new_run(batch, utc_now())
    items = plan(run.batch, run.id)
    async with _living(env, run.batch, [item.path for item in items], wish) as life:
        earlier = await life.ledger.history.latest(run.digest) if wish.resume else None
        if earlier:
            return await _go_on(life, earlier, wish)
        decide_budget(run.upper_bound, Limits(), cap_of(run.batch))
        await life.ledger.runs.open(run, items)
        return await _drive(life, run.id, wish)


async def _retry(name: str | None, env: Settings, wish: Wish) -> Outcome:
    from bot.entrypoints.wiring.common import books

    async with books(env) as ledger:
        found = await ledger.history.find(name) if name else [await ledger.history.latest() or ""]
        view = await ledger.runs.get(found[0]) if len(found) == 1 else None
    if view is None or view.run.thread:
        raise SettingsError([f"no one run of the command line is {name or 'there'}: see history"])
    await check_again(view, env)
    paths = [item.item.path for item in view.items if item.path is None]
    async with _living(env, view.run.batch, paths, wish) as life:
        return await _go_on(life, view.run.id, wish)


async def _go_on(life: "LocalLife", run_id: str, wish: Wish) -> Outcome:
    """Finish a run that was left, or order again what a finished one lacks."""
    view = await life.ledger.runs.get(run_id)
    done = view is not None and view.run.state is RunState.DONE
    if not wish.quiet:
        console.say(f"Going on with run {run_id}")
    outcome = await _drive(life, run_id, wish)
    left = left_over(outcome.view, doubts=wish.doubts)
    if not done:  # what has just failed is not ordered again by itself
        left = tuple(item for item in left if item.charge is Charge.IN_DOUBT)
    if not left or outcome.interrupted:
        return outcome
    batch = outcome.view.run.batch
    amount = total(upper_bound(batch.jobs[item.item.job]) for item in left)
    spent = total((outcome.view.paid, outcome.view.in_doubt, amount))
    decide_budget(spent, Limits(), cap_of(batch))
    await life.ledger.runs.reopen(run_id, [item.item.index for item in left], amount)
    return await _drive(life, run_id, wish)


async def _drive(life: "LocalLife", run_id: str, wish: Wish) -> Outcome:
    """Lead the run as far as it gets; Ctrl-C starts nothing more."""
    from bot.entrypoints import terminal
    from bot.entrypoints.wiring.common import utc_now

    interrupts = nullcontext() if wish.quiet else _interrupts(life.drain)
    with interrupts, _kept(life.spool / run_id):
        for _ in range(_LOOKS):
            view = await life.execute(run_id, terminal.Terminal(quiet=wish.quiet))
            if view is not None:
                return Outcome(view, utc_now(), interrupted=life.drain.asked)
            await life.drain.wait(1)  # a process that was killed holds its run for ten seconds
    raise SettingsError([f"run {run_id}: another process drives it"])


@asynccontextmanager
async def _living(
    env: Settings, batch: BatchConfig, paths: Sequence[str], wish: Wish
) -> AsyncIterator["LocalLife"]:
    from bot.entrypoints.wiring.common import arm
    from bot.entrypoints.wiring.local import local_life

    arm(env.gptimage_kill_point)
    async with (
        _reached(env, simulate=wish.simulate) as reached,
        local_life(reached, _folder(batch), paths) as life,
    ):
        yield life


def _folder(batch: BatchConfig) -> Path:
    folder = Path(batch.output_dir or ".")
    try:
        return folder.expanduser()
    except RuntimeError:
        raise SettingsError([f"output_dir: {folder}: there is no such person here"]) from None


def _new_run(batch: Prepared, now: datetime) -> Run:
    bill = estimate(batch.config, references=batch.sizes)
    name = f"{batch.digest}/{now.isoformat()}/{os.getpid()}"
    return Run(
        id=hashlib.sha256(name.encode()).hexdigest()[:10],
        state=RunState.QUEUED,
        batch=batch.config,
        created_at=now,
        warnings=(*batch.warnings, *bill.warnings),
        expected=bill.total.expected,
        upper_bound=bill.total.high,
        digest=batch.digest,
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
