"""Labels of BigQuery jobs: made from tasks, fit for BigQuery, and carried by clients."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud.bigquery import Client, QueryJobConfig

from tributary import job_labels
from tributary.job_labels import labels_here, labels_of, labels_of_context, labels_of_task, put_on, value_of

FITS = re.compile(r"[a-z0-9_-]{0,63}")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("manual__2013-01-01", "manual__2013-01-01"),
        ("scheduled__2013-01-01T02:00:00+00:00", "scheduled__2013-01-01t02_00_00_00_00"),
        ("Überlauf / käse", "_berlauf___k_se"),
        ("x" * 64, "x" * 63),
        ("", ""),
    ],
)
def test_any_text_becomes_a_value_that_bigquery_takes(text: str, value: str):
    assert value_of(text) == value
    assert FITS.fullmatch(value)


def test_a_task_of_a_database_says_all_of_it():
    labels = labels_of_task(
        "elt__shop_eu", "transform.orders_run", "manual__2013-01-02", tags=["elt", "app:retail"], day="2013-01-02"
    )
    assert labels == {
        "tributary": "job", "step": "transform", "database": "shop_eu", "app": "retail",
        "run": "manual__2013-01-02", "day": "2013-01-02",
    }  # fmt: skip


def test_the_consolidation_is_for_all_databases_and_the_housekeeping_for_no_day():
    consolidate = labels_of_task("consolidate", "publish", "r", day="2013-01-02")
    assert consolidate == {
        "tributary": "job", "step": "publish", "database": "consolidated", "run": "r", "day": "2013-01-02"
    }  # fmt: skip
    housekeeping = labels_of_task("housekeeping", "expire_ops", "r", day="2013-01-02")
    assert housekeeping == {"tributary": "job", "step": "expire_ops", "run": "r"}


def context(date: str | None, logical_date: datetime | None) -> Any:
    run = SimpleNamespace(logical_date=logical_date, run_after=datetime(2013, 1, 9, tzinfo=UTC))
    ti = SimpleNamespace(dag_id="elt__shop_eu", task_id="sync", run_id="r")
    return {"ti": ti, "dag_run": run, "params": {"date": date}, "dag": SimpleNamespace(tags=set())}


@pytest.mark.parametrize(
    ("date", "logical_date", "day"),
    [
        ("2013-01-01", datetime(2013, 1, 5, tzinfo=UTC), "2013-01-01"),
        (None, datetime(2013, 1, 5, tzinfo=UTC), "2013-01-05"),
        (None, None, "2013-01-09"),
    ],
)
def test_the_day_is_that_of_the_dump(date: str | None, logical_date: datetime | None, day: str):
    assert labels_of_context(context(date, logical_date))["day"] == day


def test_a_callback_takes_what_the_task_left_in_the_environment(monkeypatch: pytest.MonkeyPatch):
    for name, value in (("DAG_ID", "elt__shop_eu"), ("TASK_ID", "sync"), ("DAG_RUN_ID", "r")):
        monkeypatch.setenv(f"AIRFLOW_CTX_{name}", value)
    assert labels_here() == {"tributary": "job", "step": "sync", "database": "shop_eu", "run": "r"}
    monkeypatch.delenv("AIRFLOW_CTX_TASK_ID")
    assert labels_here() == {"tributary": "job", "step": "outside_tasks"}


def test_a_client_adds_its_labels_to_a_config_and_lets_it_have_its_own():
    client = Client("tributary-test", credentials=AnonymousCredentials())
    assert labels_of(client) == {}
    put_on(client, {"step": "sync"})
    assert labels_of(client) == {"step": "sync"}
    assert client.default_load_job_config.labels == {"step": "sync"}
    merged = QueryJobConfig(use_query_cache=False)._fill_from_default(client.default_query_job_config)
    assert (merged.labels, merged.use_query_cache) == ({"step": "sync"}, False)


def test_dbt_gets_the_labels_of_its_task_beside_its_environment():
    from tributary.dbt import label_jobs

    task = SimpleNamespace(env={"TRIBUTARY_DBT_DATASET": "shop_eu"})
    label_jobs({**context(None, None), "task": task})  # type: ignore[arg-type]
    assert task.env["TRIBUTARY_DBT_DATASET"] == "shop_eu"
    assert json.loads(task.env[job_labels.VARIABLE])["database"] == "shop_eu"
