"""Apps that are made from a manifest: the page where a person agrees, and the code for it.

Source: docs.github.com, "Registering a GitHub App from a manifest".
"""

import json
import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from bot.simulators.github.refusals import ApiError, not_found
from bot.simulators.github.shapes import Json
from bot.simulators.github.state import GitHubState
from bot.simulators.github.webhooks import Webhook


class Manifests:
    """The manifests that people agreed to, under codes that work once."""

    def __init__(self, state: GitHubState) -> None:
        self._state = state
        self._agreed: dict[str, Mapping[str, Any]] = {}

    def pages(self) -> list[Route]:
        """Where browsers bring a manifest; here every person agrees at once."""
        return [
            Route("/settings/apps/new", self.agree, methods=["POST"]),
            Route("/organizations/{owner}/settings/apps/new", self.agree, methods=["POST"]),
        ]

    def endpoints(self) -> list[Route]:
        """What the server asks for then, without credentials."""
        return [Route("/app-manifests/{code}/conversions", self.convert, methods=["POST"])]

    async def agree(self, request: Request) -> Response:
        """Send the person back with a code, and with the state that they brought."""
        form = await request.form()
        manifest = json.loads(str(form.get("manifest", "{}")))
        code = secrets.token_hex(20)
        self._agreed[code] = {**manifest, "owner": request.path_params.get("owner")}
        back = {"code": code, "state": request.query_params.get("state", "")}
        return RedirectResponse(f"{manifest['redirect_url']}?{urlencode(back)}", 302)

    async def convert(self, request: Request) -> Response:
        """The App of a code, with its secrets; from now on deliveries go where it says."""
        manifest = self._agreed.pop(request.path_params["code"], None)
        if manifest is None:
            return not_found().response()
        if not manifest.get("name") or len(manifest["name"]) > 34:
            return ApiError(422, "Name is too long (maximum is 34 characters)").response()
        return JSONResponse(
            self._register(manifest, f"{request.url.scheme}://{request.url.netloc}"), 201
        )

    def _register(self, manifest: Mapping[str, Any], base: str) -> Json:
        state, secret = self._state, secrets.token_hex(20)
        state.app = replace(
            state.app,
            permissions=dict(manifest.get("default_permissions", {})),
            events=tuple(manifest.get("default_events", ())),
        )
        state.webhooks.webhook = Webhook(manifest["hook_attributes"]["url"], secret)
        owner = manifest["owner"] or state.people.owner.login
        return {
            "id": state.app.id,
            "slug": state.app.slug,
            "name": manifest["name"],
            "client_id": state.app.client_id,
            "client_secret": secrets.token_hex(20),
            "webhook_secret": secret,
            "pem": state.private_key,
            "html_url": f"{base}/apps/{state.app.slug}",
            "owner": {"login": owner, "type": "Organization" if manifest["owner"] else "User"},
            "permissions": dict(state.app.permissions),
            "events": list(state.app.events),
        }
