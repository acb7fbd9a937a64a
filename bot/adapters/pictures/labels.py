"""What is known of each picture, put into its file on its way to a destination."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from functools import reduce
from pathlib import Path, PurePath
from typing import Any

from bot.adapters.pictures.formats import PictureError
from bot.adapters.pictures.metadata import Level, Metadata, embed, params_hash
from bot.core.errors import because
from bot.core.plan import ImageCall
from bot.core.ports import Destination, File, Made, Published
from bot.core.run import Run
from bot.core.said import Said, said

_TOOLS = {"generate": "generate_image", "edit": "edit_image", "transform": "transform_image"}
# Beside the picture in the spool, which is cleared with it.
_COPY = ".labelled"


class Labels:
    """A destination whose pictures know what made them.

    The same picture gets the same bytes again. One that has no room for words is published as it
    came, and the note says so: it is paid for.
    """

    def __init__(self, destination: Destination, level: Level, version: str) -> None:
        self._destination = destination
        self._level = level
        self._version = version
        self._refused: dict[str, Said] = {}

    async def publish(self, run: Run, files: Sequence[File]) -> Published:
        """Publish the files, those of pictures with their metadata."""
        ready = [await asyncio.to_thread(self._labelled, run, file) for file in files]
        try:
            done = await self._destination.publish(run, ready)
        finally:
            await asyncio.to_thread(_clear, [file for file in ready if file not in files])
        notes = filter(None, [done.note, *self._refused.values()])
        return replace(done, note=reduce(_joined, notes, ""))

    def _labelled(self, run: Run, file: File) -> File:
        if file.made is None:
            return file
        source, target = Path(file.source), Path(f"{file.source}{_COPY}")
        try:
            embed(source, target, describe(run, file.made, self._version), self._level)
        except (PictureError, OSError) as error:
            self._refused[file.name] = said(
                "{name} holds no metadata: the picture {why}.", name=file.name, why=_why(error)
            )
            return file
        return replace(file, source=str(target))


def _why(error: PictureError | OSError) -> str:
    if isinstance(error, OSError):
        return said("cannot be copied ({why})", why=because(error))
    return error.message


def _joined(first: str, then: str) -> str:
    return said("{first} {then}", first=first, then=then) if first else then


def _clear(copies: Iterable[File]) -> None:
    for copy in copies:
        Path(copy.source).unlink(missing_ok=True)


def describe(run: Run, made: Made, version: str) -> Metadata:
    """All that is known of a picture; told again it is the same."""
    item, answer, won = made.item.item, made.answer, made.item.winner
    call, parameters = item.call, _parameters(item.call)
    return Metadata(
        openai_gpt_image_uuid=f"{run.id}-{item.id}",
        params_hash=params_hash({**parameters, "prompt": call.prompt}),
        tool_name=_TOOLS[call.operation],
        model=call.model,
        created_at=won.settled_at if won else None,
        size=f"{answer.width}x{answer.height}",
        quality=answer.quality or call.quality or "auto",
        prompt=call.prompt,
        parameters=parameters,
        run_id=run.id,
        job=item.job,
        sample=item.sample,
        request_id=won.request_id if won else None,
        cost_usd=won.cost.usd if won and won.cost else None,
        version=version,
    )


def _parameters(call: ImageCall) -> dict[str, Any]:
    """What was set, but the prompt; of a file its name only: folders are nobody's business."""
    told = asdict(call) | {
        "references": tuple(PurePath(path).name for path in call.references),
        "mask": call.mask and PurePath(call.mask).name,
    }
    del told["prompt"]
    return {name: value for name, value in told.items() if value not in {None, ()}}
