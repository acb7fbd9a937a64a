"""What a failed call means, and what it may have cost: RELIABILITY in two tables.

Nothing that the server wrote is repeated: its messages may echo a part of the key.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import isfinite
from typing import Any, NamedTuple

import httpx2
import openai

from bot.core.errors import Charge, Failure, ProviderError
from bot.core.said import said

_NAME = re.compile(r"[a-z0-9_.\[\]]{1,64}")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_TRY_AGAIN = re.compile(r"try again in ((?:\d+(?:\.\d+)?\s?(?:ms|[smh]))+)", re.IGNORECASE)
_AMOUNT = re.compile(r"(\d+(?:\.\d+)?)\s?(ms|[smh])", re.IGNORECASE)
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
# No run should sleep for days because of one header.
_LONGEST_WAIT = 3600.0


class Meaning(NamedTuple):
    failure: Failure
    charge: Charge
    sentence: str


def _free(failure: Failure, sentence: str) -> Meaning:
    return Meaning(failure, Charge.NOT_CHARGED, sentence)


def _doubt(failure: Failure, sentence: str) -> Meaning:
    doubtful = said("{sentence}; the image may have been made and billed", sentence=sentence)
    return Meaning(failure, Charge.IN_DOUBT, doubtful)


# --- no answer --------------------------------------------------------------------------------

_NEVER_SENT = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.ProxyError,
    httpx2.UnsupportedProtocol,
)
# The first row that names the error's class decides.
_CAUSES: tuple[tuple[tuple[type[Exception], ...], Meaning], ...] = (
    (
        _NEVER_SENT,
        _free(Failure.CONNECTION, said("no connection to the image server could be made")),
    ),
    (
        (UnicodeEncodeError,),
        _free(Failure.INVALID, said("the prompt or the key cannot be sent as text")),
    ),
    (
        (httpx2.TimeoutException, TimeoutError),
        _doubt(Failure.TIMEOUT, said("the image server did not answer in time")),
    ),
)
_BROKEN = _doubt(Failure.SERVER_ERROR, said("the connection broke before the answer came"))
_CUT = _doubt(Failure.BAD_ANSWER, said("the answer was cut off"))

UNANSWERED = (openai.OpenAIError, httpx2.HTTPError, httpx2.StreamError, TimeoutError, ValueError)
"""Everything that a call can raise and `explain` can explain."""


def explain(error: Exception, *, issued: bool, now: datetime) -> ProviderError:
    """Say what an error of the SDK means; `issued` if the server charges for refusals, too."""
    if isinstance(error, openai.APIStatusError):
        return _refused(error, issued=issued, now=now)
    before_the_answer = isinstance(error, openai.OpenAIError)
    cause = error.__cause__ if before_the_answer and error.__cause__ else error
    known = (meaning for kinds, meaning in _CAUSES if isinstance(cause, kinds))
    meaning = next(known, _BROKEN if before_the_answer else _CUT)
    return ProviderError(meaning.failure, meaning.sentence, charge=meaning.charge)


# --- an answer that refuses -------------------------------------------------------------------


# The last is that of the gateways that are built on One API, which send it with a 403.
_NO_MONEY = frozenset(
    {"billing_hard_limit_reached", "insufficient_quota", "insufficient_user_quota"}
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error answer, reduced to what decides; a body of another shape leaves it empty."""

    status: int
    code: str = ""
    kind: str = ""
    param: str = ""
    message: str = ""
    stage: str = ""

    @classmethod
    def read(cls, status: int, error: object) -> "Refusal":
        """Read the `error` of an answer: an object as OpenAI sends it, or a gateway's own."""
        if not isinstance(error, Mapping):
            return cls(status, message=error if isinstance(error, str) else "")
        details = error.get("moderation_details")
        return cls(
            status,
            code=_text(error.get("code")),
            kind=_text(error.get("type")),
            param=_text(error.get("param")),
            message=_text(error.get("message")),
            stage=_text(details.get("moderation_stage")) if isinstance(details, Mapping) else "",
        )

    @property
    def no_money(self) -> bool:
        names = {self.code, self.kind}
        return (
            self.status == 402
            or not names.isdisjoint(_NO_MONEY)
            or self.code.endswith("_spend_limit_exceeded")
        )

    @property
    def moderated(self) -> bool:  # the last two are Azure's
        return self.code in {"moderation_blocked", "content_filter", "content_policy_violation"}

    @property
    def no_model(self) -> bool:
        return self.code in {"model_not_found", "DeploymentNotFound"}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


# The first row whose condition holds decides.
_RULES: tuple[tuple[Callable[[Refusal], bool], Meaning], ...] = (
    (
        lambda it: 300 <= it.status < 400,
        _doubt(Failure.BAD_ANSWER, said("the image server sent a redirect: check OPENAI_BASE_URL")),
    ),
    (
        lambda it: it.status in {408, 504, 524},
        _doubt(Failure.TIMEOUT, said("the image server gave up waiting")),
    ),
    (
        lambda it: it.status == 409 or it.status >= 500,
        _doubt(Failure.SERVER_ERROR, said("the image server failed")),
    ),
    (
        lambda it: it.no_money,
        _free(
            Failure.NO_MONEY,
            said("the account has no credit left, or its spending limit is reached"),
        ),
    ),
    (
        lambda it: it.moderated and it.stage == "output",
        _doubt(Failure.MODERATION, said("the safety system rejected the finished image")),
    ),
    (
        lambda it: it.moderated,
        _free(Failure.MODERATION, said("the safety system rejected the request")),
    ),
    (
        lambda it: it.status == 429,
        _free(Failure.RATE_LIMIT, said("the rate limit is reached")),
    ),
    (
        lambda it: it.no_model,
        _free(
            Failure.NO_MODEL,
            said("the image server does not serve this model, or not for this key"),
        ),
    ),
    (
        lambda it: it.status == 401,
        _free(Failure.AUTHENTICATION, said("the API key was not accepted")),
    ),
    (
        lambda it: it.status == 403 and "verif" in it.message.lower(),
        _free(Failure.AUTHENTICATION, said("the organization must be verified to use this model")),
    ),
    (
        lambda it: it.status == 403,
        _free(Failure.AUTHENTICATION, said("the API key may not do this")),
    ),
    (
        lambda it: it.status == 404,
        _free(Failure.INVALID, said("the image server has no such address: check OPENAI_BASE_URL")),
    ),
    (
        lambda it: it.status == 413,
        _free(Failure.INVALID, said("the request is too large: compress the reference images")),
    ),
    (
        lambda it: 400 <= it.status < 500,
        _free(Failure.INVALID, said("the image server found the request wrong")),
    ),
)
_STRANGE = _doubt(Failure.BAD_ANSWER, said("the image server gave an answer without a meaning"))


def judge(refusal: Refusal, *, issued: bool = False) -> Meaning:
    """Say what an error answer means and what it may have cost.

    A server that charges for every issued call may have charged for a refusal, too; only the
    rate limit comes before that.
    """
    meaning = next((meaning for holds, meaning in _RULES if holds(refusal)), _STRANGE)
    if meaning.failure is Failure.INVALID:
        meaning = meaning._replace(sentence=_named(refusal, meaning.sentence))
    if issued and refusal.status != 429:
        meaning = meaning._replace(charge=Charge.IN_DOUBT)
    return meaning


def _refused(error: openai.APIStatusError, *, issued: bool, now: datetime) -> ProviderError:
    refusal = Refusal.read(error.status_code, error.body)
    meaning = judge(refusal, issued=issued)
    limited = meaning.failure is Failure.RATE_LIMIT
    return ProviderError(
        meaning.failure,
        said("HTTP {status}: {sentence}", status=refusal.status, sentence=meaning.sentence),
        charge=meaning.charge,
        retry_after=wait(error.response.headers, refusal.message, now) if limited else None,
        request_id=request_id(error.response.headers),
    )


def _named(refusal: Refusal, sentence: str) -> str:
    """With the parameter and the code, if they are names and not sentences."""
    match _name(refusal.param), _name(refusal.code):
        case "", "":
            return sentence
        case param, "":
            return said("{sentence} (parameter {param})", sentence=sentence, param=param)
        case "", code:
            return said("{sentence} (code {code})", sentence=sentence, code=code)
        case param, code:
            return said(
                "{sentence} (parameter {param}, code {code})",
                sentence=sentence,
                param=param,
                code=code,
            )


def _name(text: str) -> str:
    return text if _NAME.fullmatch(text) else ""


def request_id(headers: Mapping[str, str]) -> str | None:
    """The id to quote to the provider's support, if it looks like one."""
    found = headers.get("x-request-id", "")
    return found if _REQUEST_ID.fullmatch(found) else None


# --- how long to wait -------------------------------------------------------------------------


def wait(headers: Mapping[str, str], message: str, now: datetime) -> float | None:
    """Seconds that a 429 asks to wait: by its headers, else by its words; an hour at most."""
    asked = (
        _number(headers.get("retry-after-ms"), 0.001),
        _number(headers.get("retry-after"), 1.0),
        _until(headers.get("retry-after"), now),
        _worded(message),
    )
    seconds = next((each for each in asked if each is not None), None)
    return None if seconds is None else min(seconds, _LONGEST_WAIT)


def _number(value: str | None, unit: float) -> float | None:
    try:
        number = float(value or "")
    except ValueError:
        return None
    return number * unit if isfinite(number) and number >= 0 else None


def _until(value: str | None, now: datetime) -> float | None:
    try:
        moment = parsedate_to_datetime(value or "")
    except ValueError:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max((aware - now).total_seconds(), 0.0)


def _worded(message: str) -> float | None:
    """As in "Please try again in 1m3s", the API's own words."""
    found = _TRY_AGAIN.search(message)
    if found is None:
        return None
    return sum(float(n) * _SECONDS[unit.lower()] for n, unit in _AMOUNT.findall(found[1]))
