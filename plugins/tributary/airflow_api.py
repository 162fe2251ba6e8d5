"""Airflow's public REST API, as far as the `tributary` command, the watch and tasks need it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

import httpx

from tributary import naming
from tributary.errors import TributaryError
from tributary.registry import Registry

TERMINAL = frozenset({"success", "failed"})
# The states of a task that is at work, or is about to be.
ACTIVE = frozenset("running queued scheduled restarting deferred up_for_retry up_for_reschedule awaiting_input".split())
# Airflow gives no more at once, unless it is told so ([api] maximum_page_limit).
_PAGE = 100
_TIMEOUT = 30.0


class AirflowAwayError(TributaryError):
    """Airflow's API server does not answer, or answers that it cannot: asking again later may help."""


class AirflowApi:
    """A logged-in session. Raises TributaryError with the server's own words where a request fails."""

    def __init__(self, url: str, user: str, password: str | Path) -> None:
        """:param password: or the file that holds it, which is read at every login: it may have changed."""
        self.url = url.rstrip("/")
        self._http = httpx.Client(base_url=self.url, timeout=_TIMEOUT)
        # None where the session is a signed-in user's: it must never go on with another one's rights.
        self._credentials: tuple[str, str | Path] | None = (user, password)

    @classmethod
    def from_environment(cls) -> Self:
        """Use TRIBUTARY_AIRFLOW_URL, _USER, and _PASSWORD_FILE or _PASSWORD."""
        url, account = os.environ.get("TRIBUTARY_AIRFLOW_URL"), _account_here()
        if not (url and account):
            raise TributaryError(
                "TRIBUTARY_AIRFLOW_URL, TRIBUTARY_AIRFLOW_USER and one of TRIBUTARY_AIRFLOW_PASSWORD_FILE and "
                "TRIBUTARY_AIRFLOW_PASSWORD are not all set; they say where Airflow is and who asks"
            )
        return cls(url, *account)

    @classmethod
    def from_connection(cls, connection_id: str) -> Self:
        """Use an Airflow connection of the type `http`, in a task.

        Where it has no password, the account is that of TRIBUTARY_AIRFLOW_USER: one password less to change twice.
        """
        from airflow.sdk import BaseHook

        connection = BaseHook.get_connection(connection_id)
        # As Airflow's HttpHook reads it: the scheme may stand in the host, or in the schema.
        host = connection.host or ""
        url = host if "://" in host else f"{connection.schema or 'http'}://{host}"
        account: tuple[str, str | Path] = (connection.login or "", connection.password or "")
        if not connection.password:
            account = _account_here() or account
        return cls(f"{url}:{connection.port}" if connection.port else url, *account)

    @classmethod
    def of_user(cls, connection_id: str, token: str) -> Self:
        """At the connection's address, as the user who has that token: in their name and with their rights alone."""
        api = cls.from_connection(connection_id)
        api._credentials = None
        api._http.headers["Authorization"] = f"Bearer {token}"
        return api

    def ensure_pools(self, registry: Registry) -> None:
        """Make the pool of every Cloud SQL instance: one slot, held while an import runs deferred."""
        for name, pool in pools_of(registry).items():
            response = self._send("POST", "/api/v2/pools", json={"name": name, **pool}, accept=(409,))
            if response.status_code == 409:
                self._send("PATCH", f"/api/v2/pools/{name}", json={"name": name, **pool})

    def dags(self) -> set[str]:
        """The ids of the DAGs that Airflow knows."""
        ids: set[str] = set()
        while True:
            page = self._send("GET", "/api/v2/dags", params={"limit": 100, "offset": len(ids)}).json()
            ids.update(dag["dag_id"] for dag in page["dags"])
            if not page["dags"] or len(ids) >= page["total_entries"]:
                return ids

    def start(self, dag_id: str, day: date, logical_date: str) -> dict[str, Any]:
        """Start the DAG's run for a day; run it again where it has ended, join it where it is running."""
        run_id = naming.run_id(day)
        body = {"dag_run_id": run_id, "logical_date": logical_date, "conf": {}}
        response = self._send("POST", f"/api/v2/dags/{dag_id}/dagRuns", json=body, accept=(409,))
        if response.status_code != 409:
            return dict(response.json())
        run = self._run_of(dag_id, logical_date)
        if run["state"] in TERMINAL:
            clear = f"/api/v2/dags/{dag_id}/dagRuns/{run['dag_run_id']}/clear"
            self._send("POST", clear, json={"dry_run": False, "only_failed": False})
        return run

    def run(self, dag_id: str, run_id: str) -> dict[str, Any]:
        """One run: `state`, `start_date`, `end_date`, ..."""
        return dict(self._send("GET", f"/api/v2/dags/{dag_id}/dagRuns/{run_id}").json())

    def runs_at(self, logical_date: str, dag_ids: Iterable[str]) -> Iterator[dict[str, Any]]:
        """The runs of these DAGs for a logical date."""
        body = {"dag_ids": list(dag_ids), "logical_date_gte": logical_date, "logical_date_lte": logical_date}
        return self._listed("/api/v2/dags/~/dagRuns/list", "dag_runs", body)

    def running(self, dag_ids: Iterable[str]) -> Iterator[dict[str, Any]]:
        """The runs of these DAGs that have begun and not ended."""
        body = {"dag_ids": list(dag_ids), "states": ["running"]}
        return self._listed("/api/v2/dags/~/dagRuns/list", "dag_runs", body)

    def tasks_in(self, runs: Mapping[str, str], states: Iterable[str]) -> Iterator[dict[str, Any]]:
        """The task instances in one of these states; *runs* is the id of the run by the id of its DAG."""
        body = {"dag_ids": list(runs), "dag_run_ids": list(dict.fromkeys(runs.values())), "state": list(states)}
        return self._listed("/api/v2/dags/~/dagRuns/~/taskInstances/list", "task_instances", body)

    def latest_run(self, dag_id: str) -> dict[str, Any] | None:
        """The run that started last; None where there is none."""
        page = self._send("GET", f"/api/v2/dags/{dag_id}/dagRuns", params={"limit": 1, "order_by": "-run_after"})
        runs = page.json()["dag_runs"]
        return dict(runs[0]) if runs else None

    def tasks(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """The task instances of a run: `task_id`, `state`, `start_date`, `duration`."""
        path = f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances"
        return list(self._send("GET", path, params={"limit": 100}).json()["task_instances"])

    def mark(self, dag_id: str, run_id: str, task_id: str, state: str, timeout: float = _TIMEOUT) -> None:
        """Set a task of a run to `success` or `failed`, whatever its state is, within so many seconds.

        Airflow clears what comes after it and has failed, or not been reached, so that it is looked at again.
        """
        path = f"{run_path(dag_id, run_id)}/taskInstances/{quote(task_id)}"
        # 409: it has that state already.
        self._send("PATCH", path, json={"new_state": state}, accept=(409,), timeout=timeout)

    def find_run(self, dag_id: str, run_id: str) -> dict[str, Any] | None:
        """One run; None where there is none any more."""
        return self._get(run_path(dag_id, run_id))

    def ended_tasks(self, since: datetime, states: Iterable[str]) -> Iterator[dict[str, Any]]:
        """The task instances of all DAGs that have come to one of these states since then, each with its last try."""
        params = {"end_date_gte": since.isoformat(), "state": list(states), "order_by": "id"}
        return self._pages("/api/v2/dags/~/dagRuns/~/taskInstances", "task_instances", params)

    def tries(self, dag_id: str, run_id: str, task_id: str) -> list[dict[str, Any]]:
        """Every try of a task in a run, the last one too; empty where the run is gone."""
        found = self._get(f"{run_path(dag_id, run_id)}/taskInstances/{quote(task_id)}/tries")
        return list(found["task_instances"]) if found else []

    def active_runs(self) -> Iterator[dict[str, Any]]:
        """The runs of all DAGs that have not ended."""
        return self._cursor_pages("/api/v2/dags/~/dagRuns", "dag_runs", {"state": ["queued", "running"]})

    def ended_runs(self, since: datetime) -> Iterator[dict[str, Any]]:
        """The runs of all DAGs that have ended since then."""
        params = {"state": sorted(TERMINAL), "end_date_gte": since.isoformat()}
        return self._cursor_pages("/api/v2/dags/~/dagRuns", "dag_runs", params)

    def tasks_at_work(self, task_id: str) -> Iterator[dict[str, Any]]:
        """The task instances of that id, of all DAGs, that have begun and not ended."""
        params = {"task_id": task_id, "state": ["deferred", "running"]}
        return self._cursor_pages("/api/v2/dags/~/dagRuns/~/taskInstances", "task_instances", params)

    def active_tasks(self, dag_id: str, run_id: str) -> Iterator[dict[str, Any]]:
        """The task instances of a run that are at work or about to be."""
        path = run_path(dag_id, run_id) + "/taskInstances"
        return self._cursor_pages(path, "task_instances", {"state": sorted(ACTIVE)})

    def paused_dags(self) -> set[str]:
        """The ids of the DAGs that are paused."""
        return {dag["dag_id"] for dag in self._pages("/api/v2/dags", "dags", {"paused": True, "order_by": "dag_id"})}

    def health(self) -> dict[str, dict[str, Any]]:
        """Of `scheduler`, `triggerer`, ...: its `status`, and `latest_<name>_heartbeat`."""
        return dict(self._send("GET", "/api/v2/monitor/health").json())

    def _pages(self, path: str, key: str, params: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        offset = 0
        while True:
            page = self._send("GET", path, params={**params, "limit": _PAGE, "offset": offset}).json()
            yield from page[key]
            offset += len(page[key])
            if not page[key] or offset >= page["total_entries"]:
                return

    def _listed(self, path: str, key: str, body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """As `_pages`, of what is asked for with more than fits into an address."""
        offset = 0
        while True:
            page = self._send("POST", path, json={**body, "page_limit": _PAGE, "page_offset": offset}).json()
            yield from page[key]
            offset += len(page[key])
            if not page[key] or offset >= page["total_entries"]:
                return

    def _cursor_pages(self, path: str, key: str, params: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """As `_pages`, of what changes meanwhile: nothing is left out because something before it has gone."""
        cursor: str | None = ""
        while cursor is not None:
            query = {**params, "limit": _PAGE, "order_by": "id", "cursor": cursor}
            page = self._send("GET", path, params=query).json()
            yield from page[key]
            cursor = page["next_cursor"]

    def _run_of(self, dag_id: str, logical_date: str) -> dict[str, Any]:
        params = {"logical_date_gte": logical_date, "logical_date_lte": logical_date, "limit": 1}
        runs = self._send("GET", f"/api/v2/dags/{dag_id}/dagRuns", params=params).json()["dag_runs"]
        if not runs:
            raise TributaryError(
                f"Airflow has a run of {dag_id} that stands in the way of {logical_date}, but no such run"
            )
        return dict(runs[0])

    def _get(self, path: str) -> dict[str, Any] | None:
        response = self._send("GET", path, accept=(404,))
        return None if response.status_code == 404 else dict(response.json())

    def _send(self, method: str, path: str, accept: Iterable[int] = (), **kwargs: Any) -> httpx.Response:
        try:
            if "Authorization" not in self._http.headers:
                self._log_in()
            response = self._http.request(method, path, **kwargs)
            refused = response.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN)
            if refused and self._credentials is not None:
                # A login is good for a day, unless set, and a session may last longer; Airflow says 403 then.
                self._log_in()
                response = self._http.request(method, path, **kwargs)
        except httpx.TransportError as error:
            raise AirflowAwayError(f"Airflow at {self.url} does not answer ({error}); is it running?") from None
        if response.is_server_error and response.status_code not in accept:
            raise AirflowAwayError(f"Airflow answered {response.status_code} to {method} {path}: {response.text[:500]}")
        if response.is_error and response.status_code not in accept:
            raise TributaryError(f"Airflow answered {response.status_code} to {method} {path}: {response.text[:500]}")
        return response

    def _log_in(self) -> None:
        self._http.headers.pop("Authorization", None)
        user, password = self._credentials or ("", "")
        if isinstance(password, Path):
            try:
                password = password.read_text().rstrip("\n")
            except OSError as error:
                raise TributaryError(f"the password of Airflow's account {user} cannot be read: {error}") from None
        login = self._http.post("/auth/token", json={"username": user, "password": password})
        if login.status_code != 201:
            away = AirflowAwayError if login.is_server_error else TributaryError
            raise away(f"Airflow at {self.url} refused the login of {user} ({login.status_code})")
        self._http.headers["Authorization"] = f"Bearer {login.json()['access_token']}"


def _account_here() -> tuple[str, str | Path] | None:
    """User and password of the environment, the latter as the file that holds it where there is one."""
    user, file, password = (
        os.environ.get(f"TRIBUTARY_AIRFLOW_{name}") for name in ("USER", "PASSWORD_FILE", "PASSWORD")
    )
    secret = Path(file) if file else password
    return (user, secret) if user and secret else None


def run_path(dag_id: str, run_id: str) -> str:
    """The path of a run, whose id may have any character."""
    return f"/api/v2/dags/{quote(dag_id)}/dagRuns/{quote(run_id, safe='')}"


def pools_of(registry: Registry) -> dict[str, dict[str, Any]]:
    """By name, the pools that the DAGs need, in the form that `airflow pools import` reads."""
    return {
        naming.import_pool(instance): {
            "slots": 1,
            "include_deferred": True,
            "description": f"Cloud SQL instance {instance}: it takes one import at a time.",
        }
        for instance in dict.fromkeys(database.cloud_sql_instance for database in registry.databases.values())
    }
