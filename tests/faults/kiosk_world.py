"""One small database on a real local cloud, as a place for histories: every step is the pipeline's own operator."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import cached_property
from types import SimpleNamespace
from typing import Any

import httpx
from airflow.providers.airbyte.hooks.airbyte import AirbyteHook
from airflow.providers.mysql.hooks.mysql import MySqlHook
from airflow.sdk.exceptions import TaskDeferred
from airflow.sdk.module_loading import import_string

from tests.e2e.content import bigquery_content, content_of
from tests.integration.operators.conftest import BETWEEN_SECONDS, Kiosk
from tests.integration.operators.test_resumed_jobs import order
from tests.support.histories import Dump, Life, Run
from tributary import naming
from tributary.airbyte import sync_jobs
from tributary.contracts import Column
from tributary.hooks.clients import bigquery_client, staging_server
from tributary.hooks.cloud_sql import CloudSqlHook
from tributary.ledger.store import OpsStore
from tributary.operators import find_dump, outside_job, sync
from tributary.operators.find_dump import FindDumpOperator
from tributary.operators.import_dump import ImportDumpOperator
from tributary.operators.preflight import PreflightOperator
from tributary.operators.reconcile import ReconcileOperator
from tributary.operators.sync import SyncOperator
from tributary.resuming import JobState, OutsideJob
from tributary.settings import GOOGLE_CONNECTION

# Calls with which a step changes something outside, or waits for it.
MOMENTS = (
    (find_dump, "find"),
    (OpsStore, "record_counts"),
    (MySqlHook, "run"),
    (CloudSqlHook, "submit_import"),
    (outside_job, "look_shortly"),
    (AirbyteHook, "submit_sync_connection"),
    (sync, "execute_sql"),
)
SERVICES = {"import_dump": "sqladmin", "sync": "airbyte"}
# A job that lasts longer than the try that submitted it may live.
SLOW_SECONDS = 3
WORDS = {True: "ERROR 2013 (HY000) at line 3: Lost connection", False: "ERROR 1064 (42000) at line 3: syntax"}
AIRBYTE_COLUMNS = ("_airbyte_raw_id", "_airbyte_extracted_at", "_airbyte_meta", "_airbyte_generation_id")
SYSTEM_DATABASES = {"information_schema", "mysql", "performance_schema", "sys"}


class KioskWorld:
    """A kiosk whose table has a column `extra`, which the contract may leave out."""

    steps = ("find_dump", "preflight", "import_dump", "sync", "reconcile")

    def __init__(self, kiosk: Kiosk) -> None:
        self.life = Life()
        self.kiosk = kiosk
        self.states = kiosk.runs.states
        self.narrow = self.wide = kiosk.database
        table = kiosk.database.contract.tables["lines"]
        columns = {**table.columns, "extra": Column(type="int")}
        tables = {"lines": table.model_copy(update={"columns": columns})}
        contract = kiosk.database.contract.model_copy(update={"tables": tables})
        self.wide = kiosk.database.model_copy(update={"contract": contract})
        self.database = self.narrow
        # By the number of each sync, the columns that it was to bring.
        self.brought: dict[str, tuple[str, ...]] = {}
        kiosk.bucket.delete_blobs(list(kiosk.bucket.list_blobs(prefix=f"{kiosk.name}/")))

    @contextmanager
    def _watched(self) -> Iterator[None]:
        with ExitStack() as patches:
            for place, name in MOMENTS:
                patches.enter_context(self.life.watched(place, name))
            yield

    # What a history asks of its world

    def leave_dump(self, dump: Dump, *, replaces: bool) -> tuple[str, int]:
        folder = f"{self.kiosk.name}/{dump.day}"
        of_day = sorted(blob.name for blob in self.kiosk.bucket.list_blobs(prefix=f"{folder}/"))
        blob = self.kiosk.bucket.blob(of_day[-1] if replaces and of_day else f"{folder}/{dump.number:03}.sql")
        values = ",".join(str(row) for row in dump.rows)
        blob.upload_from_string(
            "DROP TABLE IF EXISTS `lines`;\n"
            "CREATE TABLE `lines` (`id` int NOT NULL, `text` varchar(40) NOT NULL, `extra` int NOT NULL, "
            f"PRIMARY KEY (`id`));\nINSERT INTO `lines` VALUES {values};\n"
        )
        blob.reload()
        return blob.name, int(blob.generation)

    def try_step(self, step: str, run: Run) -> Any:
        context: Any = {
            "run_id": run.id, "ti": self.kiosk.runs, "dag": SimpleNamespace(dag_id="elt__kiosk"),
            "params": {"force": False},
        }  # fmt: skip
        before = {job.id for job in self.jobs("sync")} if step == "sync" else set()
        with self._watched():
            try:
                return self._operator(step, run).execute(context)
            except TaskDeferred as deferral:
                trigger, method = deferral.trigger, deferral.method_name
            finally:
                if step == "sync":
                    new = {job.id for job in self.jobs("sync")} - before
                    self.brought |= dict.fromkeys(new, self._columns())
            ask = import_string(trigger.function)
            while (event := ask(**trigger.arguments)) is None:
                time.sleep(BETWEEN_SECONDS)
            return getattr(self._operator(step, run), method)(context, event)

    def jobs(self, step: str) -> list[OutsideJob]:
        if step == "import_dump":
            return self.cloud_sql.imports("staging", self.kiosk.name)
        try:
            return sync_jobs(self.airbyte, self.connection_id)
        except StopIteration:  # Airbyte does not know the database yet
            return []

    @cached_property
    def cloud_sql(self) -> CloudSqlHook:
        return CloudSqlHook(gcp_conn_id=GOOGLE_CONNECTION, api_version="v1beta4")

    @cached_property
    def airbyte(self) -> Any:
        return self.kiosk.airbyte

    @cached_property
    def connection_id(self) -> str:
        return self.kiosk.connection_id()

    def change_contract(self) -> None:
        self.database = self.narrow if self.database is self.wide else self.wide

    def trouble(self, step: str, *, passing: bool) -> None:
        if step == "import_dump":
            order(self.kiosk, "sqladmin", kind="operation_error", code="ERROR_RDBMS", message=WORDS[passing])
        else:
            order(self.kiosk, "airbyte", kind="stream_failed" if passing else "job_failed")

    def slow(self, step: str) -> None:
        order(self.kiosk, SERVICES[step], kind="delay", seconds=SLOW_SECONDS)

    def let_jobs_end(self) -> None:
        while any(job.state is JobState.unfinished for step in SERVICES for job in self.jobs(step)):
            time.sleep(0.2)

    def calm(self) -> None:
        for service in SERVICES.values():
            httpx.delete(f"http://127.0.0.1:{self.kiosk.cloud.ports[service]}/_faults").raise_for_status()

    def violations(self, holds: Dump | None, landed: Mapping[str, Dump]) -> list[str]:
        """Raw by its checksum, column for column, and everything that a history may have left over."""
        return [*(self._rows(holds) if holds else ()), *self._leftovers()]

    def _rows(self, holds: Dump) -> Iterator[str]:
        columns = self.brought[next(job.id for job in self.jobs("sync") if job.state is JobState.succeeded)]
        client, table = bigquery_client(), f"raw__{self.kiosk.name}.lines"
        found = {field.name for field in client.get_table(table).schema} - set(AIRBYTE_COLUMNS)
        if found != set(columns):
            yield f"{table} has the columns {sorted(found)}, its sync was to bring {columns}"
        elif (content := bigquery_content(client, table, columns)) != (wanted := content_of(holds.selected(columns))):
            yield f"{table} holds {content}, expected {wanted} of {holds}"

    def _leftovers(self) -> Iterator[str]:
        name, client = self.kiosk.name, bigquery_client()
        mysql = staging_server("staging")
        tables = {row[0] for row in mysql.get_records(f"show tables in `{name}`")}
        if tables != {"lines", naming.LOAD_MARKER}:
            yield f"the staging database has {sorted(tables)}"
        databases = {row[0] for row in mysql.get_records("show databases")} - SYSTEM_DATABASES
        if others := {other for other in databases if not other.startswith("kiosk_")}:
            yield f"the staging server has {sorted(others)}"
        raw = {table.table_id for table in client.list_tables(naming.raw_dataset(name))}
        if raw != {"lines", naming.LOAD_MARKER}:
            yield f"raw has the tables {sorted(raw)}"
        copies = [blob.name for blob in self.kiosk.bucket.list_blobs(prefix="_")]
        if copies:
            yield f"the bucket has {copies}"

    # The steps

    def _columns(self) -> tuple[str, ...]:
        return self.database.contract.tables["lines"].selected_columns

    def _operator(self, step: str, run: Run) -> Any:
        database, done = self.database, run.done
        operator: Any
        if step == "find_dump":
            operator = FindDumpOperator(
                task_id=step, database=database.name, dump_pattern=database.dump_pattern, dump_wait=database.dump_wait
            )
        elif step == "preflight":
            operator = PreflightOperator(task_id=step, database=database, dump=_given(done["find_dump"]))
        elif step == "import_dump":
            operator = ImportDumpOperator(
                task_id=step, database=database.name, instance="staging", dump=_given(done["find_dump"]),
                source_uri=done["preflight"]["uri"], execution_timeout=self.kiosk.import_limit,
            )  # fmt: skip
        elif step == "sync":
            operator = SyncOperator(task_id=step, database=database, execution_timeout=self.kiosk.import_limit)
        else:
            operator = ReconcileOperator(task_id=step, database=database, preflight=_given(done["preflight"]))
        operator.dump_date = run.day
        return operator


def _given(value: Any) -> Any:
    """What an operator takes as the output of another task."""
    return SimpleNamespace(resolve=lambda context: value)
