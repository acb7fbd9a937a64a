from datetime import UTC, datetime
from typing import Any

import httpx2
import openai
import pytest

from bot.adapters.openai_images.failures import Refusal, explain, judge, request_id, wait
from bot.core.errors import Charge, Failure

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
FREE, DOUBT = Charge.NOT_CHARGED, Charge.IN_DOUBT
URL = "https://api.test/v1/images/generations"


def coded(code: str, **more: Any) -> dict[str, Any]:
    return {"message": "sk-canary @all", "type": "invalid_request_error", "code": code} | more


def blocked(stage: str | None) -> dict[str, Any]:
    details = {"moderation_details": {"moderation_stage": stage}} if stage else {}
    return coded("moderation_blocked", **details)


TABLE: list[tuple[int, object, Failure, Charge]] = [
    (400, blocked("input"), Failure.MODERATION, FREE),
    (400, blocked(None), Failure.MODERATION, FREE),
    (400, blocked("output"), Failure.MODERATION, DOUBT),
    (400, coded("content_filter"), Failure.MODERATION, FREE),
    (400, coded("invalid_value", param="size"), Failure.INVALID, FREE),
    (400, coded("billing_hard_limit_reached"), Failure.NO_MONEY, FREE),
    (400, coded("monthly_spend_limit_exceeded"), Failure.NO_MONEY, FREE),
    (401, coded("invalid_api_key"), Failure.AUTHENTICATION, FREE),
    (402, None, Failure.NO_MONEY, FREE),
    (403, {"message": "Your organization must be verified"}, Failure.AUTHENTICATION, FREE),
    (403, coded("model_not_found"), Failure.NO_MODEL, FREE),
    (403, "forbidden", Failure.AUTHENTICATION, FREE),
    (404, coded("model_not_found"), Failure.NO_MODEL, FREE),
    (404, coded("DeploymentNotFound"), Failure.NO_MODEL, FREE),
    (404, "<html>nothing here</html>", Failure.INVALID, FREE),
    (413, None, Failure.INVALID, FREE),
    (422, ["a list"], Failure.INVALID, FREE),
    (429, coded("rate_limit_exceeded"), Failure.RATE_LIMIT, FREE),
    (429, "slow down", Failure.RATE_LIMIT, FREE),
    (429, coded("insufficient_quota"), Failure.NO_MONEY, FREE),
    (429, {"type": "insufficient_quota"}, Failure.NO_MONEY, FREE),
    (307, None, Failure.BAD_ANSWER, DOUBT),
    (408, None, Failure.TIMEOUT, DOUBT),
    (409, coded("conflict"), Failure.SERVER_ERROR, DOUBT),
    (500, coded("insufficient_quota"), Failure.SERVER_ERROR, DOUBT),
    (502, "<html>bad gateway</html>", Failure.SERVER_ERROR, DOUBT),
    (503, coded("model_not_found"), Failure.SERVER_ERROR, DOUBT),
    (504, "", Failure.TIMEOUT, DOUBT),
    (524, None, Failure.TIMEOUT, DOUBT),
]


@pytest.mark.parametrize(("status", "error", "failure", "charge"), TABLE)
def test_a_refusal_means_and_costs(
    status: int, error: object, failure: Failure, charge: Charge
) -> None:
    meaning = judge(Refusal.read(status, error))
    assert (meaning.failure, meaning.charge) == (failure, charge)


@pytest.mark.parametrize(("status", "error", "failure"), [row[:3] for row in TABLE])
def test_where_issued_calls_are_charged_only_a_429_is_free(
    status: int, error: object, failure: Failure
) -> None:
    meaning = judge(Refusal.read(status, error), issued=True)
    assert (meaning.failure, meaning.charge) == (failure, FREE if status == 429 else DOUBT)


@pytest.mark.parametrize(
    ("param", "code", "named"),
    [
        ("size", "invalid_value", " (parameter size, code invalid_value)"),
        ("image[0].mask", None, " (parameter image[0].mask)"),
        ("@everyone", "<script>", ""),
        ("x" * 65, ["size"], ""),
        (None, None, ""),
    ],
)
def test_a_wrong_request_names_its_parameter_if_that_is_a_name(
    param: Any, code: Any, named: str
) -> None:
    meaning = judge(Refusal.read(400, {"message": "m", "param": param, "code": code}))
    assert meaning.sentence == f"the image server found the request wrong{named}"


# --- through the SDK's errors -----------------------------------------------------------------


def wrapped(cause: Exception) -> openai.APIConnectionError:
    error = openai.APIConnectionError(request=httpx2.Request("POST", URL))
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "failure", "charge"),
    [
        (wrapped(httpx2.ConnectError("x")), Failure.CONNECTION, FREE),
        (wrapped(httpx2.ConnectTimeout("x")), Failure.CONNECTION, FREE),
        (wrapped(httpx2.PoolTimeout("x")), Failure.CONNECTION, FREE),
        (wrapped(httpx2.ProxyError("x")), Failure.CONNECTION, FREE),
        (wrapped(httpx2.UnsupportedProtocol("x")), Failure.CONNECTION, FREE),
        (wrapped(httpx2.ReadTimeout("x")), Failure.TIMEOUT, DOUBT),
        (wrapped(httpx2.WriteTimeout("x")), Failure.TIMEOUT, DOUBT),
        (wrapped(httpx2.ReadError("x")), Failure.SERVER_ERROR, DOUBT),
        (wrapped(httpx2.WriteError("x")), Failure.SERVER_ERROR, DOUBT),
        (wrapped(httpx2.RemoteProtocolError("x")), Failure.SERVER_ERROR, DOUBT),
        (wrapped(httpx2.LocalProtocolError("x")), Failure.SERVER_ERROR, DOUBT),
        (openai.OpenAIError("x"), Failure.SERVER_ERROR, DOUBT),
        (UnicodeEncodeError("utf-8", "\ud800", 0, 1, "x"), Failure.INVALID, FREE),
        (TimeoutError(), Failure.TIMEOUT, DOUBT),
        (httpx2.ReadTimeout("x"), Failure.TIMEOUT, DOUBT),
        (httpx2.ReadError("x"), Failure.BAD_ANSWER, DOUBT),
        (httpx2.RemoteProtocolError("x"), Failure.BAD_ANSWER, DOUBT),
        (httpx2.DecodingError("x"), Failure.BAD_ANSWER, DOUBT),
        (ValueError("it does not end"), Failure.BAD_ANSWER, DOUBT),
    ],
)
@pytest.mark.parametrize("issued", [False, True])
def test_a_broken_call_means_and_costs(
    error: Exception, failure: Failure, charge: Charge, issued: bool
) -> None:
    explained = explain(error, issued=issued, now=NOW)
    assert (explained.failure, explained.charge) == (failure, charge)


# --- how long to wait -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "message", "seconds"),
    [
        ({"retry-after-ms": "1500", "retry-after": "9"}, "try again in 7s", 1.5),
        ({"retry-after": "9"}, "try again in 7s", 9),
        ({"retry-after": "0.5"}, "", 0.5),
        ({"retry-after": "Sat, 21 Nov 2026 12:00:42 GMT"}, "", 42),
        ({"retry-after": "Sat, 21 Nov 2026 12:00:42 -0000"}, "", 42),
        ({"retry-after": "Sat, 21 Nov 2026 11:00:00 GMT"}, "", 0),
        ({}, "Limit 5. Please try again in 12s. Visit us", 12),
        ({}, "Please try again in 1m3s.", 63),
        ({}, "Please try again in 500ms.", 0.5),
        ({}, "Please try again in 1.5s.", 1.5),
        ({}, "Please try again in 1h2m3.5s", 3600),
        ({"retry-after": "later"}, "try again in 2s", 2),
        ({"retry-after-ms": "nan", "retry-after": "-1"}, "", None),
        ({"retry-after": "1e999"}, "", None),
        ({"retry-after": "86400"}, "", 3600),
        ({}, "try again soon", None),
        ({}, "", None),
    ],
)
def test_the_wait_is_read_from_headers_then_words(
    headers: dict[str, str], message: str, seconds: float | None
) -> None:
    assert wait(headers, message, NOW) == seconds


@pytest.mark.parametrize("value", ["", "req 1", "<b>", "x" * 200, "é"])
def test_a_request_id_that_is_not_one_is_dropped(value: str) -> None:
    assert request_id({"x-request-id": value}) is None
