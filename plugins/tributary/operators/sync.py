"""Copies the staging database to BigQuery with Airbyte."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.airbyte.operators.airbyte import AirbyteTriggerSyncOperator
from airflow.sdk import BaseHook

from tributary import naming
from tributary.airbyte import UNFINISHED, SyncPlan, ensure_connection, sync_jobs
from tributary.drift.columns import require_columns
from tributary.drift.of_run import database_of_run, decided
from tributary.hooks.airbyte import AirbyteHook
from tributary.hooks.clients import bigquery_client, bigquery_project, staging_address, staging_server
from tributary.ledger.store import execute as execute_sql
from tributary.operators.outside_job import OutsideJobMixin
from tributary.privacy.concealing import Concealment
from tributary.privacy.key import hash_key, require_policy_tag
from tributary.registry import Database
from tributary.resuming import Action, decide
from tributary.settings import AIRBYTE_CONNECTION, Settings, mysql_connection
from tributary.sqlfiles import render_sql
from tributary.staging import LoadMarker, columns_of, mark_sync, read_marker, require_own
from tributary.telemetry import senders
from tributary.telemetry.lineage import Written, synced
from tributary.telemetry.lineage_events import LineageMixin

if TYPE_CHECKING:
    from airflow.sdk import Context


class SyncOperator(LineageMixin, OutsideJobMixin, AirbyteTriggerSyncOperator):
    """The provider's sync, on a connection that is made to match the contract first.

    A dump that lacks a column of the contract fails at once: Airbyte would fill it with NULLs. Personal columns are
    hashed and masked before it reads them, or nothing is copied.
    A retry goes on with the job that an earlier try submitted, whether it still runs or is done
    (`tributary.resuming`); a job that an ended run left running is cancelled first, and so is the
    step's own one when it does not end within `execution_timeout`. Afterwards the raw dataset gets the
    marker that says which dump it holds. Returns `job_id`, `rows` and `bytes` as
    Airbyte counted them; whether they are right is for `reconcile` to say.
    """

    template_fields: Sequence[str] = ("airbyte_conn_id",)

    def __init__(self, *, database: Database, preflight: Any = None, **kwargs: Any) -> None:
        super().__init__(connection_id="", airbyte_conn_id=AIRBYTE_CONNECTION, deferrable=True, **kwargs)
        self.database = database
        self.preflight = preflight

    def execute(self, context: Context) -> Any:
        marker = self._own_marker(context)
        database = database_of_run(self.database, decided(self.preflight, context))
        require_columns(database, columns_of(self._mysql, self._staging))
        require_policy_tag(database.contract)
        concealment = self._concealment(database)
        hook = AirbyteHook(airbyte_conn_id=self.airbyte_conn_id, api_version=self.api_version)
        self.connection_id = ensure_connection(hook.airbyte_api, self._plan(database))
        # A job that began to read columns of another contract or key is not this try's own.
        begun = marker.sync_after is not None and concealment.is_done()
        jobs = sync_jobs(hook.airbyte_api, self.connection_id, (marker.sync_after or 0) if begun else 0)
        decision = decide(jobs, begun=begun)
        if decision.action is Action.make_way and decision.job:
            # It reads what the staging database held before, and would write over what is synced now.
            self.log.warning("Cancelling job %s, which a run that has ended left running", decision.job.id)
            hook.cancel_job(int(decision.job.id))
            self.step_back(context, f"job {decision.job.id} still reads {self._staging}")
        if decision.job:
            job_id = int(decision.job.id)
            self.log.info("Going on with job %s of an earlier try", job_id)
        else:
            concealment.conceal()
            # From here until this sync's end raw may be of two dumps, and nobody may build from it.
            load_marker = f"{naming.raw_dataset(self.database.name)}.{naming.LOAD_MARKER}"
            bigquery_client().delete_table(load_marker, not_found_ok=True)
            newest = int(jobs[0].id) if jobs else marker.sync_after or 0
            mark_sync(self._mysql, self._staging, context["run_id"], newest)
            job_id = hook.submit_sync_connection(connection_id=self.connection_id).job_id
            self.log.info("Submitted job %s", job_id)
        limit = self.execution_timeout or timedelta(seconds=self.timeout)
        return self.wait_for_end(context, finished_job, limit, job_id=job_id, connection=self.airbyte_conn_id)

    def execute_complete(self, context: Context, event: Any = None) -> dict[str, Any]:
        super().execute_complete(context, event)  # raises unless the job succeeded; cancels one that timed out
        marker = self._own_marker(context)
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
        # From here on a cleared sync is a new one.
        mark_sync(self._mysql, self._staging, context["run_id"], None)
        senders.synced(event["bytes"], database=self.database.name, app=self.database.app)
        return {"job_id": event["job_id"], "rows": event["rows"], "bytes": event["bytes"]}

    def lineage(self, context: Context) -> list[Written]:
        return synced(self.database, staging_address(self.database.cloud_sql_instance), bigquery_project())

    def on_kill(self) -> None:
        """Leave the job alone: the next try goes on with it, and another run's sync cancels it.

        The provider's would look for a job's number that only its own execute() keeps.
        """

    @property
    def _staging(self) -> str:
        return naming.staging_database(self.database.name)

    @property
    def _mysql(self) -> Any:
        return staging_server(self.database.cloud_sql_instance)

    def _concealment(self, database: Database) -> Concealment:
        return Concealment(self._mysql, self._staging, database.contract.tables, hash_key(database.contract))

    def _own_marker(self, context: Context) -> LoadMarker:
        marker = read_marker(self._mysql, self._staging)
        return require_own(marker, database=self.database.name, run_id=context["run_id"])

    def _plan(self, database: Database) -> SyncPlan:
        mysql = BaseHook.get_connection(mysql_connection(database.cloud_sql_instance))
        settings = Settings.from_environment()
        return SyncPlan.of(
            database,
            host=mysql.host or "",
            port=mysql.port or 3306,
            username=mysql.login or "",
            password=mysql.password or "",
            project=bigquery_client().project,
            location=settings.location,
        )


def finished_job(*, job_id: int, connection: str, deadline: float) -> dict[str, Any] | None:
    """How an Airbyte job ended, in the form that the provider's operator takes; None while it runs."""
    job = AirbyteHook(airbyte_conn_id=connection).get_job_details(job_id)
    state = getattr(job.status, "value", job.status)
    # How it ended counts for more than when: the triggerer may have been away meanwhile.
    if state in UNFINISHED:
        late = {"status": "timeout", "message": f"Airbyte job {job_id} did not end in time", "job_id": job_id}
        return late if time.time() > deadline else None
    if state == "succeeded":
        rows, size = job.rows_synced or 0, job.bytes_synced or 0
        return {"status": "success", "message": "", "job_id": job_id, "rows": rows, "bytes": size}
    status = "cancelled" if state == "cancelled" else "error"
    return {
        "status": status,
        "message": f"Airbyte job {job_id} ended {state}; Airbyte keeps its log under that number",
        "job_id": job_id,
    }
