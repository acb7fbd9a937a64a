"""Settle the items of one run: the only place that calls an image provider."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.core.attempts import (
    Attempt,
    AttemptState,
    Call,
    Recall,
    Settled,
    Step,
    Wait,
    next_step,
)
from bot.core.errors import Failure, LedgerBusy, ProviderError
from bot.core.killpoints import Point, reach
from bot.core.policy import cap_of
from bot.core.ports import Answer, Clock, ImageProvider, Lease, Pace, Runs, Settlement, Watch
from bot.core.pricing import BUILT_IN, Money, PriceBook, upper_bound
from bot.core.run import ItemView, RunView, Stop, working_time
from bot.core.said import said
from bot.engine.board import Board
from bot.engine.drain import Drain
from bot.engine.outcomes import failed, lost, succeeded
from bot.engine.place import Place
from bot.engine.purse import Purse

Arrived = Callable[[Sequence[ItemView]], Coroutine[None, None, None]]
"""Awaited for images that have arrived: once at a time, with all that are new."""

Sleep = Callable[[float], Awaitable[object]]

_log = logging.getLogger(__name__)

# After one of these no other call can succeed either.
_HOPELESS = {
    Failure.AUTHENTICATION: Stop.REFUSED,
    Failure.NO_MONEY: Stop.REFUSED,
    Failure.STORAGE: Stop.FAULT,
}
# How often a run looks whether somebody has asked it to stop.
_LOOK = timedelta(seconds=1)
# A ledger that is away while an outcome waits to be recorded is asked again after so many seconds.
# When it is back others look for what nobody holds: who knows the outcome should be there first.
_PAUSE = 2.0
# The last of these pauses ends the patience of who is to end, or has somebody waiting.
_LAST_PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0)


@dataclass(frozen=True, slots=True)
class Runner:
    """Drives runs to the point where every item is settled, or stopped before its start.

    Stopping (a cancel, the time-out, the end of the process) means starting no further call. A
    call in flight is always awaited: it is paid for either way.
    """

    runs: Runs
    provider: ImageProvider
    pace: Pace
    clock: Clock
    drain: Drain
    prices: PriceBook = BUILT_IN
    cap: Money | None = None  # what any run may cost; a batch can only name less
    patient: bool = False  # a ledger that is away is waited for until the process wants to end
    sleep: Sleep = asyncio.sleep

    async def settle(
        self, lease: Lease, view: RunView, watch: Watch, arrived: Arrived | None = None
    ) -> RunView:
        """Settle every item of the run; some are left over when it was stopped.

        `watch` is told of every change; `arrived` is awaited for each image, beside the calls.
        """
        return await _Drive(self, lease, Board(view, watch), arrived).all_jobs()

    async def adopt(self, lease: Lease, view: RunView) -> RunView:
        """Take the answers that have come in to calls which an earlier process gave up."""
        return await _Drive(self, lease, Board(view, lambda _: None), None).late_answers()


class _Drive:
    """One run under one lease."""

    def __init__(self, runner: Runner, lease: Lease, board: Board, arrived: Arrived | None) -> None:
        self._runner = runner
        self._arrived = arrived
        self._beside = asyncio.TaskGroup()  # what need not hold up the next call
        self._new: list[int] = []
        self._handing_over = asyncio.Lock()
        self._runs = runner.runs
        self._prices = runner.prices
        self._purse = Purse((runner.cap, cap_of(board.view.run.batch)))
        self._lease = lease
        self._board = board
        self._run = board.view.run
        self._looked: datetime | None = None
        self._bounds = [upper_bound(job, runner.prices) for job in self._run.batch.jobs]

    async def all_jobs(self) -> RunView:
        """Settle the jobs, `max_concurrent` of them at a time."""
        slots = asyncio.Semaphore(self._run.batch.max_concurrent)
        try:
            async with self._beside:
                await self._earlier_calls()
                async with asyncio.TaskGroup() as group:
                    for job in range(len(self._run.batch.jobs)):
                        group.create_task(self._job(job, slots))
        finally:
            self._board.tell()
        return self._board.view

    async def late_answers(self) -> RunView:
        """Look in the spool once more for every call that is in doubt."""
        for view in self._board.view.items:
            await self._adopt(view)
        return self._board.view

    async def _job(self, job: int, slots: asyncio.Semaphore) -> None:
        place = Place(slots)
        async with asyncio.TaskGroup() as group:
            for view in self._board.view.of_job(job):
                group.create_task(self._item(view.item.index, place))

    async def _item(self, index: int, place: Place) -> None:
        await self._adopt(self._board.item(index))
        if self._board.item(index).winner or self._board.item(index).cancelled:
            return  # it is here, or it was stopped and nobody has ordered it again
        while await self._step(self._board.item(index), place) and not self._stopped:
            pass

    async def _step(self, view: ItemView, place: Place) -> bool:
        """Do what is next for the item; False when nothing is left to do."""
        match self._next(view):
            case Settled() | Recall():  # calls of an earlier process are settled by now
                return False
            case Wait(until):
                await self._wait(until)
            case Call(number):
                return await self._call_in(place, view, number)
        return True

    def _next(self, view: ItemView) -> Step:
        policy = self._run.batch.retry_policy
        return next_step(view.attempts, policy, self._runner.clock(), order=view.order)

    # --- starting, or not ---------------------------------------------------------------------

    @property
    def _stopped(self) -> bool:
        return self._board.stop is not None or self._runner.drain.asked

    async def _may_start(self) -> bool:
        if self._stopped:
            return False
        await self._paced()
        await self._look()
        return not self._stopped

    async def _paced(self) -> None:
        """Wait for a place, but not past the wish to stop: others wait for it, too."""
        place = self._runner.drain.unless_asked(self._runner.pace.acquire())
        waiting = asyncio.create_task(place)
        try:
            while not self._stopped:
                if (await asyncio.wait([waiting], timeout=_LOOK.total_seconds()))[0]:
                    return
                await self._look()
        finally:
            waiting.cancel()
            await asyncio.wait([waiting])

    def _is_refused(self, model: str) -> bool:
        """Whether the server has said, since somebody last asked, that it has no such model."""
        return any(
            attempt.failure is Failure.NO_MODEL and attempt.order == item.order
            for item in self._board.view.items
            if item.item.call.model == model
            for attempt in item.attempts
        )

    async def _look(self) -> None:
        """Has somebody asked the run to stop, or is its working time over?"""
        now = self._runner.clock()
        if self._looked is not None and timedelta(0) <= now - self._looked < _LOOK:
            return  # a clock may be set back
        self._looked = now
        if stop := await self._runs.stop_requested(self._run.id):
            self._board.stopped(stop)
        elif working_time(self._board.view, now) >= timedelta(milliseconds=self._run.batch.timeout):
            await self._stop(Stop.TIMEOUT)

    async def _stop(self, stop: Stop) -> None:
        await self._runs.request_stop(self._run.id, stop, lease=self._lease)
        self._board.stopped(stop)

    async def _affords(self, amount: Money | None) -> bool:
        """Whether the caps hold one more call; bills above their estimates use them up."""
        if self._purse.has_room(self._board.view, amount):
            return True
        await self._stop(Stop.BUDGET)
        return False

    async def _wait(self, until: datetime) -> None:
        """Wait for a retry, but not past the wish to stop."""
        left = until - self._runner.clock()
        while not self._stopped and left > timedelta(0):
            part = min(left, _LOOK)
            await self._runner.drain.wait(part.total_seconds())
            left = min(left - part, until - self._runner.clock())  # a clock may be set back
            await self._look()

    # --- one call -----------------------------------------------------------------------------

    async def _call_in(self, place: Place, view: ItemView, number: int) -> bool:
        """Call when the job has its place; False if nothing may be started any more.

        Others take the place as soon as the answer is kept: reading it holds up nobody. Only under
        a cap they wait for its bill, which may be higher than anybody thought.
        """
        leave = await place.enter()
        kept = leave if self._purse.bottomless else lambda: None
        try:
            if not await self._may_start() or self._is_refused(view.item.call.model):
                return False
            await _to_the_end(self._call(view, number, kept))
            return True
        finally:
            leave()

    async def _call(self, view: ItemView, number: int, kept: Callable[[], None]) -> None:
        """Record the intent, call once, record the outcome."""
        index = view.item.index
        amount = self._bounds[view.item.job]
        if not await self._affords(amount):
            return
        now = self._runner.clock()
        started = Attempt(number, view.order, AttemptState.STARTED, now, amount=amount)
        with self._purse.promise(amount):
            try:
                stop = await self._runs.start(self._lease, index, number, view.order, amount, now)
            except LedgerBusy:
                await self._never_made(index, number)
                raise
        if stop:  # somebody has asked for it since the last look
            self._board.stopped(stop)
            return
        self._board.record(index, started)
        reach(Point.INTENT_COMMITTED)
        ended: list[datetime] = []  # reading the answer is no part of the call

        def over() -> None:
            ended.append(self._runner.clock())
            self._board.record(index, replace(started, settled_at=ended[0]))
            kept()

        try:
            key = spool_key(self._run.id, view, number)
            answer = await self._runner.provider.create(view.item.call, key, over)
        except ProviderError as error:
            await self._record(index, number, failed(error))
            await self._mind(error)
        except Exception as error:  # noqa: BLE001  (after the intent, whatever happens may have cost money)
            # Such as a full disk: the next call would meet it, too.
            # A program's fault is told with its place, a disk's in one line.
            trace = not isinstance(error, OSError)
            words = "run %s: the answer of item %s was not kept: %s"
            _log.error(words, self._run.id, index, error, exc_info=trace)
            await self._record(index, number, lost(_FAULT))
            await self._stop(Stop.FAULT)
        else:
            reach(Point.ANSWER_SPOOLED)
            await self._record(index, number, succeeded(view, answer, amount, self._prices), *ended)

    async def _never_made(self, index: int, number: int) -> None:
        """Say that no call followed an intent, if it is there: its commit was not confirmed.

        Otherwise whoever goes on would have to take it for a call, and put the image in doubt.
        """
        with suppress(LookupError, LedgerBusy):
            now = self._runner.clock()
            await self._patiently(index, number, Settlement(failure=Failure.CONNECTION), now)

    async def _record(
        self, index: int, number: int, outcome: Settlement, at: datetime | None = None
    ) -> None:
        attempt = await self._patiently(index, number, outcome, at or self._runner.clock())
        reach(Point.ATTEMPT_SETTLED)
        self._board.record(index, attempt)
        if self._arrived and attempt.state is AttemptState.SUCCEEDED:
            self._new.append(index)
            self._start_beside(self._hand_over(self._arrived))

    def _start_beside(self, work: Coroutine[None, None, None]) -> None:
        try:
            self._beside.create_task(work)
        except RuntimeError:  # an earlier one has failed, and the run ends: the spool keeps this
            work.close()

    async def _hand_over(self, arrived: Arrived) -> None:
        async with self._handing_over:
            new, self._new = self._new, []
            if new:
                await arrived([self._board.item(index) for index in new])

    async def _patiently(
        self, index: int, number: int, outcome: Settlement, at: datetime
    ) -> Attempt:
        """Record an outcome even if the ledger is away for a while: it cost money, or it did not.

        Whoever holds the run meanwhile finds an answer in the spool, but nothing of a refusal.
        """
        for tries, pause in enumerate(self._pauses()):
            try:
                return await self._runs.settle(self._lease, index, number, outcome, at)
            except LedgerBusy as error:
                if tries == len(_LAST_PAUSES):
                    words = "run %s: what became of item %s waits for the ledger: %s"
                    _log.warning(words, self._run.id, index, error)
            await self._runner.sleep(pause)
        return await self._runs.settle(self._lease, index, number, outcome, at)

    def _pauses(self) -> Iterator[float]:
        while self._runner.patient and not self._runner.drain.asked:
            yield _PAUSE
        yield from _LAST_PAUSES

    async def _mind(self, error: ProviderError) -> None:
        """Learn from a refusal what it means for the other calls."""
        if stop := _HOPELESS.get(error.failure):
            await self._stop(stop)
        elif error.failure is Failure.RATE_LIMIT and error.retry_after:
            await self._runner.pace.slow_down(error.retry_after)

    # --- what an earlier process left ---------------------------------------------------------

    async def _earlier_calls(self) -> None:
        """Settle them before anything starts: until then they count as under way."""
        for view in self._board.view.items:
            if isinstance(step := self._next(view), Recall):
                await self._recall(view, step.number)

    async def _recall(self, view: ItemView, number: int) -> None:
        """Settle an intent of a process that is gone from the spool, or put it in doubt."""
        answer: Answer | None = None
        try:
            answer = await self._runner.provider.recall(spool_key(self._run.id, view, number))
        except ProviderError as error:
            outcome = failed(error)
        else:
            amount = next(a.amount for a in view.attempts if a.number == number)
            outcome = succeeded(view, answer, amount, self._prices) if answer else lost(_GONE)
        # The time in which nobody was there is none in which the run has worked.
        await self._record(view.item.index, number, outcome, answer.kept_at if answer else None)

    async def _adopt(self, view: ItemView) -> None:
        """Take the late bytes of a worker that was thought dead: they are paid for."""
        gone = [a for a in view.attempts if a.failure is Failure.LOST]
        for attempt in () if view.winner else gone:
            with suppress(ProviderError):  # an answer without a picture leaves it in doubt
                key = spool_key(self._run.id, view, attempt.number)
                if answer := await self._runner.provider.recall(key):
                    outcome = succeeded(view, answer, attempt.amount, self._prices)
                    await self._record(view.item.index, attempt.number, outcome, answer.kept_at)


_FAULT = said("this machine could not keep the answer (is its disk full?)")
_GONE = said("the process ended during the call, and no answer was kept")


def spool_key(run_id: str, view: ItemView, number: int) -> str:
    """Where the answer of one attempt is spooled."""
    return f"{run_id}/{spool_name(view, number)}"


def spool_name(view: ItemView, number: int) -> str:
    """What the answer of one attempt is called below its run."""
    return f"{view.item.id}-{number}"


async def _to_the_end(call: Coroutine[object, object, None]) -> None:
    """Await a call that is paid for; being cancelled meanwhile takes effect after it."""
    task = asyncio.create_task(call)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        if not task.cancelled() and (error := task.exception()):
            raise error from None  # an outcome that could not be recorded outranks the cancel
        raise
