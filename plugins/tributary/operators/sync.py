"""Copies the staging database to BigQuery with Airbyte."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.providers.airbyte.hooks.airbyte import AirbyteHook
from airflow.providers.airbyte.operators.airbyte import AirbyteTriggerSyncOperator
from airflow.sdk import BaseHook

from tributary import naming
from tributary.airbyte import UNFINISHED, SyncPlan, ensure_connection, running_job
from tributary.hooks.clients import bigquery_client
from tributary.ledger.store import execute as execute_sql
from tributary.registry import Database
from tributary.settings import AIRBYTE_CONNECTION, Settings, mysql_connection
from tributary.sqlfiles import render_sql
from tributary.staging import read_marker, require_own
from tributary.triggers.poll import poll_with

if TYPE_CHECKING:
    from airflow.sdk import Context


class SyncOperator(AirbyteTriggerSyncOperator):
    """The provider's sync, on a connection that is made to match the contract first.

    A retry goes on waiting for a job of the connection that is still running. Afterwards the raw
    dataset gets the marker that says which dump it holds. Returns `job_id`, `rows` and `bytes` as
    Airbyte counted them; whether they are right is for `reconcile` to say.
    """

    template_fields: Sequence[str] = ("airbyte_conn_id",)

    def __init__(self, *, database: Database, **kwargs: Any) -> None:
        super().__init__(connection_id="", airbyte_conn_id=AIRBYTE_CONNECTION, deferrable=True, **kwargs)
        self.database = database

    def execute(self, context: Context) -> Any:
        require_own(self._marker(), database=self.database.name, run_id=context["run_id"])
        hook = AirbyteHook(airbyte_conn_id=self.airbyte_conn_id, api_version=self.api_version)
        self.connection_id = ensure_connection(hook.airbyte_api, self._plan())
        self.job_id = running_job(hook.airbyte_api, self.connection_id)
        if self.job_id is not None:
            self.log.info("Job %s of this connection is still running; waiting for it", self.job_id)
        else:
            self.job_id = hook.submit_sync_connection(connection_id=self.connection_id).job_id
            self.log.info("Submitted job %s", self.job_id)
        limit = self.execution_timeout.total_seconds() if self.execution_timeout else self.timeout
        self.defer(
            trigger=poll_with(
                finished_job,
                Settings.from_environment().poll_seconds,
                job_id=self.job_id,
                connection=self.airbyte_conn_id,
                deadline=time.time() + limit,
            ),
            method_name="execute_complete",
        )

    def execute_complete(self, context: Context, event: Any = None) -> dict[str, Any]:
        super().execute_complete(context, event)
        marker = require_own(self._marker(), database=self.database.name, run_id=context["run_id"])
        client = bigquery_client()
        raw = naming.raw_dataset(self.database.name)
        identifiers = {"dataset": raw, "table": naming.LOAD_MARKER}
        execute_sql(
            client,
            render_sql("raw/load_marker", **identifiers),
            database=self.database.name,
            dump_date=marker.dump_date,
            run_id=marker.run_id,
            dump_uri=marker.dump_uri,
            dump_generation=str(marker.dump_generation),
        )
        return {"job_id": event["job_id"], "rows": event["rows"], "bytes": event["bytes"]}

    def _marker(self) -> Any:
        from airflow.providers.mysql.hooks.mysql import MySqlHook

        hook = MySqlHook(mysql_conn_id=mysql_connection(self.database.cloud_sql_instance))
        return read_marker(hook, naming.staging_database(self.database.name))

    def _plan(self) -> SyncPlan:
        mysql = BaseHook.get_connection(mysql_connection(self.database.cloud_sql_instance))
        settings = Settings.from_environment()
        return SyncPlan.of(
            self.database,
            host=mysql.host or "",
            port=mysql.port or 3306,
            username=mysql.login or "",
            password=mysql.password or "",
            project=bigquery_client().project,
            location=settings.location,
        )


def finished_job(*, job_id: int, connection: str, deadline: float) -> dict[str, Any] | None:
    """How an Airbyte job ended, in the form that the provider's operator takes; None while it runs."""
    hook = AirbyteHook(airbyte_conn_id=connection)
    if time.time() > deadline:
        return {"status": "timeout", "message": f"Airbyte job {job_id} did not end in time", "job_id": job_id}
    job = hook.get_job_details(job_id)
    state = getattr(job.status, "value", job.status)
    if state in UNFINISHED:
        return None
    if state == "succeeded":
        rows, size = job.rows_synced or 0, job.bytes_synced or 0
        return {"status": "success", "message": "", "job_id": job_id, "rows": rows, "bytes": size}
    status = "cancelled" if state == "cancelled" else "error"
    return {
        "status": status,
        "message": f"Airbyte job {job_id} ended {state}; Airbyte keeps its log under that number",
        "job_id": job_id,
    }
