"""Jobs of the warehouse as rows of `ops.costs`, and what the command makes of them."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from google.cloud import bigquery
from typer.testing import CliRunner

from tests.support.services import LocalCloud
from tributary.cli import app
from tributary.job_labels import job_labels, put_on
from tributary.ledger.store import OpsStore
from tributary.operators.record_costs import RecordCostsOperator
from tributary.ops_records.costs import record_new_costs

PUBLISH = job_labels("publish", database="consolidated", run="manual__2013-01-02", day="2013-01-02")


def start(cloud: LocalCloud, sql: str = "select 1 as one", **labels: str) -> str:
    client = put_on(bigquery.Client(location="US"), labels)
    return str(client.query(sql).job_id)


def recorded(store: OpsStore, job_id: str, table: str = "costs") -> list[dict[str, Any]]:
    return [dict(row) for row in store.client.query(f"select * from ops.{table} where job_id = '{job_id}'").result()]


def test_a_job_is_recorded_once_with_what_its_labels_say(cloud: LocalCloud, store: OpsStore):
    job_id = start(cloud, **PUBLISH)
    assert job_id in [row["job_id"] for row in record_new_costs(store)]
    assert job_id not in [row["job_id"] for row in record_new_costs(store)]
    (row,) = recorded(store, job_id, "costs_log")
    assert row["created_at"] <= row["ended_at"] <= row["recorded_at"]
    assert {name: row[name] for name in ("database", "step", "dump_date", "run_id", "job_type", "error")} == {
        "database": "consolidated", "step": "publish", "dump_date": date(2013, 1, 2), "run_id": "manual__2013-01-02",
        "job_type": "query", "error": None,
    }  # fmt: skip


def test_jobs_of_others_are_left_out_and_errors_keep_their_reason_alone(cloud: LocalCloud, store: OpsStore):
    foreign = start(cloud, team="finance")
    failed = start(cloud, "select error('the value Jane')", **PUBLISH)
    record_new_costs(store)
    assert recorded(store, foreign) == []
    (row,) = recorded(store, failed)
    assert row["error"] == "invalidQuery"
    assert "Jane" not in str(row)


def test_a_job_that_was_running_when_later_ones_were_recorded_is_not_missed(cloud: LocalCloud, store: OpsStore):
    early = start(cloud, **PUBLISH)
    soon = datetime.now(UTC) + timedelta(hours=6)
    later = {
        "job_id": "later", "job_type": "query", "bytes_processed": 0, "bytes_billed": 0,
        "created_at": soon, "ended_at": soon,
    }  # fmt: skip
    store.append("costs_log", [later])
    assert early in [row["job_id"] for row in record_new_costs(store)]


def test_what_was_recorded_long_ago_is_not_looked_at_again(
    cloud: LocalCloud, store: OpsStore, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("tributary.ops_records.costs.OVERLAP", timedelta(0))
    early = start(cloud, **PUBLISH)
    (job,) = [job for job in store.client.list_jobs() if job.job_id == early]
    after = job.created + timedelta(milliseconds=1)
    store.append(
        "costs_log",
        [{"job_id": "x", "job_type": "query", "bytes_processed": 0, "bytes_billed": 0, "created_at": after}],
    )
    assert early not in [row["job_id"] for row in record_new_costs(store)]


def test_the_housekeeping_records_and_counts(cloud: LocalCloud, store: OpsStore, monkeypatch: pytest.MonkeyPatch):
    sent: list[tuple[Any, ...]] = []
    monkeypatch.setattr(
        "tributary.telemetry.metrics.increment", lambda name, value, **tags: sent.append((name, value, tags))
    )
    job_id = start(cloud, **PUBLISH)
    assert RecordCostsOperator(task_id="record_costs").execute({}) > 0
    assert len(recorded(store, job_id)) == 1
    assert ("cost.bytes_billed", 0, {"database": "consolidated", "step": "publish"}) in sent


def test_the_command_sums_by_database_and_step_the_dearest_first(store: OpsStore):
    now = datetime.now(UTC)
    job = {"job_type": "query", "bytes_processed": 5, "created_at": now, "ended_at": now, "slot_seconds": 1.5}
    store.append(
        "costs_log",
        [
            {**job, "job_id": "a", "database": "shop_eu", "step": "transform", "bytes_billed": 10},
            {**job, "job_id": "b", "database": "shop_eu", "step": "transform", "bytes_billed": 20, "error": "x"},
            {**job, "job_id": "c", "database": "shop_us", "step": "sync", "bytes_billed": 70},
            {**job, "job_id": "d", "step": "command", "bytes_billed": 90, "created_at": now - timedelta(days=8)},
        ],
    )
    # The same job seen twice is one.
    store.append("costs_log", [{**job, "job_id": "c", "database": "shop_us", "step": "sync", "bytes_billed": 70}])
    result = CliRunner().invoke(app, ["cost", "--format", "json"])
    assert result.exit_code == 0, result.output
    ours = [row for row in json.loads(result.output) if row["bytes_billed"]]
    assert ours == [
        {
            "database": "shop_us", "step": "sync", "jobs": 1, "failed": 0, "bytes_processed": 5,
            "bytes_billed": 70, "slot_seconds": 1.5,
        },
        {
            "database": "shop_eu", "step": "transform", "jobs": 2, "failed": 1, "bytes_processed": 10,
            "bytes_billed": 30, "slot_seconds": 3.0,
        },
    ]  # fmt: skip
    everything = json.loads(CliRunner().invoke(app, ["cost", "--days", "9", "--format", "json"]).output)
    assert everything[0]["step"] == "command"


def test_the_command_shows_its_columns_where_there_are_no_jobs(store: OpsStore):
    result = CliRunner().invoke(app, ["cost", "--format", "csv"])
    assert result.output == "database,step,jobs,failed,bytes_processed,bytes_billed,slot_seconds\n"
