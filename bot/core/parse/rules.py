"""The rules between the fields of a job, between the jobs, and of the models."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bot.core import paths
from bot.core.batch import BatchConfig, Format, Job
from bot.core.catalog import MODELS, nearest_size, parse_size, size_problem
from bot.core.errors import Problem
from bot.core.parse.around import Place
from bot.core.parse.words import not_one_of
from bot.core.said import said
from bot.core.strict_json import shown

_FORMATS: Mapping[str, Format] = {"png": "png", "jpg": "jpeg", "jpeg": "jpeg", "webp": "webp"}
_FOREIGN = frozenset(
    {"apng", "avif", "bmp", "gif", "heic", "heif", "ico", "jfif", "jp2", "jxl", "pdf", "psd"}
    | {"raw", "svg", "tga", "tif", "tiff"}
)


def completed(data: dict[str, Any]) -> dict[str, Any]:
    """With what follows from the other fields: the format of a name, the kind of operation."""
    ending = _ending(data.get("output_path"))
    if "output_format" not in data and ending in _FORMATS:
        data = data | {"output_format": _FORMATS[ending]}
    if "operation" not in data and data.get("reference_image_path") is not None:
        data = data | {"operation": "edit"}
    return data


def _ending(path: object) -> str:
    return path.rpartition(".")[2].lower() if isinstance(path, str) else ""


def settled(job: Job) -> Job:
    """The same job in one spelling."""
    changes: dict[str, object] = {}
    if job.transparent_background:
        changes |= {"background": "transparent", "transparent_background": False}
    if job.moderation in {"medium", "high"}:
        changes |= {"moderation": "auto"}
    if job.return_base64:
        changes |= {"return_base64": False}
    if _takes_no_fidelity(job):
        changes |= {"input_fidelity": None}
    return job.model_copy(update=changes) if changes else job


def _takes_no_fidelity(job: Job) -> bool:
    """Files written for gpt-image-1 ask for a fidelity; the models after it refuse the field."""
    model = MODELS.get(job.model)
    return job.input_fidelity is not None and model is not None and not model.input_fidelity


# --- one job ----------------------------------------------------------------------------------


def problems(job: Job, place: Place, *, openai_itself: bool) -> Iterator[Problem]:
    """What is wrong with a job whose fields are right by themselves."""
    if not job.prompt.strip():
        yield Problem(place("prompt"), said("is blank"))
    if why := next(filter(None, map(paths.problem, _asked(job))), ""):
        yield Problem(place("output_path"), why)
    yield from _format_problems(job, place)
    yield from _model_problems(job, place, openai_itself)
    yield from _operation_problems(job, place)
    yield from _size_problems(job, place)


def _asked(job: Job) -> Iterator[str]:
    """The path as it is written, and the files that come of it: a number makes them longer."""
    if job.output_path is not None:
        yield job.output_path
        yield from _files(job)


def _format_problems(job: Job, place: Place) -> Iterator[Problem]:
    transparent = job.transparent_background or job.background == "transparent"
    if transparent and job.output_format == "jpeg":
        message = said("jpeg cannot be transparent")
        yield Problem(place("output_format"), message, said("use png or webp"))
    if job.output_compression is not None and job.output_format == "png":
        message = said("png is not compressed")
        yield Problem(place("output_compression"), message, said("use jpeg or webp"))
    opaque = "background" in job.model_fields_set and job.background != "transparent"
    if job.transparent_background and opaque:
        message = said("{value} contradicts transparent_background: true", value=job.background)
        yield Problem(place("background"), message, said("leave one of them out"))


def _operation_problems(job: Job, place: Place) -> Iterator[Problem]:
    if job.operation != "generate" and not job.references:
        message = said("is required for {operation}", operation=job.operation)
        yield Problem(place("reference_image_path"), message)
    if not all(path.strip() for path in job.references):
        yield Problem(place("reference_image_path"), said("is empty"))
    elif job.operation == "generate" and job.references:
        hint = said("leave `operation` out, or say edit")
        yield Problem(place("operation"), said("generate takes no reference images"), hint)
    if job.mask_image_path is not None and job.operation != "edit":
        yield Problem(place("mask_image_path"), said("only an edit has a mask"))
    if job.input_fidelity is not None and not job.references:
        yield Problem(place("input_fidelity"), said("needs a reference image"))
    if job.mask_image_path is not None and not job.mask_image_path.strip():
        yield Problem(place("mask_image_path"), said("is empty"))


# --- what the models take ---------------------------------------------------------------------

_WORD = re.compile(r"[a-z0-9_-]{1,20}")


def _model_problems(job: Job, place: Place, openai_itself: bool) -> Iterator[Problem]:
    model = MODELS.get(job.model)
    if model is None:
        yield from _stranger_problems(job, place)
        return
    if model.family == "1" and openai_itself:
        message = said(
            "{model} was shut down by OpenAI on {day}", model=model.name, day=model.shutdown
        )
        yield Problem(place("model"), message, said("use {name}", name=model.successor))
    if job.quality not in {"auto", *model.qualities}:
        yield not_one_of(place("quality"), job.quality, ("auto", *model.qualities), model.name)
    if job.input_fidelity not in {None, *(model.input_fidelity or [job.input_fidelity])}:
        field, allowed = place("input_fidelity"), model.input_fidelity
        yield not_one_of(field, job.input_fidelity, allowed, model.name)


def _stranger_problems(job: Job, place: Place) -> Iterator[Problem]:
    """A model that this version does not know may take anything that looks like a value."""
    if not re.fullmatch(r"\S+", job.model) or not job.model.isprintable():
        yield Problem(place("model"), said("must be the name of a model, without blanks"))
    if not _WORD.fullmatch(job.quality):
        message = said('"{word}" is not a word such as high', word=shown(job.quality))
        yield Problem(place("quality"), message)


def _size_problems(job: Job, place: Place) -> Iterator[Problem]:
    if job.size == "auto":
        return
    size, model = parse_size(job.size), MODELS.get(job.model)
    if size is None:
        message = said('"{word}" is not auto or WIDTHxHEIGHT', word=shown(job.size))
        yield Problem(place("size"), message, _size_hint(job.size))
    elif model is None:
        return
    elif model.sizes is not None and job.size not in model.sizes:
        yield not_one_of(place("size"), job.size, ("auto", *model.sizes), model.name)
    elif model.free_size and (why := size_problem(size)):
        hint = said("try {size}; the usual ratios are 2:3, 3:2 and 1:1", size=nearest_size(size))
        yield Problem(place("size"), said("{size}: {why}", size=size, why=why), hint)


def _size_hint(text: str) -> str:
    """What was meant by `1024X1024`, `1024 x 1024`, `1024*1024` or `Auto`."""
    meant = re.sub(r"\s*[x×*,:]\s*", "x", text[:40].strip().lower())
    if meant == "auto" or parse_size(meant):
        return said('did you mean "{word}"?', word=meant)
    return said("such as 1536x1024 (3:2), 1024x1536 (2:3) or 1024x1024 (1:1)")


# --- between the jobs -------------------------------------------------------------------------


def clashes(jobs: Sequence[tuple[int, Job | None]]) -> Iterator[Problem]:
    """Two jobs that write one file would pay for two images and keep one.

    Each job comes with the index of the entry that it was made from.
    """
    named = [(made, name) for made, (_, job) in enumerate(jobs) if job for name in _files(job)]
    first: dict[str, int] = {}
    for made, name in named:
        earlier = first.setdefault(paths.fold(name), made)
        if earlier != made:
            owner = f"jobs[{jobs[earlier][0]}]"
            message = said('"{name}" is the file of {job} already', name=shown(name), job=owner)
            yield Problem(f"jobs[{jobs[made][0]}].output_path", message)
    for made, name in dict(named).items():  # all files of a job stand in one folder
        for folder in paths.parents(name):
            if (other := first.get(paths.fold(folder))) is not None:
                message = said(
                    '"{name}" is the file of {job}, and no folder',
                    name=shown(folder),
                    job=f"jobs[{jobs[other][0]}]",
                )
                yield Problem(f"jobs[{jobs[made][0]}].output_path", message)


def _files(job: Job) -> tuple[str, ...]:
    """The files of a job whose author named them."""
    if job.output_path is None:
        return ()
    return paths.of_images(job.output_path, job.output_format, job.sample_count)


# --- warnings ---------------------------------------------------------------------------------


def warnings(job: Job, place: Place) -> Iterator[str]:
    """What is accepted, but not as its author may think."""
    yield from _model_warnings(job, place)
    if job.moderation in {"medium", "high"}:
        yield said(
            "{where}: {value} is no value any more; auto is used",
            where=place("moderation"),
            value=job.moderation,
        )
    if job.moderation == "low" and job.references:
        where = place("moderation")
        yield said("{where} is left out: a picture made from others takes none", where=where)
    if job.return_base64:
        where = place("return_base64")
        yield said("{where} is ignored: images are written to files", where=where)
    if _takes_no_fidelity(job):
        where = place("input_fidelity")
        yield said("{where} is left out: {model} takes none", where=where, model=job.model)
    yield from _path_warnings(job, place)


def _path_warnings(job: Job, place: Place) -> Iterator[str]:
    ending = _ending(job.output_path)
    name = paths.of_images(str(job.output_path), job.output_format, 1)[0]
    if ending in _FOREIGN:
        yield said(
            "{where}: no {ending} is made; the file becomes {name}",
            where=place("output_path"),
            ending=ending,
            name=shown(name),
        )
    elif _FORMATS.get(ending, job.output_format) != job.output_format:
        where = place("output_path")
        yield said("{where}: output_format makes it {name}", where=where, name=shown(name))


def _model_warnings(job: Job, place: Place) -> Iterator[str]:
    model, size = MODELS.get(job.model), parse_size(job.size)
    if model is None:
        yield said(
            "{model} is not a model that this version knows; it is used as it is", model=job.model
        )
        return
    if model.shutdown and model.family != "1":
        yield said(
            "{model} is shut down on {day}; its successor is {successor}",
            model=model.name,
            day=model.shutdown,
            successor=model.successor,
        )
    if model.free_size and size is not None and size.experimental:
        yield said(
            "{where}: {size} is above 2560x1440, which OpenAI calls experimental",
            where=place("size"),
            size=size,
        )


# --- the whole batch --------------------------------------------------------------------------

_IN_DOUBT = ("timeout", "server_error")


def batch_problems(config: BatchConfig, place: Place) -> Iterator[Problem]:
    """What is wrong with the top of a batch whose fields are right by themselves."""
    if config.output_dir is None:
        return
    if not config.output_dir.strip():
        yield Problem(place("output_dir"), said("is blank"))
    if too_long := paths.length_problem(config.output_dir):
        yield Problem(place("output_dir"), too_long)


def batch_warnings(config: BatchConfig, place: Place) -> Iterator[str]:
    """What its author wrote, and what happens only with one more line."""
    policy = config.retry_policy
    written = policy.retry_on_errors if "retry_on_errors" in policy.model_fields_set else ()
    named = [name for name in _IN_DOUBT if name in written]
    if named and policy.max_retries and not policy.retry_in_doubt:
        names = said("{one} and {other}", one=named[0], other=named[1]) if named[1:] else named[0]
        yield said(
            "{where}: {names} will be retried only with retry_in_doubt: true, because it may pay"
            " twice",
            where=f"{place('retry_policy')}.retry_on_errors",
            names=names,
        )
