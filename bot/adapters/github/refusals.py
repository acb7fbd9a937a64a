"""What went wrong with a request to GitHub, in our own words: upstream text is never repeated."""

from datetime import datetime
from email.utils import parsedate_to_datetime

import httpx

from bot.core.errors import HostError
from bot.core.said import said

# "At least one minute" where GitHub does not say how long.
# Source: https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api
_UNKNOWN_PAUSE = 60.0

# Nothing was sent, so nothing can have been stored.
_UNSENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)

_SENTENCES = {
    401: said("GitHub does not accept the App's credentials."),
    403: said("GitHub does not let the App do this."),
    404: said("GitHub does not know this, or hides it from the App."),
    410: said("This is gone from GitHub."),
    413: said("This is larger than GitHub takes."),
    422: said("GitHub refuses this as invalid."),
    451: said("GitHub may not show this for legal reasons."),
}


def no_answer(error: httpx.RequestError, *, writes: bool) -> HostError:
    """There was no answer, or half of one; a write that was sent may have been stored."""
    ambiguous = writes and not isinstance(error, _UNSENT)
    if isinstance(error, _UNSENT):
        return HostError(said("GitHub cannot be reached."), ambiguous=ambiguous)
    if isinstance(error, httpx.TimeoutException):
        return HostError(said("GitHub did not answer in time."), ambiguous=ambiguous)
    return HostError(said("The connection to GitHub broke."), ambiguous=ambiguous)


def refusal(response: httpx.Response, now: datetime, *, writes: bool) -> HostError:
    """GitHub said no, or has a fault; a write may have been stored before the fault."""
    status, now = response.status_code, _their_time(response) or now
    if is_limit(response):
        pause = _pause(response, now)
        return HostError(said("GitHub asks for a pause."), status=status, retry_after=pause)
    if status >= 500:
        return HostError(
            said("GitHub has a fault of its own ({status}).", status=status),
            status=status,
            ambiguous=writes,
            retry_after=_asked_for(response, now),
        )
    other = said("GitHub refuses this ({status}).", status=status)
    return HostError(_SENTENCES.get(status, other), status=status)


def moved(response: httpx.Response) -> HostError:
    """A redirect that would turn a write into a read."""
    status = response.history[0].status_code
    return HostError(said("The repository has moved to another address."), status=status)


def unreadable(response: httpx.Response, *, writes: bool) -> HostError:
    """A success whose content is not what it should be."""
    sentence = said("GitHub's answer cannot be read.")
    return HostError(sentence, status=response.status_code, ambiguous=writes)


def is_limit(response: httpx.Response) -> bool:
    """A rate limit; the secondary ones come as 403 too, with and without headers.

    Those of GraphQL come with 200 as well.
    Source: https://docs.github.com/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api
    """
    if response.status_code == 200:
        return "retry-after" in response.headers
    if response.status_code != 403:
        return response.status_code == 429
    return (
        "retry-after" in response.headers
        or response.headers.get("x-ratelimit-remaining") == "0"
        or "rate limit" in response.text.lower()
    )


def _pause(response: httpx.Response, now: datetime) -> float:
    asked = _asked_for(response, now)
    if asked is not None:
        return asked
    reset = response.headers.get("x-ratelimit-reset", "")
    if response.headers.get("x-ratelimit-remaining") == "0" and reset.isdecimal():
        return max(1.0, int(reset) - now.timestamp())
    return _UNKNOWN_PAUSE


def _their_time(response: httpx.Response) -> datetime | None:
    """What GitHub's clock says: the times in its answer are by that one, and ours may be wrong."""
    try:
        return parsedate_to_datetime(response.headers.get("date", ""))
    except ValueError:
        return None


def _asked_for(response: httpx.Response, now: datetime) -> float | None:
    """`Retry-After` in seconds; proxies in between write it as a date."""
    value = response.headers.get("retry-after", "").strip()
    if value.isdecimal():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - now.timestamp())
    except (TypeError, ValueError):
        return None
