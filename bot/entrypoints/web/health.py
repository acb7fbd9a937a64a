"""Whether the process lives, and whether the parts that it needs do."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import Request
from starlette.responses import JSONResponse

from bot.core.errors import GptimageError
from bot.entrypoints import redaction

_log = logging.getLogger(__name__)

_PATIENCE = 2.0

Check = Callable[[], Awaitable[None]]


async def healthz(_: Request) -> JSONResponse:
    """Always well: whoever can answer lives."""
    return JSONResponse({"status": "ok"})


def readyz(checks: Mapping[str, Check]) -> Callable[[Request], Awaitable[JSONResponse]]:
    """Asks every part at once; 503 as soon as one of them does not work."""

    async def answer(_: Request) -> JSONResponse:
        states = await asyncio.gather(*(_state(name, check) for name, check in checks.items()))
        ready = all(state == "ok" for state in states)
        status = "ok" if ready else "unavailable"
        parts = dict(zip(checks, states, strict=True))
        return JSONResponse({"status": status, "parts": parts}, 200 if ready else 503)

    return answer


async def _state(name: str, check: Check) -> str:
    try:
        async with asyncio.timeout(_PATIENCE):
            await check()
    except TimeoutError:
        return f"no answer within {_PATIENCE:g} s"
    except GptimageError as error:  # its words are ours
        return redaction.clean(str(error))
    except Exception:  # noqa: BLE001  (a broken check is a broken part, and its words may leak)
        _log.exception("the check of %s failed", name)
        return "failed"
    return "ok"
