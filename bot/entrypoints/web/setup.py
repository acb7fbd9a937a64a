"""`/setup`: an App is made on GitHub in a few clicks, as long as there are no credentials.

Whoever reads the log holds the token; whoever holds the token gets a state, and only who comes
back from GitHub with a state can finish. Then the pages are gone.
"""

import asyncio
import json
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from html import escape
from importlib.resources import files
from string import Template

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse
from starlette.routing import Route

from bot.adapters.github.manifest import NewApp, convert, creation_page, manifest
from bot.core.errors import GptimageError
from bot.core.language import Choice, Language, preferred
from bot.core.messages import messages
from bot.core.said import said
from bot.entrypoints.web.health import healthz, readyz

_log = logging.getLogger(__name__)

_YOU: Mapping[Language, str] = {"en": "you", "ja": "あなた"}
_PAGES = files(__package__) / "pages"
_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "strict-origin",  # the address holds the token; GitHub wants an Origin
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
}


class Setup:
    """The pages, for one start of a server; `made` is set when the credentials are kept."""

    def __init__(
        self,
        *,
        api_url: str,
        public_url: str | None,
        local_url: str,
        keep: Callable[[NewApp], None],
        language: Choice = "auto",
    ) -> None:
        # In hex, so that no token looks like a key and is taken out of the log that tells it.
        self.token = secrets.token_hex(24)
        self.made = asyncio.Event()
        self._api_url = api_url
        self._public_url = public_url.rstrip("/") if public_url else None
        self._local_url = local_url
        self._keep = keep
        self._language = language
        self._states: set[str] = set()

    @property
    def address(self) -> str:
        """Where to begin, with the token; not for other eyes than those of who reads the log."""
        return f"{self._public_url or self._local_url}/setup?token={self.token}"

    def app(self) -> Starlette:
        """The application: these pages, and what probes ask for."""
        return Starlette(
            routes=[
                Route("/setup", self._guarded(self.begin)),
                Route("/setup/app", self._guarded(self.send)),
                Route("/setup/created", self.created),
                Route("/webhook", _not_yet, methods=["POST"]),
                Route("/healthz", healthz),
                Route("/readyz", readyz({"github": _no_app})),
            ]
        )

    def _guarded(
        self, page: Callable[[Request, str], HTMLResponse]
    ) -> Callable[[Request], Awaitable[HTMLResponse]]:
        """The page, for whoever has the token, and as long as there is an address."""

        async def answer(request: Request) -> HTMLResponse:
            given = request.query_params.get("token", "").encode()
            if not secrets.compare_digest(given, self.token.encode()):
                return self._page(request, "closed", 403)
            if self._public_url is None:
                return self._page(request, "no_address", 409, local=self._local_url)
            return page(request, self._public_url)

        return answer

    def begin(self, request: Request, public_url: str) -> HTMLResponse:
        """Ask whose App it is to be."""
        del public_url
        return self._page(request, "begin", token=self.token)

    def send(self, request: Request, public_url: str) -> HTMLResponse:
        """Send the person to GitHub with the manifest, and with a state to come back with."""
        organization = request.query_params.get("organization", "").strip()
        state = secrets.token_urlsafe(24)
        self._states.add(state)
        name = f"gptimage-{secrets.token_hex(3)}"
        wanted = manifest(name, public_url)
        return self._page(
            request,
            "send",
            called=name,
            owner=organization or _YOU[self._spoken(request)],
            hook=f"{public_url}/webhook",
            page=f"{creation_page(self._api_url, organization)}?state={state}",
            manifest=json.dumps(wanted),
        )

    async def created(self, request: Request) -> HTMLResponse:
        """Back from GitHub: fetch the credentials, keep them, and say what is next."""
        state = request.query_params.get("state", "")
        if state not in self._states:
            return self._page(request, "closed", 403)
        self._states.discard(state)
        try:
            new = await convert(self._api_url, request.query_params.get("code", ""))
            self._keep(new)
        except GptimageError as error:
            _log.error("no App was set up: %s", error)
            why = messages(self._spoken(request)).tell(error.message)
            return self._page(request, "failed", 502, why=why)
        self.made.set()
        install = f"{new.html_url}/installations/new"
        return self._page(request, "done", install=install, owner=new.owner.login)

    def _spoken(self, request: Request) -> Language:
        """The operator's language if that is not the default, and else the browser's."""
        if self._language == "ja":
            return "ja"
        return preferred(request.headers.get("Accept-Language", ""))

    def _page(self, request: Request, name: str, status: int = 200, **words: str) -> HTMLResponse:
        """A page of `pages/`; its words are text and no HTML."""
        language = self._spoken(request)
        escaped = {each: escape(word) for each, word in words.items()}
        content = _template(name, language).substitute(escaped)
        page = _template("page", language).substitute(content=content)
        return HTMLResponse(page, status, _HEADERS | {"Content-Language": language})


def _template(name: str, language: Language) -> Template:
    file = f"{name}.html" if language == "en" else f"{name}.{language}.html"
    return Template((_PAGES / file).read_text(encoding="utf-8"))


async def _no_app() -> None:
    raise GptimageError(
        said("there are no credentials: set GITHUB_APP_ID, or open the /setup link of the log")
    )


async def _not_yet(_: Request) -> JSONResponse:
    return JSONResponse({"error": "not set up yet"}, 503, {"Retry-After": "60"})
