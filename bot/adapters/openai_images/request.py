"""What is sent for one image: only what the user set."""

import mimetypes
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal, TypeAlias

from bot.adapters.pictures.formats import PictureError, sniff
from bot.core.plan import ImageCall

Upload: TypeAlias = tuple[str, BinaryIO, str]

_SECONDS = 300.0
_SECONDS_OF_SLOW = 600.0
_SLOW_QUALITIES = frozenset({"high", "xhigh", "max"})
_SLOW_PIXELS = 2560 * 1440
# Four bytes that do not compress, and the same in base64.
_BYTES_OF_PIXEL = 10
_USUAL_PIXELS = 1536 * 1024
# `auto` is what an absent field means, and some gateways do not know the word.
_FIELDS = ("size", "quality", "background", "output_format", "output_compression")
_ONLY_GENERATE = ("moderation",)  # edits refuse it
_ONLY_EDIT = ("input_fidelity",)


@dataclass(frozen=True, slots=True)
class Request:
    """One call: the endpoint, its parameters, and the files by field."""

    endpoint: Literal["generate", "edit"]
    parameters: Mapping[str, Any]
    images: tuple[Path, ...] = ()
    mask: Path | None = None

    @classmethod
    def of(cls, call: ImageCall) -> "Request":
        """A picture made from others is an edit, also where the batch calls it a transform."""
        if call.operation == "generate":
            return cls("generate", _parameters(call, _FIELDS + _ONLY_GENERATE))
        return cls(
            "edit",
            _parameters(call, _FIELDS + _ONLY_EDIT),
            images=tuple(map(Path, call.references)),
            mask=Path(call.mask) if call.mask else None,
        )

    def open_files(self, stack: ExitStack) -> Mapping[str, Any]:
        """The files as the SDK takes them, streamed from disk; raises OSError.

        One image goes as `image`, since some gateways refuse a list of one.
        """
        images = [_upload(path, f"image-{n}", stack) for n, path in enumerate(self.images, 1)]
        files: dict[str, Any] = {"image": images[0] if len(images) == 1 else images}
        if self.mask:
            files["mask"] = _upload(self.mask, "mask", stack)
        return files if self.endpoint == "edit" else {}


def seconds(call: ImageCall) -> float:
    """How long a call may take in all; the slowest kinds take minutes."""
    slow = call.quality in _SLOW_QUALITIES or _pixels(call.size) > _SLOW_PIXELS
    return _SECONDS_OF_SLOW if slow else _SECONDS


def room(call: ImageCall) -> int:
    """How many bytes a large answer and its picture take on the disk: so many must be free."""
    return _BYTES_OF_PIXEL * (_pixels(call.size) or _USUAL_PIXELS)


def _parameters(call: ImageCall, fields: tuple[str, ...]) -> dict[str, Any]:
    values = {name: getattr(call, name) for name in fields}
    chosen = {name: value for name, value in values.items() if value not in {None, "auto"}}
    return {"model": call.model, "prompt": call.prompt, **chosen}


def _pixels(size: str | None) -> int:
    width, _, height = (size or "").partition("x")
    return int(width) * int(height) if width.isdecimal() and height.isdecimal() else 0


def _upload(path: Path, name: str, stack: ExitStack) -> Upload:
    """The file under a name of ours: the user's may say more than the picture, or another format.

    What is no picture at all goes as it is called: servers may know more formats.
    """
    file = stack.enter_context(path.open("rb"))
    try:
        kind = sniff(file)
    except PictureError:
        named = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        return f"{name}{path.suffix.lower()}", file, named
    finally:
        file.seek(0)
    return f"{name}.{kind}", file, kind.media_type
