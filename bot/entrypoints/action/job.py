"""One command of a thread, from the look at its author to the last word about its run."""

import asyncio
import json
import signal
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from bot.adapters.github import GitHubHost, TokenCredentials
from bot.core import markdown
from bot.core.command import Cancel, Estimate, Status
from bot.core.errors import BatchError, CommandError, HostError, Refused, RulesError, SettingsError
from bot.core.event import delivery_id, run_id
from bot.core.policy import decide_author
from bot.core.ports import Delivery, Role
from bot.core.pricing import estimate_json
from bot.core.rules import Rules
from bot.core.run import RunState, RunView, Stop
from bot.core.said import said
from bot.engine.intake.opening import Opening
from bot.engine.intake.reply import fault, words_for
from bot.engine.thread import comment
from bot.entrypoints import settings
from bot.entrypoints.action import inputs, outputs, places, summary
from bot.entrypoints.action.asked import Order
from bot.entrypoints.action.cancelling import Cancelling
from bot.entrypoints.action.claim import Claim
from bot.entrypoints.action.desk import Collected, Desk, Discreet, desk
from bot.entrypoints.action.elsewhere import own_lead
from bot.entrypoints.action.inputs import Environment
from bot.entrypoints.action.meeting import Meeting, YieldsError
from bot.entrypoints.action.memory import Memory
from bot.entrypoints.action.outputs import Outputs
from bot.entrypoints.action.scribe import Subject
from bot.entrypoints.settings import Settings
from bot.entrypoints.wiring.common import arm, utc_now

# A runner kills what has not ended ten seconds after it asked for the first time.
_GRACE = 5.0
_LAST_WORDS = timedelta(minutes=3)


async def lead(order: Order, environment: Environment, told: Outputs) -> int:
    """Answer the comment; the step's exit code. Raises HostError and SettingsError."""
    given, event = order.given, order.event
    host = GitHubHost(TokenCredentials(order.token, given.api_url))
    try:
        if not await _may_spend(host, order):
            told.write(outputs.IGNORED)
            return 0
        await host.react(event.thread, "eyes")  # which tells whose the token is
        try:
            found = _settings(order, environment)
        except SettingsError:
            await host.react(event.thread, "confused")
            raise
        arm(found.gptimage_kill_point)
        async with desk(found, host, places.folder(order), places.place(order).images) as parts:
            return await Job(order, parts, host).done(told)
    finally:
        await host.aclose()


async def _may_spend(host: GitHubHost, order: Order) -> bool:
    """Whether the author has the role; who has not hears one quiet reaction."""
    event = order.event
    role = await host.role(event.thread, event.author.login)
    try:
        decide_author(event.author, role, Role[order.given.min_role.upper()])
    except Refused as error:
        outputs.log(str(error))
        with suppress(HostError):
            await host.react(event.thread, "confused")
        return False
    return True


def _settings(order: Order, environment: Environment) -> Settings:
    """The settings of this process in the words of the action's inputs; reads the key."""
    given = order.given
    key = environment.get(inputs.KEY) and inputs.openai_key(environment)
    if not key and order.pays:
        inputs.openai_key(environment)  # says how to give one
    wanted = {
        "gptimage_model": given.model,
        "openai_batch_max_concurrent": given.max_concurrent,
        "openai_batch_timeout": given.timeout,
        "gptimage_max_cost_per_run": given.max_cost,
        "gptimage_destination": None if given.destination in places.FOLDERS else given.destination,
    }
    return settings.read(
        _env_file=None,
        **{name: value for name, value in wanted.items() if value is not None},
        openai_api_key=key or None,
        openai_base_url=given.openai_base_url,
        openai_image_output_dir=None,
        database_url=None,
        redis_url=None,
        history_db_path=None,
        github_app_id=None,
        gptimage_data_dir=order.temporary / "gptimage",
        gptimage_allowed_owners=(str(order.event.owner.id),),
        gptimage_allowed_bots=(),
        gptimage_min_role=given.min_role,
        gptimage_language=given.language,
    )


class Job:
    """Answers one command, and leads the run that comes of it."""

    def __init__(self, order: Order, parts: Desk, host: GitHubHost) -> None:
        self._order = order
        self._desk = parts
        self._host = host
        self._thread = order.event.thread
        self._cancelling = Cancelling(host, parts.ledger, self._thread)
        self._claim = Claim(host, self._thread, utc_now)
        self._meeting = Meeting(order, host, self._claim, self._cancelling, self._memory)

    async def done(self, told: Outputs) -> int:
        """Do all of it; the step's exit code. Raises HostError."""
        try:
            return await self._done(told)
        finally:
            await self._claim.release()

    async def _done(self, told: Outputs) -> int:
        run = await self._answered()
        place, folder = places.place(self._order), places.folder(self._order)
        if run:  # also of a job that is killed, what is finished is handed over
            told.write({"run-id": run, "output-dir": place.images, "upload": folder is not None})
        view = await self._led(run) if run else None
        uploads = view is not None and (folder is not None or summary.unpublished(view))
        told.write({"upload": uploads})  # at once: the last words may take longer than there is
        await self._last_words()
        if view is None:
            if isinstance(self._order.command, Estimate):
                told.write(await self._price(self._order.command))
            return 0
        result = summary.write_report(places.found(view, place), utc_now(), place)
        told.write(
            {
                **summary.outputs(result, place, view.run.page_url, uploads=uploads),
                "comment-url": await self._comment_url(view),
            }
        )
        told.summarise(self._desk.audience.final_words(view))
        return int(summary.failed(result, self._order.given.fail_on))

    async def _answered(self) -> str | None:
        """Answer the comment; the run that this job leads, if there is one."""
        event, command, parts = self._order.event, self._order.command, self._desk
        own = run_id(self._thread)
        try:
            subject = await self._recalled(await self._readable(own))
        except YieldsError as error:
            outputs.log(str(error))
            return None
        except (CommandError, BatchError) as error:
            await self._say_fault(error)
            return None
        parts.scribe.follow(None if isinstance(command, Status | Cancel) else subject)
        acted = await parts.ledger.runs.has_acted(own)
        runs = await self._take_in()
        if isinstance(command, Cancel):
            for run in runs:
                if shown := await self._shown(run):
                    await self._cancelling.ask(shown)
            return None
        if acted and subject and event.action == "created":
            # An earlier job of the same comment has ended before its run.
            return subject.run if await self._goes_on(subject) else None
        return runs[0] if runs and subject and await self._is_alone(subject) else None

    async def _readable(self, own: str) -> Memory:
        """What the thread remembers; raises SettingsError if this run's part cannot be read."""
        memory = await self._memory()
        if memory.is_unreadable(own):
            await self._host.react(self._thread, "confused")
            message = said(
                "this run was recorded with another openai-api-key, so nobody can tell what it has"
                " paid for: comment /batch anew"
            )
            raise SettingsError([message])
        return memory

    async def _recalled(self, memory: Memory) -> Subject | None:
        """The run that the command is about, settled if its job is gone; raises as `met` does."""
        event, command = self._order.event, self._order.command
        memory, settles = await self._meeting.met(memory)
        subject = await memory.recall(event, command, own_lead(self._order.given))
        if subject is None:
            return None
        subject = replace(subject, mark=self._claim.mark)
        if settles:
            await self._settle(subject)
        return subject

    async def _price(self, command: Estimate) -> Mapping[str, object]:
        """The estimate that the thread was told, for later steps."""
        parts = self._desk
        opening = Opening(parts.ledger, self._host, parts.pictures, utc_now, await self._rules())
        try:
            _, bill = await opening.priced(self._order.event, command)
        except (CommandError, BatchError):
            return {"status": "invalid"}
        return {"estimate": json.dumps(estimate_json(bill)), "status": "estimated"}

    async def _memory(self) -> Memory:
        parts = self._desk
        return Memory(
            parts.ledger,
            self._host,
            parts.pictures,
            await self._rules(),
            await self._host.remarks(self._thread),
            parts.signer,
            parts.markers,
            parts.home,
        )

    # --- beside other jobs --------------------------------------------------------------------

    async def _goes_on(self, subject: Subject) -> bool:
        """Whether this job alone goes on with the run: its claim is shown before any call."""
        view = await self._desk.ledger.runs.get(subject.run)
        if view and view.run.state is not RunState.DONE:
            await self._desk.calls.show(view)
            return await self._is_alone(subject)
        return True

    async def _settle(self, subject: Subject) -> None:
        """End the run that its job has left: what was announced is in doubt, and no more is."""
        self._desk.scribe.follow(subject)
        await self._desk.ledger.runs.request_stop(subject.run, Stop.INTERRUPTED)
        await self._to_the_end(subject.run)

    async def _is_alone(self, subject: Subject) -> bool:
        """Whether no other job has begun the same, looked up when our own comment stands.

        Of two that post and then look, the second to post sees the first; if both see each other,
        neither begins.
        """
        if await self._owes(subject.run):
            await self._last_words()
        shown = await self._shown(subject.run)
        if shown is None or await self._owes(subject.run):
            return False  # which has been said
        others = (await self._memory()).others(subject, shown)
        if not others and (subject.mark is None or await self._claim.stands()):
            return True
        message = said("Another job is at work on this comment: nothing to do here")
        outputs.log(message)
        if all(kept.comment != shown for kept in others):
            self._desk.scribe.follow(None)
            words = words_for(self._order.event, self._desk.rulebook.general)
            effect = comment(self._thread, words.tell(message))
            await self._desk.ledger.outbox.say(effect, utc_now())
            await self._desk.postman.deliver(effect.id)
        return False

    async def _owes(self, run: str) -> bool:
        owed = await self._owed((), utc_now())
        return f"comment-{run}" in owed

    async def _rules(self) -> Rules:
        try:
            return await self._desk.rulebook.rules(self._thread)
        except RulesError:  # the intake says what is wrong with them
            return self._desk.rulebook.general

    async def _take_in(self) -> list[str]:
        """Let the intake answer; the runs that have something to do now."""
        event, parts = self._order.event, self._desk
        others = await self._others_comments()
        scheduler = Collected()
        delivery = Delivery(delivery_id(event), "workflow", event, utc_now())
        await parts.ledger.inbox.receive(delivery)
        await parts.intake(scheduler, Discreet(parts.postman, others)).handle(delivery.id)
        return scheduler.runs

    async def _others_comments(self) -> Collection[str]:
        """The comments of runs that this command is about, but that other jobs lead."""
        if not isinstance(self._order.command, Cancel):
            return ()
        unfinished = await self._desk.ledger.runs.unfinished(utc_now())
        return {f"comment-{run}" for run in unfinished}

    async def _say_fault(self, error: CommandError | BatchError) -> None:
        event, parts = self._order.event, self._desk
        words = words_for(event, parts.rulebook.general)
        text = (
            markdown.command_problem(error, words)
            if isinstance(error, CommandError)
            else markdown.batch_problems(error, words)
        )
        for effect in fault(event, text).effects:
            await parts.ledger.outbox.say(effect, utc_now())
            await parts.postman.deliver(effect.id)

    async def _shown(self, run: str) -> int | None:
        return await self._desk.ledger.outbox.remote(f"comment-{run}")

    # --- leading ------------------------------------------------------------------------------

    async def _led(self, run: str) -> RunView | None:
        """Lead the run to its end, also if the runner wants this job to end first."""
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        for name in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(name, ended.set)
        if self._order.given.run_attempt == 1:
            await self._cancelling.forget(run)
        watch = asyncio.create_task(self._cancelling.watch(run))
        work = asyncio.create_task(self._to_the_end(run))
        told = asyncio.create_task(ended.wait())
        try:
            await asyncio.wait({work, told}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                await self._interrupted(run, work)
            return await self._desk.ledger.runs.get(run)
        finally:
            for name in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(name)
            for task in (watch, told):
                task.cancel()
            await asyncio.gather(watch, told, return_exceptions=True)
            if work.done() and not work.cancelled():
                work.result()

    async def _interrupted(self, run: str, work: asyncio.Task[None]) -> None:
        """Start nothing more; calls that do not end in time are in doubt."""
        self._desk.ending.set()
        await self._desk.ledger.runs.request_stop(run, Stop.INTERRUPTED)
        await asyncio.wait({work}, timeout=_GRACE)
        self._desk.calls.give_up()
        await work

    async def _to_the_end(self, run: str) -> None:
        """GitHub may ask for patience on the way; the run is parked for so long."""
        ledger = self._desk.ledger
        while True:
            view = await self._desk.life.execute(run, self._desk.audience)
            if view is not None and view.run.state is RunState.DONE:
                return
            free = await ledger.leases.free_at(f"run:{run}")
            await asyncio.sleep(max((free - utc_now()).total_seconds(), 0.5))

    async def _last_words(self) -> None:
        """Deliver what GitHub did not take at once."""
        until = utc_now() + _LAST_WORDS
        silent = set(await self._others_comments())
        while owed := await self._owed(silent, until):
            if utc_now() > until:
                outputs.annotate("error", said("GitHub did not take the last words of this run"))
                return
            for effect in owed:
                await self._desk.postman.deliver(effect)
            await asyncio.sleep(1 if await self._owed(silent, until) else 0)

    async def _owed(self, silent: Collection[str], until: datetime) -> list[str]:
        owed = await self._desk.ledger.outbox.owed(until + timedelta(hours=1))
        return [effect for effect in owed if effect not in silent]

    async def _comment_url(self, view: RunView) -> str:
        effect = comment(view.run.thread or self._thread, "").id
        shown = await self._desk.ledger.outbox.remote(effect)
        return self._host.page(self._thread, shown) if shown else ""
