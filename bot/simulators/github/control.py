"""The addresses below `/sim`: what people do in their browsers, what tests script and judge."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.simulators.github.endpoint import announce, shapes_for
from bot.simulators.github.faults import Fault, FaultKind
from bot.simulators.github.people import Role, User
from bot.simulators.github.refusals import ApiError, malformed
from bot.simulators.github.state import GitHubState
from bot.simulators.github.threads import Comment

_MODERATORS = {Role.WRITE, Role.MAINTAIN, Role.ADMIN}

Handler = Callable[[Request, GitHubState], Awaitable[Response]]


async def show_state(_request: Request, state: GitHubState) -> Response:
    return JSONResponse(state.as_json())


async def add_faults(request: Request, state: GitHubState) -> Response:
    """Take one fault or a list; their fields are those of `Fault`."""
    sent = await _sent(request)
    faults = [_fault(entry) for entry in (sent if isinstance(sent, list) else [sent])]
    state.faults.add(*faults)
    return JSONResponse({"waiting": len(state.faults.lines)}, 201)


async def press_switch(request: Request, state: GitHubState) -> Response:
    """Press one of the page's buttons."""
    sent = await _object(request)
    switch = state.switches.get(str(sent.get("name", "")))
    if switch is None:
        raise ApiError(404, f"There is no such switch; there are {', '.join(state.switches)}")
    switch.press()
    return JSONResponse({"says": switch.says}, 201)


async def change_visibility(_request: Request, state: GitHubState) -> Response:
    """Make the repository private, or public again."""
    state.change_visibility()
    return JSONResponse({"private": state.repository.private}, 201)


async def open_issue(request: Request, state: GitHubState) -> Response:
    sent = await _object(request)
    issue = state.threads.open_issue(
        str(sent.get("title", "")),
        str(sent.get("body", "")),
        _person(state, sent),
        state.now(),
        pull_request=bool(sent.get("pull_request", False)),
    )
    return JSONResponse(shapes_for(request, state).issue(issue), 201)


async def write_comment(request: Request, state: GitHubState) -> Response:
    """A person types a comment."""
    sent = await _object(request)
    user = _person(state, sent)
    comment = state.threads.add(int(sent.get("issue", 1)), sent.get("body"), user, state.now())
    shapes = shapes_for(request, state)
    announce(shapes, "created", comment, user)
    return JSONResponse(shapes.comment(comment), 201)


async def attach(request: Request, state: GitHubState) -> Response:
    """Keep a picture that a person drags into the form."""
    media_type = request.headers.get("content-type", "")
    if not media_type.startswith("image/"):  # which a page of another origin cannot send unasked
        raise ApiError(415, "Send a picture")
    path = state.attachments.add(await request.body(), media_type)
    return JSONResponse({"url": shapes_for(request, state).base + path}, 201)


async def show_comment(request: Request, state: GitHubState) -> Response:
    return JSONResponse(shapes_for(request, state).comment(_comment(request, state)))


async def edit_comment(request: Request, state: GitHubState) -> Response:
    """A person edits a comment: their own, or with write access anybody's."""
    sent = await _object(request)
    user = _editor(state, sent, _comment(request, state))
    number = request.path_params["comment"]
    comment, previous = state.threads.edit(number, sent.get("body"), state.now())
    shapes = shapes_for(request, state)
    announce(shapes, "edited", comment, user, previous)
    return JSONResponse(shapes.comment(comment))


async def delete_comment(request: Request, state: GitHubState) -> Response:
    user = _editor(state, await _object(request), _comment(request, state))
    comment = state.threads.delete(request.path_params["comment"])
    announce(shapes_for(request, state), "deleted", comment, user)
    return Response(status_code=204)


def routes(state: GitHubState) -> list[Route]:
    table: tuple[tuple[str, str, Handler], ...] = (
        ("GET", "/sim/state", show_state),
        ("POST", "/sim/faults", add_faults),
        ("POST", "/sim/switches", press_switch),
        ("POST", "/sim/visibility", change_visibility),
        ("POST", "/sim/issues", open_issue),
        ("POST", "/sim/attachments", attach),
        ("POST", "/sim/comments", write_comment),
        ("GET", "/sim/comments/{comment:int}", show_comment),
        ("PATCH", "/sim/comments/{comment:int}", edit_comment),
        ("DELETE", "/sim/comments/{comment:int}", delete_comment),
    )
    return [
        Route(path, _bound(handler, state), methods=[method]) for method, path, handler in table
    ]


def _bound(handler: Handler, state: GitHubState) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            return await handler(request, state)
        except ApiError as error:
            return error.response()

    return endpoint


async def _sent(request: Request) -> Any:
    # A page of another origin cannot send this type without asking first.
    if request.headers.get("content-type", "").partition(";")[0] != "application/json":
        raise ApiError(415, "Send application/json")
    try:
        return json.loads(await request.body())
    except ValueError:
        raise malformed() from None


async def _object(request: Request) -> dict[str, Any]:
    sent = await _sent(request)
    if not isinstance(sent, dict):
        raise malformed()
    return sent


def _fault(sent: Any) -> Fault:
    try:
        return Fault(**sent | {"kind": FaultKind(sent.get("kind", FaultKind.ERROR))})
    except (AttributeError, TypeError, ValueError) as error:
        raise ApiError(422, f"Not a fault: {error}") from None


def _person(state: GitHubState, sent: dict[str, Any]) -> User:
    login = str(sent.get("user", ""))
    user = state.people.find(login)
    if user is None:
        raise ApiError(404, f"{login} is not a user")
    return user


def _editor(state: GitHubState, sent: dict[str, Any], comment: Comment) -> User:
    user = _person(state, sent)
    if user.login != comment.author.login and user.role not in _MODERATORS:
        raise ApiError(403, f"{user.login} may not change this comment")
    return user


def _comment(request: Request, state: GitHubState) -> Comment:
    return state.threads.comment(request.path_params["comment"])
