"""The events of the tasks that write data, as OpenLineage's provider sends them for tasks of the real DAGs."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from stack import environment
from tests.support.lineage import Event
from tests.support.listened_tasks import ListenedTasks
from tributary.consolidation import Plan
from tributary.registry import Registry, load_registry

BUCKET, PROJECT = "dumps", "a-project"
DUMP = {
    "bucket": BUCKET, "name": "shop_eu/2013-01-02/shop_eu.sql.gz", "generation": 17,
    "uri": f"gs://{BUCKET}/shop_eu/2013-01-02/shop_eu.sql.gz",
}  # fmt: skip
XCOMS = {
    "find_dump": DUMP,
    "preflight": {"uri": DUMP["uri"]},
    "await_databases": asdict(
        Plan(
            day="2013-01-02",
            as_of=dict.fromkeys(("shop_eu", "shop_us"), "2013-01-02"),
            landed={},
            editions={},
            changed={"shop_eu": "2013-01-02"},
            base="20130101T030000000",
        )
    ),
}
MYSQL = "mysql://10.1.2.3:3306"


@pytest.fixture(autouse=True)
def connections(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {
        "google_cloud_default": {
            "conn_type": "google_cloud_platform", "extra": {"project": PROJECT, "is_anonymous": True}
        },
        "cloud_sql__staging": {"conn_type": "mysql", "host": "10.1.2.3", "login": "root", "password": "it is secret"},
    }  # fmt: skip
    for name, value in values.items():
        monkeypatch.setenv(f"AIRFLOW_CONN_{name.upper()}", json.dumps(value))


@pytest.fixture(scope="module")
def dags(dags: Any) -> Any:
    """With what a scheduler has imported before it forks tasks: importing takes longer than an event may."""
    import airflow.providers.google.cloud.hooks.bigquery
    import airflow.providers.openlineage.plugins.openlineage  # noqa: F401

    return dags


@pytest.fixture
def run(dags: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ListenedTasks:
    return ListenedTasks(monkeypatch, tmp_path / "events.jsonl")


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load_registry()


def complete(run: ListenedTasks) -> Event:
    """The one event of a success."""
    (event,) = [event for event in run.events() if event["eventType"] == "COMPLETE"]
    return event


def by_name(datasets: list[dict[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(dataset["namespace"], dataset["name"]): dataset["facets"] for dataset in datasets}


def test_import_dump_tells_the_dump_s_generation_and_every_staging_table(
    run: ListenedTasks, dags: Any, registry: Registry
):
    assert run(dags["elt__shop_eu"].get_task("import_dump"), xcoms=XCOMS) == "success"
    event = complete(run)
    (read,) = event["inputs"]
    assert (read["namespace"], read["name"]) == ("gs://dumps", "shop_eu/2013-01-02/shop_eu.sql.gz")
    assert read["facets"]["version"]["datasetVersion"] == "17"
    tables = registry.database("shop_eu").contract.tables
    written = by_name(event["outputs"])
    assert set(written) == {(MYSQL, f"shop_eu.{table}") for table in tables}
    columns = {field["name"]: field["type"] for field in written[MYSQL, "shop_eu.orders"]["schema"]["fields"]}
    assert columns == {name: column.type for name, column in tables["orders"].columns.items()}


def test_sync_tells_of_each_raw_table_which_columns_were_copied(run: ListenedTasks, dags: Any, registry: Registry):
    assert run(dags["elt__shop_eu"].get_task("sync"), xcoms=XCOMS) == "success"
    event = complete(run)
    tables = registry.database("shop_eu").contract.tables
    assert set(by_name(event["inputs"])) == {(MYSQL, f"shop_eu.{table}") for table in tables}
    written = by_name(event["outputs"])
    assert set(written) == {("bigquery", f"{PROJECT}.raw__shop_eu.{table}") for table in tables}
    for name, table in tables.items():
        lineage = written["bigquery", f"{PROJECT}.raw__shop_eu.{name}"]["columnLineage"]["fields"]
        assert list(lineage) == sorted(table.selected_columns)
        for column, field in lineage.items():
            (source,) = field["inputFields"]
            assert (source["namespace"], source["name"], source["field"]) == (MYSQL, f"shop_eu.{name}", column)


def test_publish_tells_the_audited_table_of_each_consolidated_one_and_whose_rows_stay(
    run: ListenedTasks, dags: Any, registry: Registry
):
    assert run(dags["consolidate"].get_task("publish"), xcoms=XCOMS) == "success"
    event = complete(run)
    tables = {mart for app in registry.apps for mart in registry.contracts[app].mart_names}
    stay = {f"{PROJECT}.shop_us.{name}" for name in registry.contracts["retail"].mart_names}
    audited = {f"{PROJECT}.consolidated__audit.{name}" for name in tables}
    assert set(by_name(event["inputs"])) == {("bigquery", name) for name in audited | stay}
    written = by_name(event["outputs"])
    assert set(written) == {("bigquery", f"{PROJECT}.consolidated.{name}") for name in {*tables, "databases"}}
    for name in tables:
        lineage = written["bigquery", f"{PROJECT}.consolidated.{name}"]["columnLineage"]["fields"]
        assert {"_database", "_dump_date"} <= set(lineage)
        sources = {source["name"] for field in lineage.values() for source in field["inputFields"]}
        assert sources - {f"{PROJECT}.shop_us.{name}"} == {f"{PROJECT}.consolidated__audit.{name}"}
        assert (f"{PROJECT}.shop_us.{name}" in sources) is (name in registry.contracts["retail"].mart_names)


def test_a_failure_tells_no_data_and_no_content_of_rows(run: ListenedTasks, dags: Any):
    def fails(task: Any) -> None:
        raise ValueError("Duplicate entry 'jane.doe@example.com' for key 'customers.email'; password=secret")

    assert run(dags["elt__shop_eu"].get_task("import_dump"), fails, xcoms=XCOMS) == "failed"
    started, failed = run.events()
    assert (started["eventType"], failed["eventType"]) == ("START", "FAIL")
    assert (failed["inputs"], failed["outputs"]) == ([], [])
    assert failed["run"]["facets"]["errorMessage"]["message"].startswith("Duplicate entry <redacted>")
    assert "stackTrace" not in failed["run"]["facets"]["errorMessage"]
    assert_says_nothing_private(run)


def test_events_name_no_person_no_configuration_and_no_secret(run: ListenedTasks, dags: Any):
    conf = {"note": "for jane.doe@example.com"}
    assert run(dags["elt__shop_eu"].get_task("sync"), xcoms=XCOMS, conf=conf) == "success"
    assert complete(run)["run"]["facets"]["airflow"]["dagRun"]["run_id"] == "manual__2013-01-02"
    assert_says_nothing_private(run)


def assert_says_nothing_private(run: ListenedTasks) -> None:
    text = run.file.read_text()
    assert [word for word in ("Jane", "jane.doe", "secret") if word in text] == []


def test_every_task_that_can_tell_lineage_sends_events_and_no_other_does(
    dags: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    from airflow.providers.openlineage.utils.emission_policy import (
        resolve_dag_emission_policy,
        resolve_task_emission_policy,
    )

    for name, value in environment.lineage(tmp_path / "events.jsonl").items():
        monkeypatch.setenv(f"AIRFLOW__{name}", str(value))
    sends, can_tell = set(), set()
    for dag in dags.values():
        assert not resolve_dag_emission_policy(dag.dag_id, dag=dag).emit
        for task in dag.tasks:
            policy = resolve_task_emission_policy(operator=task, dag_id=dag.dag_id, task_id=task.task_id)
            assert (policy.hook_lineage, policy.include_source_code, policy.include_full_task_info) == (False,) * 3
            if policy.emit:
                sends.add((dag.dag_id, task.task_id))
            if hasattr(task, "get_openlineage_facets_on_complete"):
                can_tell.add((dag.dag_id, task.task_id))
    assert sends == can_tell
    assert ("elt__shop_eu", "transform.dbt_producer_watcher") in sends
    assert ("consolidate", "publish") in sends
    assert len(sends) == 3 * 6 + 2


@pytest.fixture
def silent_backend() -> Iterator[str]:
    """Takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
    for thread in threading.enumerate():
        if thread.name.startswith("openlineage-"):
            thread.join(20)


def test_a_backend_that_hangs_neither_fails_nor_holds_up_a_task(
    dags: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, silent_backend: str
):
    """The provider waits for an event no longer than its limit: without it, each would take a minute here."""
    http = {"type": "http", "url": silent_backend, "timeout": 60, "retry": {"total": 0}}
    run = ListenedTasks(monkeypatch, tmp_path / "events.jsonl", transport=http)
    monkeypatch.setenv("AIRFLOW__OPENLINEAGE__EXECUTION_TIMEOUT", "1")
    begun = time.monotonic()
    assert run(dags["elt__shop_eu"].get_task("sync"), xcoms=XCOMS) == "success"
    assert time.monotonic() - begun < 15


def test_a_backend_that_refuses_costs_a_task_nothing(dags: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    http = {"type": "http", "url": "http://127.0.0.1:9", "timeout": 2, "retry": {"total": 0}}
    run = ListenedTasks(monkeypatch, tmp_path / "events.jsonl", transport=http)
    begun = time.monotonic()
    assert run(dags["elt__shop_eu"].get_task("sync"), xcoms=XCOMS) == "success"
    assert time.monotonic() - begun < 15
