"""Labels of BigQuery jobs: whose work a job is, for costs (`ops.costs`) and for people in BigQuery's console.

A job of a task has `tributary: job`, `step`, `run` and `day`; that of a database also `database` and `app`, the
consolidation's `database: consolidated`. A client carries them, so that no call of it has to. They reach a job's query
through its default configuration, dbt through the environment (macro `job_labels`).
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from tributary import naming
from tributary.dates import chosen_day

if TYPE_CHECKING:
    from google.cloud.bigquery import Client

Labels = dict[str, str]

# What BigQuery's manual allows in a label's value, without the letters of other alphabets; at most 63 of them.
_FORBIDDEN = re.compile(r"[^a-z0-9_-]")
_LENGTH = 63

OURS = {"tributary": "job"}
# The step of what a person runs.
COMMAND = "command"
# That of a callback which Airflow's DAG processor runs for a task that has died: it knows no task.
OUTSIDE = "outside_tasks"

# The environment of dbt: a JSON object.
VARIABLE = "TRIBUTARY_JOB_LABELS"


def value_of(text: str) -> str:
    """A text as a label's value: `scheduled__2013-01-01T02:00:00+00:00` -> `scheduled__2013-01-01t02_00_00_00_00`."""
    return _FORBIDDEN.sub("_", text.lower())[:_LENGTH]


def job_labels(step: str, **more: str | None) -> Labels:
    """The labels of a job of that step, with those of `database`, `app`, `run` and `day` that are given."""
    return {**OURS, "step": value_of(step), **{name: value_of(value) for name, value in more.items() if value}}


def labels_of_task(
    dag_id: str, task_id: str, run_id: str, *, tags: Iterable[str] = (), day: str | None = None
) -> Labels:
    """The labels of a task's jobs; `tags` are its DAG's, of which `app:<app>` counts."""
    database = naming.CONSOLIDATED if dag_id == naming.CONSOLIDATE_DAG else naming.database_of(dag_id)
    apps = [tag.removeprefix("app:") for tag in tags if tag.startswith("app:")]
    return job_labels(
        naming.step_of(task_id),
        database=database,
        app=apps[0] if apps else None,
        run=run_id,
        day=day if database else None,
    )


def labels_of_context(context: Mapping[str, Any]) -> Labels:
    """The labels of the jobs of the task that has this context."""
    ti, dag_run = context["ti"], context["dag_run"]
    day = chosen_day(context["params"].get("date"), dag_run.logical_date or dag_run.run_after)
    return labels_of_task(ti.dag_id, ti.task_id, ti.run_id, tags=context["dag"].tags, day=day)


def labels_here() -> Labels:
    """The labels of whatever this process is doing in Airflow, a task or a callback."""
    from airflow.sdk import get_current_context

    try:
        return labels_of_context(get_current_context())
    except RuntimeError:
        # After its `execute` a task has no context any more; its callbacks have what Airflow left in the environment.
        ids = [os.environ.get(f"AIRFLOW_CTX_{name}", "") for name in ("DAG_ID", "TASK_ID", "DAG_RUN_ID")]
        return labels_of_task(*ids) if all(ids) else job_labels(OUTSIDE)


def put_on(client: Client, labels: Labels) -> Client:
    """The client, whose queries and loads have these labels from now on. Copies take theirs from `labels_of`."""
    from google.cloud.bigquery import LoadJobConfig, QueryJobConfig

    client.default_query_job_config = QueryJobConfig(labels=labels)
    client.default_load_job_config = LoadJobConfig(labels=labels)
    return client


def labels_of(client: Client) -> Labels:
    """The labels of a client's jobs, for the kinds of job that have no defaults."""
    config = client.default_query_job_config
    return dict(config.labels) if config else {}


def environment(labels: Labels) -> dict[str, str]:
    """The variables with which dbt's jobs get these labels."""
    return {VARIABLE: json.dumps(labels)}
