"""Looking back: which runs there were, and what they cost."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    Text,
    and_,
    func,
    insert,
    select,
    type_coerce,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.adapters.ledger import tally
from bot.adapters.ledger.engine import Database
from bot.adapters.ledger.rows import attempt_values
from bot.adapters.ledger.tables import attempts, items, runs
from bot.adapters.ledger.views import insert_run
from bot.core.attempts import AttemptState
from bot.core.pricing import Money
from bot.core.report import Report, from_json
from bot.core.run import SIMULATED, RunState, RunView, Stop, total


@dataclass(frozen=True, slots=True)
class PastRun:
    """One line of the history; `made` of `wanted` images are there. Money is None if unknown."""

    id: str
    created_at: datetime
    state: RunState
    stop: Stop | None
    prompt: str  # of the first job
    model: str
    repository: str | None  # "owner/name"; None for a run of the command line
    wanted: int
    made: int
    paid: Money | None
    in_doubt: Money | None
    simulated: bool = False  # then nothing was paid


@dataclass(frozen=True, slots=True)
class Spent:
    """What the images of one model cost on one day (UTC); `cost` is None if one has no price."""

    day: date
    model: str
    images: int
    cost: Money | None


class SqlHistory:
    """Reads what the other parts of the ledger have written, and keeps what came from elsewhere."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def runs(
        self, *, limit: int = 20, search: str = "", since: datetime | None = None
    ) -> Sequence[PastRun]:
        """The latest runs, newest first; `search` is looked for in prompts, paths and ids."""
        chosen = select(runs).order_by(runs.c.created_at.desc()).limit(limit)
        if since:
            chosen = chosen.where(runs.c.created_at >= since)
        if search:
            chosen = chosen.where(
                runs.c.id.startswith(search, autoescape=True)
                | runs.c.id.in_(_holding(search))
                | _reports(search)
            )
        async with self._database.read() as connection:
            found = (await connection.execute(chosen)).all()
            ids = [run.id for run in found]
            wanted = {row.run_id: row.images for row in await connection.execute(_wanted(ids))}
            tried = {row.run_id: row for row in await connection.execute(_tried(ids))}
        return [_past(run, wanted.get(run.id, 0), tried.get(run.id)) for run in found]

    async def find(self, prefix: str) -> Sequence[str]:
        """The ids that begin so, newest first; at most ten."""
        chosen = (
            select(runs.c.id)
            .where(runs.c.id.startswith(prefix, autoescape=True))
            .order_by(runs.c.created_at.desc())
            .limit(10)
        )
        async with self._database.read() as connection:
            return (await connection.scalars(chosen)).all()

    async def report(self, run_id: str) -> Report | None:
        """The report of a run that is over, as it was stored."""
        stored = select(runs.c.report).where(runs.c.id == run_id)
        async with self._database.read() as connection:
            text = await connection.scalar(stored)
        return None if text is None else from_json(text)

    async def latest(self, digest: str | None = None) -> str | None:
        """The newest run of the command line, of this batch if a digest says which."""
        chosen = select(runs.c.id).where(runs.c.thread.is_(None))
        if digest is not None:
            chosen = chosen.where(runs.c.digest == digest)
        async with self._database.read() as connection:
            return await connection.scalar(chosen.order_by(runs.c.created_at.desc()).limit(1))

    async def spent(self, since: datetime) -> Sequence[Spent]:
        """What was paid since then, by day and model, oldest first; simulations are free."""
        paid: Select[Any] = (
            select(attempts.c.settled_at, attempts.c.cost, items.c.wanted)
            .join(
                items,
                and_(items.c.run_id == attempts.c.run_id, items.c.item == attempts.c.item),
            )
            .join(runs, runs.c.id == attempts.c.run_id)
            .where(attempts.c.state == AttemptState.SUCCEEDED, attempts.c.settled_at >= since)
            .where(_REAL)
        )
        pruned = select(runs.c.report).where(
            runs.c.pruned_at.is_not(None), runs.c.finished_at >= since, _REAL
        )
        async with self._database.read() as connection:
            rows = (await connection.execute(paid)).all()
            told = [*map(from_json, filter(None, await connection.scalars(pruned)))]
        return _by_day_and_model(
            [*map(_bill, rows), *(bill for each in told for bill in _bills(each))]
        )

    async def keep(self, views: Sequence[RunView]) -> int:
        """Store runs that are over, all or nothing; gives how many were not there yet."""
        async with self._database.write() as connection:
            return sum([await keep(connection, view) for view in views])


_REAL = func.coalesce(runs.c.digest, "").not_like(f"{SIMULATED}%")

# What is known of an image, beside what was wanted and tried.
_TOLD = ("order", "cancelled", "url", "path", "thumbnail")


async def keep(connection: AsyncConnection, view: RunView) -> bool:
    """Store a run with all that became of it; False if it is there already."""
    if not await insert_run(connection, view.run, [item.item for item in view.items]):
        return False
    for item in view.items:
        at = {"run_id": view.run.id, "item": item.item.index}
        await connection.execute(
            update(items)
            .where(items.c.run_id == at["run_id"], items.c.item == at["item"])
            .values({name: getattr(item, name) for name in _TOLD})
        )
        for attempt in item.attempts:
            await connection.execute(insert(attempts).values(**at, **attempt_values(attempt)))
    if view.run.finished_at:
        await tally.add(connection, view.run.id)
    return True


def _holding(search: str) -> Select[tuple[str]]:
    """Runs with an image whose prompt or path holds the text, in any case."""
    wanted = func.lower(type_coerce(items.c.wanted, Text))
    return select(items.c.run_id).where(wanted.contains(search.lower(), autoescape=True))


def _reports(search: str) -> ColumnElement[bool]:
    """Of a run that was pruned, the report is what can be searched."""
    told = func.lower(runs.c.report)
    return runs.c.pruned_at.is_not(None) & told.contains(search.lower(), autoescape=True)


def _wanted(ids: Sequence[str]) -> Select[Any]:
    images = items.c.run_id.in_(ids)
    return (
        select(items.c.run_id, func.count().label("images")).where(images).group_by(items.c.run_id)
    )


def _tried(ids: Sequence[str]) -> Select[Any]:
    made = attempts.c.state == AttemptState.SUCCEEDED
    doubtful = attempts.c.state.in_([AttemptState.STARTED, AttemptState.IN_DOUBT])
    return (
        select(
            attempts.c.run_id,
            func.count().filter(made).label("made"),
            func.sum(attempts.c.cost).filter(made).label("paid"),
            func.count().filter(made, attempts.c.cost.is_(None)).label("unpriced"),
            func.sum(attempts.c.amount).filter(doubtful).label("in_doubt"),
            func.count().filter(doubtful, attempts.c.amount.is_(None)).label("unbounded"),
        )
        .where(attempts.c.run_id.in_(ids))
        .group_by(attempts.c.run_id)
    )


def _past(run: Row[Any], wanted: int, tried: Row[Any] | None) -> PastRun:
    first = run.batch.jobs[0]
    line = PastRun(
        id=run.id,
        created_at=run.created_at,
        state=run.state,
        stop=run.stop,
        prompt=first.prompt,
        model=first.model,
        repository=run.thread.repository if run.thread else None,
        wanted=wanted,
        made=tried.made if tried else 0,
        paid=_known(tried.paid, tried.unpriced) if tried else Money(0),
        in_doubt=_known(tried.in_doubt, tried.unbounded) if tried else Money(0),
        simulated=(run.digest or "").startswith(SIMULATED),
    )
    return _from_report(line, from_json(run.report)) if run.pruned_at and run.report else line


def _from_report(line: PastRun, told: Report) -> PastRun:
    return replace(
        line,
        wanted=sum(job.requested for job in told.results),
        made=sum(job.received for job in told.results),
        paid=_money(told.total_cost),
        in_doubt=_money(told.in_doubt),
    )


def _money(dollars: float | None) -> Money | None:
    return None if dollars is None else Money.from_usd(Decimal(str(dollars)))


def _known(amount: Money | None, unknown: int) -> Money | None:
    return None if unknown else amount or Money(0)


class _Bill(NamedTuple):
    day: date
    model: str
    images: int
    cost: Money | None


def _bill(row: Row[Any]) -> _Bill:
    return _Bill(row.settled_at.date(), row.wanted.call.model, 1, row.cost)


def _bills(told: Report) -> Iterable[_Bill]:
    """What a report tells of each job; the day is that of the run's end."""
    day = told.finished_at.date()
    jobs = (job for job in told.results if job.received)
    return (_Bill(day, job.model, job.received, _money(job.cost)) for job in jobs)


def _by_day_and_model(bills: Iterable[_Bill]) -> Sequence[Spent]:
    found: dict[tuple[date, str], list[_Bill]] = defaultdict(list)
    for bill in bills:
        found[bill.day, bill.model].append(bill)
    return [
        Spent(day, model, sum(bill.images for bill in of), total(bill.cost for bill in of))
        for (day, model), of in sorted(found.items())
    ]
