"""The bytes of published assets, as a browser gets them."""

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
        place = "inline" if asset.content_type.startswith("image/") else "attachment"
        headers = {**_HARMLESS, "content-disposition": f'{place}; filename="{asset.name}"'}
        return Response(asset.data, media_type=asset.content_type, headers=headers)

    path = f"/{state.repository.full_name}/releases/download/{{tag:path}}/{{name}}"
    return [Route(path, download)]
