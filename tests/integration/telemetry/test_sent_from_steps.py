"""What the steps record in BigQuery is sent, and answers what Datadog's files ask for."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from tests.integration.telemetry.conftest import Agent
from tests.support.datadog_files import metrics_used, missing
from tests.unit.dead_letters.letters_in_memory import MemoryClient, make_letter
from tributary.dead_letters.bucket import LetterBucket
from tributary.dumps import preflight
from tributary.ledger.checksums import Content
from tributary.ledger.store import OpsStore
from tributary.operators.validate import ValidateRawOperator
from tributary.quality.results import CheckpointResult, RuleResult
from tributary.registry import load_registry
from tributary.telemetry import listener, metrics
from tributary.telemetry.catalogue import METRICS

DAY = date(2013, 1, 2)
OF_RUN: dict[str, Any] = {"database": "shop_eu", "dump_date": DAY, "run_id": "run_1", "app": "retail"}
# Sent by others: the watch every round, housekeeping once a job.
OF_OTHERS = {"freshness_seconds", "dead_letters.open", "deadline.missed", "cost.bytes_billed"}
DUMP = b"""-- MySQL dump 10.13  Distrib 8.0.36, for Linux (x86_64)
-- Host: localhost    Database: shop_eu
CREATE TABLE `orders` (`id` int);
INSERT INTO `orders` VALUES (1),(2),(3);
-- Dump completed on 2013-01-02  3:00:12
"""
RULES = (
    RuleResult("orders", "row_count", "expect_table_row_count_to_be_between", True, observed="3"),
    RuleResult("orders", "key_unique", "expect_column_values_to_be_unique", False, unexpected_count=2, element_count=3),
    RuleResult("orders", "sku_exists", "unexpected_rows_expectation", False, error="no such table"),
)


def rows(report: dict[str, Any], name: str) -> dict[str, float]:
    """The last values of a metric by its tag `stage`."""
    found = {}
    for series in report["series"]:
        tags = dict(tag.split(":", 1) for tag in series["tags"])
        if series["name"] == f"tributary.{name}":
            assert (tags["database"], tags["app"]) == ("shop_eu", "retail")
            found[tags["stage"]] = series["last"]
    return found


def record_stages(store: OpsStore) -> None:
    report = preflight(io.BytesIO(DUMP), "shop_eu")
    store.record_dump(report, dump_uri="gs://dumps/x", dump_generation=1, **OF_RUN)
    store.record_counts("dump", report.tables, **OF_RUN)
    for stage in ("staging", "raw", "marts", "consolidated"):
        store.record_contents(stage, {"orders": Content(3, "x"), "lines": Content(4, "y")}, **OF_RUN)
    store.record_counts("quarantine", {}, **OF_RUN)


def keep_results(store: OpsStore) -> None:
    operator = ValidateRawOperator(task_id="validate_raw", database=load_registry().databases["shop_eu"])
    operator.day = DAY.isoformat()
    result = CheckpointResult("raw__shop_eu", "raw", RULES, datetime.now(UTC))
    operator.keep(store, {"run_id": "run_1"}, result, "shop_eu", "retail")  # type: ignore[arg-type]


def end_tries_and_runs() -> None:
    dag = SimpleNamespace(tags={"app:retail"})
    for task_id, state in (("sync", "failed"), ("import_dump", "up_for_retry"), ("transform.orders_run", "success")):
        now = datetime.now(UTC)
        task = SimpleNamespace(dag=dag)
        times = {"start_date": now, "end_date": now}
        ti = SimpleNamespace(dag_id="elt__shop_eu", task_id=task_id, task=task, state=state, **times)
        if state == "success":
            listener.on_task_instance_success("running", ti)
        else:
            listener.on_task_instance_failed("running", ti, TimeoutError("timed out"))
    listener.on_dag_run_success(SimpleNamespace(dag_id="elt__shop_eu", dag=dag), "")


def test_what_the_ledger_keeps_is_sent(agent: Agent, store: OpsStore):
    record_stages(store)
    report = agent.after(8)
    assert rows(report, "rows") == {
        "dump": 3, "staging": 7, "raw": 7, "marts": 7, "consolidated": 7, "quarantine": 0,
    }  # fmt: skip
    assert rows(report, "bytes") == {"stored": len(DUMP), "dump": len(DUMP)}
    ledger = store.client.query("select sum(row_count) as total from ops.ledger where stage = 'raw'").result()
    assert [row["total"] for row in ledger] == [7]


def test_a_checkpoint_s_results_are_sent_where_they_are_kept(agent: Agent, store: OpsStore):
    keep_results(store)
    report = agent.after(5)
    found = {series["name"]: series["last"] for series in report["series"]}
    assert found["tributary.duplicates"] == 2
    assert found["tributary.quality.pass_rate"] == pytest.approx(100 / 3)
    kept = store.client.query("select count(*) as total from ops.quality_results").result()
    assert [row["total"] for row in kept] == [3]


def test_whatever_the_files_ask_for_is_on_the_wire(agent: Agent, store: OpsStore):
    record_stages(store)
    keep_results(store)
    end_tries_and_runs()
    bucket = LetterBucket(MemoryClient(), "dumps")  # type: ignore[arg-type]
    bucket.change(make_letter().id, lambda found: make_letter())
    bucket.change(make_letter().id, lambda found: found and found.replayed(datetime.now(UTC)))
    own = set(METRICS) - OF_OTHERS
    report = agent.until(lambda report: not missing(report, own))
    assert missing(report, own) == []
    assert report["malformed"] == []


def test_what_others_send_is_taken_with_the_tags_that_the_files_ask_for(agent: Agent):
    for name in ("freshness_seconds", "dead_letters.open"):
        metrics.gauge(name, 1, database="shop_eu", app="retail")
    metrics.increment("deadline.missed", database="shop_eu", app="retail")
    metrics.increment("cost.bytes_billed", 10 * 1024 * 1024, database="shop_eu", step="transform")
    assert set(metrics_used()) >= OF_OTHERS
    assert missing(agent.after(4), OF_OTHERS) == []
