"""Every job that a task starts has its labels: seen in BigQuery's own list of jobs."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from google.cloud import bigquery

from tests.support.services import LocalCloud
from tributary.hooks.clients import bigquery_client
from tributary.ledger.store import execute
from tributary.terminal import store_for_people

LABELS = {
    "tributary": "job", "step": "sync", "database": "kiosk", "app": "booths", "run": "manual__2013-01-02",
    "day": "2013-01-02",
}  # fmt: skip


@pytest.fixture
def new_jobs(cloud: LocalCloud) -> Callable[[], list[Any]]:
    """The jobs since then, oldest first."""
    client = bigquery.Client(location="US")
    before = {job.job_id for job in client.list_jobs()}
    return lambda: [job for job in client.list_jobs() if job.job_id not in before][::-1]


def labels(jobs: Iterable[Any]) -> list[dict[str, str]]:
    return [dict(job.labels) for job in jobs]


def test_queries_loads_and_snapshots_of_a_task_are_labelled(run_task: Any, new_jobs: Callable[[], list[Any]]):
    def step(context: Any) -> None:
        from tributary.quarantine.finding import execute_typed
        from tributary.versions import Version, _snapshot

        client = bigquery_client()
        for dataset in ("consolidated__audit", "consolidated__v1"):
            client.create_dataset(dataset, exists_ok=True)
        execute(client, "create or replace table consolidated__audit.labelled (a int64)")
        list(execute(client, "select @x as x", x="1"))
        list(execute_typed(client, "select @x as x", {"x": 1}))
        rows = io.BytesIO(b'{"a": 1}\n')
        config = bigquery.LoadJobConfig(source_format="NEWLINE_DELIMITED_JSON", write_disposition="WRITE_APPEND")
        client.load_table_from_file(rows, "consolidated__audit.labelled", job_config=config).result()
        _snapshot(client, Version("1", None), "labelled")

    run_task.tags = ["elt", "app:booths"]
    assert run_task(step) == "success"
    jobs = new_jobs()
    assert [job.job_type for job in jobs] == ["query", "query", "query", "load", "copy"]
    assert labels(jobs) == [LABELS] * len(jobs)


def test_the_queries_of_great_expectations_are_labelled(run_task: Any, new_jobs: Callable[[], list[Any]]):
    def step(context: Any) -> None:
        from tributary.quality.engine import expectation, open_batch, open_datasource, validate
        from tributary.quality.rules import Rule

        client = bigquery_client()
        client.create_dataset("checked", exists_ok=True)
        execute(client, "create or replace table checked.numbers as select 1 as a")
        batch = open_batch(open_datasource(client), "checked", "numbers")
        rule = Rule.model_validate(
            {
                "type": "expect_column_values_to_not_be_null",
                "kwargs": {"column": "a"},
                "meta": {"rule": "a_is_there"},
            }
        )
        assert validate(batch, [expectation(rule, None)], "BOOLEAN_ONLY", {})["a_is_there"].success

    run_task.tags = ["app:booths"]
    assert run_task(step, task_id="validate_raw") == "success"
    jobs = new_jobs()
    assert len(jobs) > 1
    assert labels(jobs) == [{**LABELS, "step": "validate_raw"}] * len(jobs)


def test_what_a_callback_outside_of_a_task_does_says_so(
    cloud: LocalCloud, new_jobs: Callable[[], list[Any]], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("AIRFLOW_CTX_DAG_ID", raising=False)
    list(execute(bigquery_client(), "select 1 as x"))
    assert labels(new_jobs()) == [{"tributary": "job", "step": "outside_tasks"}]


def test_what_a_person_asks_is_a_command(cloud: LocalCloud, new_jobs: Callable[[], list[Any]]):
    list(execute(store_for_people().client, "select 1 as x"))
    assert labels(new_jobs()) == [{"tributary": "job", "step": "command"}]
