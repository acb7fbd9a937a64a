"""A batch becomes items: one for each image, with an id and a path that never change."""

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from bot.core import paths
from bot.core.batch import BatchConfig, Job

_ID = 10
_SLUG = 60


@dataclass(frozen=True, slots=True)
class ImageCall:
    """What is sent for one image: the fields that the user set, None for the others."""

    model: str
    prompt: str
    operation: str = "generate"
    size: str | None = None
    quality: str | None = None
    output_format: str | None = None
    background: str | None = None
    moderation: str | None = None
    output_compression: int | None = None
    input_fidelity: str | None = None
    references: tuple[str, ...] = ()
    mask: str | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """One image wanted. `index` counts from 0 in the run, `sample` from 0 in its job.

    `path` is relative to the output folder; `asset_name` is plain enough for a release.
    """

    id: str
    index: int
    job: int
    sample: int
    path: str
    asset_name: str
    call: ImageCall


def plan(config: BatchConfig, run_id: str) -> tuple[Item, ...]:
    """The items of a run in the batch's order; the same batch and id give the same items."""
    taken = _chosen(config)
    wanted = [
        (job, sample, path if entry.output_path else _free(path, taken), _call(entry))
        for job, entry in enumerate(config.jobs)
        for sample, path in enumerate(_paths(entry))
    ]
    return tuple(
        _item(run_id, index, job, sample, path, call)
        for index, (job, sample, path, call) in enumerate(wanted)
    )


def _item(run_id: str, index: int, job: int, sample: int, path: str, call: ImageCall) -> Item:
    spec = json.dumps([run_id, index, asdict(call)], sort_keys=True)
    name = hashlib.sha256(spec.encode()).hexdigest()[:_ID]
    stem, _, extension = path.rpartition(".")
    return Item(name, index, job, sample, path, f"{slug(stem)}-{name}.{extension}", call)


def _call(job: Job) -> ImageCall:
    """Only what was set: servers differ in what they take for the rest."""
    return ImageCall(
        model=job.model,
        prompt=job.prompt,
        operation=job.operation,
        size=_unless_auto(job.size),
        quality=_unless_auto(job.quality),
        output_format=job.output_format if job.output_format != "png" else None,
        background=_unless_auto(job.background),
        moderation=_unless_auto(job.moderation),
        output_compression=job.output_compression,
        input_fidelity=job.input_fidelity,
        references=job.references,
        mask=job.mask_image_path,
    )


def _unless_auto(value: str | None) -> str | None:
    return None if value == "auto" else value


# --- names ------------------------------------------------------------------------------------


def _paths(job: Job) -> tuple[str, ...]:
    path = job.output_path or _title(job.prompt)
    return paths.of_images(path, job.output_format, job.sample_count)


def _title(prompt: str) -> str:
    """The name of a file whose author left it to us: the prompt's first words, in its script."""
    name = paths.label(prompt, _SLUG) or "image"
    return f"image-{name}" if paths.problem(name) else name  # a picture of "NUL"


def _chosen(config: BatchConfig) -> set[str]:
    """The files and folders that people named: a name of ours makes way for them."""
    named = (path for job in config.jobs if job.output_path for path in _paths(job))
    return {paths.fold(each) for path in named for each in (path, *paths.parents(path))}


def _free(path: str, taken: set[str]) -> str:
    """The path, or the first of `name_1`, `name_2`, ... that no earlier item has."""
    free = next(name for name in _numbered(path) if paths.fold(name) not in taken)
    taken.add(paths.fold(free))
    return free


def _numbered(path: str) -> Iterator[str]:
    yield path
    stem, _, extension = path.rpartition(".")
    number = 1
    while True:
        yield f"{stem}_{number}.{extension}"
        number += 1


def slug(text: str) -> str:
    """A short name of lower-case letters, digits and dashes; `image` where nothing is left."""
    plain = unicodedata.normalize("NFKD", text[: 4 * _SLUG]).encode("ascii", "ignore").decode()
    words = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")
    return words[:_SLUG].rstrip("-") or "image"
