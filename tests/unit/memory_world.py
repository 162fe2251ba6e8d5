"""A bucket, a Cloud SQL instance, Airbyte and BigQuery in memory, for the pipeline's own operators."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from airflow.providers.google.cloud.hooks.gcs import GCSHook
from airflow.providers.mysql.hooks.mysql import MySqlHook
from airflow.sdk.exceptions import TaskDeferred
from airflow.sdk.module_loading import import_string
from google.api_core.exceptions import NotFound

from tests.support.histories import Dump, Life, Run, moment_name
from tributary.contracts import Column, Contract, Models, Table
from tributary.dumps.selection import DumpObject, choose_dump
from tributary.ledger.compare import check_same_rows
from tributary.operators import import_dump, outside_job, sync
from tributary.operators.import_dump import ImportDumpOperator
from tributary.operators.sync import SyncOperator
from tributary.registry import Database
from tributary.resuming import JobState, OutsideJob
from tributary.staging import read_marker, require_own

NAME = "kiosk"
# With and without the last one: the contract changes.
COLUMNS = ("id", "text", "extra")
MORNING = datetime(2013, 1, 6, tzinfo=UTC)
# Rows of which nobody can say whose they are.
HALF = Dump(0, "half of something")
WORDS = {True: "ERROR 2013 (HY000) at line 3: Lost connection", False: "ERROR 1064 (42000) at line 3: syntax"}


@dataclass
class Job:
    """An import or a sync; `reads` is what it was given at its beginning."""

    id: int
    reads: Any
    columns: tuple[str, ...] = ()
    state: JobState = JobState.unfinished
    words: str = ""

    @property
    def listed(self) -> OutsideJob:
        return OutsideJob(str(self.id), self.state)


def columns_there(sql: str) -> list[tuple[str, ...]]:
    """The staging database's columns, with their comments where these are asked for."""
    return [("lines", column, *([""] if "column_comment" in sql else [])) for column in COLUMNS]


class MemoryWorld:
    """One database. A job works until it is waited for or `let_jobs_end` is called.

    `reads_late` says whether a job reads its source when it ends; otherwise it does when it begins.
    """

    steps = ("find_dump", "preflight", "import_dump", "sync", "reconcile", "land")

    def __init__(self) -> None:
        self.life = Life()
        self.states: dict[str, str] = {}
        self.reads_late = False
        self.objects: dict[str, tuple[DumpObject, Dump]] = {}
        self.uploads = 0
        self.imports: list[Job] = []
        self.syncs: list[Job] = []
        self.orders: dict[str, list[str]] = {"import_dump": [], "sync": []}
        # The staging database: what it holds and the row of its marker, None where it does not exist.
        self.staging: dict[str, Any] | None = None
        self.raw: dict[str, Any] = {"holds": None, "columns": (), "run_id": None}
        self.marts: dict[str, Dump] = {}
        self.landed: set[str] = set()
        self.wide = False
        self.patches = ExitStack()
        self._put_in_place()

    def close(self) -> None:
        self.patches.close()

    def _put_in_place(self) -> None:
        """The operators find this world where they look for the services."""
        settings = SimpleNamespace(poll_seconds=1.0, location="US")
        for place, name, stand_in in (
            (MySqlHook, "__init__", lambda hook, **which: None),
            (MySqlHook, "run", lambda hook, sql, **options: self._sql(sql, options)),
            (MySqlHook, "get_first", lambda hook, sql, parameters=None: self._first(sql)),
            # What every dump's one table has.
            (MySqlHook, "get_records", lambda hook, sql, parameters: columns_there(sql)),
            (GCSHook, "__init__", lambda hook, **which: None),
            (GCSHook, "get_conn", lambda hook: self._storage()),
            (import_dump, "CloudSqlHook", lambda **which: self._cloud_sql()),
            (outside_job.Settings, "from_environment", lambda: settings),
            (outside_job, "look_shortly", self._look_shortly),
            (sync, "AirbyteHook", lambda **which: self._airbyte()),
            (sync, "bigquery_client", lambda: SimpleNamespace(delete_table=self._forget_raw)),
            (sync, "execute_sql", self._mark_raw),
            (sync, "ensure_connection", lambda api, plan: "the connection"),
            (sync, "sync_jobs", lambda api, connection, after=0: [j for j in self.jobs("sync") if int(j.id) > after]),
            (SyncOperator, "_plan", lambda operator, database: None),
        ):
            self.patches.enter_context(patch.object(place, name, stand_in))

    # What a history asks of its world

    def leave_dump(self, dump: Dump, *, replaces: bool) -> tuple[str, int]:
        self.uploads += 1
        of_day = [name for name in self.objects if f"/{dump.day}/" in name]
        name = of_day[-1] if replaces and of_day else f"{NAME}/{dump.day}/{self.uploads}.sql"
        uploaded = MORNING + timedelta(seconds=self.uploads)
        self.objects[name] = (DumpObject("dumps", name, self.uploads, 100, uploaded), dump)
        return name, self.uploads

    def jobs(self, step: str) -> list[OutsideJob]:
        return [job.listed for job in reversed(self.imports if step == "import_dump" else self.syncs)]

    def change_contract(self) -> None:
        self.wide = not self.wide

    def trouble(self, step: str, *, passing: bool) -> None:
        self.orders[step].append(WORDS[passing])

    def slow(self, step: str) -> None:
        """Every job here is: it lasts until somebody waits for it."""

    def let_jobs_end(self) -> None:
        self._end_import()
        self._end_sync()

    def calm(self) -> None:
        for orders in self.orders.values():
            orders.clear()

    def violations(self, holds: Dump | None, landed: Mapping[str, Dump]) -> list[str]:
        found = [f"raw holds {self.raw['holds']}, expected {holds}"] if self.raw["holds"] != holds else []
        if holds and self.raw["columns"] != self.syncs_columns():
            found.append(f"raw has the columns {self.raw['columns']}, its sync was to bring {self.syncs_columns()}")
        seen = {day: self.marts[day] for day in self.landed}
        if seen != landed:
            found.append(f"readers see {seen}, expected {dict(landed)}")
        return found

    def syncs_columns(self) -> tuple[str, ...]:
        return next(job.columns for job in reversed(self.syncs) if job.state is JobState.succeeded)

    def try_step(self, step: str, run: Run) -> Any:
        if step == "find_dump":
            return self._find(run)
        context: Any = {
            "run_id": run.id, "dag": SimpleNamespace(dag_id="elt__kiosk"),
            "ti": SimpleNamespace(
                get_dagrun_state=lambda dag_id, run_id: self.states[run_id],
                get_first_reschedule_date=lambda context: None,
            ),
        }  # fmt: skip
        if step == "preflight":
            return self._preflight(run)
        if step == "reconcile":
            return self._reconcile(run)
        if step == "land":
            return self._land(run)
        try:
            return self._operator(step, run).execute(context)
        except TaskDeferred as deferral:
            trigger, method = deferral.trigger, deferral.method_name
        self.life.moment("wait", self._end_import if step == "import_dump" else self._end_sync)
        event = import_string(trigger.function)(**trigger.arguments)
        return getattr(self._operator(step, run), method)(context, event)

    # The steps that are no operators here: what they promise, by the functions that they are made of

    def _find(self, run: Run) -> dict[str, Any]:
        chosen = choose_dump([entry for entry, _ in self.objects.values()], NAME, run.day, "{database}/{date}/*.sql")
        assert chosen is not None
        return {**asdict(chosen), "uri": chosen.uri}

    def _preflight(self, run: Run) -> dict[str, Any]:
        chosen = run.done["find_dump"]
        entry, dump = self.objects[chosen["name"]]
        if entry.generation != chosen["generation"]:
            raise NotFound(f"No such object: {chosen['uri']}")
        return {"uri": chosen["uri"], "rows": len(dump.rows)}

    def _reconcile(self, run: Run) -> dict[str, int]:
        mysql: Any = MySqlHook()
        require_own(read_marker(mysql, NAME), database=NAME, run_id=run.id)
        assert self.staging is not None
        counts = (run.done["preflight"]["rows"], len(self.staging["holds"].rows), len(self._raw().rows))
        in_dump, staged, raw = ({"lines": rows} for rows in counts)
        check_same_rows(in_dump, staged, expected_in="the dump", found_in="the staging database", advice="")
        check_same_rows(staged, raw, expected_in="the staging database", found_in="raw", advice="")
        return raw

    def _land(self, run: Run) -> str:
        """As the steps from `validate_raw` to `validate_marts`: the day's old marts count no more while they change."""
        self.landed.discard(run.day)
        self.life.moment("build", lambda: self.marts.update({run.day: self._raw()}))
        self.landed.add(run.day)
        return run.day

    def _raw(self) -> Dump:
        holds: Dump = self.raw["holds"]
        return holds

    def _operator(self, step: str, run: Run) -> Any:
        columns = {"id": Column(type="int"), "text": Column(type="varchar(40)")}
        if self.wide:
            columns["extra"] = Column(type="int")
        contract = Contract(
            app="kiosk", models=Models.NONE, tables={"lines": Table(primary_key=("id",), columns=columns)}
        )
        if step == "sync":
            database = Database(
                name=NAME, contract=contract, owner="tests", cloud_sql_instance="staging", dump_pattern="",
                dump_wait=timedelta(hours=1),
            )  # fmt: skip
            return SyncOperator(task_id="sync", database=database, execution_timeout=timedelta(hours=1))
        dump = SimpleNamespace(resolve=lambda context: run.done["find_dump"])
        operator = ImportDumpOperator(
            task_id="import_dump", database=NAME, instance="staging", dump=dump,
            source_uri=run.done["preflight"]["uri"], execution_timeout=timedelta(hours=1),
        )  # fmt: skip
        operator.dump_date = run.day
        return operator

    # The bucket

    def _storage(self) -> Any:
        def blob(name: str) -> Any:
            return SimpleNamespace(generation=self.objects[name][0].generation) if name in self.objects else None

        return SimpleNamespace(bucket=lambda bucket: SimpleNamespace(get_blob=blob))

    # The Cloud SQL instance

    def _sql(self, sql: str, options: dict[str, Any]) -> None:
        self.life.moment(moment_name("run", [sql], options), lambda: self._do(sql, options.get("parameters") or ()))

    def _do(self, sql: str, parameters: Any) -> None:
        if sql.startswith("drop database"):
            self.staging = None
        elif sql.startswith("create database"):
            self.staging = {"holds": None, "table": False, "marker": None}
        elif sql.startswith("create table"):
            self._there()["table"] = True
        elif sql.startswith("insert into"):
            self._there()["marker"] = dict(zip(_columns_of(sql), parameters, strict=True))
        elif "set whole = true" in sql:
            self._update(parameters[0], whole=True)
        elif "set sync_after = %s" in sql:
            self._update(parameters[1], sync_after=parameters[0])
        else:
            raise AssertionError(f"this server does not know: {sql}")

    def _there(self) -> dict[str, Any]:
        assert self.staging is not None, "no such database"
        return self.staging

    def _update(self, run_id: str, **values: Any) -> None:
        marker = self._there()["marker"]
        if marker and marker["run_id"] == run_id:
            marker.update(values)

    def _first(self, sql: str) -> Any:
        table = bool(self.staging and self.staging["table"])
        if "information_schema" in sql:
            return (int(table),)
        marker = self._there()["marker"]
        return tuple(marker.values()) if marker else None

    def _cloud_sql(self) -> Any:
        def submit(instance: str, body: dict[str, Any]) -> str:
            return str(self.life.moment("submit_import", lambda: self._begin_import(body["importContext"]["uri"])))

        def operation(operation_name: str) -> dict[str, Any]:
            job = self.imports[int(operation_name) - 1]
            errors = {"error": {"errors": [{"message": job.words}]}} if job.words else {}
            return {"status": "RUNNING" if job.state is JobState.unfinished else "DONE", **errors}

        def cancel(operation_name: str) -> None:
            job = self.imports[int(operation_name) - 1]
            if job.state is JobState.unfinished:
                job.words, job.state = "cancelled", JobState.failed

        return SimpleNamespace(
            imports=lambda instance, database: self.jobs("import_dump"), submit_import=submit,
            get_operation=operation, cancel_operation=cancel,
        )  # fmt: skip

    def _begin_import(self, uri: str) -> int:
        assert not self._running(self.imports), "two imports into one database"
        self._there()["holds"] = HALF
        self.imports.append(Job(len(self.imports) + 1, uri.removeprefix("gs://dumps/")))
        if not self.reads_late:
            self.imports[-1].reads = self.objects[self.imports[-1].reads][1]
        return self.imports[-1].id

    def _end_import(self) -> None:
        for job in self._running(self.imports):
            job.words = self.orders["import_dump"].pop(0) if self.orders["import_dump"] else ""
            job.state = JobState.failed if job.words else JobState.succeeded
            dump = job.reads if isinstance(job.reads, Dump) else self.objects[job.reads][1]
            if self.staging is not None:
                self.staging["holds"] = HALF if job.words else dump

    # Airbyte and BigQuery

    def _airbyte(self) -> Any:
        def submit(connection_id: str) -> Any:
            return SimpleNamespace(job_id=self.life.moment("submit_sync_connection", self._begin_sync))

        def cancel(job_id: int) -> None:
            self.syncs[job_id - 1].state = JobState.failed

        def details(job_id: int) -> Any:
            state = self.syncs[job_id - 1].state
            status = "running" if state is JobState.unfinished else str(state)
            return SimpleNamespace(status=status, rows_synced=1, bytes_synced=1)

        return SimpleNamespace(
            airbyte_api=None, submit_sync_connection=submit, cancel_job=cancel, get_job_details=details
        )

    def _begin_sync(self) -> int:
        assert not self._running(self.syncs), "two syncs of one connection"
        columns = COLUMNS if self.wide else COLUMNS[:2]
        reads = None if self.reads_late else self._there()["holds"]
        self.syncs.append(Job(len(self.syncs) + 1, reads, columns))
        return self.syncs[-1].id

    def _end_sync(self) -> None:
        for job in self._running(self.syncs):
            job.words = self.orders["sync"].pop(0) if self.orders["sync"] else ""
            reads = job.reads or (self.staging["holds"] if self.staging else None)
            job.state = JobState.failed if job.words or reads is None else JobState.succeeded
            self.raw |= {"holds": HALF if job.state is JobState.failed else reads, "columns": job.columns}

    def _mark_raw(self, client: Any, sql: str, *, run_id: str, **row: Any) -> None:
        self.life.moment("execute_sql", lambda: self.raw.update(run_id=run_id))

    def _forget_raw(self, name: str, *, not_found_ok: bool) -> None:
        self.life.moment("delete_table", lambda: self.raw.update(run_id=None))

    def _look_shortly(self, ask: Callable[..., Any], **arguments: Any) -> Any:
        return self.life.moment("look_shortly", lambda: ask(**arguments))

    def _running(self, jobs: list[Job]) -> list[Job]:
        return [job for job in jobs if job.state is JobState.unfinished]


def _columns_of(insert: str) -> list[str]:
    return [column.strip() for column in insert.split("(")[1].split(")")[0].split(",")]
