"""The endpoints of a repository, its people, its files and its issues."""

import base64
import re
from datetime import datetime

from starlette.responses import JSONResponse, Response

from bot.simulators.github.endpoint import ApiCall, Endpoint, announce, paged
from bot.simulators.github.markdown import to_html
from bot.simulators.github.refusals import ApiError, invalid, not_found
from bot.simulators.github.shapes import Json
from bot.simulators.github.threads import Comment


async def show_repository(call: ApiCall) -> Response:
    return JSONResponse(call.shapes.repository())


async def show_permission(call: ApiCall) -> Response:
    """The collapsed permission and the true role; bots and strangers to GitHub are not users."""
    login = call.request.path_params["login"]
    user = call.state.people.find(login)
    if user is None or user.type != "User":
        raise ApiError(404, f"{login} is not a user")
    permission, role_name = user.permission(private=call.state.repository.private)
    shape = {"permission": permission, "role_name": role_name, "user": call.shapes.user(user)}
    return JSONResponse(shape)


async def show_membership(call: ApiCall) -> Response:
    """Whether a person is in a team of the organisation, or invited to it."""
    params, people = call.request.path_params, call.state.people
    members = people.teams.get(params["team"], {})
    if params["org"].lower() != people.owner.login.lower() or params["login"] not in members:
        raise not_found()
    return JSONResponse({"role": "member", "state": members[params["login"]]})


async def show_contents(call: ApiCall) -> Response:
    """A file or a directory of the default branch; a link to a file is that file."""
    repository, path = call.state.repository, call.request.path_params["path"].strip("/")
    ref = call.request.query_params.get("ref", repository.default_branch)
    if re.fullmatch("[0-9a-f]{40}", ref):
        return _file(call, path, call.state.git.file(ref, path))
    if ref.removeprefix("refs/heads/") != repository.default_branch:
        raise ApiError(404, f"No commit found for the ref {ref}")
    path = path if repository.links.get(path) not in repository.files else repository.links[path]
    if path in repository.files:
        return _file(call, path, repository.files[path])
    if path in repository.links:
        shape = _entry(call, path) | {"type": "symlink", "target": repository.links[path]}
        return JSONResponse(shape)
    if path in repository.submodules:
        return JSONResponse(_entry(call, path) | {"type": "submodule"})
    inside = {
        name.removeprefix(f"{path}/").split("/")[0]
        for name in repository.files
        if name.startswith(f"{path}/")
    }
    if not inside:
        raise not_found()
    return JSONResponse([_entry(call, f"{path}/{name}") for name in sorted(inside)])


async def show_shared_contents(call: ApiCall) -> Response:
    """A file of the repository in which an organisation says things for all of them."""
    path, files = call.request.path_params["path"], call.state.shared_files or {}
    if path not in files:
        raise not_found()
    content = base64.encodebytes(files[path]).decode()
    shape = {"type": "file", "path": path, "size": len(files[path])}
    return JSONResponse(shape | {"encoding": "base64", "content": content})


async def show_workflow_run(call: ApiCall) -> Response:
    """https://docs.github.com/rest/actions/workflow-runs"""
    run = call.state.workflow_runs.get(call.number("run"))
    if run is None:
        raise not_found()
    return JSONResponse(
        {
            "id": run.id,
            "run_attempt": run.attempt,
            "event": "issue_comment",
            "status": run.status,
            "conclusion": "failure" if run.status == "completed" else None,
            "html_url": f"{call.shapes.html}/actions/runs/{run.id}",
        }
    )


async def show_issue(call: ApiCall) -> Response:
    issue = call.state.threads.issue(call.number("number"))
    return JSONResponse(_full(call, call.shapes.issue(issue)))


async def list_comments(call: ApiCall) -> Response:
    comments = list(call.state.threads.issue(call.number("number")).comments.values())
    if since := call.request.query_params.get("since"):
        comments = [comment for comment in comments if comment.updated_at >= _moment(since)]
    return paged(call, comments, lambda comment: _full(call, call.shapes.comment(comment)))


async def create_comment(call: ApiCall) -> Response:
    state, sent = call.state, await call.body()
    comment = state.threads.add(
        call.number("number"), sent.get("body"), state.bot, state.now(), by_app=True
    )
    announce(call.shapes, "created", comment, state.bot)
    shape = call.shapes.comment(comment)
    return JSONResponse(shape, 201, {"location": shape["url"]})


async def show_comment(call: ApiCall) -> Response:
    return JSONResponse(call.shapes.comment(_comment(call)))


async def edit_comment(call: ApiCall) -> Response:
    state, sent = call.state, await call.body()
    comment, previous = state.threads.edit(_comment(call).id, sent.get("body"), state.now())
    announce(call.shapes, "edited", comment, state.bot, previous)
    return JSONResponse(call.shapes.comment(comment))


async def delete_comment(call: ApiCall) -> Response:
    comment = call.state.threads.delete(_comment(call).id)
    announce(call.shapes, "deleted", comment, call.state.bot)
    return Response(status_code=204)


async def list_reactions(call: ApiCall) -> Response:
    wanted = call.request.query_params.get("content")
    reactions = [r for r in _comment(call).reactions if wanted in {None, r.content}]
    return paged(call, reactions, call.shapes.reaction)


async def create_reaction(call: ApiCall) -> Response:
    state, sent = call.state, await call.body()
    reaction, is_new = state.threads.react(
        _comment(call).id, sent.get("content"), state.bot, state.now()
    )
    return JSONResponse(call.shapes.reaction(reaction), 201 if is_new else 200)


async def delete_reaction(call: ApiCall) -> Response:
    call.state.threads.unreact(_comment(call).id, call.number("reaction"))
    return Response(status_code=204)


def _full(call: ApiCall, shape: Json) -> Json:
    """With what the page shows, for those who ask for it; its attachments can be opened."""
    if "full" not in call.request.headers.get("accept", ""):
        return shape
    return shape | {"body_html": call.state.attachments.signed(to_html(shape["body"] or ""))}


def _comment(call: ApiCall) -> Comment:
    return call.state.threads.comment(call.number("comment"))


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise invalid("IssueComment", "since", "invalid") from None
    if moment.tzinfo is None:
        raise invalid("IssueComment", "since", "invalid")
    return moment


# Source: https://docs.github.com/rest/repos/contents
_MOST_INLINE = 1_048_576


def _file(call: ApiCall, path: str, data: bytes) -> Response:
    if "raw" in call.request.headers.get("accept", ""):
        return Response(data, media_type="application/vnd.github.raw+json")
    shape = _entry(call, path) | {"type": "file", "size": len(data)}
    if len(data) > _MOST_INLINE:
        return JSONResponse(shape | {"encoding": "none", "content": ""})
    content = base64.encodebytes(data).decode()
    return JSONResponse(shape | {"encoding": "base64", "content": content})


def _entry(call: ApiCall, path: str) -> Json:
    files, branch = call.state.repository.files, call.state.repository.default_branch
    return {
        "type": "file" if path in files else "dir",
        "name": path.rsplit("/", 1)[-1],
        "path": path,
        "size": len(files.get(path, b"")),
        "url": f"{call.shapes.repo_api}/contents/{path}?ref={branch}",
        "html_url": f"{call.shapes.html}/blob/{branch}/{path}",
    }


_REPO = "/repos/{owner}/{repo}"
_ISSUE = _REPO + "/issues/{number:int}"
_COMMENT = _REPO + "/issues/comments/{comment:int}"
_THREAD = ("issues", "pull_requests")

ENDPOINTS = (
    Endpoint("GET", _REPO, show_repository, ("metadata",)),
    Endpoint("GET", _REPO + "/collaborators/{login}/permission", show_permission, ("metadata",)),
    Endpoint("GET", "/orgs/{org}/teams/{team}/memberships/{login}", show_membership, ("members",)),
    Endpoint(
        "GET", "/repos/{owner}/.github/contents/{path:path}", show_shared_contents, ("contents",)
    ),
    Endpoint("GET", _REPO + "/contents/{path:path}", show_contents, ("contents",)),
    Endpoint("GET", _REPO + "/actions/runs/{run:int}", show_workflow_run, ("actions",)),
    Endpoint("GET", _ISSUE, show_issue, _THREAD),
    Endpoint("GET", _ISSUE + "/comments", list_comments, _THREAD),
    Endpoint("POST", _ISSUE + "/comments", create_comment, _THREAD, "write"),
    Endpoint("GET", _COMMENT, show_comment, _THREAD),
    Endpoint("PATCH", _COMMENT, edit_comment, _THREAD, "write"),
    Endpoint("DELETE", _COMMENT, delete_comment, _THREAD, "write"),
    Endpoint("GET", _COMMENT + "/reactions", list_reactions, _THREAD),
    Endpoint("POST", _COMMENT + "/reactions", create_reaction, _THREAD, "write"),
    Endpoint("DELETE", _COMMENT + "/reactions/{reaction:int}", delete_reaction, _THREAD, "write"),
)
