"""Lead a run at the command line: to its end, or on from where it was left."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bot.core.errors import GptimageError, SettingsError, because
from bot.core.policy import Limits, cap_of, decide_budget
from bot.core.pricing import Money
from bot.core.run import (
    ItemState,
    ItemView,
    Run,
    RunState,
    RunView,
    left_over,
    most,
    total,
    wanted_again,
)
from bot.core.said import said
from bot.engine.drain import Drain
from bot.entrypoints import console

if TYPE_CHECKING:
    from bot.entrypoints.wiring.local import LocalLife

_LOOKS = 15  # seconds to wait for a run that somebody holds


@dataclass(frozen=True, slots=True)
class Outcome:
    """A run as far as it got, when that was, and whether somebody stopped it."""

    view: RunView
    at: datetime
    interrupted: bool


def _nobody(_: RunView) -> None:
    """Looks at the run."""


def _nothing() -> None:
    """Is to be done at a signal."""


@dataclass(frozen=True, slots=True)
class Wish:
    """How a batch is run: for real or not, anew or where its last run ended.

    `doubts` orders images again that may have been paid for already. A `quiet` run says nothing
    and leaves signals alone: a program, and not a person, has asked for it. Images go to
    `folder` where nothing else names one, and to the working directory without it; small copies
    of them are made at the end. `seen` gets the run whenever it has changed; `stopping` is called
    at each signal, while there is still time to write something down.
    """

    simulate: bool = False
    resume: bool = False
    doubts: bool = False
    quiet: bool = False
    folder: str | None = None
    thumbnails: bool = False
    contact_sheet: bool = False
    seen: Callable[[RunView], None] = _nobody
    stopping: Callable[[], None] = _nothing

    def say(self, line: str) -> None:
        """Tell the person who has asked for it, if there is one."""
        if not self.quiet:
            console.say(line)


# --- going on ---------------------------------------------------------------------------------


async def go_on(life: "LocalLife", run: Run, wish: Wish) -> Outcome:
    """Finish the run of this id, and order again what it lacked, within the limits given here."""
    if (await _view(life, run.id)).run.pruned_at:
        message = said(
            "run {run} is too old, only its report is kept: gptimage history show {run}", run=run.id
        )
        raise SettingsError([message])
    with led(life, run.id, wish):
        before = await _when_free(life, run.id, wish, lambda: _resumed(life, run, wish))
        if life.drain.asked or _complete(before):
            return _outcome(life, before)
        outcome = await drive(life, run.id, wish)
        if outcome.interrupted or outcome.view.run.stop:
            return outcome
        # What has just failed is not ordered again by itself.
        left = _left(before, outcome.view, wish)
        if not left:
            return outcome
        await _order_again(life, outcome.view, left)
        return await drive(life, run.id, wish)


async def _resumed(life: "LocalLife", run: Run, wish: Wish) -> RunView | None:
    """The run as it was left, and this process goes on with it; None while another one does."""
    left = await _view(life, run.id)
    if _complete(left):
        wish.say(said("Run {run} is complete: nothing is left to do", run=run.id))
        return left
    bound = _bound(life, RunView(run, left.items), wish)
    decide_budget(bound, Limits(), cap_of(run.batch))
    if not await life.ledger.runs.resume(replace(run, upper_bound=bound), life.now):
        return None
    there = left.count()[ItemState.SUCCEEDED]
    wish.say(
        said(
            "Going on with run {run}: {made} of {count} images are there",
            run=run.id,
            made=there,
            count=len(left.items),
        )
    )
    return await _view(life, run.id)


def _complete(view: RunView) -> bool:
    return view.run.state is RunState.DONE and not left_over(view, doubts=True)


def _bound(life: "LocalLife", view: RunView, wish: Wish) -> Money | None:
    """The most that the run can come to: what was spent, and every call that it may still make."""
    wanted = wanted_again(view, doubts=wish.doubts)
    more = most(view.run.batch, wanted, life.prices)
    return total((view.paid, view.in_doubt, more))


def _left(before: RunView, now: RunView, wish: Wish) -> Sequence[ItemView]:
    """What is still missing, of what nobody has called for since the run was left."""
    calls = {item.item.index: len(item.attempts) for item in before.items}
    left = left_over(now, doubts=wish.doubts)
    return [item for item in left if len(item.attempts) == calls[item.item.index]]


async def _order_again(life: "LocalLife", view: RunView, left: Sequence[ItemView]) -> None:
    """Order these of the run; who has ordered of it meanwhile comes first, and goes on alone."""
    amount = most(view.run.batch, left, life.prices)
    indexes = [item.item.index for item in left]
    await life.ledger.runs.reopen(view, indexes, amount, life.now)


async def drive(life: "LocalLife", run_id: str, wish: Wish) -> Outcome:
    """Lead the run as far as it gets."""
    from bot.entrypoints.table import Tempo
    from bot.entrypoints.terminal import Terminal

    def tempo() -> Tempo:
        return Tempo(life.pace.wait, life.pace.per_minute, stopping=life.drain.asked)

    audience = Terminal(lambda: life.now, tempo, seen=wish.seen, quiet=wish.quiet)
    view = await _when_free(life, run_id, wish, lambda: life.execute(run_id, audience))
    return _outcome(life, view)


def _outcome(life: "LocalLife", view: RunView) -> Outcome:
    return Outcome(view, life.now, interrupted=life.drain.asked)


async def _when_free(
    life: "LocalLife", run_id: str, wish: Wish, work: Callable[[], Awaitable[RunView | None]]
) -> RunView:
    """What the work gives once nobody else drives the run, or the run if Ctrl-C comes first."""
    for look in range(_LOOKS):
        if view := await work():
            return view
        if not look:
            wish.say(
                said(
                    "Another process holds run {run}: waiting for {seconds} seconds at most",
                    run=run_id,
                    seconds=_LOOKS,
                )
            )
        await life.drain.wait(1)  # one that was killed elsewhere holds its run for ten seconds
        if life.drain.asked:
            return await _view(life, run_id)
    message = said("run {run}: another process drives it; its report will be there", run=run_id)
    raise GptimageError(message)


async def _view(life: "LocalLife", run_id: str) -> RunView:
    view = await life.ledger.runs.get(run_id)
    if view is None:
        raise LookupError(run_id)
    return view


@contextmanager
def led(life: "LocalLife", run_id: str, wish: Wish) -> Iterator[None]:
    """While this process leads the run: Ctrl-C starts nothing more, and no fault loses an image."""
    interrupts = nullcontext() if wish.quiet else _interrupts(life.drain, run_id, wish.stopping)
    with interrupts, _kept(life.spool / run_id):
        yield


@contextmanager
def _kept(spool: Path) -> Iterator[None]:
    """Say in words that images could not be written, and where those are that had arrived."""
    try:
        yield
    except (OSError, ExceptionGroup) as error:
        match _first(error):
            case OSError() as refusal:
                message = said(
                    "{file} cannot be written ({why}); what had arrived is kept in {folder}"
                    " (then: {command})",
                    file=refusal.filename or said("a file"),
                    why=because(refusal),
                    folder=spool,
                    command=f"gptimage retry {spool.name}",
                )
                raise GptimageError(message) from error
            case GptimageError() as known:
                raise known from error
            case _:
                raise


def _first(error: Exception) -> Exception:
    """The fault itself; task groups wrap it."""
    return _first(error.exceptions[0]) if isinstance(error, ExceptionGroup) else error


@contextmanager
def _interrupts(drain: Drain, run_id: str, stopping: Callable[[], None]) -> Iterator[None]:
    """Ctrl-C starts nothing more and awaits what is under way; a second one leaves at once.

    Leaving at once loses nothing: the ledger knows which calls are in doubt.
    """
    loop = asyncio.get_running_loop()

    def asked() -> None:
        stopping()
        if drain.asked:
            command = f"gptimage history show {run_id}"
            console.say(said("Left at once; what is in doubt: {command}", command=command))
            console.show_cursor()
            os._exit(130)
        drain.ask()
        console.say(
            said("Stopping: calls under way are awaited, they are paid for (again: leave now)")
        )

    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, asked)
    try:
        yield
    finally:
        for name in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(name)
