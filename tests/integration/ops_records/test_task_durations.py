"""Ended tasks of Airflow's own REST API as rows of `ops.task_durations`."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tests.integration.dead_letters.conftest import Airflow
from tributary.ledger.store import OpsStore
from tributary.ops_records.task_durations import record_new_task_durations, row_of

DBT = "transform.dbt_producer_watcher"


def recorded(store: OpsStore, run_id: str, table: str = "task_durations") -> list[dict[str, Any]]:
    query = f"select * from ops.{table} where run_id = '{run_id}' order by task_id, try_number"
    return [dict(row) for row in store.client.query(query).result()]


def test_what_has_ended_is_recorded_once(airflow: Airflow, store: OpsStore):
    run_id = airflow.start(date="2013-12-24")
    # A model's task runs nothing.
    airflow.set(run_id, "success", "find_dump", DBT, "transform.orders_run")
    airflow.set(run_id, "failed", "sync")
    assert record_new_task_durations(airflow.steps, store) >= 3
    assert record_new_task_durations(airflow.steps, store) == 0
    rows = recorded(store, run_id)
    assert [(row["task_id"], row["step"], row["state"]) for row in rows] == [
        ("find_dump", "find_dump", "success"),
        ("sync", "sync", "failed"),
        (DBT, "transform", "success"),
    ]
    assert {row["database"] for row in rows} == {"kiosk"}
    assert {row["dump_date"] for row in rows} == {date(2013, 12, 24)}
    assert all(row["duration_seconds"] is not None for row in rows if row["started_at"])
    task = airflow.steps.task("elt__kiosk", run_id, "sync")
    assert task is not None
    assert rows[1]["ended_at"] == datetime.fromisoformat(task["end_date"])


def test_only_what_is_new_is_appended_and_foreign_tasks_never(airflow: Airflow, store: OpsStore):
    run_id = airflow.start()
    airflow.set(run_id, "success", "find_dump")
    record_new_task_durations(airflow.steps, store)
    airflow.set(run_id, "success", "preflight")
    foreign = airflow.start("somebody_elses")
    airflow.set(foreign, "success", "sync", dag_id="somebody_elses")
    assert record_new_task_durations(airflow.steps, store) == 1
    assert [row["task_id"] for row in recorded(store, run_id, "task_durations_log")] == ["find_dump", "preflight"]
    assert recorded(store, foreign) == []


def test_earlier_tries_are_told_in_the_same_form(airflow: Airflow):
    run_id = airflow.start()
    airflow.set(run_id, "failed", "sync")
    airflow.steps.clear("elt__kiosk", run_id, ["sync"], dry_run=False)
    airflow.set(run_id, "success", "sync")
    earlier, last = (row_of(one) for one in airflow.steps.tries("elt__kiosk", run_id, "sync"))
    assert {earlier["state"], last["state"]} == {"failed", "success"}
    assert {name for name in earlier if earlier[name] != last[name]} <= {
        "state", "started_at", "ended_at", "duration_seconds", "queued_at", "queued_seconds"
    }  # fmt: skip
    assert airflow.steps.tries("elt__kiosk", "no such run", "sync") == []


def test_a_try_that_a_person_marks_anew_shows_its_last_state(airflow: Airflow, store: OpsStore):
    run_id = airflow.start()
    airflow.set(run_id, "failed", "sync")
    record_new_task_durations(airflow.steps, store)
    airflow.set(run_id, "success", "sync")
    assert record_new_task_durations(airflow.steps, store) == 1
    assert [row["state"] for row in recorded(store, run_id)] == ["success"]
    assert len(recorded(store, run_id, "task_durations_log")) == 2


def test_more_tasks_than_a_page_or_an_insert_holds(airflow: Airflow, store: OpsStore, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tributary.airflow_api._PAGE", 2)
    monkeypatch.setattr("tributary.ledger.store._APPENDED_AT_ONCE", 2)
    run_id = airflow.start()
    steps = ("find_dump", "preflight", "sync", DBT, "validate_marts")
    airflow.set(run_id, "success", *steps)
    record_new_task_durations(airflow.steps, store)
    assert [row["task_id"] for row in recorded(store, run_id)] == sorted(steps)


def test_a_first_look_does_not_go_back_for_ever(airflow: Airflow, store: OpsStore, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tributary.ops_records.task_durations.FIRST_LOOK", timedelta(0))
    run_id = airflow.start()
    airflow.set(run_id, "success", "find_dump")
    ended = airflow.steps.task("elt__kiosk", run_id, "find_dump")
    assert ended is not None
    assert datetime.fromisoformat(ended["end_date"]) < datetime.now(UTC)
    assert record_new_task_durations(airflow.steps, store) == 0
