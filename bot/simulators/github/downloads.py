"""The bytes of published assets and of committed files, as a browser gets them."""

from mimetypes import guess_type

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.simulators.github.refusals import ApiError
from bot.simulators.github.state import GitHubState

# A file that somebody uploaded is looked at, and never runs as a part of this site.
_HARMLESS = {
    "content-security-policy": "default-src 'none'; sandbox",
    "x-content-type-options": "nosniff",
}


def routes(state: GitHubState) -> list[Route]:
    async def download(request: Request) -> Response:
        tag, name = request.path_params["tag"], request.path_params["name"]
        try:
            asset = state.releases.public_asset(tag, name)
        except ApiError as error:
            return error.response()
        return _file(asset.name, asset.content_type, asset.data)

    async def committed(request: Request) -> Response:
        sha, path = request.path_params["sha"], request.path_params["path"]
        try:
            data = state.git.file(sha, path)
        except ApiError as error:
            return error.response()
        kind = guess_type(path)[0] or "application/octet-stream"
        return _file(path.rpartition("/")[2], kind, data)

    home = f"/{state.repository.full_name}"
    return [
        Route(f"{home}/releases/download/{{tag:path}}/{{name}}", download),
        Route(f"{home}/blob/{{sha}}/{{path:path}}", committed),
    ]


def _file(name: str, content_type: str, data: bytes) -> Response:
    place = "inline" if content_type.startswith("image/") else "attachment"
    headers = {**_HARMLESS, "content-disposition": f'{place}; filename="{name}"'}
    return Response(data, media_type=content_type, headers=headers)
