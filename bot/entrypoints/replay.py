"""`gptimage replay`: a saved delivery, signed and posted to a server as GitHub would."""

import hashlib
import hmac
import json
import uuid
from pathlib import Path

import httpx

from bot.core.errors import GptimageError, SettingsError
from bot.core.said import said
from bot.entrypoints import console
from bot.entrypoints.settings import Settings, no_text, unreadable

_PATIENCE = 15.0  # GitHub waits for ten


def replay(file: str, settings: Settings, *, url: str | None, event: str) -> int:
    """Post the payload in the file, and print the answer; 1 if it was not taken."""
    body = _body(file)
    secret = settings.github_webhook_secret
    if secret is None:
        raise SettingsError([said("GITHUB_WEBHOOK_SECRET is required: the server's, to sign with")])
    address = url or f"http://{settings.gptimage_host}:{settings.gptimage_port}/webhook"
    signature = hmac.new(secret.get_secret_value().encode(), body, hashlib.sha256).hexdigest()
    headers = {
        "Content-Type": "application/json",
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": str(uuid.uuid4()),
        "X-Hub-Signature-256": f"sha256={signature}",
    }
    try:
        answer = httpx.post(address, content=body, headers=headers, timeout=_PATIENCE)
    except (httpx.HTTPError, httpx.InvalidURL):
        raise GptimageError(said("{url} does not answer from here", url=address)) from None
    console.answer(f"{answer.status_code} {answer.text}")
    return int(not answer.is_success)


def _body(file: str) -> bytes:
    """The payload as it was sent; of a delivery that GitHub's API describes, its payload."""
    try:
        text = Path(file).read_text(encoding="utf-8")
        saved = json.loads(text)
    except UnicodeDecodeError as error:
        raise SettingsError([no_text(file, error)]) from None
    except OSError as error:
        raise SettingsError([unreadable(file, error)]) from None
    except ValueError:
        raise SettingsError([said("{file}: this is not JSON", file=file)]) from None
    match saved:
        case {"request": {"payload": dict(payload)}}:
            return json.dumps(payload).encode()
        case _:
            return text.encode()
