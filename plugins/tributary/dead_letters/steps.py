"""What Airflow's REST API tells of failed steps, and how it is asked to run them again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tributary.airflow_api import AirflowApi, run_path
from tributary.dates import parse_day
from tributary.errors import TributaryError


class FailedSteps(AirflowApi):
    """Airflow's failed tasks. Raises TributaryError with the server's own words where a request fails."""

    def __init__(self, url: str, user: str, password: str | Path) -> None:
        super().__init__(url, user, password)
        self._runs: dict[tuple[str, str], dict[str, Any] | None] = {}

    def failed_since(self, moment: datetime) -> Iterator[dict[str, Any]]:
        """The task instances of all DAGs that have failed since then and are still so; nothing skipped."""
        path = "/api/v2/dags/~/dagRuns/~/taskInstances"
        params = {"state": "failed", "end_date_gte": moment.isoformat(), "order_by": "id"}
        return self._pages(path, "task_instances", params)

    def import_errors(self) -> list[dict[str, Any]]:
        """The files that do not import: `filename`, `timestamp`, `stack_trace`."""
        return list(self._pages("/api/v2/importErrors", "import_errors", {"order_by": "id"}))

    def find_run(self, dag_id: str, run_id: str) -> dict[str, Any] | None:
        """One run, read once; None where there is none any more."""
        key = (dag_id, run_id)
        if key not in self._runs:
            self._runs[key] = super().find_run(dag_id, run_id)
        return self._runs[key]

    def task(self, dag_id: str, run_id: str, task_id: str) -> dict[str, Any] | None:
        """One task instance as it is now; None where it or its run is gone."""
        return self._get(f"{run_path(dag_id, run_id)}/taskInstances/{quote(task_id)}")

    def tasks_of(self, dag_id: str, run_id: str) -> dict[str, dict[str, Any]]:
        """The task instances of a run by task id; empty where the run is gone."""
        if self._get(run_path(dag_id, run_id)) is None:
            return {}
        found = self._pages(f"{run_path(dag_id, run_id)}/taskInstances", "task_instances", {"order_by": "id"})
        return {task["task_id"]: task for task in found}

    def succeeded_days(self, dag_id: str, since: datetime) -> set[date]:
        """The days for which a run of the DAG has succeeded since then."""
        path = f"/api/v2/dags/{quote(dag_id)}/dagRuns"
        if self._get(f"/api/v2/dags/{quote(dag_id)}") is None:
            return set()
        params = {"state": "success", "end_date_gte": since.isoformat(), "order_by": "id"}
        return {day_of_run(run) for run in self._pages(path, "dag_runs", params)}

    def clear(self, dag_id: str, run_id: str, task_ids: Sequence[str], *, dry_run: bool) -> set[str]:
        """Have tasks and all that is downstream of them run again; the ids of all of those.

        TributaryError where one of them is running: it would be killed.
        """
        body = {
            "dry_run": dry_run,
            "dag_run_id": run_id,
            "task_ids": list(task_ids),
            "include_downstream": True,
            # What succeeded downstream has to see the new rows, too.
            "only_failed": False,
            "reset_dag_runs": True,
            "prevent_running_task": True,
        }
        response = self._send("POST", f"/api/v2/dags/{quote(dag_id)}/clearTaskInstances", json=body)
        return {task["task_id"] for task in response.json()["task_instances"]}

    def log_url(self, dag_id: str, run_id: str, task_id: str, try_number: int) -> str:
        """The page with the task's log."""
        path = f"/dags/{quote(dag_id)}/runs/{quote(run_id)}/tasks/{quote(task_id)}"
        return f"{self.url}{path}?try_number={try_number}"


def day_of_run(run: Mapping[str, Any]) -> date:
    """The day of the dump that a run is for, as in `tributary.dates.DUMP_DATE`."""
    chosen = (run.get("conf") or {}).get("date") or run.get("logical_date") or run["run_after"]
    try:
        return parse_day(str(chosen)[:10])
    except ValueError as error:
        raise TributaryError(f"run {run.get('dag_run_id')}: {error}") from None
