"""The application below `/tributary`: pages for people, drawn by the server, behind Airflow's own login.

Every handler is a plain function: FastAPI runs it in a thread, so that none holds up Airflow's API.
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.middleware import Middleware
from starlette.responses import JSONResponse, Response
from starlette.staticfiles import StaticFiles

from tributary.airflow_api import AirflowAwayError
from tributary.errors import TributaryError
from tributary.ui import dictionary_routes, letter_routes, page_routes
from tributary.ui.login import LoginRequired
from tributary.ui.refreshing import Facts
from tributary.ui.rendering import STATIC, environment
from tributary.ui.security import SecurityHeaders
from tributary.ui.sources import Sources
from tributary.ui.views import Services, draw

STATIC_SECONDS = 86_400


class _Static(StaticFiles):
    """Files that the browser may keep: their addresses change with their content."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = f"private, max-age={STATIC_SECONDS}"
        return response


def create_app(sources: Sources | None = None, facts: Facts | None = None) -> FastAPI:
    """The application. Reads and connects to nothing until somebody opens a page."""
    sources = sources or Sources.of_airflow()
    app = FastAPI(
        title="Tributary",
        # Nothing but the pages: no description of an API that nobody offers.
        openapi_url=None,
        middleware=[Middleware(SecurityHeaders), Middleware(LoginRequired)],
    )
    app.state.services = Services(sources, facts or Facts(sources.snapshot), environment())
    app.include_router(page_routes.router)
    app.include_router(letter_routes.router)
    app.include_router(dictionary_routes.router)
    app.mount("/static", _Static(directory=STATIC), name="static")
    app.add_exception_handler(StarletteHTTPException, _refusal)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(TributaryError, _trouble)
    return app


def _refusal(request: Request, error: Exception) -> Response:
    assert isinstance(error, StarletteHTTPException)
    return _error(request, error.status_code, str(error.detail))


def _malformed(request: Request, error: Exception) -> Response:
    return _error(request, 400, "The address or the form is not of the expected form.")


def _trouble(request: Request, error: Exception) -> Response:
    return _error(request, 503 if isinstance(error, AirflowAwayError) else 409, str(error))


def _error(request: Request, status: int, detail: str) -> Response:
    if "text/html" not in request.headers.get("accept", ""):
        return JSONResponse({"detail": detail}, status_code=status)
    return draw(request, "error.html", title=f"Error {status}", status_code=status, status=status, detail=detail)
