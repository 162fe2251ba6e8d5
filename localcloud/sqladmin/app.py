"""The API's routes."""

from __future__ import annotations

import threading
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from localcloud import recording
from localcloud.faults import Faults, install
from localcloud.sqladmin.config import REGION, VERSION, Config
from localcloud.sqladmin.discovery import check_request, checked_answer
from localcloud.sqladmin.errors import ApiError, response
from localcloud.sqladmin.importer import DumpObject, Importer
from localcloud.sqladmin.operations import Operations
from localcloud.sqladmin.server import Server

FAULT_KINDS = ("http", "operation_error", "delay", "hang")
"""``http``: answer *status* to requests whose path contains *path*. ``operation_error``: the next operation
ends DONE with an error (*code*, *message*). ``delay``: it stays RUNNING for *seconds* first. ``hang``: it
stays RUNNING until it is cancelled."""

PREFIXES = {"v1": "/v1", "v1beta4": "/sql/v1beta4"}
"""Where each version of the API lives: the ``path`` of its methods in the discovery document."""

Payload = Annotated[Any, Body()]


def authenticated(request: Request) -> None:
    """Every request needs a bearer token, as from a metadata server. Which one does not matter here."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise ApiError(401, "Request is missing required authentication credential.", "required")


class Api:
    """What the routes of both versions share."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.faults = Faults(FAULT_KINDS)
        self.operations = Operations(config, self.faults)
        self.server = Server(config)
        self.importer = Importer(config, self.server)

    def check_project(self, project: str) -> None:
        """Raise ApiError 403 for another project than the configured one."""
        if project != self.config.project:
            raise ApiError(403, "The client is not authorized to make this request.", "notAuthorized")

    def check_instance(self, project: str, instance: str) -> None:
        """Raise ApiError for another project (403) or instance (404)."""
        self.check_project(project)
        if instance != self.config.instance:
            raise ApiError(404, "The Cloud SQL instance does not exist.", "instanceDoesNotExist")

    def instance(self) -> dict[str, Any]:
        """The instance as a DatabaseInstance."""
        config = self.config
        return {
            "kind": "sql#instance", "name": config.instance, "project": config.project, "state": "RUNNABLE",
            "databaseVersion": VERSION, "backendType": "SECOND_GEN", "instanceType": "CLOUD_SQL_INSTANCE",
            "region": REGION, "gceZone": f"{REGION}-b", "selfLink": config.target_link,
            "connectionName": f"{config.project}:{REGION}:{config.instance}",
            "ipAddresses": [{"type": "PRIMARY", "ipAddress": config.host}],
            "serviceAccountEmailAddress": config.service_account,
            "settings": {"kind": "sql#settings", "tier": "db-custom-1-3840", "activationPolicy": "ALWAYS"},
        }  # fmt: skip

    def databases(self) -> list[dict[str, Any]]:
        """Every database as a Database."""
        common = {"kind": "sql#database", "project": self.config.project, "instance": self.config.instance}
        return [
            {**common, **found, "selfLink": f"{self.config.target_link}/databases/{found['name']}"}
            for found in self.server.databases()
        ]

    def database(self, name: str) -> dict[str, Any]:
        """One database; raises ApiError 404."""
        for found in self.databases():
            if found["name"] == name:
                return found
        raise ApiError(404, "Not Found", "notFound")


def instance_routes(api: Api, version: str) -> APIRouter:
    """``instances``: list, get, import."""
    router = APIRouter(prefix="/projects/{project}/instances")

    @router.get("")
    def list_instances(project: str) -> dict[str, Any]:
        api.check_project(project)
        answer = {"kind": "sql#instancesList", "items": [api.instance()]}
        return checked_answer(version, "InstancesListResponse", answer)

    @router.get("/{instance}")
    def get_instance(project: str, instance: str) -> dict[str, Any]:
        api.check_instance(project, instance)
        return checked_answer(version, "DatabaseInstance", api.instance())

    @router.post("/{instance}/import")
    def import_dump(project: str, instance: str, payload: Payload) -> dict[str, Any]:
        api.check_instance(project, instance)
        check_request(version, "InstancesImportRequest", payload)
        context = payload.get("importContext")
        if context is None:
            raise ApiError(400, "Missing parameter: importContext.", "required")
        file_type = context.get("fileType", "SQL")
        if file_type != "SQL":
            raise ApiError(501, f"importContext.fileType: only SQL is served here, found {file_type}")
        source, database = DumpObject.parse(context.get("uri", "")), context.get("database", "")

        def work(cancel: threading.Event) -> None:
            api.importer.run(source, database, cancel)

        operation = api.operations.start("IMPORT", work, importContext={"kind": "sql#importContext", **context})
        return checked_answer(version, "Operation", operation)

    return router


def database_routes(api: Api, version: str) -> APIRouter:
    """``databases``: list, get, insert, patch, update, delete."""
    router = APIRouter(prefix="/projects/{project}/instances/{instance}/databases")

    @router.get("")
    def list_databases(project: str, instance: str) -> dict[str, Any]:
        api.check_instance(project, instance)
        answer = {"kind": "sql#databasesList", "items": api.databases()}
        return checked_answer(version, "DatabasesListResponse", answer)

    @router.get("/{name}")
    def get_database(project: str, instance: str, name: str) -> dict[str, Any]:
        api.check_instance(project, instance)
        return checked_answer(version, "Database", api.database(name))

    @router.post("")
    def insert_database(project: str, instance: str, payload: Payload) -> dict[str, Any]:
        api.check_instance(project, instance)
        check_request(version, "Database", payload)
        name = payload.get("name", "")
        if not name:
            raise ApiError(400, "Missing parameter: name.", "required")
        charset, collation = payload.get("charset", ""), payload.get("collation", "")
        operation = api.operations.start("CREATE_DATABASE", lambda _: api.server.create(name, charset, collation))
        return checked_answer(version, "Operation", operation)

    @router.patch("/{name}")
    @router.put("/{name}")
    def change_database(project: str, instance: str, name: str, payload: Payload) -> dict[str, Any]:
        api.check_instance(project, instance)
        check_request(version, "Database", payload)
        old = api.database(name)
        charset = payload.get("charset", old["charset"])
        collation = payload.get("collation", old["collation"] if charset == old["charset"] else "")
        operation = api.operations.start("UPDATE_DATABASE", lambda _: api.server.alter(name, charset, collation))
        return checked_answer(version, "Operation", operation)

    @router.delete("/{name}")
    def delete_database(project: str, instance: str, name: str) -> dict[str, Any]:
        api.check_instance(project, instance)
        operation = api.operations.start("DELETE_DATABASE", lambda _: api.server.drop(name))
        return checked_answer(version, "Operation", operation)

    return router


def operation_routes(api: Api, version: str) -> APIRouter:
    """``operations``: list, get, cancel."""
    router = APIRouter(prefix="/projects/{project}/operations")

    @router.get("")
    def list_operations(
        project: str,
        instance: str = "",
        maxResults: int = 100,
        pageToken: str = "0",
    ) -> dict[str, Any]:
        api.check_project(project)
        if instance:
            api.check_instance(project, instance)
        if not pageToken.isdecimal() or maxResults < 1:
            raise ApiError(400, "Invalid value for pageToken or maxResults.")
        offset = int(pageToken)
        found = api.operations.record.newest(maxResults + 1, offset)
        answer: dict[str, Any] = {"kind": "sql#operationsList", "items": found[:maxResults]}
        if len(found) > maxResults:
            answer["nextPageToken"] = str(offset + maxResults)
        return checked_answer(version, "OperationsListResponse", answer)

    @router.get("/{name}")
    def get_operation(project: str, name: str) -> dict[str, Any]:
        api.check_project(project)
        operation = api.operations.record.get(name)
        if operation is None:
            raise ApiError(404, "The operation does not exist.", "operationDoesNotExist")
        return checked_answer(version, "Operation", operation)

    @router.post("/{name}/cancel")
    def cancel_operation(project: str, name: str) -> dict[str, Any]:
        api.check_project(project)
        api.operations.cancel(name)
        return {}

    return router


def create_app(config: Config) -> FastAPI:
    """The whole service."""
    app = FastAPI(openapi_url=None)
    api = Api(config)
    install(app, api.faults, lambda fault: response(ApiError(fault.status, fault.message)))
    recording.install(app, "sqladmin")

    for version, prefix in PREFIXES.items():
        for routes in (instance_routes, database_routes, operation_routes):
            app.include_router(routes(api, version), prefix=prefix, dependencies=[Depends(authenticated)])

    @app.exception_handler(ApiError)
    def refused(request: Request, error: ApiError) -> JSONResponse:
        return response(error)

    @app.exception_handler(HTTPException)
    def not_served(request: Request, error: HTTPException) -> JSONResponse:
        return response(ApiError(error.status_code, f"{request.method} {request.url.path}: {error.detail}"))

    @app.exception_handler(RequestValidationError)
    def malformed(request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        return response(ApiError(400, f"Invalid JSON payload received. {where}: {first['msg']}", "parseError"))

    return app
