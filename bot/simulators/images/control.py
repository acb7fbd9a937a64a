"""The endpoints that the real API does not have: the script of faults, and the bill."""

from dataclasses import asdict, replace
from enum import StrEnum
from typing import Any, get_type_hints

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bot.simulators.images.faults import Fault
from bot.simulators.images.simulator import ImagesSimulator, Settings


async def list_calls(request: Request) -> Response:
    simulator: ImagesSimulator = request.app.state.simulator
    return JSONResponse(simulator.as_json())


async def add_faults(request: Request) -> Response:
    """Add faults to the end of the queue: all of them, or none if one is wrong."""
    simulator: ImagesSimulator = request.app.state.simulator
    try:
        lines = await request.json()
        script = lines if isinstance(lines, list) else [lines]
        simulator.faults += [Fault(**_typed(Fault, line)) for line in script]
    except (TypeError, ValueError) as error:
        return JSONResponse({"error": str(error)}, 400)
    return JSONResponse({"faults": [asdict(fault) for fault in simulator.faults]})


async def change_settings(request: Request) -> Response:
    """Change the named settings and leave the others."""
    simulator: ImagesSimulator = request.app.state.simulator
    try:
        changes = _typed(Settings, await request.json())
    except (TypeError, ValueError) as error:
        return JSONResponse({"error": str(error)}, 400)
    simulator.settings = replace(simulator.settings, **changes)
    return JSONResponse(asdict(simulator.settings))


def _typed(shape: type, values: Any) -> dict[str, Any]:
    """The JSON object's values as the fields of a dataclass; ValueError names the wrong one."""
    if not isinstance(values, dict):
        raise TypeError("expected a JSON object")
    hints = get_type_hints(shape)
    if unknown := sorted(values.keys() - hints.keys()):
        raise ValueError(f"unknown: {', '.join(unknown)}; known: {', '.join(hints)}")
    return {name: _field(name, hints[name], value) for name, value in values.items()}


def _field(name: str, kind: type, value: Any) -> Any:
    if issubclass(kind, StrEnum):
        return kind(value)
    if type(value) is not kind or (isinstance(value, int) and value < 0):
        raise ValueError(f"{name}: expected {kind.__name__}, zero or more if a number")
    return value
