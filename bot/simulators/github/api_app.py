"""The endpoints that an App opens with its own JWT."""

from urllib.parse import urlencode

from starlette.responses import JSONResponse, Response

from bot.simulators.github.endpoint import ApiCall, Endpoint, number_in, paged
from bot.simulators.github.refusals import invalid, not_found
from bot.simulators.github.shapes import Json, stamp
from bot.simulators.github.webhooks import Delivery

_CURSOR = "v1_"  # it is a word, not a number


async def show_app(call: ApiCall) -> Response:
    return JSONResponse(call.shapes.app())


async def list_installations(call: ApiCall) -> Response:
    return paged(call, [call.shapes.installation()], lambda shape: shape)


async def show_installation(call: ApiCall) -> Response:
    if call.request.path_params.get("installation", _known(call)) != _known(call):
        raise not_found()
    return JSONResponse(call.shapes.installation())


async def create_token(call: ApiCall) -> Response:
    """A token for the installation, or for less than that."""
    if call.number("installation") != _known(call):
        raise not_found()
    sent = await call.body()
    narrowed = _narrowed(call, sent)
    permissions = sent.get("permissions") or {}
    if not isinstance(permissions, dict):
        raise invalid("InstallationToken", "permissions", "invalid")
    token = call.state.tokens.issue(permissions, call.state.now())
    shape: Json = {
        "token": token.value,
        "expires_at": stamp(token.expires_at),
        "permissions": dict(token.permissions),
        "repository_selection": "selected",
    }
    if narrowed:
        shape["repositories"] = [call.shapes.repository()]
    return JSONResponse(shape, 201)


async def show_hook(call: ApiCall) -> Response:
    """Where deliveries go; the secret shows as asterisks."""
    hook = call.state.webhooks.webhook
    shape = {"content_type": "json", "insecure_ssl": "0", "secret": "********"}
    return JSONResponse(shape | {"url": hook.url if hook else ""})


async def list_deliveries(call: ApiCall) -> Response:
    """Attempts, newest first; the Link header's cursor leads to older ones."""
    query = call.request.query_params
    size = min(100, max(1, number_in(query.get("per_page"), 30)))
    cursor = number_in(query.get("cursor", "").removeprefix(_CURSOR), 0)
    older = [
        delivery
        for delivery in reversed(call.state.webhooks.deliveries)
        if not cursor or delivery.id < cursor
    ]
    headers = {}
    if len(older) > size:
        following = urlencode({"per_page": size, "cursor": f"{_CURSOR}{older[size - 1].id}"})
        headers["link"] = f'<{call.shapes.api}/app/hook/deliveries?{following}>; rel="next"'
    return JSONResponse([delivery.summary() for delivery in older[:size]], headers=headers)


async def show_delivery(call: ApiCall) -> Response:
    return JSONResponse(_delivery(call).details())


async def redeliver(call: ApiCall) -> Response:
    call.state.webhooks.redeliver(_delivery(call).id)
    return JSONResponse({}, 202)


def _known(call: ApiCall) -> int:
    return call.state.app.installation_id


def _delivery(call: ApiCall) -> Delivery:
    return call.state.webhooks.find(call.number("delivery"))


def _narrowed(call: ApiCall, sent: Json) -> bool:
    """Whether the token is for named repositories; 422 if one is not of this installation."""
    repository = call.state.repository
    known = {repository.name} if call.state.shared_files is None else {repository.name, ".github"}
    names, ids = sent.get("repositories") or [], sent.get("repository_ids") or []
    strangers = [
        *(n for n in names if n not in known),
        *(i for i in ids if i != repository.id),
    ]
    if strangers:
        raise invalid("InstallationToken", "repositories", "invalid")
    return bool(names or ids)


ENDPOINTS = (
    Endpoint("GET", "/app", show_app),
    Endpoint("GET", "/app/installations", list_installations),
    Endpoint("GET", "/app/installations/{installation:int}", show_installation),
    Endpoint("POST", "/app/installations/{installation:int}/access_tokens", create_token),
    Endpoint("GET", "/repos/{owner}/{repo}/installation", show_installation),
    Endpoint("GET", "/app/hook/config", show_hook),
    Endpoint("GET", "/app/hook/deliveries", list_deliveries),
    Endpoint("GET", "/app/hook/deliveries/{delivery:int}", show_delivery),
    Endpoint("POST", "/app/hook/deliveries/{delivery:int}/attempts", redeliver),
)
