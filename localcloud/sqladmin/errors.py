"""Errors in the form in which Google's APIs send them."""

from __future__ import annotations

from fastapi.responses import JSONResponse

STATUS = {
    400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND",
    409: "ABORTED", 429: "RESOURCE_EXHAUSTED", 500: "INTERNAL", 501: "UNIMPLEMENTED", 503: "UNAVAILABLE",
}  # fmt: skip

REASON = {
    400: "invalid", 401: "authError", 403: "notAuthorized", 404: "notFound", 409: "operationInProgress",
    429: "rateLimitExceeded", 500: "internalError", 501: "notImplemented", 503: "backendError",
}  # fmt: skip


class ApiError(Exception):
    """A request that is refused: HTTP status, Google's reason and a message for people."""

    def __init__(self, code: int, message: str, reason: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.reason = reason or REASON.get(code, "backendError")


def response(error: ApiError) -> JSONResponse:
    """The HTTP answer for *error*: Google's envelope."""
    detail = {"message": error.message, "domain": "global", "reason": error.reason}
    body = {
        "code": error.code,
        "message": error.message,
        "status": STATUS.get(error.code, "UNKNOWN"),
        "errors": [detail],
    }
    return JSONResponse({"error": body}, error.code)
