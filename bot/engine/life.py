"""The life of a run: claimed, settled, published, told."""

import logging
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from bot.core.errors import HostError, Refused, RulesError
from bot.core.killpoints import Point, reach
from bot.core.ports import Clock, Effect, Lease, Ledger, Watch
from bot.core.run import ItemView, Run, RunState, RunView, Stop, unsettled
from bot.engine.context import bind, bind_thread
from bot.engine.finish import Finish
from bot.engine.hold import Hold, hold
from bot.engine.runner import Arrived, Runner

_log = logging.getLogger(__name__)

# A destination that does not answer is tried again after this many seconds.
_PAUSE = 15.0


# Seconds until GitHub is asked again whether a run may start; after the last one it may not. A
# run is claimed once for each question, so the lease's epoch counts them across restarts, from
# the claims on that there had been when it was ordered again.
_ASK_AGAIN = (5.0, 15.0, 30.0, 60.0, 120.0, 240.0)


class Gate(Protocol):
    """Whether whoever ordered a run may still spend when its turn comes."""

    async def admit_again(self, run: Run) -> None:
        """Raise Refused if not, RulesError for a broken file, and HostError if nobody says."""
        ...


class Audience(Protocol):
    """Those who follow a run: a thread on GitHub, or a person at a terminal."""

    def live(self, lease: Lease, view: RunView) -> AbstractAsyncContextManager[Watch]:
        """Show the run while the block lasts, and while the lease does."""
        ...

    def last_word(self, view: RunView) -> Sequence[Effect]:
        """What the finished run owes to the thread."""
        ...

    async def told(self, effects: Sequence[Effect]) -> None:
        """The effects are stored: deliver them."""
        ...


@dataclass(frozen=True, slots=True)
class Life:
    """Drives a run to its end, from wherever an earlier process left it."""

    ledger: Ledger
    runner: Runner
    finish: Finish
    clock: Clock
    publish_at_once: bool = False  # each image as it comes, as the command line does
    gate: Gate | None = None

    async def execute(self, run_id: str, audience: Audience) -> RunView | None:
        """The run when it is done, or as far as it got before this process was to end.

        None if somebody else drives it, or if there is no such run.
        """
        for _ in range(2):
            async with hold(self.ledger.leases, f"run:{run_id}", self.clock) as held:
                return await self._drive(held, run_id, audience) if held else None
            # The lease was lost. Its new holder does the rest; but if that was done before the
            # answers to our calls came in, nobody else looks for them, and they are paid for.
        return None

    async def _drive(self, held: Hold, run_id: str, audience: Audience) -> RunView | None:
        view = await self.ledger.runs.get(run_id)
        if view is None:
            return None
        bind(run=run_id)
        bind_thread(view.run.thread)
        if view.run.state is RunState.DONE:
            late = await self._late(held, view)
            return await self._finish(held, late, audience) if late else view
        reach(Point.RUN_CLAIMED)
        if not await self._is_decided(held, view.run):
            return view
        if view.run.state is not RunState.PUBLISHING:
            view = await self._settle(held, view, audience)
            if self.runner.drain.asked and unsettled(view):
                # Whoever comes next goes on from here. The ledger knows where the files went.
                return await self.ledger.runs.get(run_id)
        return await self._finish(held, view, audience)

    async def _is_decided(self, held: Hold, run: Run) -> bool:
        """Ask whether the run may start, and stop it if not; False if it waits for an answer."""
        if self.gate is None or run.stop or run.state is not RunState.QUEUED:
            return True
        try:
            await self.gate.admit_again(run)
        except Refused as error:
            _log.info("the run may not start: %s", error)
            await self.ledger.runs.request_stop(run.id, Stop.PERMISSION, lease=held.lease)
        except RulesError as error:
            _log.info("the run may not start, for the repository's file has faults: %s", error)
            stop, faults = Stop.RULES, error.sentences
            await self.ledger.runs.request_stop(run.id, stop, faults=faults, lease=held.lease)
        except HostError as error:
            return await self._is_given_up(held, run, error)
        return True

    async def _is_given_up(self, held: Hold, run: Run, error: HostError) -> bool:
        """Stop a run about which GitHub says nothing for too long; until then, ask later."""
        asked = held.lease.epoch - run.claims - 1
        if error.final or asked >= len(_ASK_AGAIN):
            _log.warning("the run may not start, for nobody says that it may: %s", error)
            stop = Stop.PERMISSION if error.final else Stop.UNCHECKED
            await self.ledger.runs.request_stop(run.id, stop, lease=held.lease)
            return True
        await held.park(max(error.retry_after or 0.0, _ASK_AGAIN[asked]))
        return False

    async def _settle(self, held: Hold, view: RunView, audience: Audience) -> RunView:
        run = await self.ledger.runs.begin(held.lease, self.clock())
        view = RunView(run, view.items)
        async with audience.live(held.lease, view) as watch:
            return await self.runner.settle(held.lease, view, watch, self._publisher(held, view))

    def _publisher(self, held: Hold, view: RunView) -> Arrived | None:
        async def publish(items: Sequence[ItemView]) -> None:
            await self.finish.publish(held.lease, view.run, items)

        return publish if self.publish_at_once else None

    async def _finish(self, held: Hold, view: RunView, audience: Audience) -> RunView:
        late: RunView | None = view
        while late:  # an answer that came in meanwhile is published, too
            try:
                view = await self.finish.finish(held.lease, late.run.id, audience.last_word)
            except HostError as error:
                await held.park(error.retry_after or _PAUSE)
                return late
            late = await self._late(held, view)
        _log.info("the run is done", extra={"items": dict(view.count())})
        await audience.told(audience.last_word(view))
        return view

    async def _late(self, held: Hold, view: RunView) -> RunView | None:
        """The run with the answers that have come in to calls that were given up, if any have."""
        adopted = await self.runner.adopt(held.lease, view)
        return adopted if adopted != view else None
