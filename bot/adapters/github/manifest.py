"""A new App by GitHub's manifest flow: what it is to be, and its credentials when it is made.

Source: docs.github.com, "Registering a GitHub App from a manifest".
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import quote

import httpx
from pydantic import BaseModel, SecretStr, TypeAdapter

from bot.adapters.github.access import PERMISSIONS
from bot.adapters.github.answers import Author, read
from bot.adapters.github.host import web_url
from bot.adapters.github.refusals import no_answer, refusal

_SECONDS = 20.0


class NewApp(BaseModel, frozen=True):
    """An App that was just made; nobody can ask for its key and secret again."""

    id: int
    html_url: str
    owner: Author
    pem: SecretStr
    webhook_secret: SecretStr


_NEW_APP = TypeAdapter(NewApp)


def manifest(name: str, public_url: str) -> Mapping[str, object]:
    """A private App with the least permissions, whose deliveries come to this address."""
    return {
        "name": name,
        "url": public_url,
        "description": "Makes images from /batch comments.",
        "hook_attributes": {"url": f"{public_url}/webhook", "active": True},
        "redirect_url": f"{public_url}/setup/created",
        "public": False,
        "default_permissions": dict(PERMISSIONS),
        "default_events": ["issue_comment"],
    }


def creation_page(api_url: str, organization: str) -> str:
    """Where a person sends the manifest; without an organization the App will be their own."""
    of_whom = f"/organizations/{quote(organization, safe='')}" if organization else ""
    return f"{web_url(api_url)}{of_whom}/settings/apps/new"


async def convert(api_url: str, code: str) -> NewApp:
    """The App that was made under this code, which works once; raises HostError."""
    url = f"{api_url.rstrip('/')}/app-manifests/{quote(code, safe='')}/conversions"
    try:
        async with httpx.AsyncClient(timeout=_SECONDS) as client:
            answer = await client.post(url, headers={"Accept": "application/vnd.github+json"})
    except httpx.RequestError as error:
        raise no_answer(error, writes=True) from error
    if not answer.is_success:
        raise refusal(answer, datetime.now(UTC), writes=True)
    return read(_NEW_APP, answer)
