"""Sweeps and replays against Airflow's own REST API: what it calls failed, and what a clear clears."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import pytest

from tests.integration.dead_letters.conftest import Airflow
from tributary.dead_letters.record import DeadLetter, Status
from tributary.dead_letters.replay import Replay
from tributary.dead_letters.steps import FailedSteps
from tributary.dead_letters.store import LetterStore
from tributary.dead_letters.sweep import Sweep, letter_of_task
from tributary.errors import TributaryError
from tributary.operators.sweep import SweepOperator

LATER = ("transform.dbt_producer_watcher", "transform.orders_run", "validate_marts")


def of_run(store: LetterStore, run_id: str) -> dict[str, DeadLetter]:
    return {letter.task_id: letter for letter in store.bucket.list() if letter.run_id == run_id}


def sweep(store: LetterStore, airflow: Airflow) -> None:
    airflow.steps._runs.clear()
    Sweep(store, airflow.steps).run(2)


def test_a_sweep_records_what_airflow_calls_failed(airflow: Airflow, store: LetterStore):
    run_id = airflow.start()
    airflow.set(run_id, "success", "find_dump", "preflight")
    airflow.set(run_id, "failed", "sync")
    airflow.set(run_id, "skipped", *LATER)
    foreign = airflow.start("somebody_elses")
    airflow.set(foreign, "failed", "sync", dag_id="somebody_elses")
    sweep(store, airflow)
    (letter,) = of_run(store, run_id).values()
    task = airflow.steps.task("elt__kiosk", run_id, "sync")
    assert task is not None
    assert (letter.task_id, letter.reason, letter.database) == ("sync", "NotReported", "kiosk")
    assert letter.occurrences[0].key == task["id"]
    assert letter.log_url is not None
    assert letter.log_url.startswith(f"{airflow.steps.url}/dags/elt__kiosk/runs/manual__2013-01-02T02")
    assert of_run(store, foreign) == {}
    first = store.bucket.list()
    sweep(store, airflow)
    assert store.bucket.list() == first


def test_a_user_s_session_never_goes_on_as_the_connection_s_account(airflow: Airflow, monkeypatch: pytest.MonkeyPatch):
    account = {"conn_type": "http", "host": airflow.steps.url, "login": "admin", "password": airflow.password}
    monkeypatch.setenv("AIRFLOW_CONN_AIRFLOW_API", json.dumps(account))
    assert "elt__kiosk" in FailedSteps.from_connection("airflow_api").dags()
    with pytest.raises(TributaryError, match=r"40[13]"):
        FailedSteps.of_user("airflow_api", "no-longer-valid").dags()


def test_the_day_that_a_person_chose_counts(airflow: Airflow, store: LetterStore):
    run_id = airflow.start(date="2013-12-24")
    airflow.set(run_id, "failed", "sync")
    sweep(store, airflow)
    assert of_run(store, run_id)["sync"].dump_date == date(2013, 12, 24)


def test_a_file_that_does_not_import_is_found(airflow: Airflow, store: LetterStore):
    sweep(store, airflow)
    (letter,) = [letter for letter in store.bucket.list() if letter.task_id == "dag_import"]
    assert (letter.subject, letter.reason) == ("dags.broken", "ValueError")


def test_more_failures_than_a_page_holds_are_all_found(airflow: Airflow, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tributary.airflow_api._PAGE", 2)
    run_id = airflow.start()
    airflow.set(run_id, "failed", "find_dump", "preflight", "sync", *LATER)
    since = datetime.now(UTC) - timedelta(minutes=5)
    found = [task["task_id"] for task in airflow.steps.failed_since(since) if task["dag_run_id"] == run_id]
    assert sorted(found) == sorted(["find_dump", "preflight", "sync", *LATER])


def test_the_runs_of_a_day_and_what_is_at_work_in_them_are_asked_for_at_once(
    airflow: Airflow, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("tributary.airflow_api._PAGE", 2)
    run_id, other = airflow.start(), airflow.start()
    airflow.set(run_id, "success", "find_dump")
    airflow.set(run_id, "failed", "preflight")
    airflow.set(other, "failed", "sync")
    for step in LATER:
        airflow.begin(run_id, "running", step)
    logical_date = airflow.steps.run("elt__kiosk", run_id)["logical_date"]
    found = [run["dag_run_id"] for run in airflow.steps.runs_at(logical_date, ["elt__kiosk", "elt__unknown"])]
    assert found == [run_id]
    tasks = list(airflow.steps.tasks_in({"elt__kiosk": run_id}, ["running", "failed"]))
    assert {task["task_id"]: task["state"] for task in tasks} == {
        "preflight": "failed",
        **dict.fromkeys(LATER, "running"),
    }
    assert {task["dag_id"] for task in tasks} == {"elt__kiosk"}


def test_runs_that_have_begun_are_told_from_those_that_wait(airflow: Airflow):
    run_id, waits = airflow.start(), airflow.start()
    airflow.begin_run(run_id)
    found = [run["dag_run_id"] for run in airflow.steps.running(["elt__kiosk", "elt__unknown"])]
    assert run_id in found
    assert waits not in found


def test_a_replay_clears_the_step_and_what_follows_and_nothing_else(airflow: Airflow, store: LetterStore):
    run_id = airflow.start()
    airflow.set(run_id, "success", "find_dump", "preflight", *LATER)
    airflow.set(run_id, "failed", "sync")
    sweep(store, airflow)
    letter = of_run(store, run_id)["sync"]
    replay = Replay(store, airflow.steps, print)
    assert replay.start([letter]) == ([("elt__kiosk", run_id)], True)
    states = {name: task["state"] for name, task in airflow.steps.tasks_of("elt__kiosk", run_id).items()}
    assert states == {"find_dump": "success", "preflight": "success", "sync": None, **dict.fromkeys(LATER)}
    assert airflow.steps.run("elt__kiosk", run_id)["state"] == "queued"
    assert of_run(store, run_id)["sync"].status is Status.replaying

    airflow.set(run_id, "success", "sync", *LATER)
    sweep(store, airflow)
    closed = of_run(store, run_id)["sync"]
    assert (closed.status, closed.outcome) == (Status.replayed, "success")


def test_a_second_failure_of_the_same_run_is_another_occurrence(airflow: Airflow, store: LetterStore):
    run_id = airflow.start()
    airflow.set(run_id, "failed", "sync")
    sweep(store, airflow)
    Replay(store, airflow.steps, print).start([of_run(store, run_id)["sync"]])
    airflow.set(run_id, "failed", "sync")
    sweep(store, airflow)
    letter = of_run(store, run_id)["sync"]
    assert letter.status is Status.open
    assert len(letter.occurrences) == 2


def test_dbt_s_tasks_are_cleared_together(airflow: Airflow, store: LetterStore):
    run_id = airflow.start()
    airflow.set(run_id, "success", "find_dump", "preflight", "sync", "transform.orders_run")
    airflow.set(run_id, "failed", "transform.dbt_producer_watcher")
    sweep(store, airflow)
    Replay(store, airflow.steps, print).start(of_run(store, run_id).values())
    states = {name: task["state"] for name, task in airflow.steps.tasks_of("elt__kiosk", run_id).items()}
    assert states["sync"] == "success"
    assert [states[task] for task in LATER] == [None, None, None]


def test_another_run_of_the_same_day_closes_the_record(airflow: Airflow, store: LetterStore):
    failed = airflow.start(dag_id="elt__other", date="2013-11-11")
    airflow.set(failed, "failed", "sync", dag_id="elt__other")
    sweep(store, airflow)
    assert of_run(store, failed)["sync"].status is Status.open
    again = airflow.start(dag_id="elt__other", date="2013-11-11")
    path = f"/api/v2/dags/elt__other/dagRuns/{again.replace('+', '%2B')}"
    airflow.steps._send("PATCH", path, json={"state": "success"})
    sweep(store, airflow)
    assert of_run(store, failed)["sync"].status is Status.replayed


def test_a_run_that_is_gone_is_told(airflow: Airflow, store: LetterStore):
    run_id = airflow.start()
    airflow.set(run_id, "failed", "sync")
    sweep(store, airflow)
    letter = of_run(store, run_id)["sync"]
    airflow.steps._send("DELETE", f"/api/v2/dags/elt__kiosk/dagRuns/{run_id.replace('+', '%2B')}")
    said: list[str] = []
    assert Replay(store, airflow.steps, said.append).start([letter]) == ([], False)
    assert "tributary run --date" in said[0]
    sweep(store, airflow)
    assert of_run(store, run_id)["sync"].status is Status.open


def test_a_clear_of_a_task_that_runs_is_refused(airflow: Airflow):
    with pytest.raises(TributaryError, match="404"):
        airflow.steps.clear("elt__kiosk", "no such run", ["sync"], dry_run=True)


def test_a_letter_of_a_task_says_what_airflow_says(airflow: Airflow):
    run_id = airflow.start()
    airflow.set(run_id, "failed", "sync")
    task = airflow.steps.task("elt__kiosk", run_id, "sync")
    run = airflow.steps.find_run("elt__kiosk", run_id)
    assert task is not None
    assert run is not None
    letter = letter_of_task(task, run, "http://log")
    assert letter.last_failed_at == datetime.fromisoformat(task["end_date"])
    assert letter.dump_date == datetime.fromisoformat(run["logical_date"]).date()


def test_the_housekeeping_sweeps_through_its_connection(
    airflow: Airflow, store: LetterStore, monkeypatch: pytest.MonkeyPatch
):
    connection = {"conn_type": "http", "host": airflow.steps.url, "login": "admin", "password": "it's secret"}
    monkeypatch.setenv("AIRFLOW_CONN_AIRFLOW_API", json.dumps(connection))
    run_id = airflow.start()
    airflow.set(run_id, "failed", "sync")
    assert SweepOperator(task_id="sweep_dead_letters").execute({}) > 0
    assert run_id in {letter.run_id for letter in store.bucket.list()}


@pytest.mark.parametrize(
    "parts",
    [
        {"host": "http://airflow.internal", "port": 8080},
        {"host": "airflow.internal", "schema": "http", "port": 8080},
        {"host": "airflow.internal", "port": 8080},
        {"host": "http://airflow.internal:8080/"},
    ],
)
def test_a_connection_may_hold_the_address_in_any_of_the_usual_ways(
    monkeypatch: pytest.MonkeyPatch, parts: dict[str, object]
):
    monkeypatch.setenv("AIRFLOW_CONN_AIRFLOW_API", json.dumps({"conn_type": "http", **parts}))
    assert FailedSteps.from_connection("airflow_api").url == "http://airflow.internal:8080"


def test_runs_and_their_tasks_are_told_of_all_dags_at_once(airflow: Airflow, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tributary.airflow_api._PAGE", 2)
    before = datetime.now(UTC) - timedelta(minutes=1)
    active = [airflow.start(), airflow.start(dag_id="elt__other"), airflow.start("somebody_elses")]
    ended = airflow.start(dag_id="elt__other")
    path = f"/api/v2/dags/elt__other/dagRuns/{ended.replace('+', '%2B')}"
    airflow.steps._send("PATCH", path, json={"state": "failed"})
    airflow.begin(active[1], "running", "sync")
    airflow.set(active[1], "success", "find_dump", dag_id="elt__other")

    found = {run["dag_run_id"]: run for run in airflow.steps.active_runs()}
    assert set(active) <= set(found)
    assert ended not in found
    assert {"run_after", "queued_at", "start_date", "run_type", "conf", "logical_date"} <= set(found[active[0]])
    assert ended in {run["dag_run_id"] for run in airflow.steps.ended_runs(before)}
    assert active[0] not in {run["dag_run_id"] for run in airflow.steps.ended_runs(before)}
    assert [task["task_id"] for task in airflow.steps.active_tasks("elt__other", active[1])] == ["sync"]
    (task,) = airflow.steps.tasks_at_work("sync")
    assert (task["dag_id"], task["dag_run_id"]) == ("elt__other", active[1])
    assert {"start_date", "queued_when", "scheduled_when", "end_date", "try_number", "pool"} <= set(task)


def test_paused_dags_and_the_processes_health_are_told(airflow: Airflow):
    airflow.steps._send("PATCH", "/api/v2/dags/elt__other", json={"is_paused": True})
    assert airflow.steps.paused_dags() == {"elt__other"}
    airflow.steps._send("PATCH", "/api/v2/dags/elt__other", json={"is_paused": False})
    assert airflow.steps.paused_dags() == set()
    assert airflow.steps.health()["scheduler"] == {"status": "unhealthy", "latest_scheduler_heartbeat": None}


def test_a_login_that_has_run_out_is_made_anew(airflow: Airflow):
    airflow.steps._http.headers["Authorization"] = "Bearer of.yesterday.none"
    assert airflow.steps.dags()
