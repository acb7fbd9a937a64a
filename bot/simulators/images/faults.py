"""What can go wrong with a call, as a script for tests, and what each kind of wrong costs."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from bot.simulators.images import refusals
from bot.simulators.images.refusals import ApiError


class FaultKind(StrEnum):
    # Answers with an error.
    RATE_LIMIT = "rate_limit"
    SERVER_ERROR = "server_error"
    INVALID_KEY = "invalid_key"
    UNVERIFIED = "unverified"
    NO_QUOTA = "no_quota"
    MODERATED_INPUT = "moderated_input"
    MODERATED_OUTPUT = "moderated_output"
    HTML_ERROR = "html_error"
    STRING_ERROR = "string_error"
    REDIRECT = "redirect"
    # Answers that do not arrive.
    HANG = "hang"
    CUT_BODY = "cut_body"
    HALF_JSON = "half_json"
    # Answers with 200 that are not as they should be.
    NO_IMAGE = "no_image"
    FEWER_IMAGES = "fewer_images"
    URL = "url"
    DATA_PREFIX = "data_prefix"
    NO_USAGE = "no_usage"
    OTHER_FORMAT = "other_format"
    DEAR = "dear"


@dataclass(frozen=True, slots=True)
class Fault:
    """One line of the script: what happens to the next calls, and to how many of them."""

    kind: FaultKind
    times: int = 1
    prompt: str = ""  # only calls whose prompt contains this
    status: int = 500  # of server_error, html_error, string_error
    wait_ms: int = 1000  # that rate_limit asks for
    hang_ms: int = 3_600_000  # hang ends with the client's patience, or with this
    after_bytes: int = 1000  # of the body, where cut_body closes the connection
    factor: int = 10  # of the tokens that dear bills
    location: str = "http://127.0.0.1:9/"  # that redirect points to

    @property
    def billed(self) -> bool:
        """Whether the picture was made and is paid for; a failing server counts as having made it.

        A gateway that gives up is not the machine that draws: the worst case is the honest one.
        """
        match self.kind:
            case FaultKind.SERVER_ERROR | FaultKind.HTML_ERROR | FaultKind.STRING_ERROR:
                return self.status >= 500 or self.status in {408, 409}
            case kind:
                return kind not in _FREE


_FREE = frozenset(
    {
        FaultKind.RATE_LIMIT,
        FaultKind.INVALID_KEY,
        FaultKind.UNVERIFIED,
        FaultKind.NO_QUOTA,
        FaultKind.MODERATED_INPUT,
        FaultKind.REDIRECT,
    }
)

_TRIGGERS: tuple[tuple[re.Pattern[str], Fault], ...] = (
    (re.compile(r"moderation-blocked-output", re.IGNORECASE), Fault(FaultKind.MODERATED_OUTPUT)),
    (
        re.compile(r"moderation-blocked|\bmiyazaki\b|\bshinkai\b", re.IGNORECASE),
        Fault(FaultKind.MODERATED_INPUT),
    ),
)


def triggered(prompt: str) -> Fault | None:
    """The refusal that the words of a prompt bring about by themselves."""
    return next((fault for pattern, fault in _TRIGGERS if pattern.search(prompt)), None)


_API_ERRORS: Mapping[FaultKind, Callable[[Fault], ApiError]] = MappingProxyType(
    {
        FaultKind.RATE_LIMIT: lambda fault: refusals.rate_limited(5, fault.wait_ms / 1000),
        FaultKind.SERVER_ERROR: lambda fault: refusals.server_error(fault.status),
        FaultKind.INVALID_KEY: lambda _: refusals.invalid_key("sk-simulated-key-no-longer-valid"),
        FaultKind.UNVERIFIED: lambda _: refusals.unverified(),
        FaultKind.NO_QUOTA: lambda _: refusals.no_quota(),
        FaultKind.MODERATED_INPUT: lambda _: refusals.moderated("input"),
        FaultKind.MODERATED_OUTPUT: lambda _: refusals.moderated("output"),
        FaultKind.HANG: lambda _: refusals.server_error(524),
    }
)


def error_answer(fault: Fault, request_id: str) -> Response | None:
    """The whole answer of a fault that is an error; None for one that spoils a good answer."""
    headers = {"x-request-id": request_id}
    match fault.kind:
        case FaultKind.HTML_ERROR:
            page = "<html><head><title>Bad gateway</title></head><body>cloud</body></html>"
            return HTMLResponse(page, fault.status, headers)
        case FaultKind.STRING_ERROR:
            return JSONResponse({"error": "upstream said no"}, fault.status, headers)
        case FaultKind.REDIRECT:
            return RedirectResponse(fault.location, 307, headers)
        case kind:
            error = _API_ERRORS.get(kind)
            return error(fault).response(request_id) if error else None
