"""What people see in the browser: the issue's thread, and the files of a release."""

from base64 import urlsafe_b64encode
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from html import escape
from importlib.resources import files
from string import Template
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from bot.simulators.github.endpoint import shapes_for
from bot.simulators.github.markdown import to_html
from bot.simulators.github.people import User
from bot.simulators.github.refusals import ApiError, not_found
from bot.simulators.github.releases import Asset, Release
from bot.simulators.github.shapes import Shapes, stamp
from bot.simulators.github.state import GitHubState
from bot.simulators.github.switches import Switch
from bot.simulators.github.threads import EMOJI, Comment, Issue, Reaction

_STATIC = files(__package__) / "static"
_TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
_FILES = {"page.css", "page.js", "mark.svg", *(f"reactions/{name}.svg" for name in EMOJI)}
_SHADES = ("#8250df", "#bc4c00", "#1a7f37", "#0969da", "#bf3989", "#9a6700", "#0a7c8c")


def _template(name: str) -> Template:
    return Template((_STATIC / name).read_text(encoding="utf-8"))


_PAGE, _ISSUE = _template("page.html"), _template("issue.html")
_COMMENT, _RELEASE = _template("comment.html"), _template("release.html")


class Pages:
    """The pages of one simulated GitHub."""

    def __init__(self, state: GitHubState) -> None:
        self._state = state

    def routes(self) -> list[Route]:
        home = f"/{self._state.repository.full_name}"
        pages: dict[str, Callable[[Request], Response]] = {
            "/": self.start,
            home: self.start,
            f"{home}/issues/{{number:int}}": self.issue,
            f"{home}/pull/{{number:int}}": self.issue,
            f"{home}/issues/{{number:int}}/thread": self.thread,
            f"{home}/releases/tag/{{tag:path}}": self.release,
            "/static/{name:path}": self.static,
            "/avatars/{login}.svg": self.avatar,
        }
        return [Route(path, _answering(page)) for path, page in pages.items()]

    def start(self, request: Request) -> Response:
        shapes = shapes_for(request, self._state)
        return RedirectResponse(shapes.issue_page(1), 302)

    def issue(self, request: Request) -> Response:
        issue = self._state.threads.issue(request.path_params["number"])
        author = escape(issue.author.login)
        main = _ISSUE.substitute(
            title=escape(issue.title),
            number=issue.number,
            author=author,
            opened=_when(issue.created_at),
            source=f"/{self._state.repository.full_name}/issues/{issue.number}/thread",
            opening=self._opening(issue),
            comments="\n".join(self._comment(each) for each in issue.comments.values()),
            people="\n".join(_option(user) for user in self._state.people.persons()),
            switches="\n".join(_button(*each) for each in self._state.switches.items()),
            visibility="Make it public" if self._state.repository.private else "Make it private",
        )
        return self._page(f"{issue.title} · Issue #{issue.number}", main)

    def thread(self, request: Request) -> Response:
        """All comments as the page shows them, for a page that is already open."""
        issue = self._state.threads.issue(request.path_params["number"])
        comments = [
            {"anchor": _anchor(each), "version": _version(each), "html": self._comment(each)}
            for each in issue.comments.values()
        ]
        versions = "|".join(f"{each['anchor']}:{each['version']}" for each in comments)
        tag = f'"{sha256(versions.encode()).hexdigest()[:24]}"'
        headers = {"etag": tag, "cache-control": "no-cache"}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return JSONResponse({"comments": comments}, headers=headers)

    def release(self, request: Request) -> Response:
        release = self._state.releases.by_tag(request.path_params["tag"])
        shapes = shapes_for(request, self._state)
        main = _RELEASE.substitute(
            name=escape(release.name or release.tag),
            kind="Pre-release" if release.prerelease else "Release",
            author=escape(self._state.bot.login),
            published=_when(release.published_at or release.created_at),
            tag=escape(release.tag),
            html=to_html(release.body or "*No description.*"),
            count=len(release.assets),
            assets="\n".join(_file(shapes, release, each) for each in release.assets.values()),
        )
        return self._page(f"Release {release.tag}", main)

    def static(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in _FILES:
            raise not_found()
        media_type = _TYPES[name.rsplit(".", 1)[-1]]
        content = (_STATIC / name).read_bytes()
        return Response(content, media_type=media_type, headers=self._headers())

    def avatar(self, request: Request) -> Response:
        """A disc with the first letter, in a shade that stays the person's own."""
        user = self._state.people.find(request.path_params["login"])
        if user is None:
            raise not_found()
        shade = _SHADES[user.id % len(_SHADES)]
        drawing = (
            '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 40">'
            f'<circle cx="20" cy="20" r="20" fill="{shade}"/><text x="20" y="27" fill="#fff" '
            f'font-family="sans-serif" font-size="19" text-anchor="middle">'
            f"{escape(user.login[:1].upper())}</text></svg>"
        )
        return Response(drawing, media_type="image/svg+xml", headers=self._headers())

    def _page(self, title: str, main: str) -> Response:
        repository = self._state.repository
        html = _PAGE.substitute(
            title=escape(f"{title} · {repository.full_name}"),
            owner=escape(repository.owner),
            repo=escape(repository.name),
            home=f"/{repository.full_name}",
            visibility="Private" if repository.private else "Public",
            main=main,
        )
        return HTMLResponse(html, headers=self._headers())

    def _headers(self) -> dict[str, str]:
        """The page loads from itself alone, pictures also from the address in answers."""
        pictures = f"'self' {self._state.base_url}".rstrip()
        return {
            "content-security-policy": (
                "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
                f"img-src {pictures}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
            ),
            "x-content-type-options": "nosniff",
            "referrer-policy": "no-referrer",
            "cache-control": "no-cache",
        }

    def _opening(self, issue: Issue) -> str:
        opening = _entry("opening", issue.author, issue.created_at, issue.body)
        return _COMMENT.substitute(opening, id="", version="0", edited="", tools="", reactions="")

    def _comment(self, comment: Comment) -> str:
        entry = _entry(_anchor(comment), comment.author, comment.created_at, comment.body)
        last = f"edited {_when(comment.updated_at)}"
        edit = '<button type="button" class="edit">Edit</button>'
        return _COMMENT.substitute(
            entry,
            id=comment.id,
            version=_version(comment),
            edited=f'<span class="edited" title="{last}">· edited</span>' if comment.edited else "",
            tools="" if comment.by_app else edit,
            reactions=_chips(comment.reactions),
        )


def _answering(page: Callable[[Request], Response]) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        try:
            return page(request)
        except ApiError as error:
            return error.response()

    return endpoint


def _entry(anchor: str, author: User, at: datetime, body: str) -> dict[str, str]:
    return {
        "anchor": anchor,
        "author": escape(author.login),
        "avatar": f"/avatars/{escape(author.login)}.svg",
        "badge": "bot" if author.type == "Bot" else escape(author.known_as),
        "moment": stamp(at),
        "time": _when(at),
        "html": to_html(body),
    }


def _anchor(comment: Comment) -> str:
    return f"issuecomment-{comment.id}"


def _version(comment: Comment) -> str:
    """Changes with everything that can change about a comment."""
    parts = [len(comment.revisions), *(reaction.id for reaction in comment.reactions)]
    return urlsafe_b64encode(sha256(repr(parts).encode()).digest()[:9]).decode()


def _chips(reactions: list[Reaction]) -> str:
    people: dict[str, list[str]] = defaultdict(list)
    for reaction in reactions:
        people[reaction.content].append(reaction.user.login)
    chips = [
        f'<li title="{escape(", ".join(names))}" aria-label="{len(names)} × {content}">'
        f'<img src="/static/reactions/{content}.svg" alt="{EMOJI[content]}" width="16" height="16">'
        f" {len(names)}</li>"
        for content, names in people.items()
    ]
    return f'<ul class="reactions" aria-label="Reactions">{"".join(chips)}</ul>' if chips else ""


def _option(user: User) -> str:
    login = escape(user.login)
    return f'<option value="{login}">{login} ({escape(user.known_as)})</option>'


def _button(name: str, switch: Switch) -> str:
    return f'<button type="button" data-switch="{escape(name)}">{escape(switch.label)}</button>'


def _file(shapes: Shapes, release: Release, asset: Asset) -> str:
    url, name = escape(shapes.download_page(release, asset)), escape(asset.name)
    shown = (
        f'<img src="{url}" alt="{name}" loading="lazy">' if "image/" in asset.content_type else ""
    )
    return f'<li><a href="{url}">{shown}{name}</a> <span class="chip">{_size(asset)}</span></li>'


def _size(asset: Asset) -> str:
    kilobytes = len(asset.data) / 1024
    return f"{kilobytes / 1024:.1f} MB" if kilobytes >= 1024 else f"{kilobytes:.1f} KB"


def _when(moment: datetime) -> str:
    return moment.strftime("%b %d, %H:%M:%S UTC")
