"""One pass over a batch: its top, its defaults, and each job by itself."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from pydantic import ValidationError

from bot.core import strict_json
from bot.core.batch import NOT_SHARED, BatchConfig, Job, Part
from bot.core.errors import Problem
from bot.core.parse import around as layers
from bot.core.parse import rules, variables, words
from bot.core.parse.around import Around, Layer, Place
from bot.core.parse.variables import Variables
from bot.core.said import said

_TOP = frozenset(BatchConfig.model_fields) - {"jobs"}
_TOP_KEYS = sorted([*BatchConfig.model_fields, "defaults", "variables", "$schema"])
_JOB = frozenset(Job.model_fields)
_SOME_JOB = Job(prompt="stands in for those that are read one by one")
_COUNTABLE = 10**15
# What stands in for a wrong value has nothing against the fields beside it.
_STAND_INS: Mapping[int | str, object] = {
    "prompt": "stands in",
    "model": "stands-in",
    "output_format": "webp",
    "reference_image_path": "stands-in.png",
}

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
            Problem(
                strict_json.join("", str(key)), *words.unknown(said("a batch"), str(key), _TOP_KEYS)
            )
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
        config = self._read(BatchConfig, {**values, "jobs": (_SOME_JOB,)}, place)
        if config:
            self.problems.extend(rules.batch_problems(config, place))
            self.warnings.extend(rules.batch_warnings(config, place))
        return config

    def _defaults(self, data: object) -> Layer:
        """What the batch says for every job; its wrong values are said here, and kept."""
        place = partial(strict_json.join, "defaults")
        if not isinstance(data, Mapping):
            self.problems.append(Problem("defaults", said("must be an object")))
            return Layer({}, place)
        self.problems.extend(
            Problem(place(name), said("belongs to each job, not to all of them"), hint)
            for name, hint in NOT_SHARED.items()
            if name in data
        )
        shared = {name: value for name, value in data.items() if name not in NOT_SHARED}
        self._read(Job, {"prompt": "stands in", **shared}, place)
        return Layer(shared, place)

    def _jobs(self, data: Mapping[str, Any], defaults: Layer) -> list[Job | None]:
        match data.get("jobs"):
            case list() as entries:
                variables = self._variables(data.get("variables", {}), entries)
                return self._entries(entries, variables, defaults)
            case _ if "jobs" in data:
                # the Node tool's words
                self.problems.append(Problem("", said("jobs must be an array")))
            case _:
                self.problems.append(Problem("jobs", said("is required")))
        return []

    def _variables(self, data: object, entries: Sequence[object]) -> Variables:
        found, faults = variables.read(data)
        self.problems.extend(faults)
        if not any(fault.path == "variables" for fault in faults):  # else each use would echo it
            self.problems.extend(
                problem
                for index, entry in enumerate(entries[: self._around.limits.max_jobs])
                for problem in found.problems(entry, _place(index))
            )
        self.warnings.extend(found.unused(entries))
        return found

    def _entries(
        self, entries: Sequence[object], variables: Variables, defaults: Layer
    ) -> list[Job | None]:
        """Each job of the batch, and each that its variables make of it."""
        count, most = sum(map(variables.count, entries)), self._around.limits.max_jobs
        if not 1 <= count <= most:
            self.problems.append(_too_many(len(entries), count, most))
            return []
        jobs = [
            (index, self._job(index, each, defaults))
            for index, entry in enumerate(entries)
            for each in variables.expanded(entry)
        ]
        self.problems.extend(rules.clashes(jobs))
        return [job for _, job in jobs]

    def _job(self, index: int, entry: object, defaults: Layer) -> Job | None:
        if not isinstance(entry, Mapping):
            hint = said("such as {example}", example='{"prompt": "a red fox"}')
            self.problems.append(Problem(f"jobs[{index}]", said("must be an object"), hint))
            return None
        own = Layer(entry, _place(index))
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


def _place(index: int) -> Place:
    return partial(strict_json.join, f"jobs[{index}]")


def _too_many(entries: int, count: int, most: int) -> Problem:
    if count == entries:
        message = said("must have 1 to {most} entries, not {count}", most=most, count=entries)
        return Problem("jobs", message)
    far = count >= _COUNTABLE
    message = said(
        "the variables make {made} jobs of {entries}; 1 to {most} are allowed",
        made=said("more than {count:,}", count=_COUNTABLE) if far else f"{count:,}",
        entries=entries,
        most=most,
    )
    return Problem("jobs", message, said("use fewer values, or several batches"))


def _salvaged(data: Mapping[str, Any]) -> Job:
    """The fields that are right by themselves, so that the rules between fields are checked too."""
    left = {key: value for key, value in data.items() if key in _JOB}
    try:
        return Job.model_validate(left)
    except ValidationError as error:
        wrong = {fault["loc"][0] for fault in error.errors(include_url=False)}
    sound = {key: value for key, value in left.items() if key not in wrong}
    if "operation" in wrong and left.keys() & {"reference_image_path", "mask_image_path"}:
        sound["operation"] = "edit"
    return Job.model_validate(sound | {key: _STAND_INS[key] for key in wrong & _STAND_INS.keys()})
