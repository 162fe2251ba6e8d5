"""Airflow's side of a replay and a sweep, without Airflow."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from tributary.airflow_api import ACTIVE
from tributary.errors import TributaryError


class MemoryAirflow:
    """Runs with their tasks' states; `on_clear` is what happens once tasks are cleared."""

    url = "http://airflow"

    def __init__(self) -> None:
        self.runs: dict[tuple[str, str], dict[str, str]] = {}
        self.failures: list[dict[str, Any]] = []
        self.errors: list[dict[str, Any]] = []
        self.days: set[date] = set()
        self.cleared: list[list[str]] = []
        self.refuses = False
        self.on_clear: Callable[[], None] = lambda: None

    def add_failure(self, task_id: str, key: str, at: datetime, **more: Any) -> None:
        failure = {
            "id": key, "dag_id": "elt__shop_eu", "dag_run_id": "run_1", "task_id": task_id, "state": "failed",
            "try_number": 2, "end_date": at.isoformat(), **more,
        }  # fmt: skip
        self.failures.append(failure)
        self.runs.setdefault((failure["dag_id"], failure["dag_run_id"]), {})[task_id] = "failed"

    def failed_since(self, moment: datetime) -> list[dict[str, Any]]:
        return [failure for failure in self.failures if datetime.fromisoformat(failure["end_date"]) >= moment]

    def import_errors(self) -> list[dict[str, Any]]:
        return self.errors

    def find_run(self, dag_id: str, run_id: str) -> dict[str, Any] | None:
        if (dag_id, run_id) not in self.runs:
            return None
        active = ACTIVE & set(self.runs[dag_id, run_id].values())
        state = "running" if active else self.run(dag_id, run_id)["state"]
        return {"state": state, "conf": {}, "logical_date": "2013-01-02T02:00:00Z", "run_after": "2026-01-01"}

    def run(self, dag_id: str, run_id: str) -> dict[str, Any]:
        states = set(self.runs[dag_id, run_id].values())
        return {"state": "failed" if states & {"failed", "upstream_failed"} else "success"}

    def task(self, dag_id: str, run_id: str, task_id: str) -> dict[str, Any] | None:
        state = self.runs.get((dag_id, run_id), {}).get(task_id)
        return {"state": state} if state else None

    def tasks_of(self, dag_id: str, run_id: str) -> dict[str, dict[str, Any]]:
        return {task: {"state": state} for task, state in self.runs.get((dag_id, run_id), {}).items()}

    def succeeded_days(self, dag_id: str, since: datetime) -> set[date]:
        return self.days

    def clear(self, dag_id: str, run_id: str, task_ids: list[str], *, dry_run: bool) -> set[str]:
        tasks = list(self.runs[dag_id, run_id])
        planned = set(tasks[min(tasks.index(task) for task in task_ids) :])
        if not dry_run:
            if self.refuses:
                raise TributaryError("Airflow answered 409")
            self.cleared.append(list(task_ids))
            self.runs[dag_id, run_id].update(dict.fromkeys(planned, "queued"))
            self.on_clear()
        return planned

    def log_url(self, *parts: Any) -> str:
        return "http://airflow/log"
