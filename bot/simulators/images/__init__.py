"""A simulated OpenAI image API that draws labelled pictures and counts what it would bill.

`POST /v1/images/generations`, `POST /v1/images/edits` and `GET /v1/models` check, answer and
refuse as the real ones do. Any key is good, except those that begin with `sk-invalid`.

Some prompts are refused, as at the real API: one that holds `moderation-blocked`, `Miyazaki` or
`Shinkai` before anything is drawn, `moderation-blocked-output` after it was drawn and billed.

Tests hold the `ImagesSimulator` itself; other processes reach it over HTTP:
`GET /sim/calls` (each call, whether billed, and how it ended), `POST /sim/faults` (one fault or a
list, `{"kind": "rate_limit", "times": 2, "wait_ms": 1500}`: the fields of `Fault`),
`POST /sim/settings` (`latency_ms`, `images_per_minute`, `padding_bytes`,
`longest_edge`).
"""

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Route

from bot.simulators.images import api, control
from bot.simulators.images.faults import Fault, FaultKind
from bot.simulators.images.simulator import ImagesSimulator, Settings

__all__ = ["Fault", "FaultKind", "ImagesSimulator", "Settings", "create_images_app"]


def create_images_app(simulator: ImagesSimulator | None = None) -> Starlette:
    """An ASGI app around the simulator, which is also its `state.simulator`."""
    app = Starlette(
        routes=[
            Route("/v1/images/generations", api.generate, methods=["POST"]),
            Route("/v1/images/edits", api.edit, methods=["POST"]),
            Route("/v1/models", api.list_models),
            Route("/sim/calls", control.list_calls),
            Route("/sim/faults", control.add_faults, methods=["POST"]),
            Route("/sim/settings", control.change_settings, methods=["POST"]),
            Route("/sim/pictures/{number:int}/{index:int}", api.fetch_picture),
        ],
        exception_handlers={HTTPException: api.say_error},
    )
    app.state.simulator = simulator or ImagesSimulator()
    return app
