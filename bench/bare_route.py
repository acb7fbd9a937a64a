"""The least that any App must do: one Starlette route that verifies the signature.

`bare_route.py <secret>` prints its address, and serves until it is ended.
"""

import asyncio
import hashlib
import hmac
import sys

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from bot.entrypoints.loopback import served


def app(secret: bytes) -> Starlette:
    async def receive(request: Request) -> JSONResponse:
        body = await request.body()
        signature = "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(signature, request.headers["x-hub-signature-256"]):
            return JSONResponse({"error": "the signature does not match"}, 401)
        return JSONResponse({"status": "ignored"}, 202)

    return Starlette(routes=[Route("/webhook", receive, methods=["POST"])])


async def main(secret: str) -> None:
    async with served(app(secret.encode())) as url:
        print(url, flush=True)
        await asyncio.to_thread(sys.stdin.read)  # its end is the end of whoever started us


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
