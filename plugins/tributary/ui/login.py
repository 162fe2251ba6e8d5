"""Airflow's login in front of an application, and what the user who has signed in may see and do."""

from __future__ import annotations

from collections.abc import Iterable, MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.base_auth_manager import COOKIE_NAME_JWT_TOKEN
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.api_fastapi.core_api.security import bearer_scheme, get_user
from airflow.configuration import conf
from airflow.models.dag import DagModel
from fastapi import HTTPException, Request
from starlette._utils import get_route_path
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

# Below an application's `request.state`: who has signed in.
STATE = "tributary_user"


class LoginRequired:
    """Lets through only who has signed in to Airflow; everything behind it is covered, unknown paths too.

    :param below: only paths below these are guarded; everything unless given.
    """

    def __init__(self, app: ASGIApp, below: Iterable[str] = ()) -> None:
        self.app = app
        self.below = tuple(below)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or not self._guards(scope):
            await self.app(scope, receive, send)
        elif scope["type"] != "http":
            # Nothing behind it speaks another protocol.
            await send({"type": "websocket.close", "code": 1008})
        else:
            await self._http(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        try:
            bearer = await bearer_scheme(request)
            user = await get_user(request, None, bearer)
        except HTTPException as refusal:
            await _refuse(request, str(refusal.detail))(scope, receive, send)
            return
        token = bearer.credentials if bearer else request.cookies.get(COOKIE_NAME_JWT_TOKEN, "")
        state: MutableMapping[str, Any] = scope.setdefault("state", {})
        state[STATE] = SignedIn(user, token)
        await self.app(scope, receive, send)

    def _guards(self, scope: Scope) -> bool:
        # The path as the router is going to see it, so that both mean the same.
        path = get_route_path(scope)
        return not self.below or any(path == prefix or path.startswith(f"{prefix}/") for prefix in self.below)


@dataclass(frozen=True)
class SignedIn:
    """Who has signed in; every question goes to Airflow's auth manager.

    :param token: Airflow's token of the request, with which Airflow's API may be asked in the user's name.
    """

    user: Any
    token: str

    @property
    def id(self) -> str:
        return str(self.user.get_id())

    @property
    def name(self) -> str:
        return str(self.user.get_name())

    def readable(self, dag_ids: Iterable[str]) -> set[str]:
        """Those of the DAGs that the user may read."""
        by_team: dict[str | None, set[str]] = {}
        for dag_id, team in _teams(dag_ids).items():
            by_team.setdefault(team, set()).add(dag_id)
        manager = get_auth_manager()
        found: set[str] = set()
        for team, ids in by_team.items():
            found |= manager.filter_authorized_dag_ids(dag_ids=ids, user=self.user, method="GET", team_name=team)
        return found

    def may_repair(self, dag_id: str | None) -> bool:
        """Whether the user may have steps of the DAG run again, as Airflow's own button asks it; None: of all DAGs."""
        details = DagDetails(id=dag_id, team_name=_teams([dag_id])[dag_id]) if dag_id else None
        return bool(
            get_auth_manager().is_authorized_dag(
                method="PUT", access_entity=DagAccessEntity.TASK_INSTANCE, details=details, user=self.user
            )
        )


def _teams(dag_ids: Iterable[str]) -> dict[str, str | None]:
    """The team of each DAG; None for all of them unless Airflow has teams."""
    teams: dict[str, str | None] = dict.fromkeys(dag_ids)
    if conf.getboolean("core", "multi_team"):
        teams |= DagModel.get_dag_id_to_team_name_mapping(list(teams))
    return teams


def _refuse(request: Request, detail: str) -> Response:
    """People are sent to Airflow's login page and come back; programs are told."""
    if request.method in ("GET", "HEAD") and "text/html" in request.headers.get("accept", ""):
        airflow = request.scope.get("app_root_path", request.scope.get("root_path", ""))
        query = f"?{request.url.query}" if request.url.query else ""
        login = urlencode({"next": f"{request.url.path}{query}"})
        return RedirectResponse(f"{airflow}/api/v2/auth/login?{login}", status_code=303)
    headers = {"WWW-Authenticate": "Bearer", "Cache-Control": "no-store"}
    return JSONResponse({"detail": detail}, status_code=401, headers=headers)
