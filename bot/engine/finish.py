"""Publish the files of a settled run, store its report, and have the last word."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from bot.core import paths
from bot.core.errors import Charge
from bot.core.killpoints import Point, reach
from bot.core.plan import Item
from bot.core.ports import (
    Clock,
    Destination,
    Effect,
    File,
    ImageProvider,
    Lease,
    Made,
    Publication,
    Runs,
    Spool,
)
from bot.core.redact import BY_LOOK, Redact
from bot.core.report import report, to_json
from bot.core.run import FileKind, ItemView, Run, RunView
from bot.engine.runner import spool_key, spool_name

_REPORT = "report"


@dataclass(frozen=True, slots=True)
class Finish:
    """Ends runs; every step may be repeated after a crash.

    Reports go through `redact` last.
    """

    runs: Runs
    provider: ImageProvider
    spool: Spool
    destination: Destination
    clock: Clock
    name_of: Callable[[Item], str]
    redact: Redact = BY_LOOK
    remote: bool = True  # files get addresses there
    reported: bool = True  # report.json goes with them

    async def finish(
        self, lease: Lease, run_id: str, last_word: Callable[[RunView], Sequence[Effect]]
    ) -> RunView:
        """Publish what is there, and settle the run's money, report and thread."""
        await self.runs.settled(lease)
        view = await self._publish_all(lease, await self._view(run_id))
        text = self._told(view)
        await self.runs.finish(lease, text, last_word(view), self.clock())
        reach(Point.REPORT_STORED)
        # By now somebody else may have ordered more, and paid: what is not named here stays.
        await self.spool.discard(f"{run_id}/", self._done_with(view))
        return await self._view(run_id)

    def _done_with(self, view: RunView) -> Collection[str]:
        """What the spool need not keep: not what could not be published, or may still come in."""
        placed = [item for item in view.items if item.url or (item.path and not self.remote)]
        others = [item for item in view.items if item not in placed]
        if any(item.winner or item.charge is Charge.IN_DOUBT for item in others):
            return _names(placed)
        return {*_names(view.items), _REPORT}

    async def publish(self, lease: Lease, run: Run, items: Sequence[ItemView]) -> None:
        """Publish the images of some items at once, before the run is finished."""
        if files := await self._files(run, items):
            await self._publish(lease, RunView(run, tuple(items)), files)

    async def _publish_all(self, lease: Lease, view: RunView) -> RunView:
        new = [item for item in view.items if self.remote or not item.path]
        files = await self._files(view.run, new)
        if not files:
            return view
        report_file = [await self._report(view)] if self.reported else []
        await self._publish(lease, view, [*files, *report_file])
        return await self._view(view.run.id)

    async def _publish(self, lease: Lease, view: RunView, files: Sequence[File]) -> None:
        done = await self.destination.publish(view.run, files)
        reach(Point.FILES_PUBLISHED)
        kinds = {file.item: file.media_type for file in files}
        placed = [self._placed(each, view, kinds[each.item]) for each in done.files]
        await self.runs.published(lease, placed, done.page_url, done.note, done.extras)

    def _placed(self, publication: Publication, view: RunView, media_type: str) -> Publication:
        """People know a file by the path that they asked for, not by its name as an asset."""
        if not self.remote:
            return publication
        asked = {item.item.index: item.item.path for item in view.items}
        path = paths.of_media_type(asked[publication.item], media_type)
        return replace(publication, path=path)

    async def _files(self, run: Run, items: Iterable[ItemView]) -> Sequence[File]:
        return [file for item in items if (file := await self._file(run, item))]

    async def _file(self, run: Run, item: ItemView) -> File | None:
        """The file of an item that has its image in the spool."""
        if item.winner is None:
            return None
        answer = await self.provider.recall(spool_key(run.id, item, item.winner.number))
        source = await self.spool.fetch(answer.image) if answer else None
        if answer is None or source is None:
            return None
        # What the server sent decides: no file lies about what it holds.
        name = paths.of_media_type(self.name_of(item.item), answer.media_type)
        made = Made(item, answer)
        return File(item.item.index, name, source, answer.media_type, made)

    async def _report(self, view: RunView) -> File:
        """The report as a file beside the images; it cannot know their addresses yet."""
        key = f"{view.run.id}/{_REPORT}.json"
        async with self.spool.receive(key) as writer:
            await writer.write(self._told(view).encode())
        source = await self.spool.fetch(key)
        if source is None:  # somebody else has finished the run, and cleared its spool
            raise FileNotFoundError(key)
        return File(None, "report.json", source, "application/json", kind=FileKind.REPORT)

    def _told(self, view: RunView) -> str:
        return self.redact(to_json(report(view, self.clock())))

    async def _view(self, run_id: str) -> RunView:
        view = await self.runs.get(run_id)
        if view is None:
            raise LookupError(run_id)
        return view


def _names(items: Iterable[ItemView]) -> set[str]:
    """What the answers of all calls for the items are called in the spool, below their run."""
    return {spool_name(item, attempt.number) for item in items for attempt in item.attempts}
