"""Imports a dump into a fresh staging database on the Cloud SQL instance."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.google.cloud.operators.cloud_sql import CloudSQLImportInstanceOperator
from airflow.sdk import timezone
from airflow.sdk.exceptions import AirflowRescheduleException

from tributary import naming
from tributary.dates import DUMP_DATE
from tributary.errors import ImportRefusedError
from tributary.hooks.cloud_sql import CloudSqlHook
from tributary.settings import GOOGLE_CONNECTION, Settings, mysql_connection
from tributary.staging import LoadMarker, read_marker, write_marker
from tributary.triggers.poll import poll_with

if TYPE_CHECKING:
    from airflow.sdk import Context

# The server's default character set is latin1 on old ones; a dump's tables mostly state their own.
CHARSET = "character set utf8mb4 collate utf8mb4_general_ci"
# Long enough for the scheduler to see that the task stepped back before it comes again.
STEP_BACK_SECONDS = 15
ACTIVE_RUN_STATES = ("queued", "running")


class ImportDumpOperator(CloudSQLImportInstanceOperator):
    """The provider's import, made resumable, deferred, and into a database of its own.

    The staging database is dropped and made anew, so that nothing of an earlier dump is left. A
    retry goes on waiting for an import of the same object that is still running. While another
    active run of the same database uses the staging database, the task steps back and comes again.
    """

    # The provider's links need what only its own execute() stores.
    operator_extra_links = ()
    template_fields: Sequence[str] = (*CloudSQLImportInstanceOperator.template_fields, "dump_date")

    def __init__(self, *, database: str, instance: str, dump: Any, source_uri: str, **kwargs: Any) -> None:
        self.database = naming.staging_database(database)
        self.dump = dump
        self.dump_date = DUMP_DATE
        body = {"importContext": {"fileType": "SQL", "uri": source_uri, "database": self.database}}
        super().__init__(instance=instance, body=body, gcp_conn_id=GOOGLE_CONNECTION, **kwargs)

    def execute(self, context: Context) -> dict[str, Any]:
        self._validate_body_fields()
        hook = CloudSqlHook(gcp_conn_id=self.gcp_conn_id, api_version=self.api_version)
        self._step_back_while_in_use(context)
        uri = self.body["importContext"]["uri"]
        operation = hook.unfinished_import(self.instance, self.database, uri)
        if operation:
            self.log.info("Import %s of %s is still running; waiting for it", operation, uri)
        else:
            self._fresh_database()
            operation = hook.submit_import(self.instance, self.body)
            self.log.info("Submitted import %s of %s into %s", operation, uri, self.database)
        settings = Settings.from_environment()
        self.defer(
            trigger=poll_with(finished_operation, settings.poll_seconds, name=operation),
            method_name="execute_complete",
            timeout=self.execution_timeout,
        )
        raise AssertionError("defer() does not return")

    def execute_complete(self, context: Context, event: dict[str, Any]) -> dict[str, Any]:
        if event["status"] == "error":
            raise RuntimeError(event["message"])
        if event["errors"]:
            raise ImportRefusedError(
                f"Cloud SQL could not import {self.body['importContext']['uri']} into {self.database}: "
                f"{'; '.join(event['errors'])}. The staging database is incomplete and nothing read it. "
                "Have the dump repaired or left again, then clear find_dump."
            )
        dump = self.dump.resolve(context)
        write_marker(
            self._mysql(),
            self.database,
            LoadMarker(context["run_id"], self.dump_date, dump["uri"], int(dump["generation"])),
        )
        return {"operation": event["name"], "database": self.database}

    def _step_back_while_in_use(self, context: Context) -> None:
        marker = read_marker(self._mysql(), self.database)
        if marker is None or marker.run_id == context["run_id"]:
            return
        if _run_state(context, marker.run_id) in ACTIVE_RUN_STATES:
            seconds = max(Settings.from_environment().poll_seconds, STEP_BACK_SECONDS)
            self.log.info("Run %s still uses the staging database %s", marker.run_id, self.database)
            raise AirflowRescheduleException(timezone.utcnow() + timedelta(seconds=seconds))

    def _fresh_database(self) -> None:
        # By SQL and not by the Admin API, whose every operation the provider waits for in steps of 20 s.
        mysql = self._mysql()
        mysql.run(f"drop database if exists `{self.database}`")
        mysql.run(f"create database `{self.database}` {CHARSET}")

    def _mysql(self) -> Any:
        from airflow.providers.mysql.hooks.mysql import MySqlHook

        return MySqlHook(mysql_conn_id=mysql_connection(self.instance))


def finished_operation(*, name: str) -> dict[str, Any] | None:
    """How a Cloud SQL operation ended; None while it runs. DONE may well be DONE with errors."""
    operation = CloudSqlHook(gcp_conn_id=GOOGLE_CONNECTION, api_version="v1beta4").get_operation(operation_name=name)
    if operation["status"] != "DONE":
        return None
    errors = [error.get("message") or error.get("code") for error in operation.get("error", {}).get("errors", [])]
    return {"status": "done", "name": name, "errors": errors}


def _run_state(context: Context, run_id: str) -> str:
    """The state of another run of this DAG; `removed` where it was deleted."""
    try:
        state: str = context["ti"].get_dagrun_state(dag_id=context["dag"].dag_id, run_id=run_id)
    except Exception:  # noqa: BLE001
        # The task SDK has no named error for a run that does not exist; a deleted run uses nothing.
        return "removed"
    return state
