"""dbt's jobs in BigQuery say whose work they are."""

from __future__ import annotations

import json
from typing import Any

import pytest
from dbt_raw import DAY_1, sync
from dbt_warehouse import Warehouse, succeeded

LABELS = {"tributary": "job", "step": "transform", "database": "shop_paid", "run": "manual__2013-01-01"}


@pytest.fixture(scope="module")
def jobs(warehouse: Warehouse) -> dict[str, list[dict[str, str]]]:
    """The labels of the jobs of a task's run of one model, and of a person's."""
    sync(warehouse.client, "retail", "shop_paid", DAY_1)
    variables = {"database": "shop_paid", "dump_date": str(DAY_1)}
    seen = {job.job_id for job in warehouse.client.list_jobs()}
    labels: dict[str, list[dict[str, str]]] = {}
    environments: dict[str, dict[str, str]] = {"task": {"TRIBUTARY_JOB_LABELS": json.dumps(LABELS)}, "person": {}}
    for who, environment in environments.items():
        as_who = Warehouse(warehouse.client, warehouse.environment | environment, warehouse.directory)
        name = "labelled"  # The same target directory: the second run parses partially.
        succeeded(as_who.dbt("shop_paid", "run", "--select", "stg_retail__discounts", name=name, **variables))
        new: list[Any] = [job for job in warehouse.client.list_jobs() if job.job_id not in seen]
        seen |= {job.job_id for job in new}
        labels[who] = [dict(job.labels) for job in new]
    return labels


@pytest.mark.parametrize(("who", "labels"), [("task", LABELS), ("person", {"tributary": "job", "step": "command"})])
def test_every_job_has_the_labels_of_whoever_started_it(
    jobs: dict[str, list[dict[str, str]]], who: str, labels: dict[str, str]
):
    assert len(jobs[who]) > 1
    for found in jobs[who]:
        assert labels.items() <= found.items()
        assert set(found) - set(labels) <= {"model", "dbt_invocation_id"}


def test_a_model_s_job_names_the_model(jobs: dict[str, list[dict[str, str]]]):
    assert "stg_retail__discounts" in {found.get("model") for found in jobs["task"]}
