"""What a thread remembers of its runs and estimates, for a job that knows nothing else.

Commands and answers both stand there. A batch is read again from the comment that gave it, and
must be the one that the record names; an estimate is made again, and must come to the same id.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bot.adapters.github.host import Remark
from bot.adapters.ledger import SqlLedger
from bot.core.command import (
    Batch,
    Cancel,
    Command,
    Estimate,
    Retry,
    RunEstimate,
    Status,
    parse_command,
)
from bot.core.errors import CommandError
from bot.core.event import CommentEvent, delivery_id, run_id
from bot.core.language import spoken
from bot.core.markdown import Markers
from bot.core.parse import ParsedBatch
from bot.core.plan import plan
from bot.core.ports import Delivery, Host, Pictures
from bot.core.record import Lead, Record, Signer, claims, view_of
from bot.core.rules import Rules
from bot.core.run import Run, RunState, RunView, Thread
from bot.core.said import said
from bot.engine.hold import TTL
from bot.engine.intake.opening import Opening
from bot.engine.intake.reading import read_batch
from bot.engine.thread import comment
from bot.entrypoints.action.artifact import links
from bot.entrypoints.action.scribe import Subject, digest

_ANEW = said("Comment /batch anew: a run is always of one and the same batch.")


@dataclass(frozen=True, slots=True)
class Kept:
    """A run as its comment tells it."""

    run: str
    record: Record
    comment: int
    links: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Memory:
    """Puts into the ledger of this job what a command needs of the thread."""

    ledger: SqlLedger
    host: Host
    pictures: Pictures
    rules: Rules
    remarks: Sequence[Remark]
    signer: Signer
    markers: Markers
    home: Path

    @property
    def runs(self) -> Sequence[Kept]:
        """The runs of the thread, oldest first."""
        found = (
            Kept(*read, comment=remark.id, links=links(remark.body))
            for remark in self.remarks
            if remark.ours and (read := self.signer.read(remark.body))
        )
        return sorted(found, key=lambda kept: kept.record.created_at)

    def others(self, own: Subject, shown: int | None) -> Sequence[Kept]:
        """What other jobs tell of this run, or of another one of the same estimate."""
        return [
            kept
            for kept in self.runs
            if kept.run == own.run or (own.offer and kept.record.offer == own.offer)
            if kept.comment != shown or (kept.record.lead, kept.record.mark) != (own.lead, own.mark)
        ]

    def is_unreadable(self, run: str) -> bool:
        """Whether our account holds a record of the run that another key has signed."""
        claimed = any(run in claims(remark.body) for remark in self.remarks if remark.ours)
        return claimed and all(kept.run != run for kept in self.runs)

    async def recall(
        self, event: CommentEvent, command: Command | None, lead: Lead
    ) -> Subject | None:
        """Put there what the command is about; says which run this job may lead then.

        Raises CommandError where the thread does not tell it any more.
        """
        own = run_id(event.thread)
        kept = self.wanted(event, command)
        if kept:
            await self._restore(event.thread, kept)
        if isinstance(command, RunEstimate) and (kept is None or kept.run != own):
            await self._estimated(event, command.estimate)
        match command:
            case Batch() | RunEstimate():
                offer = command.estimate if isinstance(command, RunEstimate) else None
                if kept is None:
                    return Subject(own, lead, offer)
                return Subject(own, lead, offer, kept.record.orders, kept.links)
            case Retry() if kept:
                orders = dict.fromkeys((*kept.record.orders, own))
                return Subject(kept.run, lead, kept.record.offer, tuple(orders), kept.links)
            case Status() | Cancel() if kept:
                return Subject(kept.run, lead, kept.record.offer, kept.record.orders, kept.links)
            case _:
                return None

    def wanted(self, event: CommentEvent, command: Command | None) -> Kept | None:
        """The run that the command is about, as its comment tells it."""
        runs = {kept.run: kept for kept in self.runs}
        match command:
            case Batch() | RunEstimate():
                return runs.get(run_id(event.thread))
            case Status(run) | Cancel(run) | Retry(run):
                return runs.get(run) if run else next(reversed(runs.values()), None)
            case _:
                return None

    # --- runs ---------------------------------------------------------------------------------

    async def _restore(self, thread: Thread, kept: Kept) -> None:
        event = self._command(thread, kept.record.comment, kept.run)
        parsed = await self._batch(event, kept.run)
        if digest(parsed.config, str(self.home)) != kept.record.digest:
            raise _changed(kept.run)
        run = Run(
            id=kept.run,
            state=RunState.QUEUED,
            batch=parsed.config,
            created_at=kept.record.created_at,
            thread=event.thread,
            author=event.author,
            warnings=parsed.warnings,
            language=spoken(self.rules.language, event.body),
            destination=self.rules.destination,
        )
        view = _remarked(view_of(kept.record, run, plan(run.batch, run.id)))
        shown = comment(event.thread, "")
        await self.ledger.restoring.restore(view, shown, kept.comment, kept.record.orders)

    async def _batch(self, event: CommentEvent, run: str) -> ParsedBatch:
        command = parse_command(event.body)
        if isinstance(command, RunEstimate):
            event, command = self._estimate(event.thread, command.estimate)
        if not isinstance(command, Batch | Estimate):
            raise _changed(run)
        parsed = await read_batch(command, event.thread, self.host, self.rules.around)
        return await self.pictures.gather(event.thread, parsed)

    def _command(self, thread: Thread, number: int, run: str) -> CommentEvent:
        remark = next((each for each in self.remarks if each.id == number), None)
        if remark is None or remark.author is None:
            raise _changed(run)
        return _event(thread, remark)

    # --- estimates ----------------------------------------------------------------------------

    async def _estimated(self, event: CommentEvent, offer: str) -> None:
        """Make the estimate again, as of its time; one that comes out otherwise is not there."""
        try:
            asked, command = self._estimate(event.thread, offer)
        except CommandError:
            return  # whoever carries out the command says so
        answered = next(remark.said_at for remark in self._answers(offer))
        delivery = Delivery(delivery_id(asked), "", asked, answered)
        await self.ledger.inbox.receive(delivery)
        lease = await self.ledger.leases.claim(f"delivery:{delivery.id}", answered, TTL)
        if lease is None:
            return
        opening = Opening(self.ledger, self.host, self.pictures, lambda: answered, self.rules)
        reply = await opening.estimate(lease, asked, command)
        await self.ledger.restoring.stands(reply.effects)
        if taken := next((kept for kept in self.runs if kept.record.offer == offer), None):
            await self._restore(event.thread, taken)
            if await self.ledger.offers.get(offer):
                await self.ledger.restoring.take(offer, taken.run)

    def _estimate(self, thread: Thread, offer: str) -> tuple[CommentEvent, Estimate]:
        """The comment that asked for the estimate."""
        asked = {comment(replace(thread, comment=r.id), "").id: r for r in self.remarks}
        answers = (self.markers.verify(answer.body) for answer in self._answers(offer))
        for remark in (asked[effect] for effect in answers if effect in asked):
            if remark.author and isinstance(command := parse_command(remark.body), Estimate):
                return _event(thread, remark), command
        raise _changed(offer)

    def _answers(self, offer: str) -> Sequence[Remark]:
        line = f"/batch run {offer}"
        return [each for each in self.remarks if each.ours and line in each.body]


def _event(thread: Thread, remark: Remark) -> CommentEvent:
    if remark.author is None:
        raise ValueError("whoever wrote it is gone")
    return CommentEvent(
        action="created",
        body=remark.body,
        thread=replace(thread, comment=remark.id),
        author=remark.author,
        sender=remark.author,
        sender_type="User",
        owner=remark.author,
        default_branch="",
        comment_created_at=remark.said_at,
    )


def _remarked(view: RunView) -> RunView:
    """The run with what whoever reads its comment must know of its earlier job."""
    if view.run.state is RunState.DONE:
        return view
    earlier = said(
        "An earlier job of this run ended before the run did. Nothing that it made, or may"
        " have paid for, is ordered again."
    )
    lost = said(
        "{count} images were made by that job: what it had not handed over when it ended is lost.",
        count=view.unpublished,
    )
    return view.warned(earlier, lost) if view.unpublished else view.warned(earlier)


def _changed(name: str) -> CommandError:
    message = said("The comment or the file that {name} was made of has changed since.", name=name)
    return CommandError(message, _ANEW)
