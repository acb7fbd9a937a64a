"""The raw bytes of a request, never more of them than we are willing to hold."""

import asyncio

from starlette.requests import ClientDisconnect, Request

from bot.core.errors import WebhookError

# Source: docs.github.com, "Webhook events and payloads": payloads are capped at 25 MB.
GITHUB_MAX_BODY = 25 * 1024 * 1024

# GitHub gives up after ten seconds, so nobody waits for what comes later.
_READ_SECONDS = 10.0


async def read_body(request: Request, limit: int) -> bytes:
    """The whole body; raises WebhookError when it is too long (413), too slow or cut (408).

    Nothing is read of a body that is announced as too long, and of a chunked one no more than the
    limit.
    """
    if _announced(request) > limit:
        raise _too_long(limit)
    try:
        async with asyncio.timeout(_READ_SECONDS):
            return await _read(request, limit)
    except (TimeoutError, ClientDisconnect):
        raise WebhookError("the body did not come to its end", status=408) from None


async def _read(request: Request, limit: int) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        if len(body) + len(chunk) > limit:
            raise _too_long(limit)
        body += chunk
    return bytes(body)


def _announced(request: Request) -> int:
    """The length that the header claims; what makes no sense claims nothing, and is counted."""
    try:
        return int(request.headers.get("content-length", "0"))
    except ValueError:
        return 0


def _too_long(limit: int) -> WebhookError:
    return WebhookError(f"the body is longer than {limit} bytes", status=413)
