"""Errors in the shape that GitHub's clients read."""

from collections.abc import Mapping, Sequence

from starlette.responses import JSONResponse

DOCS = "https://docs.github.com/rest"


class ApiError(Exception):
    """An answer that is not a success: `status`, `message`, and the fields that are wrong."""

    def __init__(
        self,
        status: int,
        message: str,
        errors: Sequence[Mapping[str, str]] = (),
        *,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.errors = [dict(error) for error in errors]
        self.headers = headers

    def response(self) -> JSONResponse:
        body: dict[str, object] = {"message": self.message}
        if self.errors:
            body["errors"] = self.errors
        body |= {"documentation_url": DOCS, "status": str(self.status)}
        return JSONResponse(body, self.status, self.headers)


def not_found() -> ApiError:
    return ApiError(404, "Not Found")


def bad_credentials() -> ApiError:
    return ApiError(401, "Bad credentials")


def not_accessible() -> ApiError:
    return ApiError(403, "Resource not accessible by integration")


def malformed() -> ApiError:
    return ApiError(400, "Problems parsing JSON")


def invalid(resource: str, field: str, code: str, message: str = "") -> ApiError:
    """422 for one field; codes are missing, invalid, already_exists, custom, unprocessable."""
    error = {"resource": resource, "code": code, "field": field}
    return ApiError(422, "Validation Failed", [error | ({"message": message} if message else {})])


def rate_limited(retry_after: int | None = None) -> ApiError:
    """A secondary limit; it comes with and without a `retry-after`."""
    return ApiError(
        403,
        "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
        headers={} if retry_after is None else {"retry-after": str(retry_after)},
    )


def refused_query(
    kind: str, message: str, data: Mapping[str, object] | None = None
) -> JSONResponse:
    """What GraphQL refuses comes with status 200; a field refused alone is null in `data`."""
    return JSONResponse({"data": data, "errors": [{"type": kind, "message": message}]})
