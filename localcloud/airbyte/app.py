"""The API's routes, but for those of connections and jobs, and the application."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Any, Literal
from urllib.parse import parse_qs

from fastapi import APIRouter, Body, Depends, FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from starlette.exceptions import HTTPException

from localcloud import recording
from localcloud.airbyte.auth import Tokens
from localcloud.airbyte.config import PREFIX, WORKSPACE_ID, Config
from localcloud.airbyte.connection_routes import connection_routes, job_routes
from localcloud.airbyte.errors import Problem, response
from localcloud.airbyte.models import checked, masked, merged, parsed
from localcloud.airbyte.paging import Ids, Limit, Offset, page
from localcloud.airbyte.service import Service
from localcloud.airbyte.store import Resource
from localcloud.faults import install

DEFINITIONS = {
    "source": ("mysql", "435bb9a5-7887-4809-aa58-28c27df0d7ad"),
    "destination": ("bigquery", "22f6c74f-5699-40ff-833c-4a879ea40133"),
}
"""The one connector of each kind that is served: its type and Airbyte's id of its definition."""

Payload = Annotated[Any, Body()]


def open_routes(tokens: Tokens) -> APIRouter:
    """What needs no token: health and the token itself."""
    router = APIRouter()

    @router.get("/health")
    def health() -> PlainTextResponse:
        return PlainTextResponse("Successful operation")

    @router.post("/applications/token")
    async def token(request: Request) -> dict[str, object]:
        """Takes JSON, as Airbyte documents, and a form, as its client sends."""
        if request.headers.get("Content-Type", "").startswith("application/json"):
            sent = await request.json()
            fields = sent if isinstance(sent, dict) else {}
        else:
            fields = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        client_id, client_secret = _basic(request) or (fields.get("client_id"), fields.get("client_secret"))
        if not client_id or not client_secret:
            raise Problem(400, message="client_id and client_secret are required")
        return tokens.issue(str(client_id), str(client_secret))

    return router


def _basic(request: Request) -> tuple[str, str] | None:
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        client_id, _, client_secret = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise Problem(401, message="the Authorization header is malformed") from error
    return client_id, client_secret


def workspace_routes() -> APIRouter:
    """``workspaces``: list and get."""
    router = APIRouter(prefix="/workspaces")
    workspace = {
        "workspaceId": WORKSPACE_ID,
        "name": "Default Workspace",
        "dataResidency": "auto",
        "notifications": {},
    }

    @router.get("")
    def list_workspaces() -> dict[str, Any]:
        return checked("WorkspacesResponse", {"previous": "", "next": "", "data": [workspace]})

    @router.get("/{id}")
    def get_workspace(id: str) -> dict[str, Any]:
        if id != WORKSPACE_ID:
            raise Problem(404, resourceType="workspace", resourceId=id)
        return checked("WorkspaceResponse", workspace)

    return router


def actor_routes(service: Service, kind: Literal["source", "destination"]) -> APIRouter:
    """``sources`` and ``destinations``: create, get, list, patch, put, delete."""
    router = APIRouter(prefix=f"/{kind}s")
    model = kind.capitalize()
    connector, definition = DEFINITIONS[kind]

    def answer(actor: Resource) -> dict[str, Any]:
        body = {
            f"{kind}Id": actor.id, "name": actor.body["name"], f"{kind}Type": connector,
            "definitionId": definition, "workspaceId": WORKSPACE_ID, "createdAt": actor.created_at,
            "configuration": masked(actor.body["configuration"]),
        }  # fmt: skip
        return checked(f"{model}Response", body)

    def accepted(request: str, payload: Any) -> dict[str, Any]:
        configuration = payload.get("configuration") if isinstance(payload, dict) else None
        found = configuration.get(f"{kind}Type", connector) if isinstance(configuration, dict) else connector
        if found != connector:
            message = f"configuration.{kind}Type: only {connector!r} is served here, found {found!r}"
            raise Problem(400, message=message)
        return parsed(f"{model}{request}Request", payload)

    @router.post("")
    def create(payload: Payload) -> dict[str, Any]:
        body = accepted("Create", payload)
        if body["workspaceId"] != WORKSPACE_ID:
            raise Problem(404, resourceType="workspace", resourceId=body["workspaceId"])
        actor = {"name": body["name"], "configuration": body["configuration"]}
        return answer(service.store.create(kind, actor))

    @router.get("")
    def list_actors(
        request: Request,
        ids: Ids = (),
        limit: Limit = 20,
        offset: Offset = 0,
        deleted: Annotated[bool, Query(alias="includeDeleted")] = False,
    ) -> dict[str, Any]:
        actors = service.store.all(kind, deleted) if not ids or WORKSPACE_ID in ids else []
        return page(request, [answer(actor) for actor in actors], limit, offset)

    @router.get("/{id}")
    def get(id: str) -> dict[str, Any]:
        return answer(service.resource(kind, id))

    @router.patch("/{id}")
    def patch(id: str, payload: Payload) -> dict[str, Any]:
        old = service.resource(kind, id).body
        sent = payload if isinstance(payload, dict) else {}
        configuration = merged(old["configuration"], sent.get("configuration") or {})
        body = accepted("Put", {"name": sent.get("name") or old["name"], "configuration": configuration})
        return replace(id, body)

    @router.put("/{id}")
    def put(id: str, payload: Payload) -> dict[str, Any]:
        service.resource(kind, id)
        return replace(id, accepted("Put", payload))

    def replace(id: str, body: dict[str, Any]) -> dict[str, Any]:
        service.store.replace(id, {"name": body["name"], "configuration": body["configuration"]})
        return answer(service.resource(kind, id))

    @router.delete("/{id}", status_code=204)
    def delete(id: str) -> Response:
        service.resource(kind, id)
        for connection in service.store.all("connection"):
            if connection.body[f"{kind}Id"] == id:
                service.delete_connection(connection)
        service.store.delete(id)
        return Response(status_code=204)

    return router


def stream_routes(service: Service) -> APIRouter:
    """``streams``: what a source holds."""
    router = APIRouter()

    @router.get("/streams")
    def streams(source_id: Annotated[str, Query(alias="sourceId")]) -> list[dict[str, Any]]:
        return [checked("StreamProperties", stream) for stream in service.streams(source_id)]

    return router


def create_app(config: Config) -> FastAPI:
    """The whole service."""
    app = FastAPI(openapi_url=None)
    tokens = Tokens(config)
    service = Service(config)
    install(app, service.faults, lambda fault: response(Problem(fault.status, message=fault.message)))
    recording.install(app, "airbyte")

    def authenticated(request: Request) -> None:
        tokens.check(request.headers.get("Authorization"))

    app.include_router(open_routes(tokens), prefix=PREFIX)
    for router in (
        workspace_routes(), actor_routes(service, "source"), actor_routes(service, "destination"),
        stream_routes(service), connection_routes(service), job_routes(service),
    ):  # fmt: skip
        app.include_router(router, prefix=PREFIX, dependencies=[Depends(authenticated)])

    @app.exception_handler(Problem)
    def refused(request: Request, problem: Problem) -> JSONResponse:
        return response(problem)

    @app.exception_handler(HTTPException)
    def not_served(request: Request, error: HTTPException) -> JSONResponse:
        return response(Problem(error.status_code, message=f"{request.method} {request.url.path}: {error.detail}"))

    @app.exception_handler(RequestValidationError)
    def malformed(request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        return response(Problem(400, message=f"{where}: {first['msg']}"))

    return app
