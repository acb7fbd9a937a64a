"""The user's batch as values; bot.core.parse reads it from what people write."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
)

from bot.core.catalog import DEFAULT_MODEL, MODELS, THREE_SIZES
from bot.core.said import said

Operation = Literal["generate", "edit", "transform"]
Format = Literal["png", "jpeg", "webp"]
Background = Literal["auto", "transparent", "opaque"]
RetryError = Literal["rate_limit", "timeout", "server_error"]

_MOST_REFERENCES = 16
_MOST_DOLLARS = 1_000_000
_LONGEST_FOLDER = 4_096
MOST_CHARACTERS = 32_000
"""Of a prompt."""


def _list(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def _one_or_list(value: object) -> object:
    return (value,) if isinstance(value, str) else _list(value)


def exact(value: object) -> object:
    """A JSON number as the decimal that was typed."""
    return Decimal(str(value)) if type(value) in {int, float} else value


_Paths = Annotated[
    tuple[str, ...],
    BeforeValidator(_one_or_list),
    Field(min_length=1, max_length=_MOST_REFERENCES),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string"},
                {
                    "type": "array",
                    "items": {"type": "string"},
                    "minItems": 1,
                    "maxItems": _MOST_REFERENCES,
                },
            ]
        }
    ),
]
_Dollars = Annotated[
    Decimal,
    BeforeValidator(exact),
    PlainSerializer(float),
    Field(gt=0, le=_MOST_DOLLARS),
    WithJsonSchema({"type": "number", "exclusiveMinimum": 0, "maximum": _MOST_DOLLARS}),
]


class Part(BaseModel):
    """Anything that a batch is made of: no unknown fields, no silent conversions."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class RetryPolicy(Part):
    """When a failed call is repeated without anybody being asked."""

    max_retries: int = Field(2, ge=0, le=5, description="Repetitions of one call, at most.")
    retry_delay_ms: int = Field(5_000, ge=100, le=60_000, description="Wait before each.")
    retry_on_errors: Annotated[tuple[RetryError, ...], BeforeValidator(_list)] = Field(
        ("rate_limit", "timeout"), description="Classes of errors that are worth repeating."
    )
    retry_in_doubt: bool = Field(
        False, description="Also repeat calls that may have been billed: this can pay twice."
    )


class Job(Part):
    """One entry of a batch: a prompt, and how its images are made."""

    prompt: str = Field(
        min_length=1,
        max_length=MOST_CHARACTERS,
        description="What the image shows; {{name}} goes over the values of a variable.",
    )
    output_path: str | None = Field(None, description="Name of the file, folders allowed.")
    size: str = Field(
        "auto",
        description="auto, or WIDTHxHEIGHT such as 1536x1024.",
        examples=["auto", *THREE_SIZES],
    )
    quality: str = Field(
        "auto",
        description="How carefully it is drawn; the older models know three.",
        json_schema_extra={"enum": ["auto", *MODELS[DEFAULT_MODEL].qualities]},
    )
    output_format: Format = Field("png", description="Format of the file.")
    transparent_background: bool = Field(False, description="Short for background: transparent.")
    background: Background = Field("auto", description="Background of the image.")
    moderation: Literal["auto", "low", "medium", "high"] | None = Field(
        None, description="auto or low; medium and high of old files mean auto."
    )
    sample_count: int = Field(1, ge=1, le=10, description="How many images of this prompt.")
    model: str = Field(
        DEFAULT_MODEL,
        min_length=1,
        max_length=100,
        description="Image model.",
        examples=list(MODELS),
    )
    operation: Operation = Field("generate", description="What is done.")
    reference_image_path: _Paths | None = Field(None, description="One image, or up to 16.")
    mask_image_path: str | None = Field(None, description="Where an edit may paint.")
    input_fidelity: Literal["low", "high"] | None = Field(
        None, description="How closely an edit keeps to its reference; older models only."
    )
    output_compression: int | None = Field(
        None, ge=0, le=100, description="Compression of jpeg and webp, in per cent."
    )
    return_base64: bool = Field(False, description="Accepted and ignored.")

    @property
    def references(self) -> tuple[str, ...]:
        """The reference images, none for a picture made from words alone."""
        return self.reference_image_path or ()


class BatchConfig(Part):
    """A valid batch. `timeout` is in milliseconds, `max_cost` in US dollars."""

    jobs: tuple[Job, ...] = Field(min_length=1)
    output_dir: str | None = Field(
        None, min_length=1, max_length=_LONGEST_FOLDER, description="Folder for the images."
    )
    max_concurrent: int = Field(2, ge=1, le=10, description="Jobs at a time.")
    timeout: int = Field(600_000, ge=1_000, le=3_600_000, description="Working time in ms.")
    retry_policy: RetryPolicy = Field(default_factory=RetryPolicy)
    max_cost: _Dollars | None = Field(
        None, description="Refuse the batch if it may cost more, in USD."
    )


# --- the schema -------------------------------------------------------------------------------

NOT_SHARED: Mapping[str, str] = {
    "prompt": "",
    "output_path": said("name the files in the jobs, and their folder in output_dir"),
}
"""The fields of a job that `defaults` may not hold, and what to do instead."""

_VARIABLES = {
    "type": "object",
    "description": "Lists of texts: a job is made for every combination that its prompt names.",
    "propertyNames": {"pattern": "^[A-Za-z_][A-Za-z0-9_]{0,59}$"},
    "additionalProperties": {
        "type": "array",
        "items": {"type": "string"},
        "minItems": 1,
        "uniqueItems": True,
    },
    "examples": [{"animal": ["fox", "owl"]}],
}


def json_schema() -> dict[str, object]:
    """The JSON Schema (draft 2020-12) of a batch file, for editors."""
    schema = BatchConfig.model_json_schema(mode="validation")
    schema["$defs"]["Defaults"] = _defaults(schema["$defs"]["Job"])
    schema["properties"] |= {
        "defaults": {"$ref": "#/$defs/Defaults"},
        "variables": _VARIABLES,
        "$schema": {"type": "string", "description": "Address of this schema."},
    }
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return dialect | schema | {"title": "gptimage batch"}


def _defaults(job: Mapping[str, Any]) -> dict[str, Any]:
    shared = {name: field for name, field in job["properties"].items() if name not in NOT_SHARED}
    whole = {**job, "title": "Defaults", "description": "For every job.", "properties": shared}
    del whole["required"]
    return whole


def canonical(config: BatchConfig) -> str:
    """The images of a batch in one spelling: who asks for the same images has the same text.

    How fast, how often, where to and for how much is left out, so that a run can be resumed with
    another cap, time or folder.
    """
    images = config.model_dump(mode="json", include={"jobs"})
    return json.dumps(images, sort_keys=True, ensure_ascii=False)
