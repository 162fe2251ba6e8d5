"""Errors in the form in which Airbyte's API sends them: RFC 7807 problems."""

from __future__ import annotations

from typing import Any

from fastapi.responses import JSONResponse

KINDS = {
    400: ("bad-request", "The request could not be processed."),
    401: ("unauthorized", "Unauthorized."),
    404: ("resource-not-found", "The requested resource could not be found."),
    409: ("state-conflict", "State conflict."),
    429: ("too-many-requests", "Too many requests."),
    500: ("unexpected-problem", "An unexpected problem has occurred. If this is an error please report it."),
    503: ("service-unavailable", "Service unavailable."),
}


class Problem(Exception):
    """A request that is refused."""

    def __init__(self, status: int, **data: Any) -> None:
        super().__init__(f"{status} {data}")
        self.status = status
        self.data = data


def response(problem: Problem) -> JSONResponse:
    """The HTTP answer for *problem*."""
    title, detail = KINDS.get(problem.status, KINDS[500])
    body = {
        "status": problem.status,
        "type": f"https://reference.airbyte.com/reference/errors#{title}",
        "title": title,
        "detail": detail,
        "documentationUrl": None,
        "data": problem.data,
    }
    return JSONResponse(body, problem.status, media_type="application/problem+json")
