"""From the bytes of a request to an order that can be drawn, or the refusal that it deserves."""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from importlib.util import find_spec
from io import BytesIO
from types import MappingProxyType
from typing import Any

from PIL import Image
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

from bot.simulators.images import models, refusals
from bot.simulators.images.models import Model, Size

MAX_PROMPT = 32_000
MAX_IMAGES = 16
MAX_IMAGE_BYTES = 50 * 1024 * 1024


class Endpoint(StrEnum):
    GENERATIONS = "generations"
    EDITS = "edits"


_SHARED = frozenset(
    {
        "prompt",
        "model",
        "n",
        "size",
        "quality",
        "background",
        "output_format",
        "output_compression",
        "stream",
        "partial_images",
        "safety_identifier",
        "user",
    }
)
PARAMETERS: Mapping[Endpoint, frozenset[str]] = MappingProxyType(
    {
        Endpoint.GENERATIONS: _SHARED | {"moderation"},
        Endpoint.EDITS: _SHARED | {"input_fidelity", "image", "image[]", "mask"},
    }
)
# The first of each is what an absent parameter means.
CHOICES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "background": ("auto", "transparent", "opaque"),
        "moderation": ("auto", "low"),
        "output_format": ("png", "jpeg", "webp"),
    }
)
BOUNDS: Mapping[str, tuple[int, int]] = MappingProxyType(
    {"n": (1, 10), "output_compression": (0, 100), "partial_images": (0, 3)}
)


@dataclass(frozen=True, slots=True)
class Upload:
    filename: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Sent:
    """A request as it came: parameters by name, and files."""

    parameters: Mapping[str, Any]
    images: tuple[Upload, ...] = ()
    masks: tuple[Upload, ...] = ()


@dataclass(frozen=True, slots=True)
class Order:
    """A valid request, with every `auto` resolved."""

    model: Model
    prompt: str
    n: int
    size: Size
    quality: str
    output_format: str
    transparent: bool
    compression: int | None
    references: tuple[Size, ...]
    factor: int = 1  # more than 1 bills more tokens than the formulas say

    def usage(self) -> dict[str, Any]:
        """What the call is billed for, in tokens: each of its n images pays the inputs again."""
        times = self.n * self.factor
        text = times * models.prompt_tokens(self.prompt)
        image = times * sum(map(models.reference_tokens, self.references))
        output = self.factor * self.model.counts.tokens(self.quality, self.size, self.n)
        return {
            "input_tokens": text + image,
            "input_tokens_details": {"text_tokens": text, "image_tokens": image},
            "output_tokens": output,
            "total_tokens": text + image + output,
        }


async def read_json(request: Request) -> Sent:
    try:
        parameters = json.loads(await request.body())
    except (ValueError, RecursionError):
        raise refusals.unreadable_body() from None
    if not isinstance(parameters, dict):
        raise refusals.unreadable_body()
    return Sent({name: value for name, value in parameters.items() if value is not None})


async def read_form(request: Request) -> Sent:
    """Read a multipart body; this needs python-multipart, which the plain CLI comes without."""
    if find_spec("python_multipart") is None:
        raise refusals.ApiError(400, "Simulated edits need: pip install 'gptimage[server]'")
    files: dict[str, list[Upload]] = {"image": [], "image[]": [], "mask": []}
    parameters: dict[str, Any] = {}
    try:
        async with request.form() as form:
            for name, value in form.multi_items():
                if isinstance(value, UploadFile):
                    upload = Upload(value.filename or "", await value.read())
                    files.setdefault(name, []).append(upload)
                    parameters[name] = [kept.filename for kept in files[name]]
                else:
                    parameters[name] = _from_text(name, value)
    except HTTPException:
        raise refusals.unreadable_body() from None
    return Sent(parameters, (*files["image"], *files["image[]"]), tuple(files["mask"]))


def take_order(sent: Sent, endpoint: Endpoint, today: date) -> Order:
    """Check everything but the files, in the order in which the API complains."""
    parameters = sent.parameters
    for name in parameters:
        if name not in PARAMETERS[endpoint]:
            raise refusals.unknown_parameter(name)
    prompt = _prompt(parameters)
    model = _model(parameters, today)
    chosen = {name: _choice(parameters, name, allowed) for name, allowed in CHOICES.items()}
    numbers = {name: _number(parameters, name, *bounds) for name, bounds in BOUNDS.items()}
    order = Order(
        model=model,
        prompt=prompt,
        n=numbers["n"] or 1,
        size=_size(parameters, model),
        quality=_quality(parameters, model),
        output_format=chosen["output_format"],
        transparent=chosen["background"] == "transparent",
        compression=numbers["output_compression"],
        references=(),
    )
    _refuse_contradictions(order, parameters)
    return order


def open_images(sent: Sent) -> tuple[Size, ...]:
    """Decode the reference images and the mask of an edit, and give the sizes of the images."""
    if not sent.images:
        raise refusals.missing_parameter("image")
    if len(sent.images) > MAX_IMAGES:
        raise refusals.invalid_value("image", len(sent.images), f"at most {MAX_IMAGES} files")
    sizes = tuple(_decode("image", upload).size for upload in sent.images)
    for upload in sent.masks:
        mask = _decode("mask", upload)
        if mask.format != "PNG" or "A" not in mask.getbands():
            raise refusals.invalid_file("mask", "it must be a PNG with an alpha channel")
        if mask.size != sizes[0]:
            raise refusals.invalid_file("mask", "its size does not match the first image")
    return sizes


def _decode(name: str, upload: Upload) -> Image.Image:
    if len(upload.data) >= MAX_IMAGE_BYTES:
        raise refusals.invalid_file(name, "a file must be smaller than 50 MB")
    try:
        image = Image.open(BytesIO(upload.data), formats=("PNG", "JPEG", "WEBP"))
        image.load()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        raise refusals.invalid_file(name, "check that it is a png, jpeg or webp") from None
    return image


def _from_text(name: str, value: str) -> Any:
    """A form has only text: read its numbers and truths where the API expects them."""
    if name in BOUNDS:
        with suppress(ValueError):
            return int(value)
    return {"true": True, "false": False}.get(value, value) if name == "stream" else value


def _prompt(parameters: Mapping[str, Any]) -> str:
    prompt = parameters.get("prompt")
    if prompt is None or prompt == "":
        raise refusals.missing_parameter("prompt")
    if not isinstance(prompt, str):
        raise refusals.invalid_type("prompt", "a string")
    if len(prompt) > MAX_PROMPT:
        raise refusals.too_long("prompt", MAX_PROMPT, len(prompt))
    try:
        prompt.encode()
    except UnicodeEncodeError:  # half of a surrogate pair, escaped in the JSON
        raise refusals.unreadable_body() from None
    return prompt


def _model(parameters: Mapping[str, Any], today: date) -> Model:
    """The model by name; there is no default here, because the real one changes over time."""
    name = parameters.get("model")
    if name is None:
        raise refusals.missing_parameter("model")
    model = models.MODELS.get(str(name))
    if model is None or not model.serves(today):
        raise refusals.unknown_model(str(name))
    return model


def _choice(parameters: Mapping[str, Any], name: str, allowed: tuple[str, ...]) -> str:
    value = parameters.get(name, allowed[0])
    if value not in allowed:
        raise refusals.invalid_value(name, value, ", ".join(allowed))
    return str(value)


def _number(parameters: Mapping[str, Any], name: str, low: int, high: int) -> int | None:
    value = parameters.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool):
        raise refusals.invalid_type(name, "an integer")
    if not low <= value <= high:
        raise refusals.invalid_value(name, value, f"{low} to {high}")
    return value


def _size(parameters: Mapping[str, Any], model: Model) -> Size:
    text = parameters.get("size", "auto")
    if text == "auto":
        return (1024, 1024)
    width, _, height = str(text).partition("x")
    if not all(side.isascii() and side.isdigit() and len(side) < 6 for side in (width, height)):
        raise refusals.invalid_value("size", text, "WIDTHxHEIGHT, auto")
    size = (int(width), int(height))
    if not model.accepts(size):
        raise refusals.invalid_value("size", text, f"what {model.name} draws, auto")
    return size


def _quality(parameters: Mapping[str, Any], model: Model) -> str:
    quality = _choice({"quality": "auto", **parameters}, "quality", model.qualities)
    return "medium" if quality == "auto" else quality


def _refuse_contradictions(order: Order, parameters: Mapping[str, Any]) -> None:
    """Refuse parameters that are well-formed alone and do not go together."""
    if order.transparent and order.output_format == "jpeg":
        raise refusals.invalid_value("background", "transparent", "opaque, auto with jpeg")
    if order.output_format == "png" and order.compression not in {None, 100}:
        raise refusals.invalid_value("output_compression", order.compression, "100 with png")
    if "input_fidelity" in parameters:
        _choice(parameters, "input_fidelity", order.model.fidelities or ("none: leave it out",))
    if parameters.get("stream", False) is not False:
        raise refusals.invalid_value("stream", parameters["stream"], "false: no streaming here")
