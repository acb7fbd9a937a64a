"""The web application: one door for GitHub, three windows for everybody else."""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse
from starlette.routing import Route

from bot.core.errors import SettingsError
from bot.core.ports import Clock, Inbox, Scheduler
from bot.core.said import said
from bot.entrypoints.web.body import GITHUB_MAX_BODY
from bot.entrypoints.web.health import Check, healthz, readyz
from bot.entrypoints.web.metrics import Metrics
from bot.entrypoints.web.webhook import Webhook

_log = logging.getLogger(__name__)

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>gptimage</title>
<h1>gptimage</h1>
<p>This bot makes images from a <code>/batch</code> comment on GitHub. It is running.</p>
</html>
"""


def create_web(
    *,
    inbox: Inbox,
    scheduler: Scheduler,
    secrets: Sequence[SecretStr],
    clock: Clock,
    checks: Mapping[str, Check],
    metrics: Metrics | None = None,
    max_body: int = GITHUB_MAX_BODY,
    lifespan: Callable[[Starlette], Any] | None = None,
) -> Starlette:
    """The application; `checks` raise when a part that it is named after does not work.

    Raises SettingsError without a webhook secret: anybody could sign with an empty one.
    """
    keys = tuple(secret.get_secret_value().encode() for secret in secrets)
    if not keys or not all(keys):
        raise SettingsError(
            [said("GITHUB_WEBHOOK_SECRET: it is empty; take the one of the GitHub App")]
        )
    count = metrics.delivered if metrics else _nobody
    webhook = Webhook(inbox, scheduler, keys, clock, max_body, count)
    return Starlette(
        # Plain routes: a webhook's raw bytes need no dependency and no model.
        routes=[
            Route("/webhook", webhook.receive, methods=["POST"]),
            Route("/", _page),
            *_windows(checks, metrics),
        ],
        exception_handlers={Exception: _unexpected},
        lifespan=lifespan,
    )


def create_windows(checks: Mapping[str, Check], metrics: Metrics) -> Starlette:
    """For a process that takes no deliveries: only how it is."""
    return Starlette(routes=_windows(checks, metrics))


def _windows(checks: Mapping[str, Check], metrics: Metrics | None) -> list[Route]:
    numbers = [Route("/metrics", metrics.answer)] if metrics else []
    return [Route("/healthz", healthz), Route("/readyz", readyz(checks)), *numbers]


def _nobody(_result: str, _seconds: float) -> None:
    """Where nobody counts."""


async def _page(_: Request) -> HTMLResponse:
    return HTMLResponse(_PAGE)


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    """An answer without details: they are in the log, and may hold what nobody else may see."""
    _log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return JSONResponse({"error": "internal error"}, 500)
