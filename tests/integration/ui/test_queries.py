"""The queries of the pages in a warehouse, over rows that the pipeline's own store has written."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from google.cloud import bigquery

from tests.support.services import ROOT, LocalCloud
from tests.unit.dead_letters.letters_in_memory import make_letter
from tests.unit.ui.facts_in_memory import small_registry
from tributary.dead_letters.record import Status
from tributary.ledger.store import OpsStore, execute
from tributary.ui.sources import Sources, Warehouse

NOW = datetime.now(UTC).replace(microsecond=0)
TODAY = NOW.date()
YESTERDAY = TODAY - timedelta(days=1)


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    bqemulator = os.environ.get("TRIBUTARY_BQEMULATOR", ROOT / ".local" / "envs" / "localcloud" / "bin" / "bqemulator")
    folder = tmp_path_factory.mktemp("cloud")
    cloud = LocalCloud(folder, python=str(Path(bqemulator).with_name("python")))
    connection = {"conn_type": "google_cloud_platform", "extra": {"project": cloud.project, "num_retries": 0}}
    api = {"conn_type": "http", "host": "http://127.0.0.1:1", "login": "nobody", "password": "x"}
    with (
        cloud.running("metadata", "storage", "bigquery"),
        cloud.as_environment(google_cloud_default=connection, airflow_api=api),
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("TRIBUTARY_SPOOL_DIR", str(folder / "spool"))
        yield cloud


@pytest.fixture(scope="module")
def warehouse(cloud: LocalCloud) -> Warehouse:
    return Warehouse(lambda: bigquery.Client(location="US"))


@pytest.fixture(scope="module")
def ops(cloud: LocalCloud) -> OpsStore:
    """Tables with a few rows of two databases."""
    store = OpsStore(bigquery.Client(location="US"), "US")
    store.create_tables()
    for day in range(20):
        run = {"run_id": f"run_{day}", "dump_uri": "gs://x", "dump_generation": 1}
        when = TODAY - timedelta(days=day)
        store.record_state("transforming", database="shop_eu", dump_date=when, rows=day, **run)  # type: ignore[arg-type]
        if day != 1:
            store.record_state("landed", database="shop_eu", dump_date=when, rows=100 + day, **run)  # type: ignore[arg-type]
    store.record_counts("dump", {"orders": 9}, database="shop_eu", dump_date=TODAY, run_id="run")
    store.record_counts("dump", {"orders": 7, "customers": 3}, database="shop_eu", dump_date=TODAY, run_id="again")
    for checked, status in ((NOW - timedelta(hours=1), "failed"), (NOW, "passed")):
        store.append("quality_results", [result(checked, status, rule) for rule in ("a", "b")])
    store.append(
        "quality_results", [result(NOW, "failed", "c", layer="marts"), result(NOW, "error", "d", layer="marts")]
    )
    for task, began in (("sync", 0), ("sync", 0), ("transform.a", 60)):
        insert_try(store, task, began)
    return store


def result(checked_at: datetime, status: str, rule: str, layer: str = "raw") -> dict[str, Any]:
    return {
        "run_id": "run", "database": "shop_eu", "dump_date": TODAY, "checked_at": checked_at.isoformat(),
        "dataset": "x", "layer": layer, "table_name": "orders", "column_name": None, "rule": rule,
        "expectation": "x", "origin": "x", "status": status, "observed": None, "unexpected_count": 1,
        "element_count": 2, "unexpected_percent": 50.0, "sample_keys": [], "message": None,
    }  # fmt: skip


def insert_try(store: OpsStore, task: str, began: int) -> None:
    execute(
        store.client,
        """
        insert into ops.task_durations_log
        select 'elt__shop_eu', 'shop_eu', cast(@day as date), 'run', @task, split(@task, '.')[offset(0)], 1, 'success',
            cast(@at as timestamp), cast(@at as timestamp), timestamp_add(cast(@at as timestamp), interval 30 second),
            30.0, 0.0, current_timestamp()
        """,
        day=TODAY.isoformat(),
        task=task,
        at=(NOW + timedelta(seconds=began)).isoformat(),
    )


def test_tables_that_are_not_there_have_no_rows(warehouse: Warehouse, cloud: LocalCloud):
    """Run before anything has made them; a page makes none."""
    assert warehouse.rows("ui/runs") == []
    assert warehouse.rows("ui/timings") == []


def test_the_newest_days_of_a_database_and_its_newest_of_each_state(warehouse: Warehouse, ops: OpsStore):
    rows = {row["dump_date"]: row for row in warehouse.rows("ui/runs")}
    assert len(rows) == 15
    assert rows[TODAY]["state"] == "landed"
    assert rows[TODAY]["row_count"] == 100
    assert rows[YESTERDAY]["state"] == "transforming"
    history = warehouse.rows("ui/history", database="shop_eu")
    assert [row["dump_date"] for row in history] == sorted(TODAY - timedelta(days=day) for day in range(20))


def test_the_last_check_of_each_layer_counts(warehouse: Warehouse, ops: OpsStore):
    rows = {row["layer"]: row for row in warehouse.rows("ui/quality", since=YESTERDAY.isoformat())}
    assert {layer: (row["passed"], row["failed"]) for layer, row in rows.items()} == {"raw": (2, 0), "marts": (0, 2)}
    assert warehouse.rows("ui/quality", since=(TODAY + timedelta(days=1)).isoformat()) == []
    checks = warehouse.rows("ui/checks", database="shop_eu", day=TODAY.isoformat())
    assert [row["status"] for row in checks] == ["failed", "error", "passed", "passed"]


def test_the_last_count_of_each_table_counts(warehouse: Warehouse, ops: OpsStore):
    rows = warehouse.rows("ui/stages", database="shop_eu", day=TODAY.isoformat())
    assert {row["table_name"]: row["row_count"] for row in rows} == {"orders": 7, "customers": 3}
    assert warehouse.rows("ui/dumps", database="shop_eu") == []


def test_a_run_is_timed_from_its_first_task_to_its_last(warehouse: Warehouse, ops: OpsStore):
    (row,) = warehouse.rows("ui/timings")
    assert (row["dag_id"], row["began_at"], row["ended_at"]) == ("elt__shop_eu", NOW, NOW + timedelta(seconds=90))
    steps = warehouse.rows("ui/steps", dag_id="elt__shop_eu")
    assert [row["step"] for row in steps] == ["transform", "sync"], "one that was recorded twice counts once"


def test_with_airflow_s_connections_all_facts_are_read(cloud: LocalCloud, ops: OpsStore):
    made = Sources.of_airflow()
    store = made.letters()
    store.record(make_letter())
    store.change(["shop_eu/2013-01-02/sync"], lambda found: found.replaying(datetime.now(UTC), "anna"))
    (copied,) = ops.query("ops/dead_letters_copied")
    assert copied["id"] == "shop_eu/2013-01-02/sync"
    rows = execute(ops.client, "select replayed_by from ops.dead_letters where id = 'shop_eu/2013-01-02/sync'")
    assert [row["replayed_by"] for row in rows] == ["anna"]

    sources = Sources(made.warehouse, made.letters, made.airflow, lambda: small_registry(shop_eu="retail"))
    found = sources.snapshot(None)
    assert found.problems == {}
    assert found.runs["shop_eu"][TODAY].landed
    assert [letter.status for letter in found.letters] == [Status.replaying]
    assert list(found.copied_letters) == list(found.open_letters)
    assert found.quality["shop_eu"].failed == 2
    assert (found.published, found.hold) == ((), None)
    assert made.airflow("a token")._http.headers["Authorization"] == "Bearer a token"


def test_what_was_published_stands_newest_first(warehouse: Warehouse, ops: OpsStore):
    for version, at in (("v1", NOW - timedelta(days=1)), ("v2", NOW)):
        execute(
            ops.client,
            """
            insert into ops.published (version, run_id, day, as_of, tables, row_count, kind, published_at)
            select @version, 'run', date '2013-01-02', '{"shop_eu": "2013-01-02"}', '{}', 1, 'publish',
                cast(@at as timestamp)
            """,
            version=version,
            at=at.isoformat(),
        )
    rows = warehouse.rows("ui/published")
    assert [row["version"] for row in rows] == ["v2", "v1"]
    assert rows[0]["day"] == date(2013, 1, 2)
