"""Read a batch, and name everything that is wrong with it at once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeVar, get_args

from annotated_types import Ge, Le, MaxLen, MinLen
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from bot.core import paths, strict_json
from bot.core.batch import BatchConfig, Format, Job, Part
from bot.core.catalog import MODELS, Model, nearest_size, parse_size, size_problem
from bot.core.errors import BatchError, Problem


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """What the operator may widen."""

    max_jobs: int = 100


@dataclass(frozen=True, slots=True)
class ParsedBatch:
    """A valid batch, and what its author should know of it."""

    config: BatchConfig
    warnings: tuple[str, ...]


_TOP = frozenset(BatchConfig.model_fields) | {"defaults", "$schema"}
_TOP_SETTINGS = frozenset(BatchConfig.model_fields) - {"jobs"}
_EXTENSIONS: Mapping[str, Format] = {
    "png": "png",
    "jpg": "jpeg",
    "jpeg": "jpeg",
    "webp": "webp",
}


@dataclass(frozen=True, slots=True)
class Around:
    """What stands around a batch: the environment's defaults, the flags, and the server.

    A flag outranks the JSON, and the JSON outranks the environment. `openai_itself` is False
    for a compatible server, which may serve what OpenAI has shut down.
    """

    limits: BatchLimits = field(default_factory=BatchLimits)
    overrides: Mapping[str, object] = field(default_factory=dict)
    environment: Mapping[str, object] = field(default_factory=dict)
    openai_itself: bool = True


def parse_batch(text: str, around: Around | None = None, *, comments: bool = False) -> ParsedBatch:
    """The batch that the JSON text describes.

    Raises BatchError, and no other exception, with every wrong field at once. With `comments`,
    JSONC is understood.
    """
    data, faults = strict_json.read(text, comments=comments)
    return _parse(data, around or Around(), faults)


def parse_batch_data(data: object, around: Around | None = None) -> ParsedBatch:
    """The batch in data that is decoded already. Raises BatchError."""
    return _parse(data, around or Around(), ())


def _parse(data: object, around: Around, faults: Sequence[Problem]) -> ParsedBatch:
    if not isinstance(data, Mapping):
        raise BatchError([Problem("", 'the batch must be an object such as {"jobs": [...]}')])
    if not isinstance(data.get("jobs"), list):
        problem = "is required" if "jobs" not in data else "jobs must be an array"
        raise BatchError([*faults, Problem("jobs" if "jobs" not in data else "", problem)])
    reading = _Reading(around)
    config = reading.batch(data)
    problems = _unique([*faults, *reading.problems])
    if problems or config is None:
        raise BatchError(problems)
    return ParsedBatch(config, tuple(dict.fromkeys(reading.warnings)))


def _unique(problems: Sequence[Problem]) -> list[Problem]:
    """The first problem of each place: what follows is its echo."""
    first: dict[str, Problem] = {}
    for problem in problems:
        first.setdefault(problem.path or str(problem), problem)
    return list(first.values())


# --- reading ----------------------------------------------------------------------------------

P = TypeVar("P", bound=Part)


class _Reading:
    """One pass over a batch, collecting what is wrong and what is worth a warning."""

    def __init__(self, around: Around) -> None:
        self._around = around
        self.problems: list[Problem] = []
        self.warnings: list[str] = []

    def batch(self, data: Mapping[str, Any]) -> BatchConfig | None:
        """The whole batch, if its top is valid; see `problems` for the rest."""
        self._unknown(data, _TOP)
        jobs = self._jobs(data["jobs"], self._defaults(data.get("defaults", {})))
        environment, flags = self._around.environment, self._around.overrides
        top = {
            name: source[name]
            for source in (environment, data, flags)
            for name in _TOP_SETTINGS
            if name in source
        }
        # A stand-in for the jobs, which have been read one by one.
        config = self._read(BatchConfig, {**top, "jobs": (_SOME_JOB,)}, "", flags)
        return config and config.model_copy(update={"jobs": tuple(filter(None, jobs))})

    def _defaults(self, data: object) -> Mapping[str, object]:
        """What holds for every job: the environment's model, `defaults`, in rising order."""
        environment = self._around.environment
        base = {k: v for k, v in environment.items() if k in Job.model_fields}
        if not isinstance(data, Mapping):
            self.problems.append(Problem("defaults", "must be an object"))
            return base
        self._read(Job, {"prompt": "stands in", **data}, "defaults", {})
        known = {k: v for k, v in data.items() if k in Job.model_fields}
        return base | known

    def _jobs(self, entries: Sequence[object], base: Mapping[str, object]) -> list[Job | None]:
        most = self._around.limits.max_jobs
        if not 1 <= len(entries) <= most:
            self.problems.append(
                Problem("jobs", f"must have 1 to {most} entries, not {len(entries)}")
            )
            return []
        jobs = [self._job(i, entry, base) for i, entry in enumerate(entries)]
        self._one_path_each(jobs)
        return jobs

    def _job(self, index: int, entry: object, base: Mapping[str, object]) -> Job | None:
        path = f"jobs[{index}]"
        if not isinstance(entry, Mapping):
            hint = 'such as {"prompt": "a red fox"}'
            self.problems.append(Problem(path, "must be an object", hint))
            return None
        flags = {k: v for k, v in self._around.overrides.items() if k in Job.model_fields}
        inherited = {k for k in base if k not in entry}
        data = _completed({**base, **entry, **flags})
        before = len(self.problems)
        job = self._read(Job, data, path, flags)
        # What is wrong in `defaults` has been said there, and is not said again for each job.
        self.problems[before:] = [
            p
            for p in self.problems[before:]
            if p.path.removeprefix(f"{path}.") not in inherited
            or not self._said("defaults." + p.path.removeprefix(f"{path}."))
        ]
        sound = job or _salvaged(data)
        self.problems.extend(_job_problems(sound, path, self._around, entry))
        self.warnings.extend(_job_warnings(sound, path))
        return job and _settled(job)

    def _said(self, path: str) -> bool:
        return any(problem.path == path for problem in self.problems)

    def _one_path_each(self, jobs: Sequence[Job | None]) -> None:
        """Two jobs that write one file would pay for two images and keep one."""
        first: dict[str, int] = {}
        for index, job in enumerate(jobs):
            if job is None or job.output_path is None:
                continue
            earlier = first.setdefault(paths.fold(job.output_path), index)
            if earlier != index:
                message = f'"{job.output_path}" is the file of jobs[{earlier}] already'
                self.problems.append(Problem(f"jobs[{index}].output_path", message))

    def _unknown(self, data: Mapping[str, Any], known: frozenset[str]) -> None:
        self.problems.extend(
            Problem(
                strict_json.join("", str(key)), "is no field of a batch", _hint(str(key), known)
            )
            for key in data
            if key not in known
        )

    def _read(
        self, kind: type[P], data: Mapping[str, object], path: str, flags: Mapping[str, object]
    ) -> P | None:
        try:
            return kind.model_validate(data)
        except ValidationError as error:
            self.problems.extend(
                _problem(kind, fault, path, flags)
                for fault in error.errors(include_url=False)
                if fault["loc"][:1] != ("jobs",)
            )
            return None


_SOME_JOB = Job(prompt="stands in")


def _salvaged(data: Mapping[str, object]) -> Job:
    """The fields that are right by themselves, so that the rules between fields are checked too."""
    left = {key: value for key, value in data.items() if key in Job.model_fields}
    try:
        return Job.model_validate({"prompt": "stands in", **left})
    except ValidationError as error:
        wrong = {fault["loc"][0] for fault in error.errors(include_url=False)}
        return _salvaged({key: value for key, value in left.items() if key not in wrong})


def _completed(data: dict[str, Any]) -> dict[str, Any]:
    """With what follows from the other fields: the format of a name, the kind of operation."""
    path = data.get("output_path")
    if "output_format" not in data and isinstance(path, str):
        extension = path.rpartition(".")[2].lower()
        data |= {"output_format": _EXTENSIONS[extension]} if extension in _EXTENSIONS else {}
    if "operation" not in data and data.get("reference_image_path"):
        data["operation"] = "edit"
    return data


def _settled(job: Job) -> Job:
    """The same job in one spelling."""
    changes: dict[str, object] = {}
    if job.transparent_background:
        changes |= {"background": "transparent", "transparent_background": False}
    if job.moderation in {"medium", "high"}:
        changes |= {"moderation": "auto"}
    return job.model_copy(update=changes) if changes else job


# --- rules between fields, and of the models --------------------------------------------------


def _job_problems(
    job: Job, path: str, around: Around, entry: Mapping[str, object]
) -> Iterator[Problem]:
    if not job.prompt.strip():
        yield Problem(f"{path}.prompt", "is blank")
    if job.output_path is not None and (why := paths.problem(job.output_path)):
        yield Problem(f"{path}.output_path", why)
    yield from _format_problems(job, path)
    yield from _operation_problems(job, path)
    yield from _model_problems(job, path, around)
    if job.transparent_background and entry.get("background") in {"auto", "opaque"}:
        message = f"contradicts transparent_background: true ({job.background})"
        yield Problem(f"{path}.background", message, "leave one of them out")


def _format_problems(job: Job, path: str) -> Iterator[Problem]:
    transparent = job.transparent_background or job.background == "transparent"
    if transparent and job.output_format == "jpeg":
        yield Problem(f"{path}.output_format", "jpeg cannot be transparent", "use png or webp")
    if job.output_compression is not None and job.output_format == "png":
        yield Problem(f"{path}.output_compression", "png is not compressed", "use jpeg or webp")


def _operation_problems(job: Job, path: str) -> Iterator[Problem]:
    if job.operation != "generate" and not job.references:
        yield Problem(f"{path}.reference_image_path", f"is required for {job.operation}")
    if job.operation == "generate" and job.references:
        hint = "leave `operation` out, or say edit"
        yield Problem(f"{path}.operation", "generate takes no reference images", hint)
    if job.mask_image_path is not None and job.operation != "edit":
        yield Problem(f"{path}.mask_image_path", "only an edit has a mask")
    if job.input_fidelity is not None and not job.references:
        yield Problem(f"{path}.input_fidelity", "needs a reference image")


def _model_problems(job: Job, path: str, around: Around) -> Iterator[Problem]:
    model = MODELS.get(job.model)
    if model is None:
        return
    if model.family == "1" and around.openai_itself:
        message = f"{model.name} was shut down by OpenAI on {model.shutdown}"
        yield Problem(f"{path}.model", message, f"use {model.successor}")
    if job.quality not in {"auto", *model.qualities}:
        yield _not_one_of(f"{path}.quality", job.quality, ("auto", *model.qualities), model.name)
    if job.input_fidelity is not None and job.input_fidelity not in model.input_fidelity:
        values = " or ".join(model.input_fidelity) or "nothing: leave it out"
        yield Problem(f"{path}.input_fidelity", f"{model.name} takes {values}")
    yield from _size_problems(job, path, model)


def _size_problems(job: Job, path: str, model: Model) -> Iterator[Problem]:
    if job.size == "auto":
        return
    size = parse_size(job.size)
    if model.sizes is not None and job.size not in model.sizes:
        yield _not_one_of(f"{path}.size", job.size, ("auto", *model.sizes), model.name)
    elif size is None:
        hint = "such as 1536x1024"
        yield Problem(f"{path}.size", f'"{job.size[:40]}" is not auto or WIDTHxHEIGHT', hint)
    elif model.free_size and (why := size_problem(size)):
        yield Problem(f"{path}.size", f"{size}: {why}", f"try {nearest_size(size)}")


def _not_one_of(path: str, word: str, allowed: Sequence[str], whose: str = "") -> Problem:
    of = f" for {whose}" if whose else ""
    message = f'"{word[:40]}" must be one of {", ".join(allowed)}{of}'
    return Problem(path, message, strict_json.guess(word, allowed))


def _job_warnings(job: Job, path: str) -> Iterator[str]:
    model = MODELS.get(job.model)
    if model is None:
        yield f"{job.model} is not a model that this version knows; it is used as it is"
    elif model.shutdown and model.family != "1":
        yield f"{model.name} is shut down on {model.shutdown}; its successor is {model.successor}"
    if job.moderation in {"medium", "high"}:
        yield f"{path}.moderation: {job.moderation} is no value any more; auto is used"
    if job.return_base64:
        yield f"{path}.return_base64 is ignored: images are written to files"
    size = parse_size(job.size)
    if model is not None and model.free_size and size is not None and size.experimental:
        yield f"{path}.size: {size} is above 2560x1440, which OpenAI calls experimental"


# --- words for what is wrong ------------------------------------------------------------------

_HINTS = {"n": "use sample_count", "count": "use sample_count", "format": "use output_format"}
_KINDS = {
    "string_type": "must be text",
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "decimal_type": "must be a number",
    "is_instance_of": "must be a number",
    "model_type": "must be an object",
    "dict_type": "must be an object",
    "tuple_type": "must be a list",
    "missing": "is required",
    "finite_number": "must be a usable number",
}


def _hint(word: str, known: Sequence[str] | frozenset[str]) -> str:
    return _HINTS.get(word) or strict_json.guess(word, sorted(known))


def _problem(
    kind: type[BaseModel], fault: ErrorDetails, base: str, flags: Mapping[str, object]
) -> Problem:
    """One complaint of the model in our words."""
    loc = fault["loc"]
    owner, found = _owner(kind, loc)
    path = _path(base, loc)
    if loc and loc[0] in flags:
        path = "--" + str(loc[0]).replace("_", "-")
    given = fault["input"]
    match fault["type"]:
        case "extra_forbidden":
            what = "a job" if owner is Job else "this object"
            return Problem(
                path, f"is no field of {what}", _hint(str(loc[-1]), [*owner.model_fields])
            )
        case "literal_error" if found is not None:
            return _not_one_of(path, str(given), _choices(found.annotation))
        case kind_ if kind_ in _KINDS:
            return Problem(path, _KINDS[kind_])
        case "greater_than":
            return Problem(path, f"must be above {fault['ctx']['gt']}", f"it is {_shown(given)}")
        case _:
            return Problem(path, _range(found) or fault["msg"], f"it is {_shown(given)}")


def _owner(
    kind: type[BaseModel], loc: tuple[int | str, ...]
) -> tuple[type[BaseModel], FieldInfo | None]:
    """The model and the field that a location leads to."""
    found: FieldInfo | None = None
    for step in loc:
        if isinstance(step, str) and step in kind.model_fields:
            found = kind.model_fields[step]
            if isinstance(found.annotation, type) and issubclass(found.annotation, BaseModel):
                kind = found.annotation
    return kind, found


def _path(base: str, loc: tuple[int | str, ...]) -> str:
    path = base
    for step in loc:
        path = f"{path}[{step}]" if isinstance(step, int) else strict_json.join(path, step)
    return path


def _choices(annotation: Any) -> tuple[str, ...]:
    """The words of a Literal, wherever it stands inside the annotation."""
    if isinstance(annotation, str):
        return (annotation,)
    return tuple(word for part in get_args(annotation) for word in _choices(part))


def _range(found: FieldInfo | None) -> str:
    """`must be 1 to 10`, from the constraints of the field."""
    limits = {type(each): each for each in (found.metadata if found else ())}
    low, high = limits.get(Ge), limits.get(Le)
    if isinstance(low, Ge) and isinstance(high, Le):
        return f"must be {low.ge:,} to {high.le:,}"
    short, long = limits.get(MinLen), limits.get(MaxLen)
    if isinstance(short, MinLen) and isinstance(long, MaxLen):
        return f"must have {short.min_length:,} to {long.max_length:,} characters or entries"
    return ""


def _shown(value: object) -> str:
    if isinstance(value, str):
        return f"{len(value):,} characters long"
    return repr(value)[:40] if isinstance(value, int | float | Decimal) else "something else"
