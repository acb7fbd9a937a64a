"""A batch becomes items: one for each image, with an id and a path that never change."""

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from bot.core import paths
from bot.core.batch import BatchConfig, Job

_EXTENSION = {"png": "png", "jpeg": "jpg", "webp": "webp"}
_ENDINGS = frozenset({"png", "jpg", "jpeg", "webp"})
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
    taken: set[str] = set()
    wanted = [
        (job, sample, _free(_path(entry, sample), taken), _call(entry))
        for job, entry in enumerate(config.jobs)
        for sample in range(entry.sample_count)
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


def _path(job: Job, sample: int) -> str:
    """`fox.png`; with several samples `fox-1.png`, `fox-2.png`; the format decides the ending."""
    stem = _stem(job.output_path) if job.output_path else slug(job.prompt)
    number = f"-{sample + 1}" if job.sample_count > 1 else ""
    return f"{stem}{number}.{_EXTENSION[job.output_format]}"


def _stem(path: str) -> str:
    stem, dot, ending = path.rpartition(".")
    return stem if dot and stem and ending.lower() in _ENDINGS else path


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
