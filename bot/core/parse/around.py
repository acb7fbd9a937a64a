"""What stands around a batch, and which source of a value outranks which."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from bot.core.batch import NOT_SHARED, BatchConfig, Job
from bot.core.said import said

Place: TypeAlias = Callable[[str], str]
"""How a field is called in a complaint: `jobs[0].size`, `defaults.size`, `--size`."""


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """What the operator may widen."""

    max_jobs: int = 100


_FROM_OUTSIDE = ({*BatchConfig.model_fields} - {"jobs"}) | (Job.model_fields.keys() - NOT_SHARED)


@dataclass(frozen=True, slots=True)
class Around:
    """What stands around a batch: the environment's defaults, the flags, and the server.

    A flag outranks the JSON, and the JSON outranks the environment. `openai_itself` is False
    for a compatible server, which may serve what OpenAI has shut down. A name that is no field
    is the program's own mistake: ValueError.
    """

    limits: BatchLimits = field(default_factory=BatchLimits)
    overrides: Mapping[str, object] = field(default_factory=dict)
    environment: Mapping[str, object] = field(default_factory=dict)
    openai_itself: bool = True

    def __post_init__(self) -> None:
        if strange := {*self.overrides, *self.environment} - _FROM_OUTSIDE:
            raise ValueError(f"cannot be set from outside a batch: {', '.join(sorted(strange))}")


@dataclass(frozen=True, slots=True)
class Layer:
    """One source of values, and how it calls them."""

    values: Mapping[str, Any]
    place: Place


def environment(around: Around) -> Layer:
    """The lowest layer: what nobody else says."""
    return Layer(around.environment, lambda name: said("the environment's {name}", name=name))


def flags(around: Around) -> Layer:
    """The highest layer: what the person says who starts the batch."""
    return Layer(around.overrides, lambda name: "--" + name.replace("_", "-"))


# The background has two spellings: whoever writes one replaces both.
_BACKGROUND = frozenset({"background", "transparent_background"})


def merged(layers: Sequence[Layer], known: frozenset[str]) -> dict[str, Any]:
    """The known fields of all layers, each from the highest that has it."""
    values: dict[str, Any] = {}
    for layer in layers:
        if layer.values.keys() & _BACKGROUND:
            values = {name: value for name, value in values.items() if name not in _BACKGROUND}
        values |= {name: value for name, value in layer.values.items() if name in known}
    return values


def source(layers: Sequence[Layer], name: str, otherwise: Layer) -> str:
    """The place of a field, where its author can mend it."""
    owner = next((each for each in reversed(layers) if name in each.values), otherwise)
    return owner.place(name)
