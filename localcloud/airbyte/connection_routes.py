"""The API's routes of connections and jobs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Body, Query, Request
from fastapi.responses import Response

from localcloud.airbyte.config import WORKSPACE_ID
from localcloud.airbyte.connections import configured, snapshot
from localcloud.airbyte.errors import Problem
from localcloud.airbyte.jobs import answer as job_answer
from localcloud.airbyte.models import checked, parsed
from localcloud.airbyte.paging import Ids, Limit, Offset, page
from localcloud.airbyte.service import Service
from localcloud.airbyte.store import Job, Resource

Payload = Annotated[Any, Body()]

SHOWN = (
    "name", "sourceId", "destinationId", "status", "schedule", "configurations", "namespaceDefinition",
    "namespaceFormat", "nonBreakingSchemaUpdatesBehavior", "prefix", "tags",
)  # fmt: skip
"""The fields of a connection that its answer repeats."""

PATCHABLE = tuple(field for field in SHOWN if field not in ("sourceId", "destinationId"))


def connection_routes(service: Service) -> APIRouter:
    """``connections``: create, get, list, patch, delete."""
    router = APIRouter(prefix="/connections")

    def answer(connection: Resource) -> dict[str, Any]:
        shown = {field: connection.body[field] for field in SHOWN if connection.body.get(field) is not None}
        ids = {"connectionId": connection.id, "workspaceId": WORKSPACE_ID, "createdAt": connection.created_at}
        return checked("ConnectionResponse", {**ids, **shown})

    @router.post("")
    def create(payload: Payload) -> dict[str, Any]:
        body = parsed("ConnectionCreateRequest", payload)
        source = service.resource("source", body["sourceId"])
        destination = service.resource("destination", body["destinationId"])
        found = service.discovered(source.id)
        configurations = configured(body.get("configurations"), found)
        defaults = {
            "name": f"{source.body['name']} → {destination.body['name']}", "status": "active",
            "schedule": {"scheduleType": "manual"}, "tags": [],
        }  # fmt: skip
        connection = {
            **defaults,
            **body,
            "configurations": configurations,
            "catalog": snapshot(configurations, found),
        }
        return answer(service.store.create("connection", connection))

    @router.get("")
    def list_connections(
        request: Request,
        ids: Ids = (),
        limit: Limit = 20,
        offset: Offset = 0,
        deleted: Annotated[bool, Query(alias="includeDeleted")] = False,
    ) -> dict[str, Any]:
        connections = service.store.all("connection", deleted) if not ids or WORKSPACE_ID in ids else []
        return page(request, [answer(connection) for connection in connections], limit, offset)

    @router.get("/{id}")
    def get(id: str) -> dict[str, Any]:
        return answer(service.resource("connection", id))

    @router.patch("/{id}")
    def patch(id: str, payload: Payload) -> dict[str, Any]:
        old = service.resource("connection", id).body
        body = parsed("ConnectionPatchRequest", payload)
        new = {**old, **{field: body[field] for field in PATCHABLE if field in body}}
        if "configurations" in body:
            found = service.discovered(old["sourceId"])
            new["configurations"] = configured(body["configurations"], found)
            new["catalog"] = snapshot(new["configurations"], found)
        service.store.replace(id, new)
        return answer(service.resource("connection", id))

    @router.delete("/{id}", status_code=204)
    def delete(id: str) -> Response:
        service.delete_connection(service.resource("connection", id))
        return Response(status_code=204)

    return router


def job_routes(service: Service) -> APIRouter:
    """``jobs``: create, get, list, cancel."""
    router = APIRouter(prefix="/jobs")

    @router.post("")
    def create(payload: Payload) -> dict[str, Any]:
        body = parsed("JobCreateRequest", payload)
        connection = service.resource("connection", body["connectionId"])
        return checked("JobResponse", job_answer(service.jobs.start(connection, body["jobType"])))

    @router.get("")
    def list_jobs(
        request: Request,
        connection_id: Annotated[str | None, Query(alias="connectionId")] = None,
        job_type: Annotated[str | None, Query(alias="jobType")] = None,
        status: str | None = None,
        order_by: Annotated[str, Query(alias="orderBy")] = "createdAt|DESC",
        created: Annotated[datetime | None, Query(alias="createdAtStart")] = None,
        created_end: Annotated[datetime | None, Query(alias="createdAtEnd")] = None,
        updated: Annotated[datetime | None, Query(alias="updatedAtStart")] = None,
        updated_end: Annotated[datetime | None, Query(alias="updatedAtEnd")] = None,
        ids: Annotated[Sequence[str], Query(alias="workspaceIds")] = (),
        limit: Limit = 20,
        offset: Offset = 0,
    ) -> dict[str, Any]:
        def wanted(job: Job) -> bool:
            return (
                job_type in (None, job.type)
                and status in (None, job.status)
                and _between(job.created_at, created, created_end)
                and _between(job.updated_at, updated, updated_end)
            )

        found = service.store.jobs(connection_id) if not ids or WORKSPACE_ID in ids else []
        jobs = _ordered([job for job in found if wanted(job)], order_by)
        return page(request, [checked("JobResponse", job_answer(job)) for job in jobs], limit, offset)

    @router.get("/{id}")
    def get(id: int) -> dict[str, Any]:
        job = service.store.job(id)
        if job is None:
            raise Problem(404, resourceType="job", resourceId=str(id))
        return checked("JobResponse", job_answer(job))

    @router.delete("/{id}")
    def cancel(id: int) -> dict[str, Any]:
        return checked("JobResponse", job_answer(service.jobs.cancel(id)))

    return router


def _between(moment: float, start: datetime | None, end: datetime | None) -> bool:
    return (start is None or moment >= start.timestamp()) and (end is None or moment <= end.timestamp())


def _ordered(jobs: list[Job], order_by: str) -> list[Job]:
    field, _, direction = order_by.partition("|")
    if field not in ("createdAt", "updatedAt") or direction not in ("ASC", "DESC"):
        raise Problem(400, message=f"orderBy: expected createdAt|DESC, updatedAt|ASC or the like, found {order_by!r}")
    return sorted(
        jobs,
        key=lambda job: (job.created_at if field == "createdAt" else job.updated_at, job.id),
        reverse=direction == "DESC",
    )
