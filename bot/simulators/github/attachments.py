"""Pictures that people drag into comments: kept under an address, and given out by redirect."""

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from secrets import token_hex

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from bot.simulators.github.refusals import ApiError, not_found

_HARMLESS = {
    "content-security-policy": "default-src 'none'; sandbox",
    "x-content-type-options": "nosniff",
}


@dataclass(slots=True)
class Attachment:
    """With `leads_to`, the store leads on: for those who test where that ends."""

    data: bytes
    media_type: str
    signature: str = field(default_factory=lambda: token_hex(16))
    leads_to: str | None = None


class Attachments:
    """All attachments by their names; an address that is not signed leads to one that is."""

    def __init__(self) -> None:
        self.entries: dict[str, Attachment] = {}

    def add(self, data: bytes, media_type: str = "image/png") -> str:
        """Keep it; gives its path."""
        name = str(uuid.uuid4())
        self.entries[name] = Attachment(data, media_type)
        return f"/user-attachments/assets/{name}"

    def find(self, name: str) -> Attachment:
        if name not in self.entries:
            raise not_found()
        return self.entries[name]

    def signed(self, html: str) -> str:
        """The HTML with addresses in it that everybody may open for a while."""
        return _SHOWN.sub(self._sign, html)

    def _sign(self, found: re.Match[str]) -> str:
        known = self.entries.get(found[1])
        return f"/private-user-images/1-{found[1]}.png?jwt={known.signature}" if known else found[0]


_SHOWN = re.compile(r"/user-attachments/assets/([0-9a-f-]{36})")


def routes(attachments: Attachments, is_private: Callable[[], bool]) -> list[Route]:
    """Where GitHub shows them, where it leads to, and what it signs for those who may read."""

    async def shown(request: Request) -> Response:
        name = request.path_params["name"]
        try:
            kept = attachments.find(name)
        except ApiError as error:
            return error.response()
        # In a private repository only people who are signed in: no token of an App's.
        if is_private() and request.headers.get("sec-fetch-dest") != "image":
            return not_found().response()
        return RedirectResponse(
            f"/production-user-asset/{name}?X-Amz-Signature={kept.signature}", 302
        )

    async def stored(request: Request) -> Response:
        try:
            kept = attachments.find(request.path_params["name"])
        except ApiError as error:
            return error.response()
        query = request.query_params
        if kept.signature not in {query.get("X-Amz-Signature"), query.get("jwt")}:
            return Response(status_code=403)
        if kept.leads_to:
            return RedirectResponse(kept.leads_to, 302)
        return Response(kept.data, media_type=kept.media_type, headers=_HARMLESS)

    return [
        Route("/user-attachments/assets/{name}", shown),
        Route("/production-user-asset/{name}", stored),
        Route("/private-user-images/1-{name}.png", stored),
    ]
