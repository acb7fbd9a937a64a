"""A batch whose files are sound: they are looked at before any call, and named for good."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bot.core.batch import BatchConfig, Job, canonical
from bot.core.catalog import Size
from bot.core.errors import BatchError, Problem, SettingsError
from bot.core.parse import ParsedBatch
from bot.core.run import SIMULATED, RunView
from bot.core.said import said
from bot.entrypoints.settings import Settings

if TYPE_CHECKING:
    from bot.adapters.pictures.inputs import InputImage


@dataclass(frozen=True, slots=True)
class Prepared:
    """A batch that can be sent: the paths in it lead to its files from every folder.

    `digest` is the same for the same images: also what the files hold is part of it.
    """

    config: BatchConfig
    warnings: tuple[str, ...]
    digest: str
    sizes: Mapping[str, Size] = field(default_factory=dict)


async def prepared(parsed: ParsedBatch, env: Settings) -> Prepared:
    """Look at the files that the batch names; raises BatchError with all that is wrong."""
    if not any(map(_names_files, parsed.config.jobs)):
        return Prepared(parsed.config, parsed.warnings, _digest(parsed.config, {}))
    from bot.adapters.pictures.inputs import read_inputs, uses

    inputs = await read_inputs(uses(parsed.config), _root(env))
    if inputs.problems:
        raise BatchError(inputs.problems)
    config = _with_whole_paths(parsed.config, inputs.images)
    files = {str(image.file): image for image in inputs.images.values()}
    return Prepared(
        config,
        (*parsed.warnings, *inputs.warnings),
        _digest(config, files),
        {path: image.size for path, image in files.items()},
    )


async def check_again(view: RunView, env: Settings) -> None:
    """Raise BatchError if what a run still lacks would be made from other pictures than the rest.

    A run without a digest is older than this rule.
    """
    missing = {item.item.job for item in view.items if item.winner is None}
    if not any(_names_files(view.run.batch.jobs[job]) for job in missing):
        return
    now = await prepared(ParsedBatch(view.run.batch, ()), env)
    digest = view.run.digest and view.run.digest.removeprefix(SIMULATED)
    if digest not in {None, now.digest}:
        message = said("a picture has changed since run {run} began", run=view.run.id)
        hint = said("bring the old one back, or start anew: gptimage run")
        raise BatchError([Problem("reference_image_path", message, hint)])


def _names_files(job: Job) -> bool:
    return bool(job.references) or job.mask_image_path is not None


def _root(env: Settings) -> Path:
    """Where relative paths start, as in the Node tool."""
    folder = Path(env.openai_image_input_dir or ".")
    try:
        return folder.expanduser()
    except RuntimeError:
        problem = f"OPENAI_IMAGE_INPUT_DIR: {folder}: there is no such person here"
        raise SettingsError([problem]) from None


def _with_whole_paths(config: BatchConfig, images: "Mapping[str, InputImage]") -> BatchConfig:
    jobs = tuple(_with_whole_paths_of(job, images) for job in config.jobs)
    return config.model_copy(update={"jobs": jobs})


def _with_whole_paths_of(job: Job, images: "Mapping[str, InputImage]") -> Job:
    if not _names_files(job):
        return job
    mask = job.mask_image_path
    return job.model_copy(
        update={
            "reference_image_path": tuple(str(images[path].file) for path in job.references),
            "mask_image_path": mask and str(images[mask].file),
        }
    )


def _digest(config: BatchConfig, files: "Mapping[str, InputImage]") -> str:
    contents = "".join(f"\n{path} {files[path].sha256}" for path in sorted(files))
    return hashlib.sha256((canonical(config) + contents).encode()).hexdigest()
