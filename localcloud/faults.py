"""Faults on request: the ``/_faults`` path that ``sqladmin``, ``airbyte`` and ``bigquery`` share.

A test orders a fault, the service serves it the next *count* times it applies, and the fault is used up::

    POST   /_faults   {"kind": "http", "count": 2, "status": 503, "path": "/import"}
    GET    /_faults   what is still pending
    DELETE /_faults   forget everything that is pending

The kinds that a service knows are listed in its module and in localcloud/README.md. Orders live in memory:
they do not survive a restart of the service.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from fastapi import APIRouter, FastAPI, HTTPException, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.types import ASGIApp, Receive, Scope, Send


class Fault(BaseModel):
    """One order. Which fields a kind reads is documented with the kind."""

    model_config = ConfigDict(extra="forbid")

    kind: str
    count: int = Field(default=1, ge=1, description="how many times it applies")
    message: str = Field(default="injected fault", description="text of the error")
    code: str | None = Field(default=None, description="error code of a failed operation, or reason of a refusal")
    seconds: float = Field(default=1.0, ge=0, description="length of a delay")
    status: int = Field(default=503, ge=400, le=599, description="HTTP status")
    path: str = Field(default="", description="applies to requests whose path contains this")
    method: str = Field(default="", description="applies to requests with this HTTP method; empty for all")
    stream: str = Field(default="", description="name of the stream (table) that it hits; empty for the first")


class Faults:
    """The pending orders of one service; safe for several threads."""

    def __init__(self, kinds: tuple[str, ...]) -> None:
        self.kinds = kinds
        self._pending: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> None:
        """Queue *fault*; raises ValueError when this service does not know its kind."""
        if fault.kind not in self.kinds:
            raise ValueError(f"kind: expected one of {', '.join(self.kinds)}, found {fault.kind!r}")
        with self._lock:
            self._pending.append(fault.model_copy())

    def take(self, kind: str, matches: Callable[[Fault], bool] = lambda fault: True) -> Fault | None:
        """Use one count of the oldest pending fault of *kind* that *matches*; None when there is none."""
        with self._lock:
            for fault in self._pending:
                if fault.kind == kind and matches(fault):
                    fault.count -= 1
                    if fault.count == 0:
                        self._pending.remove(fault)
                    return fault
        return None

    def pending(self) -> list[Fault]:
        """A copy of what is still to be served."""
        with self._lock:
            return [fault.model_copy() for fault in self._pending]

    def clear(self) -> None:
        """Forget everything that is pending."""
        with self._lock:
            self._pending.clear()


def install(app: FastAPI, faults: Faults, error: Callable[[Fault], Response]) -> None:
    """Add the ``/_faults`` routes to *app*, and the ``http`` fault, answered with *error(fault)*."""
    router = APIRouter()

    @router.post("/_faults", status_code=201)
    def order(fault: Fault) -> list[Fault]:
        try:
            faults.add(fault)
        except ValueError as reason:
            raise HTTPException(422, str(reason)) from reason
        return faults.pending()

    @router.get("/_faults")
    def pending() -> list[Fault]:
        return faults.pending()

    @router.delete("/_faults")
    def clear() -> list[Fault]:
        faults.clear()
        return []

    app.include_router(router)

    app.add_middleware(_Failing, faults=faults, error=error)


class _Failing:
    """Answers a request with the fault that was ordered for it."""

    def __init__(self, app: ASGIApp, faults: Faults, error: Callable[[Fault], Response]) -> None:
        self.app, self.faults, self.error = app, faults, error

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        def hit(fault: Fault) -> bool:
            return fault.path in scope["path"] and fault.method.upper() in ("", scope["method"])

        answer: ASGIApp = self.app
        if scope["type"] == "http" and scope["path"] != "/_faults" and (fault := self.faults.take("http", hit)):
            answer = self.error(fault)
        await answer(scope, receive, send)
