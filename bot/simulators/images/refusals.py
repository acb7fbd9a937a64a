"""Every error body of the image API; shapes from OpenAI's error reference and seen answers."""

from collections.abc import Mapping
from math import ceil
from typing import Any

from starlette.responses import JSONResponse


class ApiError(Exception):
    """A request that the API answers with an error."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        kind: str | None = "invalid_request_error",
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = dict(headers or {})
        self.body = {
            "error": {"message": message, "type": kind, "param": param, "code": code}
            | dict(details or {})
        }

    def response(self, request_id: str) -> JSONResponse:
        return JSONResponse(self.body, self.status, self.headers | {"x-request-id": request_id})


def missing_key() -> ApiError:
    return ApiError(
        401, "You didn't provide an API key: send it as a header, Authorization: Bearer YOUR_KEY."
    )


def invalid_key(key: str) -> ApiError:
    """The true answer shows the key's first and last characters, and so does this one."""
    shown = f"{key[:8]}{'*' * max(len(key) - 12, 1)}{key[-4:]}"
    return ApiError(
        401,
        f"Incorrect API key provided: {shown}. Find your API key in the platform's settings.",
        code="invalid_api_key",
    )


def unverified() -> ApiError:
    return ApiError(
        403,
        "Your organization must be verified to use this model. "
        "After verifying, it can take up to 15 minutes for access to propagate.",
    )


def no_quota() -> ApiError:
    return ApiError(
        429,
        "You exceeded your current quota, please check your plan and billing details.",
        code="insufficient_quota",
        kind="insufficient_quota",
    )


def rate_limited(limit: int, wait: float) -> ApiError:
    """A 429 that tells the wait three times: in milliseconds, in seconds, in words."""
    return ApiError(
        429,
        f"Rate limit reached for images on input-images per min: Limit {limit}, Used {limit}, "
        f"Requested 1. Please try again in {wait:g}s.",
        code="rate_limit_exceeded",
        kind="input-images",
        headers={"retry-after": str(ceil(wait)), "retry-after-ms": str(ceil(wait * 1000))},
    )


def server_error(status: int) -> ApiError:
    return ApiError(
        status,
        "The server had an error while processing your request. Sorry about that!",
        code="server_error",
        kind="server_error",
    )


def moderated(stage: str) -> ApiError:
    return ApiError(
        400,
        "Your request was rejected as a result of our safety system. "
        "It may contain text that is not allowed by our safety system.",
        code="moderation_blocked",
        kind="image_generation_user_error",
        details={"moderation_details": {"moderation_stage": stage, "categories": ["similarity"]}},
    )


def unknown_model(name: str) -> ApiError:
    return ApiError(
        404,
        f"The model '{name}' does not exist or you do not have access to it.",
        code="model_not_found",
        param="model",
    )


def unknown_parameter(name: str) -> ApiError:
    return ApiError(400, f"Unknown parameter: '{name}'.", code="unknown_parameter", param=name)


def missing_parameter(name: str) -> ApiError:
    return ApiError(
        400,
        f"Missing required parameter: '{name}'.",
        code="missing_required_parameter",
        param=name,
    )


def invalid_type(name: str, expected: str) -> ApiError:
    return ApiError(
        400,
        f"Invalid type for '{name}': expected {expected}.",
        code="invalid_type",
        param=name,
    )


def invalid_value(name: str, value: object, expected: str) -> ApiError:
    return ApiError(
        400,
        f"Invalid value: '{value}'. Supported values for '{name}' are: {expected}.",
        code="invalid_value",
        param=name,
    )


def too_long(name: str, limit: int, length: int) -> ApiError:
    return ApiError(
        400,
        f"Invalid '{name}': string too long. Expected a string with maximum length {limit}, "
        f"but got a string with length {length} instead.",
        code="string_above_max_length",
        param=name,
    )


def invalid_file(name: str, reason: str) -> ApiError:
    return ApiError(
        400,
        f"Invalid image file for '{name}': {reason}.",
        code="invalid_image_file",
        kind="image_generation_user_error",
        param=name,
    )


def unreadable_body() -> ApiError:
    return ApiError(400, "We could not parse the body of your request.")
