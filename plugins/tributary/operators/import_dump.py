"""Imports a dump into a fresh staging database on the Cloud SQL instance."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from http import HTTPStatus
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from airflow.providers.google.cloud.operators.cloud_sql import CloudSQLImportInstanceOperator
from airflow.sdk.exceptions import AirflowRuntimeError

from tributary import naming
from tributary.contracts import Contract, Table
from tributary.dates import DUMP_DATE
from tributary.dead_letters.redaction import one_line
from tributary.drift.conforming import conform
from tributary.drift.of_run import decided
from tributary.errors import DumpReplacedError, ImportRefusedError, ImportTimeoutError
from tributary.forgetting.imports import leave_out
from tributary.hooks.clients import ops_store, staging_address, staging_server
from tributary.hooks.cloud_sql import CloudSqlHook, is_busy
from tributary.operators.outside_job import OutsideJobMixin
from tributary.policies import IMPORT_LIMIT
from tributary.resuming import Action, OutsideJob, decide
from tributary.settings import GOOGLE_CONNECTION
from tributary.staging import LoadMarker, mark_whole, read_marker, write_marker
from tributary.telemetry.lineage import Written, dump_object, imported
from tributary.telemetry.lineage_events import LineageMixin

if TYPE_CHECKING:
    from airflow.sdk import Context

# The server's default character set is latin1 on old ones; a dump's tables mostly state their own.
CHARSET = "character set utf8mb4 collate utf8mb4_general_ci"


class ImportDumpOperator(LineageMixin, OutsideJobMixin, CloudSQLImportInstanceOperator):
    """The provider's import, made resumable, deferred, and into a database of its own.

    The staging database is dropped and made anew, so that nothing of an earlier dump is left. A
    retry goes on with the import that an earlier try submitted, whether it still runs or is done
    (`tributary.resuming`). While another running run of the same database uses the staging database,
    the task steps back and comes again; also while the instance is busy. An import that still fills the
    database for a run that has ended, or from a dump that was replaced, is cancelled first, and so is the
    step's own one when it does not end within `execution_timeout`. What is imported is made to fit the tables of the
    `contract`, as pre-flight decided. Rows of people who are to be forgotten are left out, as it says whose they are.
    """

    # The provider's links need what only its own execute() stores.
    operator_extra_links = ()
    template_fields: Sequence[str] = (*CloudSQLImportInstanceOperator.template_fields, "dump_date")

    def __init__(
        self,
        *,
        database: str,
        instance: str,
        dump: Any,
        source_uri: str,
        preflight: Any = None,
        contract: Contract | None = None,
        **kwargs: Any,
    ) -> None:
        self.database = naming.staging_database(database)
        self.dump = dump
        self.preflight = preflight
        self.contract = contract
        self.tables: Mapping[str, Table] = contract.tables if contract else {}
        self.dump_date = DUMP_DATE
        body = {"importContext": {"fileType": "SQL", "uri": source_uri, "database": self.database}}
        super().__init__(instance=instance, body=body, gcp_conn_id=GOOGLE_CONNECTION, **kwargs)

    def execute(self, context: Context) -> Any:
        self._validate_body_fields()
        hook = self._hook()
        marker = read_marker(staging_server(self.instance), self.database)
        self._step_back_while_in_use(context, marker)
        begun = marker if marker and self._is_own(marker, context) and not marker.whole else None
        imports = hook.imports(self.instance, self.database)
        if begun:
            imports = _newer(imports, begun)
        decision = decide(imports, begun=begun is not None)
        if decision.action is Action.make_way and decision.job:
            # Nobody waits for it any more: no running run but this one has the staging database.
            self.log.warning("Cancelling import %s, which is not of this run's dump", decision.job.id)
            hook.cancel_operation(decision.job.id)
            self.step_back(context, f"import {decision.job.id} still fills {self.database}")
        name = decision.job.id if decision.job else self._submit(context, hook, imports)
        if decision.job:
            self.log.info("Going on with import %s of an earlier try", name)
        return self.wait_for_end(context, finished_operation, self._limit, name=name)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> dict[str, Any]:
        uri = self.body["importContext"]["uri"]
        if event["status"] == "error":
            raise RuntimeError(event["message"])
        if event["status"] == "timeout":
            self._hook().cancel_operation(event["name"])
            raise ImportTimeoutError(
                f"import {event['name']} of {uri} into {self.database} did not end within {self._limit}; "
                "it was cancelled. Cloud SQL's operations list says what it was doing"
            )
        if event["errors"]:
            raise ImportRefusedError(
                f"Cloud SQL could not import {uri} into {self.database}: "
                f"{'; '.join(event['errors'])}. The staging database is incomplete and nothing read it. "
                "Have the dump repaired or left again, then clear find_dump."
            )
        self._require_generation(context)
        mysql = staging_server(self.instance)
        conform(mysql, self.database, self.tables, decided(self.preflight, context))
        forgotten = {}
        if self.contract:
            of_run = {"dump_date": self.dump_date, "run_id": context["run_id"]}
            forgotten = leave_out(ops_store(), mysql, self.contract, self.database, **of_run)
        mark_whole(mysql, self.database, context["run_id"])
        return {"operation": event["name"], "database": self.database, **forgotten}

    def lineage(self, context: Context) -> list[Written]:
        dump = self.dump.resolve(context)
        source = dump_object(dump["bucket"], dump["name"], dump["generation"])
        return imported(self.tables, self.database, source, staging_address(self.instance))

    def _submit(self, context: Context, hook: CloudSqlHook, imports: list[OutsideJob]) -> str:
        """Make the staging database anew, note which import was the newest, submit; returns the operation."""
        dump, uri = self.dump.resolve(context), self.body["importContext"]["uri"]
        self._require_generation(context)
        newest = imports or hook.imports(self.instance, self.database)
        mysql = staging_server(self.instance)
        # By SQL and not by the Admin API, whose every operation the provider waits for in steps of 20 s.
        mysql.run(f"drop database if exists `{self.database}`")
        mysql.run(f"create database `{self.database}` {CHARSET}")
        marker = LoadMarker(
            context["run_id"],
            self.dump_date,
            dump["uri"],
            int(dump["generation"]),
            import_after=newest[0].id if newest else "",
        )
        write_marker(mysql, self.database, marker)
        try:
            operation = hook.submit_import(self.instance, self.body)
        except Exception as error:
            # The request may have arrived and its answer not. What is listed now is this step's own.
            arrived = _newer(hook.imports(self.instance, self.database), marker)
            if not arrived and is_busy(error):
                self.step_back(context, f"the instance {self.instance} takes no import now")
            if not arrived:
                raise
            operation = arrived[0].id
            self.log.warning("The answer to the submission was lost", exc_info=True)
        self.log.info("Submitted import %s of %s into %s", operation, uri, self.database)
        return operation

    def _require_generation(self, context: Context) -> None:
        """Raise DumpReplacedError unless the object still is the one that `find_dump` chose.

        An import names an object, not a generation of it. So the generation is looked at before the
        submission and after the import: what was read in between was the one that was checked. A
        cleaned copy has the generation in its name.
        """
        from airflow.providers.google.cloud.hooks.gcs import GCSHook

        dump = self.dump.resolve(context)
        if self.body["importContext"]["uri"] != dump["uri"]:
            return
        blob = GCSHook(gcp_conn_id=self.gcp_conn_id).get_conn().bucket(dump["bucket"]).get_blob(dump["name"])
        found = int(blob.generation or 0) if blob else None
        if found != int(dump["generation"]):
            state = "is gone" if found is None else f"is of generation {found} now"
            raise DumpReplacedError(
                f"the dump {dump['uri']} was chosen and checked as generation {dump['generation']}, and {state}. "
                "Clear find_dump, with everything downstream, to choose and check again."
            )

    def _is_own(self, marker: LoadMarker, context: Context) -> bool:
        dump = self.dump.resolve(context)
        own = (context["run_id"], dump["uri"], int(dump["generation"]))
        return (marker.run_id, marker.dump_uri, marker.dump_generation) == own

    def _step_back_while_in_use(self, context: Context, marker: LoadMarker | None) -> None:
        if marker is None or marker.run_id == context["run_id"]:
            return
        # Only a running one: what is queued executes nothing, and may be waiting for this very run to end, as a
        # cleared run does. It finds the staging database taken then, and begins at its import again.
        if _run_state(context, marker.run_id) == "running":
            self.step_back(context, f"run {marker.run_id} still uses the staging database {self.database}")

    @property
    def _limit(self) -> timedelta:
        return self.execution_timeout or IMPORT_LIMIT

    def _hook(self) -> CloudSqlHook:
        return CloudSqlHook(gcp_conn_id=self.gcp_conn_id, api_version=self.api_version)


def finished_operation(*, name: str, deadline: float) -> dict[str, Any] | None:
    """How a Cloud SQL operation ended; None while it runs. DONE may well be DONE with errors."""
    operation = CloudSqlHook(gcp_conn_id=GOOGLE_CONNECTION, api_version="v1beta4").get_operation(operation_name=name)
    if operation["status"] != "DONE":
        return {"status": "timeout", "name": name} if time.time() > deadline else None
    # MySQL quotes values of rows in its errors, and the triggerer logs what a trigger answers.
    errors = [
        one_line(error.get("message") or error.get("code") or "no message")
        for error in operation.get("error", {}).get("errors", [])
    ]
    return {"status": "done", "name": name, "errors": errors}


def _newer(imports: list[OutsideJob], marker: LoadMarker) -> list[OutsideJob]:
    """Those of the imports, newest first, that were submitted after the marker's note: its run's own."""
    return list(takewhile(lambda job: job.id != marker.import_after, imports))


def _run_state(context: Context, run_id: str) -> str:
    """The state of another run of this DAG; `removed` where it was deleted."""
    try:
        state: str = context["ti"].get_dagrun_state(dag_id=context["dag"].dag_id, run_id=run_id)
    except AirflowRuntimeError as error:
        # The task SDK has no named error for a run that does not exist. With any other error nobody knows
        # whether the run uses its staging database.
        if (error.error.detail or {}).get("status_code") == HTTPStatus.NOT_FOUND:
            return "removed"
        raise
    return state
