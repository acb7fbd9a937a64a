"""A batch on another event than a comment, whose images go to a release or a branch.

They are written to the step's folder as they come, and published from there when the run is over:
what GitHub does not take is in the artifact of the job, and nothing is lost. The run is called
after the workflow's run, its job and the batch, so a job that is run again finds its record.
"""

import asyncio
import base64
import hashlib
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bot.adapters.destinations import BranchNotes, ReleaseNotes, Ways
from bot.adapters.destinations.artifact import in_artifact
from bot.adapters.github import GitHubHost, TokenCredentials
from bot.adapters.pictures.decoding import opened
from bot.adapters.pictures.formats import PictureError, sniff
from bot.core import markdown, paths
from bot.core.errors import BatchError, HostError, Problem, SettingsError
from bot.core.messages import Messages
from bot.core.plan import plan
from bot.core.ports import Answer, File, Made, Published
from bot.core.record import MOST_IMAGES, Signer
from bot.core.run import FileKind, ItemView, Run, RunView, Thread
from bot.core.said import said
from bot.entrypoints import local, redaction
from bot.entrypoints.action import summary
from bot.entrypoints.action.desk import signing_key
from bot.entrypoints.action.elsewhere import own_lead
from bot.entrypoints.action.inputs import Inputs
from bot.entrypoints.action.journal import Journal, Recorded
from bot.entrypoints.action.outputs import annotate
from bot.entrypoints.action.summary import Place
from bot.entrypoints.inputs import Prepared
from bot.entrypoints.leading import Outcome, Wish, go_on
from bot.entrypoints.settings import Settings
from bot.entrypoints.wiring.common import utc_now
from bot.entrypoints.wiring.publishing import ways

if TYPE_CHECKING:
    from bot.entrypoints.wiring.local import LocalLife

PLACES = frozenset({"release", "branch"})
_PAUSES = (2.0, 10.0, 30.0)  # seconds before GitHub is asked again to take the images


async def made(
    batch: Prepared, env: Settings, given: Inputs, place: Place, words: Messages, wish: Wish
) -> Outcome:
    """Make the batch, or go on with it, and publish it. Raises HostError and SettingsError."""
    if given.github_token is None or not given.repository:
        message = said(
            "destination: {destination} needs github-token", destination=given.destination
        )
        raise SettingsError([message])
    source = f"{given.server_url}/{given.repository}/actions/runs/{given.run_id}"
    host = GitHubHost(TokenCredentials(given.github_token, given.api_url), asked_at=source)
    try:
        return await _Making(batch, env, given, place, words, host).done(wish)
    finally:
        await host.aclose()


class _Making:
    def __init__(
        self,
        batch: Prepared,
        env: Settings,
        given: Inputs,
        place: Place,
        words: Messages,
        host: GitHubHost,
    ) -> None:
        self._env = env
        self._given = given
        self._place = place
        self._words = words
        self._host = host
        self._thread = Thread(0, 0, given.repository, private=False, issue=0, comment=0)
        run = replace(local.new_run(batch, env, utc_now()), id=_run_id(batch, given))
        self._items = plan(run.batch, run.id)
        if len(self._items) > MOST_IMAGES:
            message = said("no record has room for more than {most:,} images", most=MOST_IMAGES)
            raise BatchError([Problem("jobs", message)])
        self._run = run
        self._journal: Journal | None = Journal(
            self._notes(),
            Signer(signing_key(env)),
            self._thread,
            own_lead(given),
            env.gptimage_prices,
        )

    async def done(self, wish: Wish) -> Outcome:
        earlier = await self._earlier()
        names = [item.path for item in self._items]
        async with local.living(self._env, self._run.batch, names, wish) as bare:
            life = self._recorded(bare)
            if earlier is None:
                outcome = await local.begun(life, self._run, self._items, wish)
            else:
                await life.ledger.restoring.keep(earlier)
                run = replace(self._run, warnings=earlier.run.warnings)
                outcome = await go_on(life, run, wish)
        view = outcome.view if outcome.interrupted else await self._published(outcome.view)
        await self._last_words(view)
        return replace(outcome, view=view)

    # --- the record -----------------------------------------------------------------------

    def _notes(self) -> ReleaseNotes | BranchNotes:
        name = f"{self._env.gptimage_tag_prefix}{self._run.id}"
        if self._given.destination == "branch":
            return BranchNotes(self._host.branches(self._thread), name)
        return ReleaseNotes(self._host.releases(self._thread), name)

    async def _earlier(self) -> RunView | None:
        """The run as it was left; the record of a new one is begun, if GitHub takes it at all."""
        if self._journal is None:
            return None
        try:
            earlier = await self._journal.earlier(self._run, self._items)
            if earlier is None:
                items = tuple(ItemView(item) for item in self._items)
                await self._journal.write(RunView(self._run, items), "", over=True)
        except HostError as error:
            if not error.final and error.status != 409:
                raise
            self._journal = None
            warning = said(
                "GitHub takes no record of this run ({why}): it would be paid for anew if the job"
                " were run again",
                why=error.message,
            )
            self._run = replace(self._run, warnings=(*self._run.warnings, warning))
            return None
        return earlier and self._found(earlier)

    def _found(self, view: RunView) -> RunView:
        """The run of an earlier attempt, with what it says of itself here."""
        earlier = said(
            "An earlier attempt of this job has begun this run. Nothing that it made, or may"
            " have paid for, is ordered again."
        )
        lost = said(
            "{count} images were made by an earlier attempt and not published: see the artifact"
            " of that attempt.",
            count=view.unpublished,
        )
        items = (
            replace(i, path=str(self._place.images / (i.path or i.item.path)) if i.url else None)
            for i in view.items
        )
        told = view.warned(earlier, lost) if view.unpublished else view.warned(earlier)
        return replace(told, items=tuple(items))

    def _recorded(self, life: "LocalLife") -> "LocalLife":
        if self._journal is None:
            return life
        runner = life.life.runner
        calls = Recorded(runner.provider, self._journal, life.ledger, runner.drain, self._live)
        return replace(life, life=replace(life.life, runner=replace(runner, provider=calls)))

    def _live(self, view: RunView) -> str:
        return redaction.clean(markdown.live(view, utc_now(), self._words))

    async def _last_words(self, view: RunView) -> None:
        if self._journal is None:
            return
        now = utc_now()
        words = summary.told(summary.ended(view), now, self._given, self._place, self._words)
        try:
            await self._journal.write(
                summary.below(view, self._place), redaction.clean(words), over=True
            )
        except HostError as error:
            why = said(
                "the record of the run could not be brought up to date: {why}", why=error.message
            )
            annotate("warning", why)

    # --- the images -----------------------------------------------------------------------

    async def _published(self, view: RunView) -> RunView:
        with tempfile.TemporaryDirectory(dir=self._given.temporary) as staging:
            files = await asyncio.to_thread(self._files, view, Path(staging))
            if not files:
                return view
            done = await self._publish(view.run, files)
        places = {each.item: each for each in done.files}

        def placed(item: ItemView) -> ItemView:
            there = places.get(item.item.index)
            if there is None or there.url is None:
                return item
            return replace(item, url=there.url, thumbnail=there.thumbnail)

        extras = {each.name: each for each in (*view.run.extras, *done.extras)}
        page = done.page_url or view.run.page_url
        run = replace(view.run, page_url=page, note=done.note, extras=tuple(extras.values()))
        return RunView(run, tuple(map(placed, view.items)))

    def _files(self, view: RunView, staging: Path) -> Sequence[File]:
        """Copies of what is not published yet, for small ones are laid beside them."""
        found = [file for item in view.items if (file := _copied(item, staging))]
        if found:
            summary.write_report(view, utc_now(), self._place)
            report = str(self._place.report)
            told = File(None, "report.json", report, "application/json", kind=FileKind.REPORT)
            found.append(told)
        return found

    async def _publish(self, run: Run, files: Sequence[File]) -> Published:
        every = Ways(*ways(self._env, self._host), kept=in_artifact)
        run = replace(run, thread=self._thread)
        for pause in _PAUSES:
            try:
                return await every.publish(run, files)
            except HostError as error:
                why = error.message
                await asyncio.sleep(max(error.retry_after or 0.0, pause))
        return Published((), note=said("{why} {kept}", why=why, kept=in_artifact(run)))


def _run_id(batch: Prepared, given: Inputs) -> str:
    """The same for every attempt of a job; of two equal batches in one job, two."""
    images = f"{batch.digest}/{given.destination}"
    for number in range(1, MOST_IMAGES):
        place = f"{given.repository}/{given.run_id}/{given.job}/{given.job_index}/{number}"
        digest = hashlib.sha256(f"workflow/{place}/{images}".encode()).digest()
        name = base64.b32encode(digest).decode()[:10].lower()
        try:
            (_begun(given) / name).mkdir(parents=True)
        except FileExistsError:  # an earlier step of this job has made the same batch
            continue
        return name
    raise AssertionError("a job of a thousand equal steps")


def _begun(given: Inputs) -> Path:
    return (given.temporary or Path(tempfile.gettempdir())) / "gptimage-runs"


def _copied(item: ItemView, staging: Path) -> File | None:
    """A file to publish of an image that is here; None if it is published already."""
    if item.winner is None or item.url or item.path is None or not Path(item.path).exists():
        return None
    copy = staging / item.item.asset_name
    shutil.copyfile(item.path, copy)
    try:
        with opened(copy) as picture:
            width, height = picture.size
        with copy.open("rb") as file:
            media_type = sniff(file).media_type
    except (PictureError, OSError):  # it is paid for, whatever it is
        return File(item.item.index, copy.name, str(copy), "application/octet-stream")
    answer = Answer(str(copy), media_type, copy.stat().st_size, width, height)
    name = paths.of_media_type(copy.name, media_type)
    return File(item.item.index, name, str(copy), media_type, Made(item, answer))
