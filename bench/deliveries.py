"""Deliveries as GitHub sends them: its own example of 13 kB, signed, as bytes for a socket."""

import hashlib
import hmac
import json
from collections.abc import Iterable
from pathlib import Path

SECRET = "the bench signs with this"
TALK = "Looks good to me, thank you!"
BATCH = '/batch\n```json\n{"jobs": [{"prompt": "a red fox"}]}\n```'

_EXAMPLE = Path(__file__).resolve().parents[1] / "tests/data/deliveries"


def delivery(text: str, number: int = 1) -> bytes:
    """The whole request that tells of a new comment with this text and this id."""
    payload = json.loads((_EXAMPLE / "issue_comment-created-0.json").read_bytes())
    payload["installation"] = {"id": 7}
    payload["comment"] |= {"id": number, "body": text}
    body = json.dumps(payload).encode()
    signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    head = (
        "POST /webhook HTTP/1.1\r\nHost: bot\r\nContent-Type: application/json\r\n"
        f"X-GitHub-Event: issue_comment\r\nX-GitHub-Delivery: bench-{number}\r\n"
        f"X-Hub-Signature-256: sha256={signature}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def write_file(path: Path, requests: Iterable[bytes]) -> None:
    """Put them where `deliveries.lua` reads them."""
    with path.open("wb") as file:
        for request in requests:
            file.write(f"{len(request):010}".encode() + request)
