"""Run a batch here and now: what the command line does, with a ledger and a spool of its own."""

import asyncio
import hashlib
import os
import sys
import warnings
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import SecretStr

from bot.core.batch import BatchConfig
from bot.core.errors import SettingsError
from bot.core.parse import Around, BatchLimits, parse_batch, parse_batch_data
from bot.core.plan import Item, plan
from bot.core.policy import Limits, cap_of, decide_budget
from bot.core.pricing import Estimate, estimate
from bot.core.run import SIMULATED, Run, RunState
from bot.core.said import said
from bot.entrypoints import console, settings
from bot.entrypoints.copies import Copies, check, make
from bot.entrypoints.inputs import Prepared, check_again, prepared
from bot.entrypoints.leading import Outcome, Wish, drive, go_on, led
from bot.entrypoints.settings import Settings

if TYPE_CHECKING:
    from bot.entrypoints.wiring.local import LocalLife

_MOST_BYTES = 10_000_000  # of a batch file; a hundred jobs with the longest prompts are 3.2 MB


def read_batch(name: str, flags: Mapping[str, object], env: Settings | None = None) -> Prepared:
    """The batch in a file, or on stdin for `-`; raises BatchError or SettingsError."""
    env = env or settings.read()
    return asyncio.run(prepared(parse_batch(text_of(name), around(flags, env)), env))


def around(flags: Mapping[str, object], env: Settings) -> Around:
    """What stands around a batch here: flags above it, the environment below."""
    return Around(
        limits=BatchLimits(max_jobs=env.gptimage_max_jobs),
        overrides=flags,
        environment=env.batch_defaults,
        openai_itself=env.at_openai,
    )


def text_of(name: str) -> str:
    """What a batch file holds, `-` being stdin; raises SettingsError if it cannot be read."""
    try:
        if name == "-":
            data = sys.stdin.buffer.read(_MOST_BYTES + 1)
        else:
            with Path(name).open("rb") as file:
                data = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise SettingsError([settings.unreadable(name, error)]) from None
    if len(data) > _MOST_BYTES:
        message = said(
            "{file}: larger than {most:,} bytes, no batch file is", file=name, most=_MOST_BYTES
        )
        raise SettingsError([message])
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SettingsError([settings.no_text(name, error)]) from None


def run_file(name: str, flags: Mapping[str, object], wish: Wish) -> Outcome:
    """Run the batch in a file, to its end or until Ctrl-C."""
    env = _settings(wish)
    batch = read_batch(name, flags, env)
    console.warn(batch.warnings)
    return asyncio.run(run_here(batch, env, wish))


async def run_data(batch: object, flags: Mapping[str, object], wish: Wish) -> Outcome:
    """Run a batch that a program made; raises BatchError and Refused as `gptimage run` does."""
    env = _settings(wish)
    parsed = parse_batch_data(batch, around(flags, env))
    return await run_here(await prepared(parsed, env), env, wish)


def retry(run: str | None, wish: Wish) -> Outcome:
    """Order the missing images of a run again: the one named, or the last one."""
    return asyncio.run(_retry(run, _settings(wish), wish))


def _settings(wish: Wish) -> Settings:
    env = settings.read()
    if not wish.simulate and not env.openai_api_key:
        raise SettingsError([said("OPENAI_API_KEY environment variable is required")])
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

    run = new_run(batch, env, utc_now(), simulated=wish.simulate)
    items = plan(run.batch, run.id)
    copies = _copies(env, wish)
    check(items, copies)
    return await _copied(await _run(run, items, env, wish), copies, wish)


async def _run(run: Run, items: Sequence[Item], env: Settings, wish: Wish) -> Outcome:
    async with living(env, run.batch, [item.path for item in items], wish) as life:
        if wish.resume:
            if earlier := await life.ledger.history.latest(run.digest):
                return await go_on(life, replace(run, id=earlier), wish)
            wish.say(said("There is no earlier run of exactly this batch: this is a new one"))
        return await begun(life, run, items, wish)


async def begun(life: "LocalLife", run: Run, items: Sequence[Item], wish: Wish) -> Outcome:
    """Open a new run and lead it; raises Refused if it may cost more than its cap."""
    decide_budget(run.upper_bound, Limits(), cap_of(run.batch))
    await life.ledger.runs.open(run, items)
    with led(life, run.id, wish):
        return await drive(life, run.id, wish)


async def _retry(name: str | None, env: Settings, wish: Wish) -> Outcome:
    from bot.entrypoints.wiring.common import books

    async with books(env) as ledger:
        found = await ledger.history.find(name) if name else [await ledger.history.latest() or ""]
        view = await ledger.runs.get(found[0]) if len(found) == 1 else None
    if view is None or view.run.thread:
        raise SettingsError([_no_run(name)])
    if view.run.simulated != wish.simulate:
        raise SettingsError(
            [
                said("run {run} was simulated: add --simulate", run=view.run.id)
                if view.run.simulated
                else said("run {run} was not simulated: leave out --simulate", run=view.run.id)
            ]
        )
    copies = _copies(env, wish)
    check([item.item for item in view.items], copies)
    await check_again(view, env)
    paths = [item.item.path for item in view.items if item.path is None]
    async with living(env, view.run.batch, paths, wish) as life:
        outcome = await go_on(life, view.run, wish)
    return await _copied(outcome, copies, wish)


def _copies(env: Settings, wish: Wish) -> Copies:
    return Copies(
        thumbnails=wish.thumbnails or env.openai_image_thumbnail,
        contact_sheet=wish.contact_sheet,
        edge=env.openai_image_thumbnail_size,
        quality=env.openai_image_thumbnail_quality,
    )


async def _copied(outcome: Outcome, wanted: Copies, wish: Wish) -> Outcome:
    """The same outcome, with small copies of its images beside them."""
    made = await make(outcome.view, _folder(outcome.view.run.batch), wanted)
    remark = _warn_program if wish.quiet else console.warn
    remark(made.warnings)
    if made.sheet:
        wish.say(said("Contact sheet: {path}", path=made.sheet))
    return outcome


def _no_run(name: str | None) -> str:
    if name is None:
        return said("no run of the command line is there: see history")
    return said("no one run of the command line is {name}: see history", name=name)


@asynccontextmanager
async def living(
    env: Settings, batch: BatchConfig, paths: Sequence[str], wish: Wish
) -> AsyncIterator["LocalLife"]:
    """What leads a run of the batch, whose images are written under these paths."""
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
        message = said("output_dir: {folder}: there is no such person here", folder=folder)
        raise SettingsError([message]) from None


def price(batch: Prepared, env: Settings) -> Estimate:
    """What the batch would cost here, by the operator's prices and at the present rate."""
    return estimate(
        batch.config,
        references=batch.sizes,
        images_per_minute=env.gptimage_images_per_minute,
        book=env.gptimage_prices,
    )


def new_run(batch: Prepared, env: Settings, now: datetime, *, simulated: bool = False) -> Run:
    """A run of the batch that nobody has begun."""
    bill = price(batch, env)
    digest = SIMULATED + batch.digest if simulated else batch.digest
    name = f"{digest}/{now.isoformat()}/{os.getpid()}"
    return Run(
        id=hashlib.sha256(name.encode()).hexdigest()[:10],
        state=RunState.QUEUED,
        batch=batch.config,
        created_at=now,
        warnings=(*batch.warnings, *bill.warnings),
        expected=bill.total.expected,
        upper_bound=bill.total.high,
        digest=digest,
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
            update={"openai_api_key": SecretStr("sk-simulated"), "openai_base_url": f"{url}/v1"}
        )
