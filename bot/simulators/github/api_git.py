"""The endpoints of the Git database: blobs, trees, commits, refs."""

from collections.abc import Mapping

from starlette.responses import JSONResponse, Response

from bot.simulators.github.endpoint import ApiCall, Endpoint
from bot.simulators.github.git import Commit
from bot.simulators.github.shapes import Json


async def create_blob(call: ApiCall) -> Response:
    sent = await call.body()
    sha = call.state.git.add_blob(sent.get("content"), sent.get("encoding", "utf-8"))
    return JSONResponse({"sha": sha, "url": f"{call.shapes.repo_api}/git/blobs/{sha}"}, 201)


async def create_tree(call: ApiCall) -> Response:
    sent = await call.body()
    sha = call.state.git.add_tree(sent.get("tree", []), sent.get("base_tree"))
    return JSONResponse(_tree(call, sha, call.state.git.tree(sha)), 201)


async def show_tree(call: ApiCall) -> Response:
    sha = call.request.path_params["sha"]
    return JSONResponse(_tree(call, sha, call.state.git.tree(sha)))


async def create_commit(call: ApiCall) -> Response:
    sent = await call.body()
    commit = call.state.git.add_commit(
        sent.get("message"), sent.get("tree"), sent.get("parents", [])
    )
    return JSONResponse(_commit(call, commit), 201)


async def show_commit(call: ApiCall) -> Response:
    return JSONResponse(_commit(call, call.state.git.commit(call.request.path_params["sha"])))


async def create_ref(call: ApiCall) -> Response:
    sent = await call.body()
    ref = call.state.git.add_ref(sent.get("ref"), sent.get("sha"))
    return JSONResponse(_ref(call, ref), 201)


async def show_ref(call: ApiCall) -> Response:
    return JSONResponse(_ref(call, f"refs/{call.request.path_params['ref']}"))


async def move_ref(call: ApiCall) -> Response:
    sent, ref = await call.body(), f"refs/{call.request.path_params['ref']}"
    call.state.git.move_ref(ref, sent.get("sha"), force=bool(sent.get("force", False)))
    return JSONResponse(_ref(call, ref))


def _tree(call: ApiCall, sha: str, files: Mapping[str, str]) -> Json:
    blobs = call.state.git.blobs
    entries = [
        {"path": path, "mode": "100644", "type": "blob", "sha": blob, "size": len(blobs[blob])}
        for path, blob in sorted(files.items())
    ]
    url = f"{call.shapes.repo_api}/git/trees/{sha}"
    return {"sha": sha, "url": url, "tree": entries, "truncated": False}


def _commit(call: ApiCall, commit: Commit) -> Json:
    api = f"{call.shapes.repo_api}/git"
    return {
        "sha": commit.sha,
        "url": f"{api}/commits/{commit.sha}",
        "html_url": f"{call.shapes.html}/commit/{commit.sha}",
        "message": commit.message,
        "tree": {"sha": commit.tree, "url": f"{api}/trees/{commit.tree}"},
        "parents": [{"sha": sha, "url": f"{api}/commits/{sha}"} for sha in commit.parents],
    }


def _ref(call: ApiCall, ref: str) -> Json:
    sha, api = call.state.git.ref(ref), f"{call.shapes.repo_api}/git"
    there = {"type": "commit", "sha": sha, "url": f"{api}/commits/{sha}"}
    return {"ref": ref, "url": f"{api}/{ref}", "object": there}


_GIT = "/repos/{owner}/{repo}/git"
_CONTENTS = ("contents",)

ENDPOINTS = (
    Endpoint("POST", _GIT + "/blobs", create_blob, _CONTENTS, "write"),
    Endpoint("POST", _GIT + "/trees", create_tree, _CONTENTS, "write"),
    Endpoint("GET", _GIT + "/trees/{sha}", show_tree, _CONTENTS),
    Endpoint("POST", _GIT + "/commits", create_commit, _CONTENTS, "write"),
    Endpoint("GET", _GIT + "/commits/{sha}", show_commit, _CONTENTS),
    Endpoint("POST", _GIT + "/refs", create_ref, _CONTENTS, "write"),
    Endpoint("GET", _GIT + "/ref/{ref:path}", show_ref, _CONTENTS),
    Endpoint("PATCH", _GIT + "/refs/{ref:path}", move_ref, _CONTENTS, "write"),
)
