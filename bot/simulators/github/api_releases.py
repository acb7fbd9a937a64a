"""The endpoints of releases and their assets, the separate upload address included."""

from starlette.responses import JSONResponse, Response

from bot.simulators.github.endpoint import ApiCall, Endpoint, paged
from bot.simulators.github.refusals import ApiError, invalid, refused_query
from bot.simulators.github.releases import Release


async def list_releases(call: ApiCall) -> Response:
    newest_first = list(reversed(call.state.releases.entries.values()))
    return paged(call, newest_first, call.shapes.release)


async def create_release(call: ApiCall) -> Response:
    release = call.state.releases.create(await call.body(), call.state.now())
    shape = call.shapes.release(release)
    return JSONResponse(shape, 201, {"location": shape["url"]})


async def show_release(call: ApiCall) -> Response:
    return JSONResponse(call.shapes.release(_release(call)))


async def show_release_by_tag(call: ApiCall) -> Response:
    release = call.state.releases.by_tag(call.request.path_params["tag"])
    return JSONResponse(call.shapes.release(release))


async def show_latest_release(call: ApiCall) -> Response:
    return JSONResponse(call.shapes.release(call.state.releases.latest()))


async def change_release(call: ApiCall) -> Response:
    sent = await call.body()
    release = call.state.releases.change(call.number("release"), sent, call.state.now())
    return JSONResponse(call.shapes.release(release))


async def delete_release(call: ApiCall) -> Response:
    call.state.releases.delete(call.number("release"))
    return Response(status_code=204)


async def list_assets(call: ApiCall) -> Response:
    release = _release(call)
    assets = list(release.assets.values())
    return paged(call, assets, lambda asset: call.shapes.asset(release, asset))


async def show_asset(call: ApiCall) -> Response:
    """What is known of the asset, or its bytes for those who accept an octet stream."""
    release, asset = call.state.releases.asset(call.number("asset"))
    if "application/octet-stream" in call.request.headers.get("accept", ""):
        return Response(asset.data, media_type=asset.content_type)
    return JSONResponse(call.shapes.asset(release, asset))


async def delete_asset(call: ApiCall) -> Response:
    call.state.releases.delete_asset(call.number("asset"))
    return Response(status_code=204)


async def upload_asset(call: ApiCall) -> Response:
    """Store the body as an asset; when the script breaks it off, an empty one stays behind."""
    request, releases = call.request, call.state.releases
    name = request.query_params.get("name")
    content_type = request.headers.get("content-type")
    data = await request.body()
    if not name:
        raise invalid("ReleaseAsset", "name", "missing_field")
    if not content_type or not data:
        raise ApiError(400, "Bad Content-Length" if content_type else "Missing Content-Type")
    asset = releases.upload(
        call.number("release"),
        name,
        request.query_params.get("label", ""),
        content_type=content_type,
        data=data,
        now=call.state.now(),
    )
    if getattr(request.state, "upload_breaks", False):
        asset.state, asset.data = "starter", b""
        raise ApiError(502, "Server Error")
    return JSONResponse(call.shapes.asset(_release(call), asset), 201)


async def answer_query(call: ApiCall) -> Response:
    """The one query that GraphQL is asked: which release has a tag, or is to have it.

    Source: https://docs.github.com/graphql/reference/objects#repository
    """
    sent = await call.body()
    asked = sent.get("variables") or {}
    if "release(tagName: $tag) { databaseId }" not in " ".join(str(sent.get("query")).split()):
        return refused_query("undefinedField", "This is simulated for releases by tag only")
    named = f"{asked.get('owner')}/{asked.get('name')}"
    if named.lower() != call.state.repository.full_name.lower():
        return refused_query("NOT_FOUND", "Could not resolve to a Repository")
    if call.state.graphql_refuses:
        nothing = {"repository": {"release": None}}
        return refused_query("FORBIDDEN", "Resource not accessible by integration", nothing)
    found = call.state.releases.named(str(asked.get("tag")))
    release = {"databaseId": found.id} if found else None
    return JSONResponse({"data": {"repository": {"release": release}}})


def _release(call: ApiCall) -> Release:
    return call.state.releases.get(call.number("release"))


_RELEASES = "/repos/{owner}/{repo}/releases"
_RELEASE = _RELEASES + "/{release:int}"
_ASSET = _RELEASES + "/assets/{asset:int}"
_CONTENTS = ("contents",)

ENDPOINTS = (
    Endpoint("GET", _RELEASES, list_releases, _CONTENTS),
    Endpoint("POST", _RELEASES, create_release, _CONTENTS, "write"),
    Endpoint("GET", _RELEASES + "/latest", show_latest_release, _CONTENTS),
    Endpoint("GET", _RELEASES + "/tags/{tag:path}", show_release_by_tag, _CONTENTS),
    Endpoint("GET", _RELEASE, show_release, _CONTENTS),
    Endpoint("PATCH", _RELEASE, change_release, _CONTENTS, "write"),
    Endpoint("DELETE", _RELEASE, delete_release, _CONTENTS, "write"),
    Endpoint("GET", _RELEASE + "/assets", list_assets, _CONTENTS),
    Endpoint("GET", _ASSET, show_asset, _CONTENTS),
    Endpoint("DELETE", _ASSET, delete_asset, _CONTENTS, "write"),
)

GRAPHQL = (Endpoint("POST", "/graphql", answer_query, _CONTENTS),)

UPLOADS = (Endpoint("POST", _RELEASE + "/assets", upload_asset, _CONTENTS, "write"),)
