"""One pass over a batch: its top, its defaults, and each job by itself."""

from collections.abc import Mapping
from functools import partial
from typing import Any, TypeVar

from pydantic import ValidationError

from bot.core import strict_json
from bot.core.batch import BatchConfig, Job, Part
from bot.core.errors import Problem
from bot.core.parse import around as layers
from bot.core.parse import rules, words
from bot.core.parse.around import Around, Layer, Place

_TOP = frozenset(BatchConfig.model_fields) - {"jobs"}
_TOP_KEYS = sorted([*BatchConfig.model_fields, "defaults", "$schema"])
_JOB = frozenset(Job.model_fields)
_SOME_JOB = Job(prompt="stands in for those that are read one by one")

P = TypeVar("P", bound=Part)


class Reading:
    """Collects what is wrong with a batch, and what is worth a warning."""

    def __init__(self, around: Around) -> None:
        self._around = around
        self._below, self._above = layers.environment(around), layers.flags(around)
        self.problems: list[Problem] = []
        self.warnings: list[str] = []

    def batch(self, data: Mapping[str, Any]) -> BatchConfig | None:
        """The whole batch; None, or one without some of its jobs, where there are problems."""
        self.problems.extend(
            Problem(strict_json.join("", str(key)), *words.unknown("a batch", str(key), _TOP_KEYS))
            for key in data
            if key not in _TOP_KEYS
        )
        config = self._top(Layer(data, partial(strict_json.join, "")))
        defaults = self._defaults(data.get("defaults", {}))
        jobs = self._jobs(data, defaults)
        return config and config.model_copy(update={"jobs": tuple(filter(None, jobs))})

    def _top(self, own: Layer) -> BatchConfig | None:
        stack = (self._below, own, self._above)
        values = layers.merged(stack, _TOP)
        place = partial(layers.source, stack, otherwise=own)
        return self._read(BatchConfig, {**values, "jobs": (_SOME_JOB,)}, place)

    def _defaults(self, data: object) -> Layer:
        """What the batch says for every job; its wrong values are said here, and kept."""
        place = partial(strict_json.join, "defaults")
        if not isinstance(data, Mapping):
            self.problems.append(Problem("defaults", "must be an object"))
            return Layer({}, place)
        self._read(Job, {"prompt": "stands in", **data}, place)
        return Layer(data, place)

    def _jobs(self, data: Mapping[str, Any], defaults: Layer) -> list[Job | None]:
        most = self._around.limits.max_jobs
        match data.get("jobs"):
            case list() as entries if 1 <= len(entries) <= most:
                jobs = [self._job(i, entry, defaults) for i, entry in enumerate(entries)]
                self.problems.extend(rules.clashes(jobs))
                return jobs
            case list() as entries:
                message = f"must have 1 to {most} entries, not {len(entries)}"
                self.problems.append(Problem("jobs", message))
            case _ if "jobs" in data:
                self.problems.append(Problem("", "jobs must be an array"))  # the Node tool's words
            case _:
                self.problems.append(Problem("jobs", "is required"))
        return []

    def _job(self, index: int, entry: object, defaults: Layer) -> Job | None:
        own_place = partial(strict_json.join, f"jobs[{index}]")
        if not isinstance(entry, Mapping):
            hint = 'such as {"prompt": "a red fox"}'
            self.problems.append(Problem(f"jobs[{index}]", "must be an object", hint))
            return None
        own = Layer(entry, own_place)
        stack = (self._below, defaults, own, self._above)
        unknown = {key: value for key, value in entry.items() if key not in _JOB}
        values = rules.completed(layers.merged(stack, _JOB) | unknown)
        place = partial(layers.source, stack, otherwise=own)
        job = self._read(Job, values, place)
        sound = job or _salvaged(values)
        self.problems.extend(rules.problems(sound, place, openai_itself=self._around.openai_itself))
        self.warnings.extend(rules.warnings(sound, place))
        return job and rules.settled(job)

    def _read(self, kind: type[P], data: Mapping[str, Any], place: Place) -> P | None:
        try:
            return kind.model_validate(data)
        except ValidationError as error:
            faults = error.errors(include_url=False)
            self.problems.extend(words.complaint(kind, fault, place) for fault in faults)
            return None


def _salvaged(data: Mapping[str, Any]) -> Job:
    """The fields that are right by themselves, so that the rules between fields are checked too."""
    left = {key: value for key, value in data.items() if key in _JOB}
    try:
        return Job.model_validate({"prompt": "stands in", **left})
    except ValidationError as error:
        wrong = {fault["loc"][0] for fault in error.errors(include_url=False)}
        return _salvaged({key: value for key, value in left.items() if key not in wrong})
