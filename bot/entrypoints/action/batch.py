"""A batch that the workflow names, on whatever event."""

import asyncio
import json
import tempfile
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from bot.core import markdown
from bot.core.errors import BatchError, GptimageError, HostError, Refused, SettingsError
from bot.core.language import spoken
from bot.core.messages import Messages, messages
from bot.core.parse import ParsedBatch
from bot.core.pricing import estimate_json
from bot.core.report import Report, to_text
from bot.core.run import RunState, RunView
from bot.core.said import said
from bot.entrypoints import local, settings
from bot.entrypoints.action import inputs, summary
from bot.entrypoints.action.inputs import Environment, Inputs
from bot.entrypoints.action.outputs import IGNORED, Level, Outputs, annotate, log
from bot.entrypoints.action.source import Source, source
from bot.entrypoints.action.summary import Place
from bot.entrypoints.inputs import Prepared, prepared
from bot.entrypoints.leading import Wish
from bot.entrypoints.settings import Settings
from bot.entrypoints.wiring.common import utc_now

if TYPE_CHECKING:
    from bot.entrypoints.leading import Outcome

_WRONG, _REFUSED, _INTERRUPTED = 2, 3, 130
_MOST_ANNOTATIONS = 10
"""GitHub shows no more of a kind for one step; the summary has them all."""


def run(given: Inputs, environment: Environment, outputs: Outputs) -> int:
    """Run the batch, or price it; the step's exit code."""
    try:
        found = source(given)
        if found is None:
            log(said("The comment holds no command: nothing to do"))
            outputs.write(IGNORED)
            return 0
        return _Step(given, environment, outputs, found).answer()
    except HostError as error:  # before anything was paid
        outputs.write({"status": "failed"})
        annotate("error", said("GitHub: {why}", why=error.message))
        return 1
    except GptimageError as error:
        outputs.write({"status": "refused" if isinstance(error, Refused) else "invalid"})
        for line in error.problems if isinstance(error, SettingsError) else [error.message]:
            annotate("error", line)
        return _REFUSED if isinstance(error, Refused) else _WRONG


@dataclass(frozen=True, slots=True)
class _Step:
    given: Inputs
    environment: Environment
    out: Outputs
    source: Source
    words: Messages = field(init=False)

    def __post_init__(self) -> None:
        choice, text = self.given.language, self.source.text or " ".join(self.source.prompts)
        object.__setattr__(self, "words", messages(spoken(choice, text)))

    def answer(self) -> int:
        try:
            return self._estimate() if self._only_estimate else self._make()
        except BatchError as error:
            return self._mistaken(error)

    @property
    def _only_estimate(self) -> bool:
        """What asks for a price alone is never made, whatever else the workflow says."""
        return self.source.only_estimate or self.given.command == "estimate"

    # --- a price --------------------------------------------------------------------------

    def _estimate(self) -> int:
        env = _settings(self.given, self.environment)
        batch = self._batch(env, _fresh(self.given))
        bill = local.price(batch, env)
        told = {"estimate": json.dumps(estimate_json(bill)), "status": "estimated"}
        self.out.write({**told, "total": len(batch.config.jobs)})
        self.out.summarise(markdown.estimate_answer(bill, batch.warnings, self.words))
        self._warn((*batch.warnings, *bill.warnings))
        return 0

    # --- images ---------------------------------------------------------------------------

    def _make(self) -> int:
        key = inputs.openai_key(self.environment)
        env = _settings(self.given, self.environment).model_copy(update={"openai_api_key": key})
        fresh = _fresh(self.given)
        batch = self._batch(env, fresh)
        images = Path(batch.config.output_dir or fresh)
        beside = images if self._uploads else fresh
        place = Place(images, beside / "report.json")
        self._warn(batch.warnings)
        keeping = _Keeping(
            lambda view: self._told(view, utc_now(), place), self.out, place, self._uploads
        )
        wish = Wish(seen=keeping.seen, stopping=keeping.stopping)
        outcome = asyncio.run(self._led(batch, env, place, wish))
        return self._end(outcome, place, batch.warnings)

    def _led(
        self, batch: Prepared, env: Settings, place: Place, wish: Wish
    ) -> Coroutine[None, None, "Outcome"]:
        if self.given.destination in {"artifact", "directory"}:
            return local.run_here(batch, env, wish)
        from bot.entrypoints.action.onto_github import made

        return made(batch, env, self.given, place, self.words, wish)

    @property
    def _uploads(self) -> bool:
        """Whether the folder of images is this step's alone, for a later one to hand over."""
        return self.given.destination != "directory"

    def _batch(self, env: Settings, fresh: Path) -> Prepared:
        """The batch, with what the step says above it; its images go to an absolute folder."""
        folder = self.given.output_dir
        if self._uploads and folder is None:
            folder = fresh  # all that is in it is uploaded, so nothing else may be in it
        flags = {
            "model": self.given.model,
            "max_concurrent": self.given.max_concurrent,
            "timeout": self.given.timeout,
            "output_dir": folder and str(folder),
        }
        around = local.around({name: each for name, each in flags.items() if each}, env)
        around = replace(around, environment={**around.environment, "output_dir": str(fresh)})
        parsed = self.source.parsed(around)
        absolute = str(Path(parsed.config.output_dir or fresh).expanduser().absolute())
        config = parsed.config.model_copy(
            update={"max_cost": self._cap(parsed, env), "output_dir": absolute}
        )
        return asyncio.run(prepared(replace(parsed, config=config), env))

    def _cap(self, parsed: ParsedBatch, env: Settings) -> Decimal:
        """The step's cap narrows that of the batch, and never widens it."""
        cap = self.given.max_cost
        cap = env.gptimage_max_cost_per_run if cap is None else cap
        own = parsed.config.max_cost
        return cap if own is None else min(own, cap)

    # --- what is left behind --------------------------------------------------------------

    def _told(self, view: RunView, now: datetime, place: Place) -> Report:
        result = summary.write_report(view, now, place)
        lacking = self.given.destination == "artifact" or summary.unpublished(view)
        uploads = self._uploads and lacking
        self.out.write(summary.outputs(result, place, view.run.page_url, uploads=uploads))
        if self.out.summary:
            self.out.summary.write_text("")  # what was said at a signal is said anew
        self.out.summarise(summary.told(view, now, self.given, place, self.words))
        return result

    def _end(self, outcome: "Outcome", place: Place, already: Sequence[str]) -> int:
        result = self._told(summary.ended(outcome.view), outcome.at, place)
        log(to_text(result, self.words))
        self._warn([each for each in result.warnings if each not in already])
        if outcome.interrupted:
            return _INTERRUPTED
        fails = summary.failed(result, self.given.fail_on)
        if missing := summary.missing(result):
            self._annotate("error" if fails else "warning", missing)
        return 1 if fails else 0

    def _mistaken(self, error: BatchError) -> int:
        """Show each fault where it is."""
        self.out.write({"status": "invalid"})
        self.out.summarise(markdown.batch_problems(error, self.words, commented=False))
        for problem in error.problems[:_MOST_ANNOTATIONS]:
            line, column = self.source.place(problem)
            self._annotate("error", problem.sentence, line, column)
        log(*(problem.sentence for problem in error.problems[_MOST_ANNOTATIONS:]))
        return _WRONG

    def _warn(self, remarks: Sequence[str]) -> None:
        for remark in remarks:
            line, column = self.source.place_of_warning(remark)
            self._annotate("warning", remark, line, column)

    def _annotate(self, level: Level, text: str, line: int = 0, column: int = 0) -> None:
        told = self.words.tell(text)
        if not self.source.file:
            annotate(level, told)
        else:
            annotate(level, told, file=self.source.file, line=line, column=column)


class _Keeping:
    """Keeps what a killed step would take with it.

    Its outputs are there from the first moment on, and at each signal all that there is: the
    runner kills what has not ended within ten seconds.
    """

    def __init__(
        self, tell: Callable[[RunView], object], out: Outputs, place: Place, uploads: bool
    ) -> None:
        self._tell = tell
        self._first = {"output-dir": place.images, "upload": uploads}
        self._out = out
        self._place = place
        self._newest: RunView | None = None

    def seen(self, view: RunView) -> None:
        """Remember the run as it is now."""
        if self._newest is None:
            self._place.images.mkdir(parents=True, exist_ok=True)
            self._out.write({"run-id": view.run.id, **self._first})
        self._newest = view

    def stopping(self) -> None:
        """Write it all down as if this were the end: perhaps it is."""
        if self._newest is not None and self._newest.run.state is not RunState.DONE:
            with suppress(OSError):
                self._tell(summary.ended(self._newest))


def _settings(given: Inputs, environment: Environment) -> Settings:
    """Those of the environment, without a `.env`: that is whatever has been checked out."""
    own: dict[str, object] = {
        "_env_file": None,
        "openai_base_url": given.openai_base_url,
        "gptimage_language": given.language,
    }
    if given.destination in {"release", "branch"}:
        own["gptimage_destination"] = given.destination
    if not environment.get("GPTIMAGE_DATA_DIR"):
        own["gptimage_data_dir"] = _temporary(given) / "gptimage-data"
    return settings.read(**own)


def _temporary(given: Inputs) -> Path:
    return given.temporary or Path(tempfile.gettempdir())


def _fresh(given: Inputs) -> Path:
    """A folder of this step alone."""
    return Path(tempfile.mkdtemp(prefix="gptimage-images-", dir=_temporary(given)))
