"""Reference images of a comment: fetched from its surroundings, looked at, and kept in the spool.

A picture is a file of the default branch, attached in the thread, or made by an earlier run of the
repository. No other address is opened.
"""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from bot.adapters.pictures.inputs import (
    MOST_BYTES,
    UnusableError,
    Use,
    first_uses,
    named,
    read_inputs,
    uses,
)
from bot.adapters.run_pictures import PREFIX
from bot.core.batch import BatchConfig, Job
from bot.core.errors import BatchError, HostError, Problem, because
from bot.core.parse import ParsedBatch
from bot.core.ports import INPUTS, NoFile, Spool
from bot.core.run import Thread
from bot.core.said import said

_MOST_PICTURES = 32
_SECONDS = 60.0  # for all of them
_NOWHERE = Path("/nonexistent")
_COMMIT = said("name a picture of the default branch by its path, such as images/fox.png")


class Attached(Protocol):
    async def fetch(self, address: str, most: int) -> bytes:
        """A picture that is attached in the thread; raises UnusableError and HostError."""
        ...


class Earlier(Protocol):
    async def fetch(self, thread: Thread, name: str, most: int) -> bytes:
        """An image of an earlier run; raises UnusableError and HostError."""
        ...


class Surroundings(Protocol):
    """Where a comment stands."""

    async def file(self, thread: Thread, path: str, most: int) -> bytes | NoFile: ...
    def attachments(self, thread: Thread) -> Attached: ...


class ThreadPictures:
    """The port `Pictures`; one picture is in memory at a time."""

    def __init__(
        self, host: Surroundings, earlier: Earlier, spool: Spool, seconds: float = _SECONDS
    ) -> None:
        self._host = host
        self._earlier = earlier
        self._spool = spool
        self._seconds = seconds

    async def gather(self, thread: Thread, parsed: ParsedBatch) -> ParsedBatch:
        """The batch with files of the spool in the places of its pictures."""
        places = tuple(uses(parsed.config))
        if not places:
            return parsed
        files = await self._fetch_all(thread, list(first_uses(places).values()))
        seen = await read_inputs(places, _NOWHERE, files)
        if seen.problems:
            raise BatchError(seen.problems)
        sizes = {str(files[path]): size for path, size in seen.sizes.items()}
        config = _placed(parsed.config, files)
        return ParsedBatch(config, (*parsed.warnings, *seen.warnings), sizes)

    async def hold(self, batch: BatchConfig) -> bool:
        """Whether all pictures of a stored batch are still kept; if so, they are for a while."""
        renewed = [await self._spool.renew(_key(use.path)) for use in uses(batch)]
        return all(renewed)

    async def _fetch_all(self, thread: Thread, wanted: Sequence[Use]) -> Mapping[str, Path]:
        if len(wanted) > _MOST_PICTURES:
            message = said(
                "{count} pictures are named; a comment may name {most}",
                count=len(wanted),
                most=_MOST_PICTURES,
            )
            raise BatchError([Problem("jobs", message, said("Split it into several batches."))])
        attached = self._host.attachments(thread)
        files: dict[str, Path] = {}
        problems: list[Problem] = []
        try:
            async with asyncio.timeout(self._seconds):
                for use in wanted:
                    match await self._fetch(thread, attached, use):
                        case Problem() as problem:
                            problems.append(problem)
                        case Path() as file:
                            files[use.path] = file
        except TimeoutError:
            message = said("the pictures did not come within {seconds:g} s", seconds=self._seconds)
            raise BatchError([Problem("jobs", message, _AGAIN)]) from None
        if problems:
            raise BatchError(problems)
        return files

    async def _fetch(self, thread: Thread, attached: Attached, use: Use) -> Path | Problem:
        try:
            return await self._keep(await self._read(thread, attached, use.path))
        except UnusableError as error:
            return _unusable(use, error.message, error.hint)
        except HostError as error:
            return _unusable(use, said("could not be read: {why}", why=error.message), _AGAIN)
        except OSError as error:
            return _unusable(use, said("could not be kept: {why}", why=because(error)), _AGAIN)

    async def _read(self, thread: Thread, attached: Attached, path: str) -> bytes:
        if "://" in path or path.startswith("data:"):
            return await attached.fetch(path, MOST_BYTES - 1)
        if path.startswith(PREFIX):
            return await self._earlier.fetch(thread, path, MOST_BYTES - 1)
        found = await self._host.file(thread, path, MOST_BYTES - 1)
        if isinstance(found, NoFile):
            raise UnusableError(_WHY[found], _COMMIT)
        return found

    async def _keep(self, picture: bytes) -> Path:
        """Under the name of what it holds: whoever asks again, or runs an estimate, finds it."""
        key = _key(hashlib.sha256(picture).hexdigest())
        if not await self._spool.renew(key):
            async with self._spool.receive(key, len(picture)) as writer:
                await writer.write(picture)
        file = await self._spool.fetch(key)
        if file is None:
            raise FileNotFoundError(key)
        return Path(file)


def _key(path: str) -> str:
    """Where a picture is kept, by its digest or by the path of its file."""
    return f"{INPUTS}{Path(path).name}"


_AGAIN = said("nothing was started: comment again in a moment")
_WHY = {
    NoFile.MISSING: said("is not on the default branch"),
    NoFile.FOLDER: said("is a folder"),
    NoFile.LINK: said("leads out of this repository"),
    NoFile.SUBMODULE: said("leads out of this repository"),
    NoFile.TOO_LARGE: said("is too large; it must be below 50 MB"),
}


def _unusable(use: Use, why: str, hint: str) -> Problem:
    return Problem(use.field, said("{file} {what}", file=named(use), what=why), hint)


def _placed(config: BatchConfig, files: Mapping[str, Path]) -> BatchConfig:
    jobs = tuple(_placed_in(job, files) for job in config.jobs)
    return config.model_copy(update={"jobs": jobs})


def _placed_in(job: Job, files: Mapping[str, Path]) -> Job:
    if not job.references and job.mask_image_path is None:
        return job
    mask = job.mask_image_path
    return job.model_copy(
        update={
            "reference_image_path": tuple(str(files[path]) for path in job.references),
            "mask_image_path": mask and str(files[mask]),
        }
    )
