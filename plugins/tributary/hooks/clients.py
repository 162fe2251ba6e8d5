"""The clients that tasks use, made from Airflow's connections when a task needs them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from tributary.hooks.patience import ANSWER_SECONDS, is_patient, riding_out
from tributary.ledger.store import OpsStore
from tributary.settings import GOOGLE_CONNECTION, Settings

if TYPE_CHECKING:
    from google.cloud.bigquery import Client


@riding_out
def bigquery_client() -> Client:
    """BigQuery as the Google connection says.

    Through `get_client`, not `get_conn`: the latter's discovery client does not read the variable
    BIGQUERY_EMULATOR_HOST as Google's own library does. What the client then does, Google's library
    tries again by itself, for up to ten minutes; without patience a query is asked once.
    """
    from airflow.providers.google.cloud.hooks.bigquery import BigQueryHook

    hook = BigQueryHook(gcp_conn_id=GOOGLE_CONNECTION)
    client = hook.get_client(project_id=hook.project_id, location=Settings.from_environment().location)
    if not is_patient():
        setattr(client, "query", partial(_ask_once, client.query))  # noqa: B010 - mypy forbids the assignment
    return client


def _ask_once(query: Any, sql: str, **options: Any) -> Any:
    """`Client.query`, of which neither a request nor the job is repeated."""
    once: dict[str, Any] = {"retry": None, "job_retry": None, "timeout": ANSWER_SECONDS}
    job = query(sql, **once, **options)
    job.result = partial(job.result, **once)
    return job


def ops_store() -> OpsStore:
    """The dataset `ops`."""
    return OpsStore(bigquery_client(), Settings.from_environment().location)
