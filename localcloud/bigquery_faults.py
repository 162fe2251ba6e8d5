"""Faults on request for the BigQuery emulator: ``/_faults`` as ``sqladmin`` and ``airbyte`` have it.

Kind ``http``: requests whose path contains ``path`` (and with ``method``) get ``status``, with ``code`` as the
reason in Google's error envelope. Source of the reasons: "Error messages" in BigQuery's manual.
"""

from __future__ import annotations

from typing import Any

from fastapi.responses import JSONResponse

from localcloud.faults import Fault, Faults, install

KINDS = ("http",)
_REASONS = {400: "invalid", 403: "accessDenied", 404: "notFound", 409: "duplicate", 500: "internalError"}


def apply() -> None:
    """Let every emulator that is started from now on serve faults."""
    from bqemulator import server

    create_app = server.create_app

    def create_app_with_faults(context: Any) -> Any:
        app = create_app(context)
        install(app, Faults(KINDS), refusal)
        return app

    server.create_app = create_app_with_faults


def refusal(fault: Fault) -> JSONResponse:
    """Google's error envelope."""
    reason = fault.code or _REASONS.get(fault.status, "backendError")
    detail = {"message": fault.message, "domain": "global", "reason": reason}
    error = {"code": fault.status, "message": fault.message, "errors": [detail], "status": reason}
    return JSONResponse({"error": error}, status_code=fault.status)
