"""Several ways to publish: what one is refused goes the next, and nobody is left without a word."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import reduce

from bot.adapters.destinations.names import counted
from bot.core.ports import Destination, File, Published
from bot.core.run import Run, Wish
from bot.core.said import said


@dataclass(frozen=True, slots=True)
class Way:
    """A destination whose note is why it takes no more, and what people call it."""

    place: str
    destination: Destination
    wish: Wish | None = None  # the word by which a repository may ask for it


class Ways:
    """Publishes by the first way, and by the next ones what those before them are refused.

    The first one is that which the run's repository wishes, if it does. What all of them refuse
    goes to the `rest`, and `kept` says where that is.
    """

    def __init__(
        self, *ways: Way, rest: Destination | None = None, kept: Callable[[Run], str] | None = None
    ) -> None:
        self._ways = ways
        self._rest = rest
        self._kept = kept or _in_spool

    async def publish(self, run: Run, files: Sequence[File]) -> Published:
        """Put the files where people can fetch them; again for the same files changes nothing."""
        done, notes = Published(()), list[str]()
        for way in sorted(self._ways, key=lambda way: way.wish != run.destination):
            left = _left(files, done)
            if not left:
                break
            part = await way.destination.publish(run, left)
            arrived = sum(each.url is not None for each in part.files)
            if done.note and arrived:
                notes.append(_instead(way.place, arrived, done.note))
            done = _merged(done, part)
        if self._rest and (left := _left(files, done)):
            await self._rest.publish(run, left)
        notes += _refused(done, self._kept(run))
        return replace(done, note=reduce(_joined, notes, ""))


def _left(files: Sequence[File], done: Published) -> Sequence[File]:
    """The files that have no address yet, with whatever goes beside them; nothing if all have."""
    placed = {each.item for each in done.files if each.url}
    left = [file for file in files if file.item not in placed]
    return left if any(file.item is not None for file in left) else []


def _merged(done: Published, part: Published) -> Published:
    files = {each.item: each for each in done.files}
    files |= {each.item: each for each in part.files if each.url or each.item not in files}
    beside = {each.name: each for each in (*part.extras, *done.extras)}
    return Published(
        tuple(files.values()),
        done.page_url or part.page_url,
        done.note or part.note,
        tuple(beside.values()),
    )


def _instead(place: str, count: int, why: str) -> str:
    return said(
        "Published on {place} instead: {files}. The reason: {why}",
        place=place,
        files=counted(count),
        why=why,
    )


def _refused(done: Published, kept: str) -> Iterable[str]:
    count = sum(each.url is None for each in done.files)
    if not count:
        return
    files = said("The images") if count == len(done.files) else counted(count)
    yield said(
        "{files} could not be published: {why} {kept}", files=files, why=done.note, kept=kept
    )


def _in_spool(run: Run) -> str:
    return said("They are kept on the server, in spool/{run}.", run=run.id)


def _joined(first: str, then: str) -> str:
    return said("{first} {then}", first=first, then=then) if first else then
