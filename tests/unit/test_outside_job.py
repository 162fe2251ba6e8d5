"""How a step waits for another service's job."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from airflow.sdk.bases.operator import TRIGGER_FAIL_REPR, TriggerFailureReason
from airflow.sdk.exceptions import TaskDeferralError, TaskDeferred

from tests.unit.memory_world import NAME
from tributary.contracts import Column, Contract, Models, Table
from tributary.failures import Kind, classify
from tributary.operators import outside_job
from tributary.operators.import_dump import ImportDumpOperator, finished_operation
from tributary.operators.sync import SyncOperator
from tributary.registry import Database

LIMIT = timedelta(hours=1)
TABLES = {"lines": Table(primary_key=("id",), columns={"id": Column(type="int")})}
DATABASE = Database(
    name=NAME, contract=Contract(app="kiosk", models=Models.NONE, tables=TABLES), owner="tests",
    cloud_sql_instance="staging", dump_pattern="", dump_wait=LIMIT,
)  # fmt: skip


def operators() -> list[Any]:
    return [
        ImportDumpOperator(task_id="i", database=NAME, instance="staging", dump=None, source_uri="gs://dumps/a.sql"),
        SyncOperator(task_id="s", database=DATABASE),
    ]


@pytest.mark.parametrize("operator", operators(), ids=["import_dump", "sync"])
def test_a_wait_ends_although_nobody_answers(operator: Any, monkeypatch: pytest.MonkeyPatch):
    """And its task is tried again: the job may well have ended."""
    monkeypatch.setenv("TRIBUTARY_DUMPS_BUCKET", "dumps")
    monkeypatch.setattr(outside_job, "look_shortly", lambda ask, **waiting: None)
    with pytest.raises(TaskDeferred) as deferred:
        operator.wait_for_end({}, finished_operation, LIMIT, name="o")
    assert LIMIT < deferred.value.timeout < 2 * LIMIT
    with pytest.raises(TaskDeferralError) as error:
        operator.resume_execution(TRIGGER_FAIL_REPR, {"error": TriggerFailureReason.TRIGGER_TIMEOUT}, {})
    assert classify(error.value).kind is Kind.passing


@pytest.mark.parametrize("operator", operators(), ids=["import_dump", "sync"])
def test_a_killed_step_leaves_its_job_to_the_next_try(operator: Any):
    operator.on_kill()
